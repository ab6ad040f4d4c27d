"""Floods: articles that a feed brings in a way that is unlike it are held until an editor has looked."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.articles.models import Article, Flood, FloodReason, FloodState, Source
from app.errors import NotFound, TransitionRefused

#: Fewer new articles at once are never a flood.
ARTICLES_MIN = 5
#: Articles published so long before the newest arrival are an archive: the feed was read since and did not show them.
ARCHIVE_AGE = timedelta(days=7)
#: A day's usual number is counted over this time; that many times as many are a surge, if they are more than a few.
HISTORY = timedelta(days=28)
SURGE_FACTOR = 4
SURGE_MIN = 20
#: What is as odd as a flood refused so recently joins it: a feed with new ids at each fetch asks nobody twice a day.
JOINS_FOR = timedelta(days=7)

Row = Mapping[str, object]


def flood_reason(session: Session, *, source: Source, rows: Sequence[Row], now: datetime) -> FloodReason | None:
    """Return why the new articles `rows` of `source` are to be held, or None if they are like it.

    A source of which nothing is known yet has no history to be unlike.
    """
    if len(rows) < ARTICLES_MIN:
        return None
    newest = session.scalar(select(sa.func.max(Article.added_at)).where(Article.source_id == source.id))
    if newest is None:
        return None
    titles = {str(row["title"]) for row in rows}
    known = set(session.scalars(select(Article.title).where(Article.source_id == source.id, Article.title.in_(titles))))
    if sum(row["title"] in known for row in rows) * 2 >= len(rows):
        return FloodReason.NEW_IDS
    oldest = newest - ARCHIVE_AGE
    if sum(_published(row) < oldest for row in rows) * 2 >= len(rows):
        return FloodReason.ARCHIVE
    usual = _usual_daily(session, source, now) * max((now - newest) / timedelta(days=1), 1.0)
    return FloodReason.SURGE if len(rows) > max(SURGE_MIN, SURGE_FACTOR * usual) else None


def hold(session: Session, *, source: Source, reason: FloodReason, number: int, now: datetime) -> int:
    """Note that `number` articles are held, with what waits already or was just refused; return the flood's id."""
    is_open = sa.or_(
        Flood.state == FloodState.HELD, sa.and_(Flood.state == FloodState.REFUSED, Flood.decided_at > now - JOINS_FOR)
    )
    query = select(Flood).where(Flood.source_id == source.id, Flood.reason == reason, is_open)
    latest = query.order_by(Flood.id.desc()).limit(1)
    flood = session.scalars(latest.with_for_update(of=Flood)).first()  # what joins one that goes would never leave
    if flood is None:
        flood = Flood(source_id=source.id, reason=reason, state=FloodState.HELD, at=now, number=0)
        session.add(flood)
    flood.number += number
    session.flush()
    return flood.id


def let_through(session: Session, *, flood_id: int, now: datetime) -> int:
    """Let the articles of a flood go: they are new to the next digest; return how many. Also what was refused may go.

    Raises NotFound, TransitionRefused where they have gone already.
    """
    _decide(session, flood_id, FloodState.PASSED, now)
    held = sa.update(Article).where(Article.flood_id == flood_id).values(flood_id=None, added_at=now)
    return len(session.scalars(held.returning(Article.id)).all())


def refuse(session: Session, *, flood_id: int, now: datetime) -> None:
    """Keep the articles of a flood back for good. Raises NotFound, TransitionRefused unless it is held."""
    _decide(session, flood_id, FloodState.REFUSED, now)


def held_floods() -> Select[Flood]:
    """Select the floods that wait for an editor, oldest first."""
    return select(Flood).where(Flood.state == FloodState.HELD).order_by(Flood.id)


def titles_of(session: Session, flood_id: int, *, limit: int) -> Sequence[str]:
    """Return the titles of some articles of a flood, newest first."""
    query = select(Article.title).where(Article.flood_id == flood_id).order_by(Article.published_at.desc(), Article.id)
    return session.scalars(query.limit(limit)).all()


def _usual_daily(session: Session, source: Source, now: datetime) -> float:
    """Return how many articles a day the source has published lately, at most over the time they reach back."""
    recent = (Article.source_id == source.id, Article.flood_id.is_(None), Article.published_at > now - HISTORY)
    number, oldest = session.execute(select(sa.func.count(), sa.func.min(Article.published_at)).where(*recent)).one()
    return number / max((now - oldest) / timedelta(days=1), 1.0) if oldest else 0.0


def _published(row: Row) -> datetime:
    published = row["published_at"]
    assert isinstance(published, datetime)
    return published


def _decide(session: Session, flood_id: int, state: FloodState, now: datetime) -> None:
    flood = session.get(Flood, flood_id, with_for_update={"of": Flood})
    if flood is None:
        raise NotFound(f"there is no flood {flood_id}")
    if flood.state in {state, FloodState.PASSED}:
        raise TransitionRefused(f"the flood is {flood.state.value} already")
    flood.state, flood.decided_at = state, now
    session.flush()
