"""Tables of readers. A subscriber is one address we may hold consent for; a subscription ties it to a newsletter."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.db import Base, BigId, byte_text, enum_type, new_public_id
from app.errors import TransitionRefused
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.wishes import NO_WISH, Wish


def _confirmed_at(context: Any) -> datetime | None:
    confirmed_at: datetime | None = context.get_current_parameters().get("confirmed_at")
    return confirmed_at


class Subscriber(Base):
    """One address.

    `email` is as typed, domain in Unicode, for display; `email_ascii` has the domain as A-labels, for the envelope;
    `email_key` is the whole in lower case, for uniqueness: case matters in transport, not to people (RFC 5321 §2.4).
    `chain_id` names the reader's consent events, which outlive this row; `chain_salt` alone ties them to the address,
    and goes with it. From `restricted_at` the reader's data is kept and not used (GDPR art. 18). `data_id` is what the
    last data link asked for names.
    """

    __tablename__ = "subscribers"
    __table_args__ = (
        # Partial, so that naming a new link is no change of a key: an edition that starts would wait for it.
        sa.Index(
            "ix_subscribers_data_id",
            "data_id",
            unique=True,
            sqlite_where=sa.text("data_id IS NOT NULL"),
            postgresql_where=sa.text("data_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_subscribers_restricted_at",
            "restricted_at",
            sqlite_where=sa.text("restricted_at IS NOT NULL"),
            postgresql_where=sa.text("restricted_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(22), unique=True, default=new_public_id)
    email: Mapped[str] = mapped_column(sa.String(254))
    email_ascii: Mapped[str] = mapped_column(sa.String(254))
    email_key: Mapped[str] = mapped_column(byte_text(254), unique=True)
    chain_id: Mapped[str] = mapped_column(byte_text(22), unique=True, default=new_public_id)
    chain_salt: Mapped[str] = mapped_column(sa.String(22), default=new_public_id)
    created_at: Mapped[datetime]
    restricted_at: Mapped[datetime | None]
    data_id: Mapped[str | None] = mapped_column(sa.String(22))

    subscriptions: Mapped[list["Subscription"]] = relationship(back_populates="subscriber", passive_deletes=True)


class Subscription(Base):
    """A subscriber's place in a newsletter. `confirmation_id` names the one sign-up request that a link may confirm.

    A confirmed one gets no letters while it `is_withheld`, because the address is suppressed or the reader's data may
    not be used, nor before `paused_until`. `acted_at` is when its reader last did something themselves.
    What the reader chose are `profile_id`, what to read, and `rhythm_id`, when; without them they get the newsletter as
    it comes. `covered_until`: up to when articles were looked through for them, where that is not when their rhythm
    last came.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        sa.UniqueConstraint("newsletter_id", "subscriber_id"),
        sa.Index(
            "ix_subscriptions_audience",
            "newsletter_id",
            "language",
            "status",
            "subscriber_id",
            "is_withheld",
            "paused_until",
        ),
        sa.Index("ix_subscriptions_subscriber_id", "subscriber_id"),
        sa.Index("ix_subscriptions_status", "status", "id"),
        sa.Index(
            "ix_subscriptions_pending",
            "requested_at",
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        ),
        sa.Index(
            "ix_subscriptions_held",
            "newsletter_id",
            "id",
            sqlite_where=sa.text("status = 'held'"),
            postgresql_where=sa.text("status = 'held'"),
        ),
        sa.Index(
            "ix_subscriptions_acted_at",
            "acted_at",
            "id",
            sqlite_where=sa.text("status = 'confirmed'"),
            postgresql_where=sa.text("status = 'confirmed'"),
        ),
        sa.Index(
            "ix_subscriptions_unsubscribed_at",
            "unsubscribed_at",
            "id",
            sqlite_where=sa.text("status = 'unsubscribed'"),
            postgresql_where=sa.text("status = 'unsubscribed'"),
        ),
        sa.Index(
            "ix_subscriptions_withheld",
            "id",
            sqlite_where=sa.text("is_withheld"),
            postgresql_where=sa.text("is_withheld"),
        ),
        sa.Index(
            "ix_subscriptions_profile",
            "profile_id",
            "rhythm_id",
            sqlite_where=sa.text("profile_id IS NOT NULL"),
            postgresql_where=sa.text("profile_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_subscriptions_rhythm",
            "rhythm_id",
            "language",
            sqlite_where=sa.text("rhythm_id IS NOT NULL"),
            postgresql_where=sa.text("rhythm_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_subscriptions_covered_until",
            "newsletter_id",
            "covered_until",
            sqlite_where=sa.text("covered_until IS NOT NULL"),
            postgresql_where=sa.text("covered_until IS NOT NULL"),
        ),
        sa.Index(
            "ix_subscriptions_flashes",
            "newsletter_id",
            "language",
            sqlite_where=sa.text("gets_flashes"),
            postgresql_where=sa.text("gets_flashes"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(22), unique=True, default=new_public_id)
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    subscriber_id: Mapped[int] = mapped_column(sa.ForeignKey("subscribers.id", ondelete="CASCADE"))
    status: Mapped[SubscriptionStatus] = mapped_column(enum_type(SubscriptionStatus))
    language: Mapped[str] = mapped_column(sa.String(8))
    confirmation_id: Mapped[str | None] = mapped_column(sa.String(22), unique=True)
    requested_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]
    is_withheld: Mapped[bool] = mapped_column(default=False)
    paused_until: Mapped[datetime | None]
    is_counted: Mapped[bool] = mapped_column(default=False)
    acted_at: Mapped[datetime | None] = mapped_column(default=_confirmed_at)
    profile_id: Mapped[int | None] = mapped_column(sa.ForeignKey("profiles.id"))
    rhythm_id: Mapped[int | None] = mapped_column(sa.ForeignKey("rhythms.id"))
    gets_flashes: Mapped[bool] = mapped_column(default=False)
    covered_until: Mapped[datetime | None]

    subscriber: Mapped[Subscriber] = relationship(back_populates="subscriptions")

    @property
    def was_confirmed(self) -> bool:
        """Whether the last request was ever confirmed."""
        return self.confirmed_at is not None and self.confirmed_at >= self.requested_at

    def request(self, at: datetime, language: str, wish: Wish = NO_WISH) -> None:
        """Begin, or begin anew, a double opt-in; links of an older request stop working.

        What the request chose waits with it; what was chosen before a departure is not asked for by signing up anew. A
        confirmed one may only be asked for anew while it is withheld.
        """
        if self.status is SubscriptionStatus.CONFIRMED and not self.is_withheld:
            raise TransitionRefused("already confirmed")
        self.status = SubscriptionStatus.PENDING
        self.language = language
        self.requested_at = at
        self.confirmation_id = new_public_id()
        self._wish(wish)

    def void_request(self) -> None:
        """Let the link of a request that was not confirmed open nothing any more."""
        if self.status is SubscriptionStatus.PENDING:
            self.confirmation_id = None

    def confirm(self, at: datetime) -> None:
        """Confirm the pending request; the confirmation id stays, so that a repeated press finds its own success.

        A pause, or to be counted, is not asked for by signing up anew.
        """
        if self.status is not SubscriptionStatus.PENDING:
            raise TransitionRefused("nothing to confirm")
        self.status = SubscriptionStatus.CONFIRMED
        self.confirmed_at = self.acted_at = at
        self.unsubscribed_at = None
        self.paused_until = None
        self.is_counted = False

    def resume(self, at: datetime) -> None:
        """Take back an end that came by itself, for want of an answer; the answer came late."""
        if self.status is not SubscriptionStatus.UNSUBSCRIBED:
            raise TransitionRefused("there is no end to take back")
        self.status = SubscriptionStatus.CONFIRMED
        self.confirmed_at = self.acted_at = at
        self.unsubscribed_at = None

    def unsubscribe(self, at: datetime) -> None:
        """End the subscription; the confirmation id goes, so that an old confirm link never revives it.

        What a request chose that was never confirmed goes with it.
        """
        if self.status is SubscriptionStatus.PENDING:
            self._wish(NO_WISH)
        self.status = SubscriptionStatus.UNSUBSCRIBED
        self.confirmation_id = None
        self.unsubscribed_at = at

    def undo_departure(self) -> None:
        """Be subscribed as before the departure. Raises TransitionRefused where the reader had not been."""
        if self.status is not SubscriptionStatus.UNSUBSCRIBED or not self.was_confirmed:
            raise TransitionRefused("no departure to undo")
        self.status = SubscriptionStatus.CONFIRMED
        self.unsubscribed_at = None

    def _wish(self, wish: Wish) -> None:
        self.profile_id, self.rhythm_id, self.gets_flashes = wish.profile_id, wish.rhythm_id, wish.gets_flashes
        self.covered_until = None


def subscription_of(subscriber_id: int, newsletter_id: int) -> Select[Subscription]:
    """Select one subscriber's subscription to one newsletter."""
    return select(Subscription).where(
        Subscription.subscriber_id == subscriber_id, Subscription.newsletter_id == newsletter_id
    )


def subscription_of_letter(subscriber_id: int, newsletter_id: int | None) -> Select[Subscription]:
    """Select the subscription under whose name a letter goes: a newsletter's, or one that lives, if any does."""
    if newsletter_id is not None:
        return subscription_of(subscriber_id, newsletter_id)
    is_over = Subscription.status != SubscriptionStatus.CONFIRMED
    theirs = select(Subscription).where(Subscription.subscriber_id == subscriber_id)
    return theirs.order_by(is_over, Subscription.id).limit(1)


def subscription_by_public_id(public_id: str) -> Select[Subscription]:
    """Select the subscription that a link's token names."""
    return select(Subscription).where(Subscription.public_id == public_id)


def language_of_reader(subscriber_id: int) -> Select[str]:
    """Select the language of a reader's first subscription: of what concerns none of them alone."""
    return (
        select(Subscription.language)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(Subscription.id)
        .limit(1)
    )


def domain_of(session: Session) -> ColumnElement[str]:
    """Return the domain of a subscriber's address, in lower case, as the database of the session finds it."""
    find = sa.func.instr if session.get_bind().dialect.name == "sqlite" else sa.func.strpos
    return sa.func.substr(Subscriber.email_key, find(Subscriber.email_key, "@") + 1)


def gets_letters(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the condition that a subscription's reader is to have editions at `now`."""
    is_not_paused = sa.or_(Subscription.paused_until.is_(None), Subscription.paused_until <= now)
    return sa.and_(
        Subscription.status == SubscriptionStatus.CONFIRMED, Subscription.is_withheld.is_(False), is_not_paused
    )
