"""The truth about every letter: figures and reasons, trying again, expiry, and editions that pause by themselves."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.delivery import claims, settling
from app.delivery.claims import Copy
from app.delivery.endings import Ending, Settlement, Withheld
from app.delivery.expiry import expire_copies
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.retry import REQUEUED_WITHIN
from app.editions.audience import cancel_edition, count_superseded, edition_counts, finish_editions, resume_edition
from app.editions.events import events_of, pause_reason
from app.editions.models import Edition, EditionStatus
from app.editions.progress import Progress, count_progress, unhappy_copies
from app.editions.records import EditionAct
from app.editions.retry import Retry, count_retry, retry_copies
from app.editions.watch import JUDGED_CHUNKS, Watch, first_results
from app.errors import TransitionRefused
from app.mail.dkim import LIFE
from app.mail.meanings import Meaning
from app.mail.pacing import GIVE_UP_AFTER, PauseReason
from app.mail.replies import Verb, classify
from app.mail.transport import Fault, Outcome, OutcomeKind
from app.product import Product
from tests import make
from tests.conftest import NOW
from tests.editions.press import compile_now, start
from tests.editions.test_audience import sending_edition, status_of

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")
NO_SUCH_USER = classify(Verb.RCPT, 550, "5.1.1 no such user")
POLICY = classify(Verb.CONTENT, 550, "5.7.1 refused by policy")
SPAM = classify(Verb.CONTENT, 550, "5.7.1 looks like spam")
FULL = classify(Verb.RCPT, 452, "4.2.2 mailbox full")
TOO_LARGE = Outcome(OutcomeKind.REJECTED, enhanced="5.3.4", text="larger than the server takes", fault=Fault.CONTENT)
SILENT = Outcome(OutcomeKind.UNCERTAIN, text="no reply", fault=Fault.HOST)
SIGN_IN = Outcome(OutcomeKind.DEFERRED, 535, "5.7.8", "wrong password", Fault.AUTHENTICATION)
LATER = NOW + timedelta(hours=1)

EndingOf = Callable[[int], Ending]


def end(
    product: Product, ending: Ending | EndingOf, *, number: int | None = None, watch: Watch | None = None,
    now: datetime = NOW,
) -> None:  # fmt: skip
    """Claim what is due, let `number` copies of it end so, in one transaction, and give the rest back."""
    with product.database.transaction() as session:
        claimed = make.copies(session, now=now)
        settlements = [
            Settlement(copy, ending(place) if callable(ending) else ending)
            for place, copy in enumerate(claimed[:number])
        ]
        settle(session, settlements, watch, now)
        claims.release(session, owner=make.SENDER, chunk_ids={copy.chunk.id for copy in claimed}, now=now)


def settle(session: Session, settlements: list[Settlement], watch: Watch | None, now: datetime) -> None:
    settling.settle(
        session, owner=make.SENDER, settlements=settlements, now=now,
        on_settled=watch.heed if watch else None,
    )  # fmt: skip


def progress_of(product: Product, edition_id: int, now: datetime = NOW) -> Progress:
    with product.database.reading() as session:
        return count_progress(session, edition=session.get_one(Edition, edition_id), now=now)


def reason_of(product: Product, edition_id: int) -> PauseReason | None:
    with product.database.reading() as session:
        return pause_reason(session, edition_id)


def resume(product: Product, edition_id: int) -> None:
    with product.database.transaction() as session:
        resume_edition(session, edition_id=edition_id, actor="ada@desk.example", now=NOW)


def test_reasons_are_grouped_by_what_replies_mean(product: Product) -> None:
    edition_id = sending_edition(product, readers=8)
    endings = [ACCEPTED, NO_SUCH_USER, classify(Verb.RCPT, 550, "5.1.1 unknown user x9"), SPAM, FULL, SILENT]
    end(product, lambda place: endings[place], number=6)
    progress = progress_of(product, edition_id)
    assert [(cause.state, cause.meaning, cause.count) for cause in progress.causes] == [
        (DeliveryState.REJECTED, Meaning.NO_SUCH_ADDRESS, 2),
        (DeliveryState.REJECTED, Meaning.SPAM, 1),
        (DeliveryState.DEFERRED, Meaning.MAILBOX_FULL, 1),
        (DeliveryState.UNCERTAIN, Meaning.UNCERTAIN, 1),
    ]
    assert progress.causes[0].sample == "550 5.1.1 no such user"
    assert (progress.total, progress.accepted, progress.open) == (8, 1, 3)
    with product.database.reading() as session:
        dead = unhappy_copies(edition_id, state=DeliveryState.REJECTED, meaning=Meaning.NO_SUCH_ADDRESS)
        assert len(session.scalars(dead).all()) == 2
        assert len(session.scalars(unhappy_copies(edition_id, state=None, meaning=None)).all()) == 5


def test_an_acceptance_clears_the_reason_of_an_earlier_deferral(product: Product) -> None:
    edition_id = sending_edition(product, readers=1)
    end(product, FULL)
    assert progress_of(product, edition_id).causes[0].meaning is Meaning.MAILBOX_FULL
    end(product, ACCEPTED, now=LATER)
    assert progress_of(product, edition_id).causes == []


def test_the_end_is_expected_from_the_rate_and_from_nothing_else(product: Product) -> None:
    edition_id = sending_edition(product, readers=9)
    at = NOW + timedelta(minutes=10)
    end(product, ACCEPTED, number=3, now=at)
    progress = progress_of(product, edition_id, now=at + timedelta(seconds=30))
    assert progress.per_minute == 3
    assert progress.ends_at == at + timedelta(minutes=2, seconds=30)
    still = progress_of(product, edition_id, now=at + timedelta(minutes=2))
    assert (still.per_minute, still.ends_at) == (0, None)


def test_the_rate_of_the_first_seconds_is_that_of_a_minute(product: Product) -> None:
    edition_id = sending_edition(product, readers=9)
    end(product, ACCEPTED, number=3)
    assert progress_of(product, edition_id, now=NOW + timedelta(seconds=6)).per_minute == 30


def test_the_uncertain_ones_go_once_more_with_the_same_id_and_reopen_their_edition(product: Product) -> None:
    edition_id = sending_edition(product, readers=2)
    end(product, lambda place: SILENT if place == 0 else ACCEPTED)
    end(product, SILENT, now=LATER)
    with product.database.transaction() as session:
        before = session.scalars(select(Delivery.id).where(Delivery.state == DeliveryState.UNCERTAIN)).all()
        assert finish_editions(session, now=LATER) == [edition_id]
        edition = session.get_one(Edition, edition_id)
        assert count_retry(session, edition=edition, retry=Retry.UNCERTAIN, now=LATER) == 1
        assert retry_copies(session, edition_id=edition_id, retry=Retry.UNCERTAIN, actor="ada", now=LATER) == 1
        [event] = events_of(session, edition_id)
        assert (event.act, event.actor, event.copies) == (EditionAct.RETRIED_UNCERTAIN, "ada", 1)
    assert status_of(product, edition_id) is EditionStatus.SENDING
    with product.database.transaction() as session:
        again: list[Copy] = make.copies(session, now=LATER)
        assert [copy.id for copy in again] == list(before)
        assert again[0].chunk.created_at == NOW, "date and signature hang on it"
        settle(session, [Settlement(again[0], SILENT)], None, LATER)
        claims.release(session, owner=make.SENDER, chunk_ids={again[0].chunk.id}, now=LATER)
        assert finish_editions(session, now=LATER) == [edition_id], "uncertain again, and not repeated by itself"
        assert edition_counts(session, edition_id)[DeliveryState.UNCERTAIN] == 1


def test_a_reopened_edition_that_is_cancelled_is_sent_all_the_same(product: Product) -> None:
    edition_id = sending_edition(product, readers=2)
    end(product, lambda place: POLICY if place else ACCEPTED)
    with product.database.transaction() as session:
        finish_editions(session, now=NOW)
        retry_copies(session, edition_id=edition_id, retry=Retry.REJECTED, actor="ada", now=LATER)
        assert cancel_edition(session, edition_id=edition_id, actor="ada", now=LATER) == 1
    assert status_of(product, edition_id) is EditionStatus.SENT


def test_a_retried_copy_whose_reader_left_stays_uncertain(product: Product) -> None:
    edition_id = sending_edition(product, readers=1)
    end(product, SILENT)
    end(product, SILENT, now=LATER)
    with product.database.transaction() as session:
        retry_copies(session, edition_id=edition_id, retry=Retry.UNCERTAIN, actor="ada", now=LATER)
    end(product, Withheld("the subscription is unsubscribed"), now=LATER)
    with product.database.reading() as session:
        assert edition_counts(session, edition_id) == {DeliveryState.UNCERTAIN: 1}


def test_only_those_rejected_for_our_fault_go_once_more(product: Product) -> None:
    edition_id = sending_edition(product, readers=5)
    mailbox = classify(Verb.RCPT, 550, "5.2.1 mailbox disabled")
    endings = [NO_SUCH_USER, mailbox, POLICY, SPAM, ACCEPTED]
    end(product, lambda place: endings[place])
    with product.database.transaction() as session:
        assert retry_copies(session, edition_id=edition_id, retry=Retry.REJECTED, actor="cli", now=LATER) == 2
        counts = edition_counts(session, edition_id)
    assert (counts[DeliveryState.QUEUED], counts[DeliveryState.REJECTED]) == (2, 2)


@pytest.mark.parametrize("retry", Retry)
@pytest.mark.parametrize("status", EditionStatus)
def test_nothing_is_tried_again_where_there_is_nothing_or_the_edition_is_not_under_way(
    product: Product, retry: Retry, status: EditionStatus
) -> None:
    edition_id = sending_edition(product, readers=2)
    if status not in {EditionStatus.SENDING, EditionStatus.SENT}:
        end(product, lambda place: POLICY if place else SILENT)
        end(product, SILENT, now=LATER)
    with product.database.transaction() as session:
        session.execute(update(Edition).values(status=status))
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        retry_copies(session, edition_id=edition_id, retry=retry, actor="ada", now=LATER)
    assert status_of(product, edition_id) is status


def test_an_edition_pauses_when_too_many_of_its_first_addresses_are_dead(product: Product) -> None:
    edition_id, watch = sending_edition(product, readers=30), Watch()
    end(product, lambda place: NO_SUCH_USER if place < 10 else ACCEPTED, number=15, watch=watch)
    assert status_of(product, edition_id) is EditionStatus.SENDING
    end(product, NO_SUCH_USER, number=1, watch=watch)
    assert status_of(product, edition_id) is EditionStatus.PAUSED
    assert reason_of(product, edition_id) is PauseReason.DEAD_ADDRESSES
    with product.database.transaction() as session:
        assert make.copies(session) == []
    resume(product, edition_id)
    end(product, NO_SUCH_USER, number=2, watch=watch)
    assert status_of(product, edition_id) is EditionStatus.SENDING, "an admin resumed it in spite of that"
    end(product, NO_SUCH_USER, watch=Watch(), now=LATER)
    assert status_of(product, edition_id) is EditionStatus.SENDING, "another process knows that too"


def test_dead_addresses_beyond_the_first_results_pause_nothing(product: Product) -> None:
    edition_id, watch = sending_edition(product, readers=230), Watch()
    end(product, ACCEPTED, number=200, watch=watch)
    end(product, NO_SUCH_USER, watch=watch, now=LATER)
    assert status_of(product, edition_id) is EditionStatus.SENDING


def test_the_first_results_are_sought_in_the_first_chunks(product: Product) -> None:
    edition_id = sending_edition(product, readers=3)
    end(product, NO_SUCH_USER)
    for number, dead in ((JUDGED_CHUNKS - 1, 3), (JUDGED_CHUNKS, 0)):
        with product.database.transaction() as session:
            session.execute(update(Chunk).values(number=number))
            assert first_results(session, edition_id).dead_addresses == dead


def test_ten_refusals_in_a_row_pause_and_ten_more_pause_again(product: Product) -> None:
    edition_id, watch = sending_edition(product, readers=40), Watch()
    end(product, POLICY, number=9, watch=watch)
    end(product, ACCEPTED, number=1, watch=watch)
    end(product, POLICY, number=9, watch=watch)
    end(product, SIGN_IN, number=1, watch=watch)
    assert status_of(product, edition_id) is EditionStatus.SENDING
    end(product, SPAM, number=1, watch=watch)
    assert reason_of(product, edition_id) is PauseReason.REFUSALS
    resume(product, edition_id)
    end(product, POLICY, number=9, watch=watch)
    assert status_of(product, edition_id) is EditionStatus.SENDING
    end(product, POLICY, number=1, watch=watch)
    assert status_of(product, edition_id) is EditionStatus.PAUSED


def test_a_letter_too_large_for_the_server_pauses_its_edition_once(product: Product) -> None:
    edition_id, watch = sending_edition(product, readers=4), Watch()
    end(product, TOO_LARGE, number=1, watch=watch)
    assert reason_of(product, edition_id) is PauseReason.TOO_LARGE
    with product.database.reading() as session:
        [event] = events_of(session, edition_id)
    assert (event.act, event.actor) == (EditionAct.PAUSED, None)
    resume(product, edition_id)
    end(product, TOO_LARGE, number=1, watch=watch)
    assert status_of(product, edition_id) is EditionStatus.SENDING


def test_a_new_edition_ends_what_waits_of_the_one_before(product: Product) -> None:
    first = sending_edition(product, readers=5)
    endings = [ACCEPTED, FULL, SILENT]
    end(product, lambda place: endings[place], number=3)
    with product.database.transaction() as session:
        make.make_article(session, title="Un second câble", added_at=LATER)
        draft = session.get_one(Edition, compile_now(session, now=LATER + timedelta(hours=1)).edition_id)
        assert session.scalar(count_superseded(session, edition=draft)) == 4
        start(session, product, draft, now=LATER)
    with product.database.transaction() as session:
        assert {copy.chunk.edition_id for copy in make.copies(session, now=LATER)} == {draft.id}
        assert expire_copies(session, now=LATER) == 1
        assert expire_copies(session, now=LATER) == 0
        assert finish_editions(session, now=LATER) == [first]
    with product.database.reading() as session:
        counts = edition_counts(session, first)
    assert counts == {DeliveryState.ACCEPTED: 1, DeliveryState.EXPIRED: 3, DeliveryState.UNCERTAIN: 1}
    causes = {cause.meaning: cause.count for cause in progress_of(product, first).causes}
    assert causes == {None: 2, Meaning.MAILBOX_FULL: 1, Meaning.UNCERTAIN: 1}


def test_a_copy_in_hand_when_its_edition_expires_is_not_put_off(product: Product) -> None:
    sending_edition(product, readers=2)
    with product.database.transaction() as session:
        claimed = make.copies(session)
        session.execute(update(claims.Chunk).values(expires_at=NOW))
        settle(session, [Settlement(claimed[0], FULL), Settlement(claimed[1], SILENT)], None, NOW)
        rows = session.execute(select(Delivery.state, Delivery.settled_at).order_by(Delivery.id)).all()
    assert rows == [(DeliveryState.EXPIRED, NOW), (DeliveryState.UNCERTAIN, NOW)]


def test_an_edition_in_another_language_ends_nothing(product: Product) -> None:
    first = sending_edition(product, readers=1)
    with product.database.transaction() as session:
        make.make_article(session, language="en")
        draft = session.get_one(Edition, compile_now(session, language="en").edition_id)
        start(session, product, draft)
        assert expire_copies(session, now=LATER) == 0
        assert edition_counts(session, first) == {DeliveryState.QUEUED: 1}


def test_what_waits_beyond_the_give_up_time_expires_even_where_it_is_held(product: Product) -> None:
    edition_id = sending_edition(product, readers=1)
    with product.database.transaction() as session:
        session.execute(update(Edition).values(status=EditionStatus.PAUSED))
        late = NOW + GIVE_UP_AFTER
        assert expire_copies(session, now=late - timedelta(seconds=1)) == 0
        assert expire_copies(session, now=late) == 1
        assert finish_editions(session, now=late) == [edition_id]


def test_a_retried_copy_has_the_usual_time_again(product: Product) -> None:
    edition_id, late = sending_edition(product, readers=1), NOW + REQUEUED_WITHIN
    assert late - NOW > GIVE_UP_AFTER
    end(product, POLICY)
    with product.database.transaction() as session:
        finish_editions(session, now=NOW)
        retry_copies(session, edition_id=edition_id, retry=Retry.REJECTED, actor="ada", now=late)
    end(product, FULL, now=late)
    with product.database.reading() as session:
        assert edition_counts(session, edition_id) == {DeliveryState.DEFERRED: 1}


def test_copies_are_not_tried_again_when_their_signature_would_soon_end(product: Product) -> None:
    edition_id, late = sending_edition(product, readers=1), NOW + REQUEUED_WITHIN + timedelta(seconds=1)
    assert late - NOW + GIVE_UP_AFTER < LIFE
    end(product, POLICY)
    with product.database.reading() as session:
        edition = session.get_one(Edition, edition_id)
        assert count_retry(session, edition=edition, retry=Retry.REJECTED, now=late) == 0
    with pytest.raises(TransitionRefused, match="within 7 days"), product.database.transaction() as session:
        retry_copies(session, edition_id=edition_id, retry=Retry.REJECTED, actor="ada", now=late)
    assert status_of(product, edition_id) is EditionStatus.SENDING
