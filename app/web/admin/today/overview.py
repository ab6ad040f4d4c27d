"""What the dashboard shows, read in a handful of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from app.articles.models import Source
from app.delivery.models import OPEN, Chunk, Delivery, DeliveryState, SenderState, state_now
from app.delivery.route import stopped_senders
from app.delivery.warm_ups import WarmUpReport
from app.editions.compile import FIRST_WINDOW, Line, new_articles
from app.editions.models import Compilation, Edition, Schedule, whole_editions
from app.editions.warm_up import read_warm_up_now
from app.feedback.spikes import HeldSpike, held_spikes
from app.newsletters.models import Newsletter, newsletter_by_slug
from app.subscriptions.form.alerts import recent_alerts
from app.subscriptions.form.counters import Alert
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription

SHOWN_EDITIONS = 6
#: Counting stops here.
COUNTED_ARTICLES = 999


@dataclass(frozen=True)
class Copies:
    """How far an edition's copies are."""

    total: int = 0
    accepted: int = 0
    open: int = 0

    @property
    def failed(self) -> int:
        """Copies that ended without being accepted."""
        return self.total - self.accepted - self.open


@dataclass(frozen=True)
class Queue:
    """Copies of every kind that are not settled; `oldest_at` is since when the oldest one that is due has waited."""

    queued: int
    deferred: int
    in_hand: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class NextDigest:
    """What a language's next digest would be made of: articles that arrived since the last window."""

    language: str
    schedule: Schedule | None
    last: Compilation | None
    new_articles: int


@dataclass(frozen=True)
class Overview:
    """One look at the desk. `readers` counts by language and status."""

    newsletter: Newsletter
    readers: dict[tuple[str, SubscriptionStatus], int]
    editions: list[tuple[Edition, Copies]]
    digests: list[NextDigest]
    failing_sources: list[Source]
    queue: Queue
    stopped: Sequence[SenderState]
    warm_up: WarmUpReport | None
    alerts: Sequence[Alert]
    spikes: Sequence[HeldSpike]

    @property
    def confirmed(self) -> int:
        """All readers who get letters."""
        return sum(count for (_, status), count in self.readers.items() if status is SubscriptionStatus.CONFIRMED)


def desk_overview(session: Session, *, now: datetime) -> Overview:
    """Read everything that the dashboard shows."""
    newsletter = session.scalars(newsletter_by_slug()).one()
    editions = list(session.scalars(whole_editions().order_by(Edition.id.desc()).limit(SHOWN_EDITIONS)))
    copies = count_copies(session, [edition.id for edition in editions])
    broken = select(Source).where(Source.failure.is_not(None), Source.failure != "").order_by(Source.name)
    return Overview(
        newsletter=newsletter,
        readers=_count_readers(session, newsletter),
        editions=[(edition, copies.get(edition.id, Copies())) for edition in editions],
        digests=[_next_digest(session, newsletter, face.language, now) for face in newsletter.languages],
        failing_sources=list(session.scalars(broken)),
        queue=_read_queue(session, now),
        stopped=stopped_senders(session, now=now),
        warm_up=read_warm_up_now(session, newsletter_id=newsletter.id, now=now),
        alerts=recent_alerts(session, now=now),
        spikes=held_spikes(session),
    )


def count_copies(session: Session, edition_ids: list[int]) -> dict[int, Copies]:
    """Count the copies of some editions."""
    query = (
        select(
            Chunk.edition_id,
            func.count(),
            func.sum(cast(Delivery.state == DeliveryState.ACCEPTED, Integer)),
            func.sum(cast(Delivery.state.in_(OPEN), Integer)),
        )
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.edition_id.in_(edition_ids))
        .group_by(Chunk.edition_id)
    )
    rows = session.execute(query)
    return {edition_id: Copies(total, accepted, open_) for edition_id, total, accepted, open_ in rows if edition_id}


def _count_readers(session: Session, newsletter: Newsletter) -> dict[tuple[str, SubscriptionStatus], int]:
    query = (
        select(Subscription.language, Subscription.status, func.count())
        .where(Subscription.newsletter_id == newsletter.id)
        .group_by(Subscription.language, Subscription.status)
    )
    return {(language, status): count for language, status, count in session.execute(query)}


def _next_digest(session: Session, newsletter: Newsletter, language: str, now: datetime) -> NextDigest:
    line = Line(newsletter.id, language)
    compiled = select(Compilation).where(line.holds(Compilation)).order_by(Compilation.id.desc()).limit(1)
    last = session.scalars(compiled).first()
    since = last.until if last else now - FIRST_WINDOW
    schedule = select(Schedule).where(
        Schedule.newsletter_id == newsletter.id, Schedule.language == language, Schedule.rhythm_id.is_(None)
    )
    fresh = new_articles(line, since=since, until=now, now=now, limit=COUNTED_ARTICLES)
    counted = session.scalar(select(func.count()).select_from(fresh.subquery()))
    return NextDigest(language, session.scalars(schedule).first(), last, counted or 0)


def _read_queue(session: Session, now: datetime) -> Queue:
    state = state_now().label("state")
    open_ = (
        select(state, func.count())
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.next_attempt_at.is_not(None) | Chunk.lease_until.is_not(None), Delivery.state.in_(OPEN))
        .group_by(state)
    )
    counts = {state: count for state, count in session.execute(open_)}  # noqa: C416 - a Row is no tuple to mypy
    due = select(func.min(Chunk.next_attempt_at)).where(Chunk.lease_until.is_(None), Chunk.next_attempt_at <= now)
    return Queue(
        queued=counts.get(DeliveryState.QUEUED, 0),
        deferred=counts.get(DeliveryState.DEFERRED, 0),
        in_hand=counts.get(DeliveryState.SENDING, 0),
        oldest_at=session.scalar(due),
    )
