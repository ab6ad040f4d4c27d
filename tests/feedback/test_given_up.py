"""Copies that our own sender gives up after days: soft bounces where the last reply spoke of the mailbox."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.delivery import settling
from app.delivery.endings import Settlement
from app.delivery.expiry import expire_copies
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.feedback.ingest import note_expired, note_refusals
from app.feedback.models import FeedbackEvent
from app.feedback.notices import NoticeKind
from app.mail.pacing import GIVE_UP_AFTER
from app.mail.replies import Verb, classify
from app.mail.transport import Outcome
from app.product import Product
from app.subscriptions.kinds import SuppressionReason
from app.subscriptions.models import Subscriber
from tests import make
from tests.conftest import NOW
from tests.feedback.house import apply, make_copies, make_edition, suppression_of

FULL = classify(Verb.RCPT, 452, "4.2.2 The mailbox is full")
GREYLISTED = classify(Verb.RCPT, 450, "4.7.1 Greylisted, come back")
CONGESTED = classify(Verb.RCPT, 421, "4.3.2 Shutting down")


def put_off(product: Product, outcome: Outcome, *, days: int = 0, at_settling: bool = False) -> None:
    """One copy of an edition of its own is put off, and given up: by that try, or by the clock after it."""
    begin = NOW + timedelta(days=days)
    end = begin + GIVE_UP_AFTER
    with product.database.transaction() as session:
        reader = session.scalars(select(Subscriber)).one_or_none() or make.make_subscription(session).subscriber
        make_copies(session, [reader], edition=make_edition(session), state=DeliveryState.QUEUED, at=begin)
        [copy] = make.copies(session, now=begin)
        ended = [Settlement(copy, outcome)]
        at = end if at_settling else begin
        settling.settle(session, owner=make.SENDER, settlements=ended, now=at, on_settled=note_refusals)
        chunk = session.get_one(Chunk, copy.chunk.id)
        chunk.owner = chunk.lease_until = None
        chunk.expires_at, chunk.next_attempt_at = end, None if at_settling else end
    with product.database.transaction() as session:
        expire_copies(session, now=end, on_expired=note_expired)
        assert session.get_one(Delivery, copy.id).state is DeliveryState.EXPIRED


@pytest.mark.parametrize("at_settling", [True, False], ids=["by the last try", "by the clock"])
def test_a_full_mailbox_that_was_given_up_is_a_soft_bounce(product: Product, at_settling: bool) -> None:
    put_off(product, FULL, at_settling=at_settling)
    with product.database.reading() as session:
        [event] = session.scalars(select(FeedbackEvent))
        assert (event.source, event.kind, event.status) == ("smtp", NoticeKind.SOFT, "4.2.2")


@pytest.mark.parametrize("at_settling", [True, False], ids=["by the last try", "by the clock"])
@pytest.mark.parametrize("outcome", [GREYLISTED, CONGESTED], ids=["greylisted", "server"])
def test_what_speaks_of_no_mailbox_says_nothing(product: Product, outcome: Outcome, at_settling: bool) -> None:
    put_off(product, outcome, at_settling=at_settling)
    with product.database.reading() as session:
        assert session.scalars(select(FeedbackEvent)).all() == []


def test_a_copy_that_is_tried_again_is_none_yet(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session).subscriber
        make_copies(session, [reader], edition=make_edition(session), state=DeliveryState.QUEUED)
        ended = [Settlement(copy, FULL) for copy in make.copies(session)]
        settling.settle(session, owner=make.SENDER, settlements=ended, now=NOW, on_settled=note_refusals)
        assert session.scalars(select(FeedbackEvent)).all() == []


def test_mailboxes_that_stay_full_are_mailed_no_more(product: Product) -> None:
    for days in range(0, 25, 5):
        with product.database.reading() as session:
            assert suppression_of(session) is None
        put_off(product, FULL, days=days)
        apply(product, now=NOW + timedelta(days=days) + GIVE_UP_AFTER)
    with product.database.reading() as session:
        suppression = suppression_of(session)
        assert suppression is not None
        assert suppression.reason is SuppressionReason.SOFT_BOUNCES
