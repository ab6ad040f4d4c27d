"""How long the form's answer takes must not tell what is known of an address (OWASP, account enumeration)."""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.clock import now
from app.newsletters.models import current_policy, current_wording
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus, SuppressionReason
from app.subscriptions.suppression import suppress
from config import Config
from tests import make
from tests.conftest import ON_POSTGRESQL, ON_SQLITE, make_config

pytestmark = pytest.mark.slow

#: Requests measured in each state.
ROUNDS = 100
#: How far a state's median may lie from a new address's. Measured: 1.0 to 1.4; a suppressed address that is answered
#: at once: 0.5.
LOWEST, HIGHEST = 0.7, 1.6

#: An undeliverable address is suppressed for its hard bounce, an erased one for its erasure. The two last were asked
#: for a moment ago: no letter goes, since their mailboxes have had theirs.
ASKED_BEFORE = ("just-asked", "just-reminded")
STATES = ("new", "restricted", *SubscriptionStatus, *SuppressionReason, *ASKED_BEFORE)


def address(state: str, number: int) -> str:
    return f"{state}.{number}@reader.example"


def fill(session: Session, suppression_key: str) -> None:
    """Make one address for each measurement of each state that has rows."""
    yesterday = now() - timedelta(days=1)
    statuses = {
        **{str(status): status for status in SubscriptionStatus},
        "restricted": SubscriptionStatus.CONFIRMED,
        "just-asked": SubscriptionStatus.PENDING,
        "just-reminded": SubscriptionStatus.CONFIRMED,
    }
    for number in range(ROUNDS):
        for state, status in statuses.items():
            reader = make.make_subscription(session, email=address(state, number), status=status, at=yesterday)
            reader.subscriber.restricted_at = yesterday if state == "restricted" else None
        for reason in SuppressionReason:
            suppress(
                session, email_key=address(reason, number), suppression_key=suppression_key, reason=reason,
                source="test", now=yesterday,
            )  # fmt: skip


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """Settings under which one network may ask for thousands of addresses of a domain; mailboxes keep their limits."""
    config, many = make_config(database_url, tmp_path), 1_000_000
    signups = replace(
        config.signups, per_network=many, per_network_daily=many, per_domain_hourly=many, breaker_floor=many
    )
    return replace(config, signups=signups, bursts=replace(config.bursts, posts_per_minute=many))


@pytest.fixture
def ask(client: FlaskClient, product: Product) -> Callable[[str], tuple[float, str]]:
    """Sends the form with an address and returns the seconds to its answer, and the answer."""
    with product.database.transaction() as session:
        fill(session, product.config.suppression_key)
        wording, policy = session.scalars(current_wording(1, "fr")).one(), session.scalars(current_policy("fr")).one()
        texts = f"{wording.id}-{policy.id}"
    token = product.form_tokens.sign("form", f"{texts}-abc", at=now() - timedelta(minutes=1))

    def send(email: str) -> tuple[float, str]:
        begun = time.perf_counter()
        response = client.post("/fr/subscribe", data={"email": email, "token": token})
        taken_s = time.perf_counter() - begun
        return taken_s, f"{response.status}\n{response.headers}\n{response.text}"

    return send


@pytest.fixture
def ask_for_data(client: FlaskClient, ask: Callable[[str], tuple[float, str]]) -> Callable[[str], tuple[float, str]]:
    """Sends the form of data links with an address and returns the seconds to its answer, and the answer."""

    def send(email: str) -> tuple[float, str]:
        begun = time.perf_counter()
        response = client.post("/fr/my-data", data={"email": email})
        taken_s = time.perf_counter() - begun
        return taken_s, f"{response.status}\n{response.headers}\n{response.text}"

    return send


@ON_POSTGRESQL
def test_the_answer_is_the_same_and_takes_as_long_whatever_we_know_of_the_address(
    ask: Callable[[str], tuple[float, str]],
) -> None:
    check_evenness(ask)


@ON_SQLITE
def test_the_form_of_data_links_answers_the_same_and_as_fast_whatever_we_know(
    ask_for_data: Callable[[str], tuple[float, str]],
) -> None:
    check_evenness(ask_for_data)


def check_evenness(ask: Callable[[str], tuple[float, str]]) -> None:
    """Send the form for each address in turns: no state may show, neither in the answer nor in how long it takes."""
    for number in range(ROUNDS):
        for state in ASKED_BEFORE:
            ask(address(state, number))
    shuffle = random.Random(20260317)
    times_s: dict[str, list[float]] = {state: [] for state in STATES}
    answers = set()
    for number in range(ROUNDS):
        # In turns and in no fixed order, so that whatever else the machine does meets all states alike.
        for state in shuffle.sample(STATES, len(STATES)):
            taken_s, answer = ask(address(state, number))
            times_s[state].append(taken_s)
            answers.add(answer)
    assert len(answers) == 1
    assert answers.pop().startswith("303")
    medians_s = {state: statistics.median(times) for state, times in times_s.items()}
    ratios = {state: round(median / medians_s["new"], 2) for state, median in medians_s.items()}
    assert not {state: ratio for state, ratio in ratios.items() if not LOWEST <= ratio <= HIGHEST}, ratios
