"""The form when it is used too often: what it answers, what it tells nobody, and how people get through."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from altcha import Challenge, Payload, solve_challenge
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app import create_app
from app.newsletters.defaults import install_defaults
from app.product import Product
from app.subscriptions.form.counters import SignupHour
from app.subscriptions.models import Subscriber
from config import Config
from tests import make
from tests.conftest import NOW
from tests.web.visitor import counts, form_token

MINUTE = timedelta(minutes=1)
ANYBODY = "192.0.2.7"


class Visitor:
    """Somebody at a moment, with an address on the network."""

    def __init__(self, client: FlaskClient, product: Product) -> None:
        self.client, self.product = client, product
        with time_machine.travel(NOW - MINUTE, tick=False):
            self.token = form_token(client)

    def send(
        self, email: str = "alice@reader.example", *, network: str = ANYBODY, after: timedelta = timedelta(),
        target: str = "/fr/subscribe", headers: dict[str, str] | None = None, **fields: str,
    ) -> TestResponse:  # fmt: skip
        """Send the form at NOW, or `after` a while."""
        with time_machine.travel(NOW + after, tick=False):
            return self.client.post(
                target, data={"email": email, "token": self.token, **fields}, headers=headers,
                environ_overrides={"REMOTE_ADDR": network},
            )  # fmt: skip

    def letters(self) -> int:
        """How many letters there are."""
        return counts(self.product)["deliveries"]


@pytest.fixture
def visitor(client: FlaskClient, product: Product) -> Visitor:
    return Visitor(client, product)


def test_the_sixth_sign_up_of_a_network_is_asked_to_wait(visitor: Visitor) -> None:
    answers = [visitor.send(f"r{number}@reader.example") for number in range(6)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "600"
    assert "Réessayez dans 10 minutes" in answers[-1].text
    assert visitor.letters() == 5
    assert counts(visitor.product)["subscribers"] == 5


def test_the_wait_is_told_in_both_languages_and_in_the_frame(visitor: Visitor) -> None:
    for number in range(5):
        visitor.send(f"r{number}@reader.example")
    with time_machine.travel(NOW - MINUTE, tick=False):
        visitor.token = form_token(visitor.client, path="/en/")
    answer = visitor.send("six@reader.example", target="/en/subscribe?embedded")
    assert (answer.status_code, "Try again in 10 minutes; nothing is lost" in answer.text) == (429, True)
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]


def test_the_wait_tells_nothing_of_the_address(visitor: Visitor, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email="known@reader.example")
    for number in range(5):
        visitor.send(f"r{number}@reader.example")
    answers = [visitor.send(email) for email in ("known@reader.example", "r1@reader.example", "new@reader.example")]
    assert len({(answer.status_code, answer.data, str(answer.headers)) for answer in answers}) == 1


def test_addresses_of_one_ipv6_line_count_as_one(visitor: Visitor) -> None:
    line = [f"2001:db8:1:2:{number:x}::{number}" for number in range(1, 7)]
    answers = [visitor.send(f"r{number}@reader.example", network=each) for number, each in enumerate(line)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert visitor.send("next@reader.example", network="2001:db8:1:3::1").status_code == 303


def test_a_forwarded_address_of_the_senders_own_making_counts_for_nothing(visitor: Visitor) -> None:
    answers = [
        visitor.send(f"r{number}@reader.example", headers={"X-Forwarded-For": f"203.0.113.{number}"})
        for number in range(6)
    ]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize(
    "written", ["203.0.113.{}", "203.0.113.{}:50123", "[2001:db8:0:{}::1]", "[2001:db8:0:{}::1]:443"]
)
def test_behind_a_proxy_readers_are_told_apart(config: Config, app: Flask, written: str) -> None:
    """Some proxies add the port."""
    behind = create_app(replace(config, trusted_proxies=1))
    visitor = Visitor(behind.test_client(), behind.extensions["vigie"])
    answers = [
        visitor.send(
            f"r{number}@reader.example", headers={"X-Forwarded-For": f"198.51.100.1, {written.format(number)}"}
        )
        for number in range(6)
    ]
    assert {answer.status_code for answer in answers} == {303}
    visitor.product.database.dispose()


def test_a_mailbox_asked_for_again_gets_the_same_answer_and_no_letter(visitor: Visitor) -> None:
    first, before = visitor.send(), counts(visitor.product)
    spellings = ("Alice+2@Reader.example", "alice@reader.example", "ALICE+x@reader.EXAMPLE")
    for number, spelling in enumerate(spellings):
        again = visitor.send(spelling, network=f"198.51.100.{number}", after=14 * MINUTE)
        assert (again.status_code, again.data, str(again.headers)) == (303, first.data, str(first.headers))
    after = counts(visitor.product)
    assert {name for name in after if after[name] != before[name]} == {"signup_counters"}
    visitor.send("Alice+2@Reader.example", after=15 * MINUTE)
    with visitor.product.database.reading() as session:
        found = session.scalars(select(Subscriber.email).order_by(Subscriber.id)).all()
    assert found == ["alice@reader.example", "Alice+2@reader.example"], "folded for counting, never for sending"


def test_what_could_not_be_stored_has_cost_nothing(visitor: Visitor, product: Product) -> None:
    real, visitor.token = visitor.token, product.form_tokens.sign("form", "998-999-abc", at=NOW - MINUTE)
    assert visitor.send().status_code == 422
    visitor.token = real
    assert visitor.send().status_code == 303
    assert visitor.letters() == 1


def test_a_confirmation_clears_the_mailbox(visitor: Visitor, product: Product) -> None:
    visitor.send()
    with product.database.reading() as session:
        [subscriber] = session.scalars(select(Subscriber))
        [subscription] = subscriber.subscriptions
    before = counts(product)["signup_counters"]
    with time_machine.travel(NOW + MINUTE, tick=False):
        token = product.link_tokens.sign("confirm", subscription.confirmation_id or "", at=NOW)
        assert visitor.client.post(f"/fr/confirm/{token}").status_code == 303
    assert counts(product)["signup_counters"] == before - 3


@pytest.mark.parametrize(("was_confirmed", "cleared"), [(True, 3), (False, 0)])
def test_leaving_clears_the_mailbox_of_a_reader_and_of_nobody_who_never_confirmed(
    visitor: Visitor, product: Product, was_confirmed: bool, cleared: int
) -> None:
    visitor.send()
    with product.database.transaction() as session:
        [subscriber] = session.scalars(select(Subscriber))
        [subscription] = subscriber.subscriptions
        if was_confirmed:
            subscription.confirm(NOW)
    before = counts(product)["signup_counters"]
    path = product.links.unsubscribe("fr", subscription.public_id).removeprefix(product.config.public_url)
    with time_machine.travel(NOW + MINUTE, tick=False):
        assert visitor.client.post(path).status_code == 200
    assert counts(product)["signup_counters"] == before - cleared


@pytest.fixture
def busy(config: Config, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A visitor while the breaker is open; the parameter is what proves that somebody means it."""
    kind = getattr(request, "param", "breaker")
    app = create_app(replace(config, signups=replace(config.signups, proof_of_work=kind, breaker_floor=1)))
    wired: Product = app.extensions["vigie"]
    with wired.database.transaction() as session:
        install_defaults(session, config, NOW)
        if kind != "always":
            session.add(SignupHour(hour=NOW, letters=1, official=0, threshold=1))
    yield Visitor(app.test_client(), wired)
    wired.database.dispose()


def field(page: str, name: str) -> str:
    """The value of a hidden field."""
    match = re.search(rf'name="{name}" value="([^"]*)"', page)
    return match.group(1) if match else ""


def work(page: str) -> str:
    """Do the work that a page asks for, as its script does."""
    match = re.search(r'data-challenge="([^"]+)"', page)
    assert match
    challenge = Challenge.from_dict(json.loads(unescape(match.group(1))))
    solution = solve_challenge(challenge)
    assert solution
    return base64.b64encode(json.dumps(Payload(challenge, solution).to_dict()).encode()).decode()


def test_while_the_breaker_is_open_the_form_comes_back_with_a_way_through(busy: Visitor) -> None:
    before = counts(busy.product)
    answer = busy.send()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "attendez 1 minute sur cette page" in answer.text
    assert 'value="alice@reader.example"' in answer.text
    assert 'role="alert"' in answer.text
    assert "data-challenge" in answer.text
    assert counts(busy.product) == before, "asking for proof costs nobody anything"


@pytest.mark.parametrize("busy", ["off", "breaker", "always"], indirect=True)
def test_whoever_waits_a_minute_passes_without_script(busy: Visitor) -> None:
    page = busy.send().text
    early = busy.send(waited=field(page, "waited"), after=timedelta(seconds=59))
    assert early.status_code == 503
    assert field(early.text, "waited") == field(page, "waited"), "waiting goes on, it does not begin anew"
    assert busy.send(waited=field(early.text, "waited"), after=MINUTE).status_code == 303
    assert busy.letters() == 1


def test_a_wait_is_good_for_its_mailbox_only_and_not_for_long(busy: Visitor) -> None:
    waited = field(busy.send().text, "waited")
    assert busy.send("bob@reader.example", waited=waited, after=2 * MINUTE).status_code == 503
    assert busy.send(waited=waited, after=61 * MINUTE).status_code == 303, "in the next hour the breaker is closed"
    with busy.product.database.transaction() as session:
        session.add(SignupHour(hour=NOW + timedelta(hours=2), letters=1, official=0, threshold=1))
    assert busy.send(waited=waited, after=timedelta(hours=2)).status_code == 503
    for forged in ("x", waited[:-1] + "A", busy.token):
        assert busy.send(waited=forged, after=timedelta(hours=2)).status_code == 503


@pytest.mark.parametrize("busy", ["breaker", "always"], indirect=True)
def test_work_passes_once(busy: Visitor) -> None:
    with time_machine.travel(NOW, tick=False):
        proof = work(busy.client.get("/fr/").text)
    assert busy.send(proof=proof).status_code == 303
    assert busy.send("bob@reader.example", proof=proof).status_code == 503
    assert busy.letters() == 1


@pytest.mark.parametrize("busy", ["off"], indirect=True)
def test_no_work_is_asked_for_where_it_is_off(busy: Visitor) -> None:
    with time_machine.travel(NOW, tick=False):
        assert "data-challenge" not in busy.client.get("/fr/").text
    assert "data-challenge" not in busy.send().text


def test_on_an_ordinary_day_nothing_is_asked_for(client: FlaskClient, visitor: Visitor) -> None:
    for path in ("/fr/", "/en/embed"):
        page = client.get(path).text
        assert "proof" not in page
        assert "waited" not in page
    assert visitor.send(proof="nonsense", waited="nonsense").status_code == 303


def test_being_asked_for_proof_tells_nothing_of_the_address(busy: Visitor) -> None:
    with busy.product.database.transaction() as session:
        make.make_subscription(session, email="known@reader.example")
    pages = {
        re.sub(r'name="(?:waited|token)" value="[^"]*"|data-challenge="[^"]*"', "", busy.send(email).text).replace(
            email, ""
        )
        for email in ("known@reader.example", "new@reader.example")
    }
    assert len(pages) == 1
