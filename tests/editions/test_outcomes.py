"""How an edition's copies stand by provider, and how fast they went, without reading them."""

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.delivery.claims import claim, release
from app.delivery.endings import Settlement
from app.delivery.engine import Engine
from app.delivery.expiry import expire_copies
from app.delivery.models import Delivery, DeliveryState
from app.delivery.senders import ProviderOutcomes, Pulse
from app.delivery.settling import settle
from app.editions import counts
from app.editions.audience import cancel_edition, finish_editions
from app.editions.copies import EDITION, edition_letters
from app.editions.counts import count_editions, read_progress
from app.editions.models import Edition, EditionStatus
from app.editions.outcomes import LEAST_NAMED, Outcomes, count_outcomes, read_outcomes, read_standings
from app.editions.records import EditionCount
from app.editions.retry import Retry, retry_copies
from app.feedback.intake import envelope_of
from app.mail.memory import MemoryTransport
from app.mail.replies import Verb, classify
from app.mail.transport import Outcome, OutcomeKind, Outgoing
from app.product import Product
from tests import make
from tests.conftest import NOW
from tests.editions.press import make_draft, start
from tests.statements import statements

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")
REPLIES = {
    "dead": classify(Verb.RCPT, 550, "5.1.1 no such user"),
    "full": classify(Verb.RCPT, 452, "4.2.2 mailbox full"),
    "spam": classify(Verb.CONTENT, 550, "5.7.1 looks like spam"),
    "silent": Outcome(OutcomeKind.UNCERTAIN, text="no reply"),
}


@pytest.fixture
def edition_id(product: Product) -> int:
    """An edition under way to three providers: one is public, one has many readers, one has few."""
    addresses = [f"{name}@gmail.com" for name in ("a", "dead", "full")] + ["b@googlemail.com"]
    addresses += [f"r{number}@many.example" for number in range(LEAST_NAMED)] + ["silent@few.example"]
    with product.database.transaction() as session:
        for address in addresses:
            make.make_subscription(session, email=address)
        edition = make_draft(session)
        start(session, product, edition)
        return edition.id


def send(product: Product, *, now: datetime = NOW, replies: dict[str, Outcome] | None = None) -> None:
    """Send all that is due; what a mailbox replies hangs on its name."""
    said = REPLIES if replies is None else replies

    def answer(outgoing: Outgoing) -> Outcome:
        return said.get(outgoing.recipient.partition("@")[0], ACCEPTED)

    Engine(
        database=product.database, compose=edition_letters(product.config, product.links),
        transport=MemoryTransport(answer), envelope=envelope_of(product.config),
        journal_dir=product.config.journal_dir,
    ).run_once(now, threading.Event())  # fmt: skip


def outcomes(product: Product, edition_id: int, *, now: datetime = NOW) -> Outcomes:
    with product.database.reading() as session:
        return read_outcomes(session, edition=session.get_one(Edition, edition_id), now=now)


def told(product: Product, edition_id: int) -> dict[str, dict[str, int]]:
    """The standings that are not 0, by provider."""
    return {
        each.provider: {name: value for name, value in vars(each).items() if value and name != "provider"}
        for each in outcomes(product, edition_id).standings
    }


def count_all(product: Product, edition_id: int) -> None:
    with product.database.transaction() as session:
        count_outcomes(session, edition_id=edition_id)


def test_all_wait_at_first_and_few_readers_are_not_told_by_their_domain(product: Product, edition_id: int) -> None:
    assert told(product, edition_id) == {
        "many.example": {"waiting": LEAST_NAMED}, "gmail.com": {"waiting": 4}, "": {"waiting": 1},
    }  # fmt: skip
    assert outcomes(product, edition_id).paces == []


def test_what_senders_add_is_what_a_count_of_all_finds(product: Product, edition_id: int) -> None:
    send(product)
    added = told(product, edition_id)
    assert added == {
        "many.example": {"accepted": LEAST_NAMED},
        "gmail.com": {"accepted": 2, "rejected": 1, "deferred": 1},
        "": {"uncertain": 1},
    }
    count_all(product, edition_id)
    assert told(product, edition_id) == added
    send(product, now=NOW + timedelta(hours=5), replies={})
    added = told(product, edition_id)
    assert added["gmail.com"] == {"accepted": 3, "rejected": 1}
    assert added[""] == {"accepted": 1}
    count_all(product, edition_id)
    assert told(product, edition_id) == added


def test_copies_that_are_tried_once_more_wait_again(product: Product, edition_id: int) -> None:
    send(product, replies={"dead": REPLIES["spam"]})
    with product.database.transaction() as session:
        finish_editions(session, now=NOW)
        retry_copies(session, edition_id=edition_id, retry=Retry.REJECTED, actor="ada@desk.example", now=NOW)
    assert told(product, edition_id)["gmail.com"] == {"accepted": 3, "deferred": 1}
    send(product, replies={})
    assert told(product, edition_id)["gmail.com"] == {"accepted": 4}


def test_the_end_of_an_edition_sets_right_what_senders_could_not_know(product: Product, edition_id: int) -> None:
    send(product, replies={})
    with product.database.transaction() as session:
        session.execute(update(Delivery).where(Delivery.id == 1).values(state=DeliveryState.CANCELLED))
        finish_editions(session, now=NOW)
    count_editions(product.database, now=NOW)
    assert told(product, edition_id)["gmail.com"] == {"accepted": 3, "given_up": 1}


def test_an_edition_of_which_nothing_was_counted_has_no_picture(product: Product, edition_id: int) -> None:
    with product.database.transaction() as session:
        session.query(ProviderOutcomes).delete()
    send(product)
    assert told(product, edition_id) == {}


def test_speed_is_told_by_steps_of_ten_seconds_of_late(product: Product, edition_id: int) -> None:
    add_pulses(product, edition_id, {NOW - timedelta(minutes=9): 900, NOW - timedelta(minutes=1): 50, NOW: 20})
    paces = outcomes(product, edition_id, now=NOW + timedelta(seconds=3)).paces
    assert [pace.per_second for pace in paces] == [5, 0, 0, 0, 0, 0, 2]
    assert (paces[0].at, paces[0].step) == (NOW - timedelta(minutes=1), timedelta(seconds=10))


def test_the_speed_of_a_run_that_is_over_is_told_until_most_had_ended(product: Product, edition_id: int) -> None:
    minutes = {NOW + timedelta(minutes=minute): 60 for minute in range(40)}
    add_pulses(product, edition_id, {**minutes, NOW + timedelta(days=1): 5})
    with product.database.transaction() as session:
        session.get_one(Edition, edition_id).finished_at = NOW + timedelta(days=2)
    paces = outcomes(product, edition_id, now=NOW + timedelta(days=3)).paces
    assert len(paces) <= 60
    assert paces[-1].at < NOW + timedelta(minutes=40)
    assert sum(pace.per_second * pace.step.total_seconds() for pace in paces) == pytest.approx(2400)


def add_pulses(product: Product, edition_id: int, settled: dict[datetime, int]) -> None:
    with product.database.transaction() as session:
        for at, number in settled.items():
            for sender, part in (("a-1", number // 2), ("b-2", number - number // 2)):
                session.add(Pulse(edition_id=edition_id, at=at, sender=sender, settled=part))


def test_neither_reads_the_copies(product: Product, edition_id: int) -> None:
    with statements(product.database) as asked:
        outcomes(product, edition_id)
    assert len(asked) == 3
    assert not [statement for statement in asked if "deliveries" in statement]


def test_an_edition_that_was_called_off_is_counted_once_nothing_of_it_is_in_hand(
    product: Product, edition_id: int
) -> None:
    with product.database.transaction() as session:
        [copy, *_] = in_hand = claim(session, owner="one", kinds={EDITION}, now=NOW)
        cancel_edition(session, edition_id=edition_id, actor="ada@desk.example", now=NOW)
    later = NOW + timedelta(minutes=1)
    assert count_editions(product.database, now=later) == 0
    with product.database.transaction() as session:
        settle(session, owner="one", settlements=[Settlement(copy, ACCEPTED)], now=later)
        release(session, owner="one", chunk_ids={each.chunk.id for each in in_hand}, now=later)
    assert [count_editions(product.database, now=later) for _ in range(2)] == [1, 0]
    with product.database.reading() as session:
        assert session.get_one(EditionCount, edition_id).accepted == 1


def test_a_large_edition_is_counted_the_more_seldom_and_more_so_while_nothing_ends(
    product: Product, edition_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counts_at(seconds: int) -> int:
        return count_editions(product.database, now=NOW + timedelta(seconds=seconds))

    assert [counts_at(0), counts_at(0)] == [1, 1], "a small one, each time"
    monkeypatch.setattr(counts, "COUNTED_AT_ONCE", 1)
    monkeypatch.setattr(counts, "RECOUNTED_PER_S", (LEAST_NAMED + 5) / 60)
    monkeypatch.setattr(counts, "QUIET_RECOUNTED_PER_S", (LEAST_NAMED + 5) / 600)
    assert [counts_at(15), counts_at(75), counts_at(599)] == [0, 0, 0]
    assert [counts_at(600), counts_at(615)] == [1, 0]
    add_pulses(product, edition_id, {NOW + timedelta(seconds=610): 10})
    assert [counts_at(659), counts_at(660)] == [0, 1]
    assert counts_at(0) == 1, "the clock went back"


def test_copies_tried_once_more_while_the_last_count_is_made_keep_their_figures(
    product: Product, edition_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(product, replies={"dead": REPLIES["spam"]})
    with product.database.transaction() as session:
        finish_editions(session, now=NOW)

    def read_and_retry(session: Session, **given: int) -> object:
        standings = read_standings(session, **given)
        with product.database.transaction() as other:
            retry_copies(other, edition_id=edition_id, retry=Retry.REJECTED, actor="ada@desk.example", now=NOW)
        return standings

    monkeypatch.setattr(counts, "read_standings", read_and_retry)
    count_editions(product.database, now=NOW)
    assert told(product, edition_id)["gmail.com"] == {"accepted": 3, "deferred": 1}


def test_editions_on_their_way_keep_no_other_from_its_last_count(
    product: Product, edition_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "BATCH", 1)
    send(product, replies={})
    with product.database.transaction() as session:
        assert finish_editions(session, now=NOW) == [edition_id]
        newer = Edition(
            newsletter_id=1, language="fr", status=EditionStatus.SENDING, subject="s", preheader="p",
            since=NOW, until=NOW, created_at=NOW, started_at=NOW,
        )  # fmt: skip
        session.add(newer)
    assert count_editions(product.database, now=NOW + timedelta(minutes=1)) == 2
    with product.database.reading() as session:
        assert session.get_one(EditionCount, edition_id).accepted == LEAST_NAMED + 5


def test_a_page_tells_copies_that_had_no_time_left_from_those_called_off(
    product: Product, edition_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "COUNTED_AT_ONCE", 1)
    much_later = NOW + timedelta(days=9)
    with product.database.transaction() as session:
        expire_copies(session, now=much_later)
        finish_editions(session, now=much_later)
    count_editions(product.database, now=much_later + timedelta(minutes=1))
    with product.database.reading() as session:
        edition = session.get_one(Edition, edition_id)
        found = read_outcomes(session, edition=edition, now=much_later)
        progress = read_progress(session, edition=edition, outcomes=found, now=much_later)
    assert {state: count for state, count in progress.counts.items() if count} == {
        DeliveryState.EXPIRED: LEAST_NAMED + 5
    }
