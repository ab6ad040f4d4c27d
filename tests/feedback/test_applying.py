"""What follows, in rows: whatever the order, the way and the number of times an event is told."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState
from app.delivery.senders import WarmUpDay, WarmUpPlan
from app.editions.models import Edition, EditionStatus
from app.editions.records import EditionEvent
from app.feedback.ingest import ingest, note_refusals
from app.feedback.models import Diagnostic, EventState, FeedbackEvent, UnlinkedCount
from app.feedback.notices import Notice, NoticeKind
from app.product import Product
from app.sending import each_of
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.erasure import erase_reader
from tests import make
from tests.conftest import NOW, SUPPRESSION_KEY
from tests.feedback.house import (
    apply,
    make_copies,
    make_edition,
    notice,
    reader_with_copy,
    subscription_of,
    suppression_of,
    tell,
)
from tests.statements import statements

DAY = timedelta(days=1)
#: What a reader may come to, and the settled order of strength of what brings them there.
KINDS = (NoticeKind.HARD, NoticeKind.COMPLAINT, NoticeKind.LEAVE, NoticeKind.DELIVERED)


def states(product: Product) -> list[EventState]:
    with product.database.reading() as session:
        return list(session.scalars(select(FeedbackEvent.state).order_by(FeedbackEvent.id)))


def end_of(session: Session, email: str = "alice@reader.example") -> tuple[object, ...]:
    """All that later letters depend on."""
    suppression, subscription = suppression_of(session, email), subscription_of(session, email)
    return suppression and suppression.reason, subscription.status, subscription.is_withheld


def test_a_dead_address_is_suppressed_at_once_and_on_record(product: Product) -> None:
    copy = reader_with_copy(product)
    with product.database.transaction() as session:
        reader = session.scalars(select(Subscriber)).one()
        [waiting] = make_copies(session, [reader], edition=make_edition(session), state=DeliveryState.QUEUED)
    tell(product, notice(NoticeKind.HARD, copy, status="5.1.1", diagnostic="550 5.1.1 <alice@reader.example> unknown"))
    with product.database.reading() as session:
        assert end_of(session) == (SuppressionReason.HARD_BOUNCE, SubscriptionStatus.CONFIRMED, True)
        assert session.get_one(Delivery, waiting).state is DeliveryState.CANCELLED
        event = session.scalars(select(ConsentEvent)).one()
        assert (event.kind, event.method, event.detail) == (ConsentKind.SUPPRESSED, ConsentMethod.BOUNCE, "hard-bounce")
        kept = session.scalars(select(FeedbackEvent)).one()
        assert (kept.state, kept.provider, kept.status) == (EventState.APPLIED, "reader.example", "5.1.1")
        assert session.scalars(select(Diagnostic.text)).one().startswith("550 5.1.1")


def test_a_complaint_ends_the_subscription_too(product: Product) -> None:
    tell(product, notice(NoticeKind.COMPLAINT, reader_with_copy(product), source="arf"))
    with product.database.reading() as session:
        assert end_of(session) == (SuppressionReason.COMPLAINT, SubscriptionStatus.UNSUBSCRIBED, True)
        kinds = session.execute(select(ConsentEvent.kind, ConsentEvent.method).order_by(ConsentEvent.id)).all()
        assert kinds == [
            (ConsentKind.SUPPRESSED, ConsentMethod.COMPLAINT), (ConsentKind.UNSUBSCRIBED, ConsentMethod.COMPLAINT),
        ]  # fmt: skip


@pytest.mark.parametrize(
    "kind", [NoticeKind.SOFT, NoticeKind.NOT_SPAM, NoticeKind.DELIVERED, NoticeKind.SENDER_FAULT, NoticeKind.UNKNOWN]
)
def test_what_is_not_known_to_be_worse_costs_no_subscription(product: Product, kind: NoticeKind) -> None:
    tell(product, notice(kind, reader_with_copy(product)))
    with product.database.reading() as session:
        assert end_of(session) == (None, SubscriptionStatus.CONFIRMED, False)
    assert states(product) == [EventState.NOTED]


def test_many_deliveries_keep_no_complaint_waiting(product: Product) -> None:
    copy = reader_with_copy(product)
    with product.database.transaction() as session:
        ingest(session, [notice(NoticeKind.DELIVERED, copy) for _ in range(50)], now=NOW)
    with statements(product.database) as asked:
        assert apply(product) == 50
    assert len(asked) < 20
    with product.database.reading() as session:
        reader_id = session.scalars(select(Subscriber.id)).one()
        noted = select(FeedbackEvent.state, FeedbackEvent.subscriber_id, FeedbackEvent.applied_at).distinct()
        assert session.execute(noted).all() == [(EventState.NOTED, reader_id, NOW)]


def test_what_names_no_copy_of_ours_is_counted_and_changes_nothing(product: Product) -> None:
    copy = reader_with_copy(product)
    forged = Notice(NoticeKind.HARD, "dsn", "forged", NOW, None, recipient="alice@reader.example", status="5.1.1")
    tell(product, forged, forged, notice(NoticeKind.COMPLAINT, copy + 1_000))
    with product.database.reading() as session:
        assert end_of(session) == (None, SubscriptionStatus.CONFIRMED, False)
        assert session.scalar(select(func.count()).select_from(FeedbackEvent)) == 0
        count = session.scalars(select(UnlinkedCount)).one()
        assert (count.source, count.kind, count.number) == ("dsn", NoticeKind.HARD, 2)


def test_the_same_event_told_again_changes_nothing(product: Product) -> None:
    copy = reader_with_copy(product)
    told = [notice(NoticeKind.SOFT, copy, at=NOW + day * DAY, event_id=f"day {day}") for day in (0, 4, 8, 12)]
    for _ in range(3):
        tell(product, *told, told[0], now=NOW + 13 * DAY)
    assert states(product) == [EventState.NOTED] * 4


def test_soft_bounces_of_two_weeks_end_it_once(product: Product) -> None:
    reader_with_copy(product)
    for week in range(5):
        at = NOW + 4 * week * DAY
        with product.database.transaction() as session:
            reader = session.scalars(select(Subscriber)).one()
            [copy] = make_copies(session, [reader], edition=make_edition(session), at=at)
        with product.database.reading() as session:
            assert suppression_of(session) is None
        tell(product, notice(NoticeKind.SOFT, copy, at=at + timedelta(hours=1)), now=at + timedelta(hours=2))
    with product.database.reading() as session:
        assert end_of(session) == (SuppressionReason.SOFT_BOUNCES, SubscriptionStatus.CONFIRMED, True)


def test_all_orders_of_four_events_end_the_same(product: Product) -> None:
    ends = set()
    for number, order in enumerate(permutations(enumerate(KINDS))):
        email = f"reader{number}@reader.example"
        copy = reader_with_copy(product, email=email)
        for place, (hours, kind) in enumerate(order):
            tell(product, notice(kind, copy, at=NOW + timedelta(hours=hours)), now=NOW + timedelta(hours=5 + place))
        with product.database.reading() as session:
            ends.add(end_of(session, email))
    assert ends == {(SuppressionReason.COMPLAINT, SubscriptionStatus.UNSUBSCRIBED, True)}


EVENTS = st.lists(st.tuples(st.sampled_from(list(NoticeKind)), st.integers(0, 200)), min_size=2, max_size=4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, data=st.data())
def test_any_events_end_the_same_in_any_order(
    product: Product, events: list[tuple[NoticeKind, int]], data: st.DataObject
) -> None:
    with product.database.reading() as session:
        made = session.scalar(select(func.count()).select_from(Subscriber)) or 0
    ends = []
    for number, order in enumerate((events, data.draw(st.permutations(events)))):
        email = f"reader{made + number}@reader.example"
        copy = reader_with_copy(product, email=email)
        for kind, hours in order:
            tell(product, notice(kind, copy, at=NOW + timedelta(hours=hours)), now=NOW + timedelta(hours=300))
        with product.database.reading() as session:
            ends.append(end_of(session, email))
    assert ends[0] == ends[1]


def test_what_is_told_late_does_not_outlive_a_newer_confirmation(product: Product) -> None:
    copy = reader_with_copy(product)
    with product.database.transaction() as session:
        subscription_of(session).confirmed_at = NOW + DAY
    tell(product, notice(NoticeKind.HARD, copy), notice(NoticeKind.LEAVE, copy), now=NOW + 2 * DAY)
    with product.database.reading() as session:
        assert end_of(session) == (None, SubscriptionStatus.CONFIRMED, False)


def test_a_refusal_on_the_wire_takes_the_same_road(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session).subscriber
        make_copies(session, [reader], edition=make_edition(session), state=DeliveryState.QUEUED)
        make.settle_copies(session, DeliveryState.REJECTED, on_settled=each_of(note_refusals))
    assert states(product) == [EventState.WAITING]
    assert apply(product) == 1
    with product.database.reading() as session:
        assert end_of(session) == (SuppressionReason.HARD_BOUNCE, SubscriptionStatus.CONFIRMED, True)
        assert session.scalars(select(FeedbackEvent.status)).one() == "5.1.1"


def test_an_erased_reader_leaves_a_figure_without_words(product: Product) -> None:
    copy = reader_with_copy(product)
    tell(product, notice(NoticeKind.SOFT, copy, diagnostic="alice@reader.example is full"))
    with product.database.transaction() as session:
        reader = session.scalars(select(Subscriber)).one()
        erase_reader(
            session, subscriber_id=reader.id, method=ConsentMethod.PREFERENCES, suppression_key=SUPPRESSION_KEY, now=NOW
        )
    tell(product, notice(NoticeKind.HARD, copy, diagnostic="alice@reader.example is gone"))
    with product.database.reading() as session:
        assert session.scalars(select(Diagnostic)).all() == []
        assert session.scalars(select(FeedbackEvent.subscriber_id)).all() == [None, None]
        assert suppression_of(session).reason is SuppressionReason.ERASED  # type: ignore[union-attr]


def test_a_complaint_about_a_request_never_confirmed_forgets_it(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session, status=SubscriptionStatus.PENDING).subscriber
        [copy] = make_copies(session, [reader], edition=None)
    tell(product, notice(NoticeKind.COMPLAINT, copy))
    with product.database.reading() as session:
        assert session.scalars(select(Subscription)).all() == []
        assert suppression_of(session).reason is SuppressionReason.COMPLAINT  # type: ignore[union-attr]
    assert states(product) == [EventState.APPLIED]


def test_complaints_pause_the_edition_once(product: Product) -> None:
    with product.database.transaction() as session:
        readers = [make.make_subscription(session, email=f"r{i}@reader.example").subscriber for i in range(3)]
        edition = make_edition(session)
        copies, edition_id = make_copies(session, readers, edition=edition), edition.id
    tell(product, notice(NoticeKind.COMPLAINT, copies[0]), notice(NoticeKind.COMPLAINT, copies[0]))
    with product.database.reading() as session:
        assert session.get_one(Edition, edition_id).status is EditionStatus.SENDING
    tell(product, notice(NoticeKind.COMPLAINT, copies[1]))
    with product.database.transaction() as session:
        edition = session.get_one(Edition, edition_id)
        assert edition.status is EditionStatus.PAUSED
        assert session.scalars(select(EditionEvent.reason)).one() == "complaints"
        edition.status = EditionStatus.SENDING
    tell(product, notice(NoticeKind.COMPLAINT, copies[2]))
    with product.database.reading() as session:
        assert session.get_one(Edition, edition_id).status is EditionStatus.SENDING


def test_taking_in_does_not_wait_for_a_reader_that_somebody_holds(product: Product) -> None:
    copy = reader_with_copy(product)
    with product.database.transaction() as session:
        assert ingest(session, [notice(NoticeKind.HARD, copy)], now=NOW) == 1
    assert states(product) == [EventState.WAITING]


def test_complaints_count_against_the_day_of_a_warm_up(product: Product) -> None:
    copy = reader_with_copy(product)
    with product.database.transaction() as session:
        newsletter_id = make.newsletter(session).id
        plan = WarmUpPlan(newsletter_id=newsletter_id, starts_on=NOW.date(), audience=1_000, largest_provider=1_000)
        session.add_all([plan, WarmUpDay(newsletter_id=newsletter_id, day=NOW.date(), doublings=0, drawn=200)])
    tell(product, notice(NoticeKind.COMPLAINT, copy))
    with product.database.reading() as session:
        assert session.scalars(select(WarmUpDay.complaints)).one() == 1
