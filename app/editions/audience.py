"""Starting an edition and leading it to its end: one delivery per reader, written by the database itself."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from app.admins.models import Admin
from app.delivery.expiry import count_waiting, end_earlier_editions
from app.delivery.models import Chunk, Delivery, DeliveryState, state_now
from app.delivery.queue import (
    Announce,
    announce_nothing,
    cancel_edition_copies,
    enqueue,
    enqueue_edition,
    hold_edition,
    release_edition,
)
from app.delivery.warm_ups import open_plan
from app.editions.compose import SetLetter, freeze
from app.editions.copies import EDITION, TEST
from app.editions.draft import fingerprint
from app.editions.embargo import refuse_early
from app.editions.events import record_event
from app.editions.lines import Line, has_closed
from app.editions.models import IS_UNDER_WAY, UNSENT, Edition, EditionKind, EditionStatus
from app.editions.outcomes import count_outcomes
from app.editions.records import EditionAct
from app.editions.warm_up import count_anew
from app.errors import EditionChanged, InputRefused, NotFound, TransitionRefused
from app.mail.pacing import PauseReason
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription, gets_letters

#: Digests wait behind letters that somebody sits waiting for, and behind flashes; an erratum must not overtake the copy
#: that it corrects.
PRIORITIES = {EditionKind.NUMBER: 5, EditionKind.ERRATUM: 5, EditionKind.FLASH: 3}
TEST_PRIORITY = 1


def count_superseded(session: Session, *, edition: Edition) -> sa.Select[int]:
    """Select how many copies of earlier editions still wait, and expire when the draft `edition` starts.

    No more than `WAITING_COUNTED` are counted.
    """
    return count_waiting(editions=_of_line(session, edition))


def start_edition(
    session: Session, *, letter: SetLetter, actor: str, now: datetime, announce: Announce = announce_nothing
) -> int:
    """Freeze a draft as its `letter` was set and queue one copy for each confirmed reader; return how many.

    Raises as `begin_edition` does, and TransitionRefused where there is nothing to send, or where it is a digest of a
    schedule: that leaves by itself, to the readers of its line alone, and to each as they chose.
    """
    edition = begin_edition(session, letter=letter, actor=actor, now=now)
    if edition.schedule_id is not None:
        raise TransitionRefused("a digest leaves by its schedule, to each reader as they chose")
    if not edition.items:
        raise TransitionRefused("an edition without articles is not sent")
    copies = queue_copies(session, edition, _audience(edition, now), now=now, announce=announce)
    count_outcomes(session, edition_id=edition.id)
    if has_closed(session, edition):
        # It is no digest of theirs for those who made choices, and not even a letter for those who pause.
        line = Line.of(session, edition)
        leave_behind(session, line, are_due(line, now) & Subscription.profile_id.is_(None), since=edition.since)
    return copies


def leave_behind(session: Session, line: Line, are_served: sa.ColumnElement[bool], *, since: datetime) -> None:
    """Note that what came after `since` is still to come to the readers of `line`, save those who are served.

    Whoever has a time of their own keeps it.
    """
    left_out = sa.and_(
        are_of(line),
        Subscription.status == SubscriptionStatus.CONFIRMED,
        Subscription.covered_until.is_(None),
        sa.func.coalesce(are_served, sa.false()).is_(False),
    )
    session.execute(
        update(Subscription).where(left_out).values(covered_until=since),
        execution_options={"synchronize_session": False},
    )


def are_due(line: Line, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that subscriptions are of `line` and their readers to have letters at `now`."""
    return sa.and_(are_of(line), gets_letters(now))


def are_of(line: Line) -> sa.ColumnElement[bool]:
    """Return the condition that subscriptions are of `line`; those who chose no rhythm are of the usual one."""
    return sa.and_(
        Subscription.newsletter_id == line.newsletter_id,
        Subscription.language == line.language,
        Subscription.rhythm_id.is_(None) if line.rhythm_id is None else Subscription.rhythm_id == line.rhythm_id,
    )


def begin_edition(session: Session, *, letter: SetLetter, actor: str, now: datetime) -> Edition:
    """Freeze a draft as its `letter` was set and let its way begin; its copies are still to be queued.

    What still waits of earlier editions for the same readers is given up. Of several starts at once one counts. Raises
    TransitionRefused for the others, EditionChanged where the draft is not what the letter was set from, InputRefused
    where an article may not leave yet.
    """
    change_status(
        session,
        letter.edition_id,
        from_statuses=(EditionStatus.DRAFT,),
        to=EditionStatus.SENDING,
        started_at=now,
        started_by=actor,
    )
    edition = session.get_one(Edition, letter.edition_id, populate_existing=True)
    if fingerprint(edition) != letter.fingerprint:
        raise EditionChanged("the edition was changed in the meantime; look at it again")
    refuse_early(session, edition=edition, now=now)
    for item in edition.items:
        item.revision = item.article.revision
    edition.content = freeze(letter.subject, letter.parts, letter.letterhead)
    session.flush()
    end_earlier_editions(session, editions=_of_line(session, edition), edition_id=edition.id, now=now)
    count_readers_anew(session, edition.newsletter_id)
    return edition


def count_readers_anew(session: Session, newsletter_id: int) -> None:
    """Let a newsletter that warms up know how many readers there are, once for all copies that are to be queued."""
    plan = open_plan(session, newsletter_id)
    if plan is not None:
        count_anew(session, plan)


def queue_copies(
    session: Session,
    edition: Edition,
    audience: sa.Select[int],
    *,
    now: datetime,
    variant_id: int | None = None,
    announce: Announce = announce_nothing,
) -> int:
    """Queue a copy of an edition, or of a variant of it, for each subscriber id of `audience`; return how many.

    Where the newsletter warms up, the readers who confirmed last are served first: they are the likeliest to want what
    they get.
    """
    plan = open_plan(session, edition.newsletter_id)
    return enqueue_edition(
        session,
        audience=audience if plan is None else audience.add_columns(Subscription.confirmed_at),
        kind=EDITION,
        edition_id=edition.id,
        variant_id=variant_id,
        newsletter_id=edition.newsletter_id,
        language=edition.language,
        priority=PRIORITIES[edition.kind],
        now=now,
        announce=announce,
    )


def pause_edition(
    session: Session, *, edition_id: int, actor: str | None, now: datetime, reason: PauseReason | None = None
) -> None:
    """Hold the copies that no worker has in hand. Raises TransitionRefused unless the edition is being sent."""
    change_status(session, edition_id, from_statuses=(EditionStatus.SENDING,), to=EditionStatus.PAUSED)
    hold_edition(session, edition_id=edition_id, now=now)
    record_event(session, edition_id=edition_id, act=EditionAct.PAUSED, actor=actor, reason=reason, now=now)


def resume_edition(session: Session, *, edition_id: int, actor: str, now: datetime) -> None:
    """Let a paused edition go on. Raises TransitionRefused unless it is paused."""
    change_status(session, edition_id, from_statuses=(EditionStatus.PAUSED,), to=EditionStatus.SENDING)
    release_edition(session, edition_id=edition_id)
    record_event(session, edition_id=edition_id, act=EditionAct.RESUMED, actor=actor, now=now)


def cancel_edition(session: Session, *, edition_id: int, actor: str, now: datetime) -> int:
    """End an edition for good and return how many copies were still waiting. Its articles are free for another one.

    One that was sent before its copies were tried once more is sent again: its readers have its articles.
    """
    edition = session.get(Edition, edition_id)
    is_reopened = edition is not None and edition.finished_at is not None
    change_status(
        session,
        edition_id,
        from_statuses=(*UNSENT, EditionStatus.SENDING, EditionStatus.PAUSED),
        to=EditionStatus.SENT if is_reopened else EditionStatus.CANCELLED,
        finished_at=now,
    )
    cancelled = cancel_edition_copies(session, edition_id=edition_id, now=now)
    release_edition(session, edition_id=edition_id)
    record_event(session, edition_id=edition_id, act=EditionAct.CANCELLED, actor=actor, copies=cancelled, now=now)
    return cancelled


def finish_editions(session: Session, *, now: datetime) -> list[int]:
    """Mark as sent the editions whose copies have all come to an end, with their variants; return their ids.

    They are held first and looked at again: somebody may have had copies tried once more at this moment.
    """
    unfinished = select(Chunk.id).where(
        Chunk.edition_id == Edition.id, Chunk.next_attempt_at.is_not(None) | Chunk.lease_until.is_not(None)
    )
    is_over = sa.and_(Edition.status.in_((EditionStatus.SENDING, EditionStatus.PAUSED)), ~unfinished.exists())
    over = select(Edition.id).where(IS_UNDER_WAY, is_over)
    held = session.scalars(over.with_for_update(key_share=True, skip_locked=True)).all()
    if not held:
        return []
    finished = session.scalars(
        update(Edition)
        .where(Edition.id.in_(held), is_over)
        .values(status=EditionStatus.SENT, finished_at=now)
        .returning(Edition.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    variants = update(Edition).where(Edition.variant_of.in_(finished))
    session.execute(
        variants.values(status=EditionStatus.SENT, finished_at=now), execution_options={"synchronize_session": "fetch"}
    )
    for edition_id in finished:
        release_edition(session, edition_id=edition_id)
    return sorted(finished)


def edition_counts(session: Session, edition_id: int) -> dict[DeliveryState, int]:
    """Return how many copies of the edition are in each state; states without copies are left out."""
    state = state_now().label("state")
    rows = session.execute(
        select(state, sa.func.count())
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.edition_id == edition_id)
        .group_by(state)
    )
    return dict(rows.all())


def send_test(session: Session, *, edition_id: int, address: str, now: datetime) -> None:
    """Queue the letter of an edition, as it stands, for one admin's `address` in its wire form.

    Raises InputRefused for an address that is no admin's, NotFound.
    """
    edition = session.get(Edition, edition_id)
    if edition is None:
        raise NotFound(f"no edition {edition_id}")
    if session.scalars(select(Admin.id).where(Admin.email_key == address.lower())).one_or_none() is None:
        raise InputRefused("test letters go to admins only")
    enqueue(
        session,
        kind=TEST,
        language=edition.language,
        newsletter_id=edition.newsletter_id,
        address=address,
        reference=edition.public_id,
        priority=TEST_PRIORITY,
        now=now,
    )


def change_status(
    session: Session, edition_id: int, *, from_statuses: tuple[EditionStatus, ...], to: EditionStatus, **values: object
) -> None:
    """Change the status in one guarded statement, so that of two at once only one succeeds.

    Raises TransitionRefused for the other, NotFound.
    """
    session.flush()
    changed = session.execute(
        update(Edition)
        .where(Edition.id == edition_id, Edition.status.in_(from_statuses))
        .values(status=to, **values)
        .execution_options(synchronize_session="fetch")
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount == 1:
        variants = update(Edition).where(Edition.variant_of == edition_id).values(status=to, **values)
        session.execute(variants.execution_options(synchronize_session="fetch"))
        return
    edition = session.get(Edition, edition_id)
    if edition is None:
        raise NotFound(f"no edition {edition_id}")
    raise TransitionRefused(f"the edition is {edition.status.value}")


def _of_line(session: Session, edition: Edition) -> sa.Select[int]:
    """Select the editions that follow one another with `edition`."""
    return select(Edition.id).where(Line.of(session, edition).holds(Edition))


def _audience(edition: Edition, now: datetime) -> sa.Select[int]:
    return select(Subscription.subscriber_id).where(
        Subscription.newsletter_id == edition.newsletter_id,
        Subscription.language == edition.language,
        gets_letters(now),
    )
