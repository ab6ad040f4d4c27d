"""Requests that readers make by letter or mail to the newsroom, each with the day by which it must be answered.

What a reader does on their own page is done at once and stands in their chain; this is the log of what people do for
them (GDPR art. 12(3) and (5)).
"""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.clock import months_later
from app.db import Base, BigId, enum_type
from app.errors import InputRefused, NotFound, TransitionRefused
from app.subscriptions.models import Subscriber

ANSWER_MONTHS = 1
#: What complex or numerous requests may take in addition, if the reader is told within the first month.
EXTENSION_MONTHS = 2
REFERENCE_MAX = 120
NOTE_MAX = 500


class Right(StrEnum):
    """What a reader asks for (GDPR art. 15 to 18, 20 and 21)."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"


class RightsRequest(Base):
    """One request. `reference` says where it is filed and `subscriber_id` whose it is, as far as we have a reader.

    `extended_at` is when the reader was told that it takes longer; `actor` is the admin who acted last. Neither
    reference nor note is to name anybody: they outlive an erasure.
    """

    __tablename__ = "rights_requests"
    __table_args__ = (
        sa.Index("ix_rights_requests_subscriber_id", "subscriber_id"),
        sa.Index(
            "ix_rights_requests_open",
            "due_on",
            sqlite_where=sa.text("answered_at IS NULL"),
            postgresql_where=sa.text("answered_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Right] = mapped_column(enum_type(Right))
    subscriber_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("subscribers.id", ondelete="SET NULL"))
    reference: Mapped[str] = mapped_column(sa.String(REFERENCE_MAX))
    received_on: Mapped[date]
    due_on: Mapped[date]
    extended_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    actor: Mapped[str] = mapped_column(sa.String(254))
    note: Mapped[str] = mapped_column(sa.String(NOTE_MAX))

    subscriber: Mapped[Subscriber | None] = relationship()


def log_request(
    session: Session,
    *,
    kind: Right,
    reference: str,
    received_on: date,
    actor: str,
    today: date,
    subscriber_id: int | None = None,
    note: str = "",
) -> RightsRequest:
    """Log a request that arrived on `received_on`; it is due a month later. Raises InputRefused."""
    if not reference.strip() and subscriber_id is None:
        raise InputRefused("say where the request is filed")
    if received_on > today:
        raise InputRefused("a request cannot arrive tomorrow")
    if len(reference) > REFERENCE_MAX or len(note) > NOTE_MAX:
        raise InputRefused("the reference or the note is too long")
    request = RightsRequest(
        kind=kind,
        subscriber_id=subscriber_id,
        reference=reference.strip(),
        received_on=received_on,
        due_on=months_later(received_on, ANSWER_MONTHS),
        actor=actor,
        note=note.strip(),
    )
    session.add(request)
    session.flush()
    return request


def answer_request(session: Session, *, request_id: int, actor: str, now: datetime) -> None:
    """Note that a request was answered; the first answer counts. Raises NotFound."""
    request = _held(session, request_id)
    if request.answered_at is None:
        request.answered_at, request.actor = now, actor


def extend_request(session: Session, *, request_id: int, actor: str, today: date, now: datetime) -> None:
    """Note that the reader was told that the answer takes two months more (GDPR art. 12(3)).

    Raises NotFound, TransitionRefused where it was answered or extended before, or the first month is over.
    """
    request = _held(session, request_id)
    if request.answered_at is not None or request.extended_at is not None or today > request.due_on:
        raise TransitionRefused("this request can no longer be extended")
    request.extended_at, request.actor = now, actor
    request.due_on = months_later(request.received_on, ANSWER_MONTHS + EXTENSION_MONTHS)


def open_requests() -> Select[RightsRequest]:
    """Select the requests that await an answer, the most pressing first."""
    query = select(RightsRequest).where(RightsRequest.answered_at.is_(None))
    return query.order_by(RightsRequest.due_on, RightsRequest.id)


def answered_requests() -> Select[RightsRequest]:
    """Select the requests that were answered."""
    return select(RightsRequest).where(RightsRequest.answered_at.is_not(None))


def answered_before(before: datetime) -> Select[int, datetime | None]:
    """Select the requests that were answered `before`, and when."""
    return select(RightsRequest.id, RightsRequest.answered_at).where(RightsRequest.answered_at < before)


def drop_answered(session: Session, *, before: datetime) -> int:
    """Delete them; return how many there were."""
    over = sa.delete(RightsRequest).where(RightsRequest.answered_at < before).returning(RightsRequest.id)
    return len(session.scalars(over.execution_options(synchronize_session=False)).all())


def requests_of(subscriber_id: int) -> Select[RightsRequest]:
    """Select one reader's requests, newest first."""
    return select(RightsRequest).where(RightsRequest.subscriber_id == subscriber_id).order_by(RightsRequest.id.desc())


def is_left_alone() -> sa.ColumnElement[bool]:
    """Return the condition that no clock deletes a reader.

    Their data is kept though not used (GDPR art. 18(2)), or a request of theirs awaits its answer (art. 12(3)).
    """
    is_theirs = RightsRequest.subscriber_id == Subscriber.id
    asks = select(RightsRequest.id).where(is_theirs, RightsRequest.answered_at.is_(None)).exists()
    return sa.or_(Subscriber.restricted_at.is_not(None), asks)


def _held(session: Session, request_id: int) -> RightsRequest:
    request = session.get(RightsRequest, request_id, with_for_update=True)
    if request is None:
        raise NotFound("no such request")
    return request
