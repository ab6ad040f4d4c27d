"""Filters: read from an address and written back, and each finds exactly the readers that it means."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from app.choices.choices import Interests, Timing
from app.choices.choosing import profile_id, rhythm_id
from app.choices.models import Cadence
from app.feedback.models import FeedbackEvent
from app.feedback.notices import NoticeKind
from app.mail.address import parse_address
from app.product import Product
from app.readership import filters
from app.readership.filters import Origin, ReaderFilter, count_up_to, find_readers
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.models import Subscription
from tests import make
from tests.conftest import NOW, ON_SQLITE
from tests.statements import plans


@pytest.fixture
def session(product: Product) -> Iterator[Session]:
    """Ada by the form, who chose; Bob imported, whose letters came back; Cleo by an admin, restricted."""
    with product.database.transaction() as session:
        people = [
            make.make_subscription(session, email=f"{name}@reader.example", language=language, status=status, at=at)
            for name, language, status, at in [
                ("ada", "fr", SubscriptionStatus.CONFIRMED, NOW - timedelta(days=9)),
                ("bob", "en", SubscriptionStatus.CONFIRMED, NOW - timedelta(days=5)),
                ("cleo", "fr", SubscriptionStatus.PENDING, NOW),
            ]
        ]
        acts = [(ConsentKind.REQUESTED, ConsentMethod.FORM), (ConsentKind.IMPORTED, ConsentMethod.ADMIN),
                (ConsentKind.REQUESTED, ConsentMethod.ADMIN)]  # fmt: skip
        for person, (kind, method) in zip(people, acts, strict=True):
            record_act(session, person, Act(kind, method, NOW, person.language))
        ada, bob, cleo = people
        ada.profile_id = profile_id(session, Interests(followed=frozenset({"place:UA", "theme:cables"})))
        ada.rhythm_id = rhythm_id(session, Timing(Cadence.DAILY, 7, 0, "Europe/Paris"))
        cleo.subscriber.restricted_at = NOW
        for number in range(2):
            session.add(
                FeedbackEvent(
                    source="dsn", event_id=str(number), kind=NoticeKind.SOFT, at=NOW, received_at=NOW,
                    delivery_id=number, subscriber_id=bob.subscriber_id,
                )
            )  # fmt: skip
        session.flush()
        yield session


def names(session: Session, wanted: ReaderFilter, beginning: str = "") -> list[str]:
    found = session.scalars(find_readers(wanted, beginning=beginning)).all()
    return sorted(subscription.subscriber.email.partition("@")[0] for subscription in found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["ada", "bob", "cleo"]),
        ({"status": "pending"}, ["cleo"]),
        ({"language": "en"}, ["bob"]),
        ({"topic": "place:UA"}, ["ada"]),
        ({"topic": "place:U"}, []),
        ({"topic": "%"}, []),
        ({"cadence": "daily"}, ["ada"]),
        ({"cadence": "weekly"}, []),
        ({"origin": "form"}, ["ada"]),
        ({"origin": "imported"}, ["bob"]),
        ({"origin": "admin"}, ["cleo"]),
        ({"origin": "embedded-form"}, []),
        ({"since": "2026-03-12"}, ["bob", "cleo"]),
        ({"bounced": "1"}, ["bob"]),
        ({"restricted": "1"}, ["cleo"]),
        ({"status": "confirmed", "language": "fr", "origin": "form"}, ["ada"]),
        (
            {"status": "x", "language": "de", "since": "yesterday", "cadence": "", "origin": "spam"},
            ["ada", "bob", "cleo"],
        ),
    ],
)
def test_a_filter_finds_those_whom_it_means(session: Session, query: dict[str, str], expected: list[str]) -> None:
    wanted = ReaderFilter.from_query(query)
    assert names(session, wanted) == expected
    assert count_up_to(session, find_readers(wanted)) == len(expected)
    assert ReaderFilter.from_query(wanted.as_query()) == wanted


def test_each_subscription_of_a_reader_came_by_its_own_way(session: Session, product: Product) -> None:
    """Ada, whom the form brought to the first newsletter, is imported into the second, and asks for it once more."""
    second = make.add_second(session, product.config)
    ada = session.scalars(find_readers(ReaderFilter(), beginning="ada")).one().subscriber
    brought = Subscription(newsletter_id=second.id, subscriber=ada, language="fr", status=SubscriptionStatus.HELD,
                           requested_at=NOW)  # fmt: skip
    session.add(brought)
    record_act(session, brought, Act(ConsentKind.IMPORTED, ConsentMethod.ADMIN, NOW, "fr"))
    record_act(session, brought, Act(ConsentKind.REQUESTED, ConsentMethod.EMBEDDED_FORM, NOW, "fr"))
    assert names(session, ReaderFilter(origin=Origin.IMPORTED, newsletter="north")) == ["ada"]
    assert names(session, ReaderFilter(origin=Origin.FORM)) == ["ada"]
    assert names(session, ReaderFilter(origin=Origin.FORM, newsletter="north")) == []
    assert names(session, ReaderFilter(origin=Origin.EMBEDDED_FORM)) == []


@ON_SQLITE
@pytest.mark.parametrize("origin", Origin)
def test_where_readers_came_from_is_found_by_indexes(product: Product, origin: Origin) -> None:
    with product.database.reading() as session, plans(product.database) as steps:
        session.scalars(find_readers(ReaderFilter(origin=origin)).order_by(Subscription.id.desc()).limit(51)).all()
    assert [step for step in steps if step.startswith("SCAN") and step != "SCAN subscriptions"] == []
    assert any("ix_consent_events_origin" in step for step in steps)


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [("ad", ["ada"]), ("ADA@reader.example", ["ada"]), ("da", []), ("", ["ada", "bob", "cleo"]), ("cleo@", ["cleo"])],
)
def test_an_address_is_found_by_how_it_begins(session: Session, beginning: str, expected: list[str]) -> None:
    assert names(session, ReaderFilter(), beginning) == expected


@pytest.mark.parametrize(
    "written",
    ["dora@münchen.example", "Dora@MÜNCHEN.example", "dora@xn--mnchen-3ya.example", "dora@mu\u0308nchen.example"],
)
def test_a_whole_address_is_found_however_its_domain_is_written(session: Session, written: str) -> None:
    subscriber = make.make_subscription(session, email="dora@münchen.example").subscriber
    subscriber.email_key = parse_address(subscriber.email).key
    session.flush()
    assert names(session, ReaderFilter(), written) == ["dora"]


def test_nobody_is_counted_beyond_what_is_told(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "COUNTED_MAX", 1)
    assert count_up_to(session, find_readers(ReaderFilter())) == 2


def test_what_is_not_set_is_not_in_an_address() -> None:
    assert ReaderFilter().as_query() == {}
    wanted = ReaderFilter(origin=Origin.FORM, since=date(2026, 3, 1), bounced=True)
    assert wanted.as_query() == {"origin": "form", "since": "2026-03-01", "bounced": "1"}
