"""Another address for the same reader: the new one must be confirmed, and the former one may take it back (both hear
of it by letter). The reader keeps their row, their subscriptions and their chain.

What is known of the new address shows nowhere but in its mailbox: every request is stored alike, and only the letter,
when it is composed, looks.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, BigId, new_public_id
from app.delivery.queue import enqueue
from app.errors import NotFound, TransitionRefused
from app.i18n import DEFAULT_LANGUAGE
from app.mail.address import Address
from app.subscriptions.confirming import REPEATED_PRESS
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SuppressionReason
from app.subscriptions.ledger import Act, record_reader_act
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, Subscription, language_of_reader
from app.subscriptions.records import ConsentEvent, Suppression
from app.subscriptions.signup import FIRST
from app.subscriptions.suppression import find_suppression, is_suppressed, suppress

ADDRESS_CHANGE = "address-change"
ADDRESS_NOTICE = "address-notice"
CHANGES_A_DAY = 3
#: Reasons that are the mailbox's, not the reader's.
BOUNCED = frozenset({SuppressionReason.HARD_BOUNCE, SuppressionReason.SOFT_BOUNCES})
#: Rows of one call; the job calls again.
BATCH = 500


class Correction(StrEnum):
    """What another address that is asked for comes to; none where it is the one that the reader has."""

    MOVE = "move"
    SPELLING = "spelling"
    NONE = "none"


class AddressChange(Base):
    """One request to move a reader to a new address, and the address they had. Open until confirmed or ended.

    Deleted when its links are over: the former address is kept no longer than it can take the change back.
    """

    __tablename__ = "address_changes"
    __table_args__ = (
        sa.Index("ix_address_changes_subscriber_id", "subscriber_id"),
        sa.Index("ix_address_changes_requested_at", "requested_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(22), unique=True, default=new_public_id)
    subscriber_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("subscribers.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(sa.String(254))
    email_ascii: Mapped[str] = mapped_column(sa.String(254))
    email_key: Mapped[str] = mapped_column(sa.String(254))
    former_email: Mapped[str] = mapped_column(sa.String(254))
    former_email_ascii: Mapped[str] = mapped_column(sa.String(254))
    former_email_key: Mapped[str] = mapped_column(sa.String(254))
    requested_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        """Whether the new address may still confirm."""
        return self.confirmed_at is None and self.ended_at is None


def request_address_change(
    session: Session,
    *,
    subscriber_id: int,
    address: Address,
    method: ConsentMethod,
    now: datetime,
    actor: str | None = None,
    has_room: bool = True,
) -> Correction:
    """Begin a move to `address`, or correct its spelling at once where the mailbox is the same; return what it was.

    An older request ends. Where the limits have no room for the letter to `address`, none goes, and all else is the
    same. Raises NotFound, TransitionRefused for more than `CHANGES_A_DAY`.
    """
    subscriber = lock_reader(session, subscriber_id)
    if subscriber is None:
        raise NotFound("no such reader")
    if address.key == subscriber.email_key:
        if address.display == subscriber.email:
            return Correction.NONE
        subscriber.email, subscriber.email_ascii = address.display, address.ascii
        _record(session, subscriber, method, now, actor=actor, detail=Correction.SPELLING.value)
        return Correction.SPELLING
    _begin(session, subscriber, address, now, has_room=has_room)
    return Correction.MOVE


def address_change(session: Session, public_id: str) -> AddressChange | None:
    """Return the change that a link names."""
    return session.scalars(select(AddressChange).where(AddressChange.public_id == public_id)).one_or_none()


def is_taken(session: Session, email_key: str) -> bool:
    """Whether the address has a reader."""
    return session.scalar(select(Subscriber.id).where(Subscriber.email_key == email_key)) is not None


def moved_at(session: Session, subscriber: Subscriber) -> datetime | None:
    """Return when a reader last came to have another mailbox, if ever: what was sent before went elsewhere."""
    moves = select(func.max(ConsentEvent.at)).where(
        ConsentEvent.chain_id == subscriber.chain_id,
        ConsentEvent.kind == ConsentKind.ADDRESS_CHANGED,
        ConsentEvent.detail.is_distinct_from(Correction.SPELLING.value),
    )
    return session.scalar(moves)


def confirm_address_change(session: Session, *, public_id: str, suppression_key: str, now: datetime) -> Subscriber:
    """Move the reader to the address that confirms, and return them; letters on their way go there from now on.

    The same press twice finds its own success. Raises NotFound for a request that has ended, TransitionRefused where
    the new address has a reader by now or may not be mailed.
    """
    change, subscriber = _held(session, public_id)
    if change.confirmed_at is not None and now - change.confirmed_at <= REPEATED_PRESS and change.ended_at is None:
        return subscriber
    if not change.is_open:
        raise NotFound("no such request")
    if is_suppressed(session, email_key=change.email_key, suppression_key=suppression_key):
        raise TransitionRefused("this address may not be mailed")
    former = find_suppression(session, email_key=subscriber.email_key, suppression_key=suppression_key)
    change.confirmed_at = now
    _move(session, subscriber, email=change.email, email_ascii=change.email_ascii, email_key=change.email_key)
    if former is not None and former.reason in BOUNCED:
        # That mailbox was the hindrance, and it is gone.
        _withhold(session, subscriber, is_withheld=subscriber.restricted_at is not None)
    elif former is not None:
        _take_along(session, subscriber, former, suppression_key=suppression_key, now=now)
    _record(session, subscriber, ConsentMethod.CONFIRM_PAGE, now)
    return subscriber


def undo_address_change(session: Session, *, public_id: str, suppression_key: str, now: datetime) -> Subscriber:
    """End a request, and move the reader, who is returned, back where it was confirmed already.

    A second time nothing happens. The reader's data link dies with it, and so does every later change: whoever asked
    for the first one in the reader's name may have asked for another, to which the first gave way. Raises NotFound,
    TransitionRefused where the former address has another reader by now.
    """
    change, subscriber = _held(session, public_id)
    if change.ended_at is not None and not _gave_way(session, change):
        return subscriber
    since = select(AddressChange).where(AddressChange.subscriber_id == subscriber.id, AddressChange.id > change.id)
    standing = [change, *session.scalars(since.where(AddressChange.ended_at.is_(None)))]
    has_moved = any(each.confirmed_at is not None for each in standing)
    for each in standing:
        each.ended_at = now
    subscriber.data_id = None
    session.flush()
    if not has_moved:
        return subscriber
    _move(
        session,
        subscriber,
        email=change.former_email,
        email_ascii=change.former_email_ascii,
        email_key=change.former_email_key,
    )
    is_closed = is_suppressed(session, email_key=subscriber.email_key, suppression_key=suppression_key)
    _withhold(session, subscriber, is_withheld=subscriber.restricted_at is not None or is_closed)
    _record(session, subscriber, ConsentMethod.CONFIRM_PAGE, now, detail="undone")
    return subscriber


def end_open_change(session: Session, *, public_id: str, now: datetime) -> bool:
    """End a request by the leave link of its letter; return whether it was open. What was confirmed already stays."""
    change = address_change(session, public_id)
    if change is None or lock_reader(session, change.subscriber_id) is None:
        return False
    session.refresh(change)
    if not change.is_open:
        return False
    change.ended_at = now
    return True


def changes_before(before: datetime) -> sa.Select[int, datetime]:
    """Select the requests made `before`, whose links are over, and when they were made."""
    return select(AddressChange.id, AddressChange.requested_at).where(AddressChange.requested_at < before)


def drop_changes(session: Session, *, before: datetime) -> int:
    """Delete a batch of them; return how many there were."""
    over = changes_before(before).with_only_columns(AddressChange.id).limit(BATCH)
    gone = session.scalars(
        sa.delete(AddressChange)
        .where(AddressChange.id.in_(over))
        .returning(AddressChange.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _begin(session: Session, subscriber: Subscriber, address: Address, now: datetime, *, has_room: bool) -> None:
    mine = AddressChange.subscriber_id == subscriber.id
    today = select(func.count()).where(mine, AddressChange.requested_at > now - timedelta(days=1))
    if (session.scalar(today) or 0) >= CHANGES_A_DAY:
        raise TransitionRefused("the address was to be changed too often today")
    is_open = sa.and_(AddressChange.confirmed_at.is_(None), AddressChange.ended_at.is_(None))
    session.execute(update(AddressChange).where(mine, is_open).values(ended_at=now))
    change = AddressChange(
        public_id=new_public_id(),
        subscriber_id=subscriber.id,
        email=address.display,
        email_ascii=address.ascii,
        email_key=address.key,
        former_email=subscriber.email,
        former_email_ascii=subscriber.email_ascii,
        former_email_key=subscriber.email_key,
        requested_at=now,
    )
    session.add(change)
    session.flush()
    with session.begin_nested() as letter:
        _queue(session, ADDRESS_CHANGE, change, now)
        if not has_room:
            letter.rollback()
    _queue(session, ADDRESS_NOTICE, change, now)


def _queue(session: Session, kind: str, change: AddressChange, now: datetime) -> None:
    enqueue(
        session,
        kind=kind,
        language=session.scalar(language_of_reader(change.subscriber_id)) or DEFAULT_LANGUAGE,
        subscriber_id=change.subscriber_id,
        reference=change.public_id,
        priority=FIRST,
        now=now,
    )


def _held(session: Session, public_id: str) -> tuple[AddressChange, Subscriber]:
    """Return a change and its reader, both held and read anew. Raises NotFound."""
    change = address_change(session, public_id)
    subscriber = lock_reader(session, change.subscriber_id) if change is not None else None
    if change is None or subscriber is None:
        raise NotFound("no such request")
    session.refresh(change)
    return change, subscriber


def _take_along(
    session: Session, subscriber: Subscriber, former: Suppression, *, suppression_key: str, now: datetime
) -> None:
    """Suppress the new address as the former one: it was the person's reason, or an admin's, and goes where they go.

    Where an admin had lifted it, the person may subscribe anew there too.
    """
    suppress(
        session,
        email_key=subscriber.email_key,
        suppression_key=suppression_key,
        reason=former.reason,
        source=ConsentMethod.CONFIRM_PAGE.value,
        note=former.note,
        now=now,
    )
    moved = find_suppression(session, email_key=subscriber.email_key, suppression_key=suppression_key)
    assert moved is not None
    moved.lifted_at, moved.lifted_by = former.lifted_at, former.lifted_by


def _gave_way(session: Session, change: AddressChange) -> bool:
    """Return whether a newer request ended a change that has ended, and not its reader."""
    newer = select(AddressChange.id).where(
        AddressChange.subscriber_id == change.subscriber_id,
        AddressChange.id > change.id,
        AddressChange.requested_at == change.ended_at,
    )
    return session.scalar(newer.limit(1)) is not None


def _move(session: Session, subscriber: Subscriber, *, email: str, email_ascii: str, email_key: str) -> None:
    """Give the reader another address; a data link mailed to the one before opens nothing any more."""
    try:
        with session.begin_nested():
            subscriber.email, subscriber.email_ascii, subscriber.email_key = email, email_ascii, email_key
            subscriber.data_id = None
    except IntegrityError as error:
        raise TransitionRefused("the address has a reader already") from error


def _withhold(session: Session, subscriber: Subscriber, *, is_withheld: bool) -> None:
    theirs = update(Subscription).where(Subscription.subscriber_id == subscriber.id)
    session.execute(theirs.values(is_withheld=is_withheld))


def _record(
    session: Session,
    subscriber: Subscriber,
    method: ConsentMethod,
    now: datetime,
    *,
    actor: str | None = None,
    detail: str | None = None,
) -> None:
    """Add the change to the reader's chain: the event holds the hash of the address that they have now."""
    language = session.scalar(language_of_reader(subscriber.id)) or ""
    act = Act(ConsentKind.ADDRESS_CHANGED, method, now, language, actor=actor, detail=detail)
    record_reader_act(session, subscriber, act)
    session.flush()
