"""What waits for somebody of the desk, read in one statement and sorted by how much it hurts to wait."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, SQLColumnExpression, select
from sqlalchemy.orm import Session

from app.articles.models import Article, Flood, FloodState, Source
from app.delivery.models import Chunk
from app.delivery.retry import REQUEUED_WITHIN
from app.delivery.route import STALE_AFTER
from app.delivery.senders import SenderState
from app.digests.models import HeldExtra
from app.editions.models import UNSENT, Edition, EditionStatus
from app.editions.records import EditionAct, EditionCount, EditionEvent
from app.feedback.models import EventState, FeedbackEvent
from app.gate.approvals import OPEN
from app.gate.models import Approval, ApprovalState, Hold
from app.gate.outdated import outdated_requests
from app.subscriptions.form.alerts import SHOWN_FOR
from app.subscriptions.form.counters import Alert

#: Letters to single readers leave within seconds; for so long they may wait before somebody is told.
OVERDUE_AFTER = timedelta(minutes=15)
#: Broken sources named one by one; a page of its own has all.
ROWS_MAX = 50


class Urgency(StrEnum):
    """What a decision is about, the most urgent first."""

    SENDER_STOPPED = "sender-stopped"
    LETTERS_OVERDUE = "letters-overdue"
    EDITION_HELD = "edition-held"
    EXTRA_HELD = "extra-held"
    EDITION_PAUSED = "edition-paused"
    APPROVAL = "approval"
    APPROVAL_OUTDATED = "approval-outdated"
    LEAVES_SOON = "leaves-soon"
    SPIKE = "spike"
    UNCERTAIN = "uncertain"
    FOR_OUR_FAULT = "for-our-fault"
    FLOOD = "flood"
    ALERT = "alert"
    SOURCE = "source"


@dataclass(frozen=True)
class Decision:
    """One thing that waits. `name` says of what, `text` more, `number` how many; `key` is what to open."""

    urgency: Urgency
    name: str
    text: str
    number: int
    key: int
    at: datetime | None


def read_decisions(session: Session, *, email: str, now: datetime) -> list[Decision]:
    """Return what waits for the admin with this `email`, the most urgent first, of these the oldest."""
    parts = (
        _stopped_senders(now), _overdue_letters(now), _held_editions(), _held_extras(), _paused_editions(),
        *_approvals(), _spikes(), *_doubtful_copies(now), _floods(), _alerts(now), _sources(),
    )  # fmt: skip
    rows = session.execute(sa.union_all(*parts))
    order = list(Urgency)
    found = [Decision(Urgency(what), name, text, number, key, at) for what, name, text, number, key, at in rows]
    if any(each.urgency is Urgency.APPROVAL for each in found):
        found = list(_without_outdated(session, found, email))
    return sorted(found, key=lambda each: (order.index(each.urgency), each.at or now, each.key))


def _without_outdated(session: Session, found: Sequence[Decision], email: str) -> Iterator[Decision]:
    """Yield what waits, of requests that count no longer only those that `email` has to make anew."""
    outdated = {approval.edition_id for approval in outdated_requests(session)}
    for each in found:
        if each.urgency is not Urgency.APPROVAL or each.key not in outdated:
            yield each
        elif each.text.lower() == email.lower():
            yield replace(each, urgency=Urgency.APPROVAL_OUTDATED)


def _part(
    urgency: Urgency,
    at: SQLColumnExpression[Any],
    *,
    name: SQLColumnExpression[Any] | None = None,
    text: SQLColumnExpression[Any] | None = None,
    number: SQLColumnExpression[Any] | None = None,
    key: SQLColumnExpression[Any] | None = None,
) -> Select[str, str, str, int, int, datetime]:
    nothing, zero = sa.literal("", sa.Text()), sa.literal(0, sa.BigInteger())
    words = [sa.cast(nothing if each is None else each, sa.Text()) for each in (name, text)]
    numbers = [sa.cast(zero if each is None else each, sa.BigInteger()) for each in (number, key)]
    what = sa.literal(urgency.value, sa.Text())
    return select(what, words[0], words[1], numbers[0], numbers[1], at)


def _stopped_senders(now: datetime) -> Select[str, str, str, int, int, datetime]:
    said = sa.func.coalesce(sa.cast(SenderState.code, sa.Text()), "") + " " + SenderState.text
    part = _part(Urgency.SENDER_STOPPED, SenderState.since, name=SenderState.fault, text=said)
    return part.where(SenderState.next_try_at > now - STALE_AFTER)


def _overdue_letters(now: datetime) -> Select[str, str, str, int, int, datetime]:
    since = sa.func.min(Chunk.next_attempt_at)
    waits = (Chunk.lease_until.is_(None), Chunk.next_attempt_at < now - OVERDUE_AFTER, Chunk.edition_id.is_(None))
    return _part(Urgency.LETTERS_OVERDUE, since, number=sa.func.count()).where(*waits).having(sa.func.count() > 0)


def _paused_editions() -> Select[str, str, str, int, int, datetime]:
    pauses = select(EditionEvent.id).where(EditionEvent.edition_id == Edition.id, EditionEvent.act == EditionAct.PAUSED)
    last = pauses.order_by(EditionEvent.id.desc()).limit(1).correlate(Edition).scalar_subquery()
    part = _part(
        Urgency.EDITION_PAUSED, EditionEvent.at, name=Edition.subject, text=EditionEvent.reason, key=Edition.id
    )
    joined = part.join_from(Edition, EditionEvent, EditionEvent.id == last)
    return joined.where(Edition.status == EditionStatus.PAUSED, EditionEvent.reason.is_not(None))


def _held_editions() -> Select[str, str, str, int, int, datetime]:
    part = _part(Urgency.EDITION_HELD, Hold.since, name=Edition.subject, key=Edition.id)
    return part.join_from(Hold, Edition).where(Edition.status.in_(UNSENT))


def _held_extras() -> Select[str, str, str, int, int, datetime]:
    """Select flashes and errata that did not pass, of articles that have the same text still."""
    part = _part(Urgency.EXTRA_HELD, HeldExtra.at, name=Article.title, text=HeldExtra.kind, key=Article.id)
    return part.join_from(HeldExtra, Article).where(HeldExtra.revision == Article.revision)


def _approvals() -> list[Select[str, str, str, int, int, datetime]]:
    """Select editions that wait for a second person, or to be asked for anew, and approved ones that can be stopped."""
    parts = []
    for urgency, at, states, status in (
        (Urgency.APPROVAL, Approval.asked_at, OPEN, EditionStatus.DRAFT),
        (Urgency.LEAVES_SOON, Approval.starts_at, (ApprovalState.APPROVED,), EditionStatus.SCHEDULED),
    ):
        part = _part(urgency, at, name=Edition.subject, text=Approval.asked_by, key=Edition.id)
        parts.append(part.join_from(Approval, Edition).where(Approval.state.in_(states), Edition.status == status))
    return parts


def _spikes() -> Select[str, str, str, int, int, datetime]:
    held = FeedbackEvent.state == EventState.HELD
    at, provider = sa.func.min(FeedbackEvent.at), FeedbackEvent.provider
    return (
        _part(Urgency.SPIKE, at, name=sa.func.coalesce(provider, ""), number=sa.func.count())
        .where(held)
        .group_by(provider)
    )


def _doubtful_copies(now: datetime) -> list[Select[str, str, str, int, int, datetime]]:
    """Select editions with copies that may be tried once more, as long as they may."""
    parts = []
    for urgency, number in (
        (Urgency.UNCERTAIN, EditionCount.uncertain),
        (Urgency.FOR_OUR_FAULT, EditionCount.for_our_fault),
    ):
        part = _part(urgency, Edition.started_at, name=Edition.subject, number=number, key=Edition.id)
        in_time = Edition.started_at >= now - REQUEUED_WITHIN
        is_open = Edition.status.in_((EditionStatus.SENDING, EditionStatus.SENT))
        parts.append(part.join_from(Edition, EditionCount).where(number > 0, in_time, is_open))
    return parts


def _floods() -> Select[str, str, str, int, int, datetime]:
    part = _part(Urgency.FLOOD, Flood.at, name=Source.name, text=Flood.reason, number=Flood.number, key=Flood.id)
    return part.join_from(Flood, Source).where(Flood.state == FloodState.HELD)


def _alerts(now: datetime) -> Select[str, str, str, int, int, datetime]:
    return (
        _part(Urgency.ALERT, sa.func.max(Alert.at), name=Alert.kind)
        .where(Alert.hour > now - SHOWN_FOR)
        .group_by(Alert.kind)
    )


def _sources() -> Select[str, str, str, int, int, datetime]:
    part = _part(Urgency.SOURCE, Source.fetched_at, name=Source.name, text=Source.failure, number=Source.failures)
    broken = part.where(Source.failure.is_not(None), Source.failure != "").order_by(Source.name).limit(ROWS_MAX)
    whole = broken.subquery().c
    return select(
        whole[0], whole[1], whole[2], whole[3], whole[4], whole[5]
    )  # SQLite takes no limit inside of a union otherwise
