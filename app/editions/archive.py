"""Past editions, for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.articles.models import Article, may_leave
from app.editions.lines import Schedule
from app.editions.models import AlsoIn, Edition, EditionItem, EditionKind, EditionStatus
from app.errors import NotFound
from app.newsletters.models import Newsletter


@dataclass(frozen=True)
class PastEdition:
    """One line of the archive; `day` is on the newsletter's own calendar."""

    public_id: str
    subject: str
    preheader: str
    day: date
    articles: int


def past_editions(
    session: Session, *, newsletter_id: int, language: str, before: str | None = None, length: int, now: datetime
) -> list[PastEdition]:
    """Return a newsletter's editions sent in `language`, newest first, from the one that follows `before` on.

    `before` is a public id.
    """
    articles = select(sa.func.count()).where(EditionItem.edition_id == Edition.id).correlate(Edition).scalar_subquery()
    query = (
        select(Edition, Newsletter.timezone, articles)
        .join(Newsletter, Newsletter.id == Edition.newsletter_id)
        .where(Edition.newsletter_id == newsletter_id, Edition.language == language, is_listed(now))
        .order_by(Edition.id.desc())
        .limit(length)
    )
    if before is not None:
        query = query.where(Edition.id < select(Edition.id).where(Edition.public_id == before).scalar_subquery())
    return [
        PastEdition(edition.public_id, edition.subject, edition.preheader, sent_on(edition, zone), count)
        for edition, zone, count in session.execute(query)
    ]


def newest_editions(
    session: Session, *, newsletter_id: int, language: str, length: int, now: datetime
) -> list[tuple[Edition, str]]:
    """Return a newsletter's newest editions sent in `language`, whole, each with the newsletter's zone."""
    query = (
        select(Edition, Newsletter.timezone)
        .join(Newsletter, Newsletter.id == Edition.newsletter_id)
        .where(Edition.newsletter_id == newsletter_id, Edition.language == language, is_listed(now))
        .order_by(Edition.id.desc())
        .limit(length)
        .options(selectinload(Edition.items))
    )
    return [(edition, zone) for edition, zone in session.execute(query)]


def listed_addresses(session: Session, *, language: str, length: int, now: datetime) -> Sequence[tuple[str, datetime]]:
    """Return the public id and end of the editions of a language in the archive, newest first."""
    query = select(Edition.public_id, sa.func.coalesce(Edition.finished_at, Edition.until))
    query = query.where(Edition.language == language, is_listed(now)).order_by(Edition.id.desc()).limit(length)
    return [(public_id, at) for public_id, at in session.execute(query)]


def past_edition(session: Session, *, public_id: str, now: datetime) -> Edition:
    """Return one edition that was sent. Raises NotFound for any other."""
    edition = session.scalars(select(Edition).where(Edition.public_id == public_id, is_listed(now))).one_or_none()
    if edition is None:
        raise NotFound("no such edition")
    return edition


def is_listed(now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that an edition is to be found in public at `now`: in the archive, by topic, in feeds.

    It was sent, is the newsletter's own, no extra, no variant and of no reader's rhythm, and all that it holds or names
    may be seen. One whose copies are tried once more stays listed.
    """
    is_reopened = Edition.status.in_((EditionStatus.SENDING, EditionStatus.PAUSED)) & Edition.finished_at.is_not(None)
    carried = select(EditionItem.id).join(Article).where(EditionItem.edition_id == Edition.id, ~may_leave(now))
    named = select(AlsoIn.item_id).join(EditionItem, EditionItem.id == AlsoIn.item_id)
    named = named.join(Article, Article.id == AlsoIn.article_id)
    named = named.where(EditionItem.edition_id == Edition.id, ~may_leave(now))
    is_sent = (Edition.status == EditionStatus.SENT) | is_reopened
    return is_sent & is_the_newsletters() & ~carried.exists() & ~named.exists()


def is_the_newsletters() -> sa.ColumnElement[bool]:
    """Return the condition that an edition may ever be listed: it is no extra, no variant, of no rhythm, not empty."""
    of_rhythm = select(Schedule.id).where(Schedule.rhythm_id.is_not(None))
    is_usual = Edition.schedule_id.is_(None) | Edition.schedule_id.not_in(of_rhythm)
    has_articles = select(EditionItem.id).where(EditionItem.edition_id == Edition.id).correlate(Edition).exists()
    is_own = (Edition.kind == EditionKind.NUMBER) & Edition.variant_of.is_(None)
    return is_own & is_usual & has_articles


def sent_at(edition: Edition) -> datetime:
    """Return the moment that a letter of `edition` bears: of its start, or of its window's end while it is a draft."""
    return edition.started_at or edition.until


def sent_on(edition: Edition, zone: str) -> date:
    """Return the day of `sent_at` on the calendar of `zone`."""
    return sent_at(edition).astimezone(ZoneInfo(zone)).date()
