"""Tables of what senders tell one another: routes that are down, paces, warm-ups, and how copies stand by provider."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, enum_type
from app.mail.pacing import Pace
from app.mail.warm_up import Held


class SenderState(Base):
    """A sender whose route is down: since when, what the mail server said last, and when it is tried again.

    There is no row for a sender that has nothing to complain of.
    """

    __tablename__ = "sender_states"

    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    since: Mapped[datetime]
    next_try_at: Mapped[datetime]
    code: Mapped[int | None] = mapped_column(sa.SmallInteger)
    text: Mapped[str] = mapped_column(sa.String(1000))
    fault: Mapped[str] = mapped_column(sa.String(24))


class DomainPace(Base):
    """How fast letters may go to one provider, or over the whole relay ("*"); a row only where there is a limit.

    Letters a minute as replies taught it, and what else they taught; a limit of the settings is not stored. The bucket
    held `tokens` at `filled_at`. Copies that wait were told to come back one after another until `booked_until`.
    """

    __tablename__ = "paces"

    domain: Mapped[str] = mapped_column(sa.String(253), primary_key=True)
    per_minute: Mapped[float | None]
    tokens: Mapped[float]
    filled_at: Mapped[datetime]
    booked_until: Mapped[datetime | None]
    clean: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    refusals_in_a_row: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    slowed_at: Mapped[datetime | None]
    breaker_until: Mapped[datetime | None]
    updated_at: Mapped[datetime]

    @property
    def pace(self) -> Pace:
        """What replies have taught."""
        return Pace(self.per_minute, self.clean, self.refusals_in_a_row, self.slowed_at, self.breaker_until)

    @pace.setter
    def pace(self, pace: Pace) -> None:
        self.per_minute, self.clean, self.refusals_in_a_row = pace.per_minute, pace.clean, pace.refusals_in_a_row
        self.slowed_at, self.breaker_until = pace.slowed_at, pace.open_until


class WarmUpPlan(Base):
    """That a newsletter's sending address or domain is new: from `starts_on` its letters go in growing numbers.

    `audience` counts its readers, `largest_provider` those of the provider that has most of them, when the plan was
    made, at each start of an edition and now and then. One that has ended slows nothing any more.
    """

    __tablename__ = "warm_ups"

    newsletter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    starts_on: Mapped[date]
    audience: Mapped[int]
    largest_provider: Mapped[int]
    ended_at: Mapped[datetime | None]


class WarmUpDay(Base):
    """One day (UTC) of a warm-up: how often its allowance had doubled, letters that drew from it, those
    put off or refused on our account (`deferred`), and complaints that came in until the next one.

    Once a later day has begun, `held` says why that one's allowance is no larger, or None where it is.
    """

    __tablename__ = "warm_up_days"

    newsletter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    doublings: Mapped[int] = mapped_column(sa.SmallInteger)
    drawn: Mapped[int] = mapped_column(default=0)
    deferred: Mapped[int] = mapped_column(default=0)
    complaints: Mapped[int] = mapped_column(default=0)
    held: Mapped[Held | None] = mapped_column(enum_type(Held, length=12))


class WarmUpShare(Base):
    """How many letters to one provider drew from the allowance of the current day."""

    __tablename__ = "warm_up_shares"

    newsletter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(sa.String(253), primary_key=True)
    drawn: Mapped[int]


class ProviderOutcomes(Base):
    """How an edition's copies to one provider ("": to all that are not named) stand, as far as one sender knows.

    Rows of the sender "" are a count of all copies; those of senders are what they changed since, which may be less
    than nothing. Their sum is how things stand. A copy is `deferred` while it waits for another try.
    """

    __tablename__ = "provider_outcomes"

    edition_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    provider: Mapped[str] = mapped_column(sa.String(253), primary_key=True)
    sender: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    waiting: Mapped[int] = mapped_column(default=0)
    deferred: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    uncertain: Mapped[int] = mapped_column(default=0)
    given_up: Mapped[int] = mapped_column(default=0)


class Pulse(Base):
    """How many copies of an edition one sender saw come to an end by a reply, or for want of one, from `at` on.

    A pulse lasts as long as `outcomes.PULSE`.
    """

    __tablename__ = "pulses"

    edition_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    settled: Mapped[int]
