"""How long the form's answer takes must not tell what is known of an address (OWASP, account enumeration)."""

import random
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.clock import now
from app.newsletters.models import current_policy, current_wording
from app.product import Product
from app.subscriptions.models import SubscriptionStatus, SuppressionReason
from app.subscriptions.suppression import suppress
from tests import make

pytestmark = pytest.mark.slow

#: Requests measured in each state.
ROUNDS = 200
#: How far a state's median may lie from a new address's. Measured: 1.0 to 1.3; a suppressed address that is answered
#: at once: 0.5.
LOWEST, HIGHEST = 0.7, 1.6

STATES = ("new", "pending", "confirmed", "unsubscribed", "suppressed", "just-asked", "just-reminded")
ASKED_BEFORE = ("just-asked", "just-reminded")


def address(state: str, number: int) -> str:
    return f"{state}.{number}@reader.example"


def fill(session: Session, suppression_key: str) -> None:
    """Make one address for each measurement of each state that has rows."""
    yesterday = now() - timedelta(days=1)
    statuses = {
        "pending": SubscriptionStatus.PENDING,
        "confirmed": SubscriptionStatus.CONFIRMED,
        "unsubscribed": SubscriptionStatus.UNSUBSCRIBED,
        "just-asked": SubscriptionStatus.PENDING,
        "just-reminded": SubscriptionStatus.CONFIRMED,
    }
    for number in range(ROUNDS):
        for state, status in statuses.items():
            make.make_subscription(session, email=address(state, number), status=status, at=yesterday)
        suppress(
            session, email_key=address("suppressed", number), suppression_key=suppression_key,
            reason=SuppressionReason.COMPLAINT, source="test", now=yesterday,
        )  # fmt: skip


@pytest.fixture
def ask(client: FlaskClient, product: Product) -> Callable[[str], float]:
    """Sends the form with an address and returns the seconds to its answer."""
    with product.database.transaction() as session:
        fill(session, product.config.suppression_key)
        wording, policy = session.scalars(current_wording("fr")).one(), session.scalars(current_policy("fr")).one()
        texts = f"{wording.id}-{policy.id}"
    token = product.form_tokens.sign("form", f"{texts}-abc", at=now() - timedelta(minutes=1))

    def send(email: str) -> float:
        begun = time.perf_counter()
        response = client.post("/fr/subscribe", data={"email": email, "token": token})
        taken_s = time.perf_counter() - begun
        assert response.status_code == 303
        return taken_s

    return send


def test_the_answer_takes_as_long_whatever_we_know_of_the_address(ask: Callable[[str], float]) -> None:
    for number in range(ROUNDS):
        for state in ASKED_BEFORE:
            ask(address(state, number))
    shuffle = random.Random(20260317)
    times_s: dict[str, list[float]] = {state: [] for state in STATES}
    for number in range(ROUNDS):
        # In turns and in no fixed order, so that whatever else the machine does meets all states alike.
        for state in shuffle.sample(STATES, len(STATES)):
            times_s[state].append(ask(address(state, number)))
    medians_s = {state: statistics.median(times) for state, times in times_s.items()}
    ratios = {state: round(median / medians_s["new"], 2) for state, median in medians_s.items()}
    assert not {state: ratio for state, ratio in ratios.items() if not LOWEST <= ratio <= HIGHEST}
