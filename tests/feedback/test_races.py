"""Bounces, departures and confirmations of the same reader at the same moment, beside a sender that settles."""

from collections.abc import Callable

from sqlalchemy import select

from app.delivery import claims, settling
from app.delivery.endings import Settlement
from app.delivery.models import DeliveryState
from app.errors import NotFound, TransitionRefused
from app.feedback.ingest import ingest, note_refusals
from app.feedback.models import DUE, EventState, FeedbackEvent
from app.feedback.notices import NoticeKind
from app.product import Product
from app.subscriptions.confirming import confirm_subscription
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscription
from app.subscriptions.rights.erasure import erase_reader
from tests import make
from tests.conftest import NOW, SUPPRESSION_KEY
from tests.feedback.house import apply, make_copies, make_edition, notice, subscription_of, suppression_of
from tests.subscriptions.test_races import _together as together
from tests.subscriptions.test_signup import ask

ROUNDS = 5
READERS = 8


def test_a_bounce_a_departure_and_a_confirmation_at_once_end_in_something_that_makes_sense(product: Product) -> None:
    for number in range(ROUNDS):
        email = f"reader{number}@reader.example"
        with product.database.transaction() as session:
            ask(session, product, email=email)
            pending = subscription_of(session, email)
            public_id, request = pending.public_id, str(pending.confirmation_id)
            [copy] = make_copies(session, [pending.subscriber], edition=make_edition(session))
            ingest(session, [notice(NoticeKind.HARD, copy), notice(NoticeKind.COMPLAINT, copy)], now=NOW)

        def press(request: str = request) -> None:
            with product.database.transaction() as session:
                confirm_subscription(session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW)

        def leave(public_id: str = public_id) -> None:
            with product.database.transaction() as session:
                unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW)

        steps: list[Callable[[], object]] = [press, leave, lambda: apply(product), lambda: apply(product), press]
        raised = together(*steps)
        assert all(isinstance(error, (NotFound, TransitionRefused)) for error in raised), raised
        apply(product)
        with product.database.reading() as session:
            found = session.scalars(select(Subscription).where(Subscription.public_id == public_id)).one_or_none()
            if found is None:  # forgotten before anything was applied: nobody knows the address any more
                continue
            assert found.status is SubscriptionStatus.UNSUBSCRIBED
            assert suppression_of(session, email).reason is SuppressionReason.COMPLAINT  # type: ignore[union-attr]


def test_a_sender_that_settles_and_readers_who_leave_never_wait_in_a_circle(product: Product) -> None:
    with product.database.transaction() as session:
        subscriptions = [make.make_subscription(session, email=f"r{i}@reader.example") for i in range(READERS)]
        edition = make_edition(session)
        make_copies(session, [each.subscriber for each in subscriptions], edition=edition, state=DeliveryState.QUEUED)
        public_ids = [each.public_id for each in subscriptions]
    with product.database.transaction() as session:
        copies = make.copies(session)

    def settle() -> None:
        for copy in copies:
            with product.database.transaction() as session:
                ended = [Settlement(copy, make.ENDINGS[DeliveryState.REJECTED])]
                settling.settle(session, owner=make.SENDER, settlements=ended, now=NOW, on_settled=note_refusals)
        with product.database.transaction() as session:
            claims.release(session, owner=make.SENDER, chunk_ids={copies[0].chunk.id}, now=NOW)

    def leave() -> None:
        for public_id in reversed(public_ids):
            with product.database.transaction() as session:
                unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW)

    def apply_often() -> None:
        for _ in range(2 * READERS):
            apply(product)

    assert together(settle, leave, apply_often, apply_often) == []
    apply(product)
    with product.database.reading() as session:
        assert session.scalars(select(FeedbackEvent.id).where(FeedbackEvent.state.in_(DUE))).all() == []
        assert {suppression_of(session, f"r{i}@reader.example") is None for i in range(READERS)} == {False}


def test_deliveries_are_noted_while_their_readers_are_erased(product: Product) -> None:
    with product.database.transaction() as session:
        readers = [make.make_subscription(session, email=f"r{i}@reader.example").subscriber for i in range(READERS)]
        copies = make_copies(session, readers, edition=make_edition(session))
        reader_ids = [reader.id for reader in readers]
        ingest(session, [notice(NoticeKind.DELIVERED, copy) for copy in copies], now=NOW)

    def erase() -> None:
        for reader_id in reversed(reader_ids):
            with product.database.transaction() as session:
                erase_reader(
                    session, subscriber_id=reader_id, method=ConsentMethod.PREFERENCES,
                    suppression_key=SUPPRESSION_KEY, now=NOW,
                )  # fmt: skip

    assert together(erase, lambda: apply(product), lambda: apply(product)) == []
    apply(product)
    with product.database.reading() as session:
        told = session.execute(select(FeedbackEvent.state, FeedbackEvent.subscriber_id).distinct())
        assert told.all() == [(EventState.NOTED, None)]
