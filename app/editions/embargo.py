"""Keeping an article back until its time, out of every edition, preview and page."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CompoundSelect, select
from sqlalchemy.orm import Session

from app.articles.models import Article, may_leave
from app.editions.draft import proposed_headlines, remove_item, titles_of
from app.editions.events import record_event
from app.editions.history import recorded
from app.editions.models import UNSENT, AlsoIn, Edition, EditionItem, EditionStatus
from app.editions.records import EditionAct
from app.errors import InputRefused, NotFound, TransitionRefused
from app.newsletters.models import Newsletter


def set_embargo(
    session: Session, *, article_id: int, until: datetime | None, actor: str, now: datetime
) -> Sequence[int]:
    """Keep an article back until a time, or let it go now (None); return the ids of the drafts it was taken out of.

    It is taken out, where it is named beside another too, and not left to wait there, so that a digest that the
    schedule starts goes without it, on time; once its time has come it is new to the next digest. That is a change of
    each draft, in its history as others are. Raises NotFound, TransitionRefused where an edition has left with it
    already: nobody can call that back.
    """
    # A digest that is being compiled at this moment must not miss the embargo.
    session.execute(select(Newsletter.id).order_by(Newsletter.id).with_for_update(key_share=True))
    article = session.get(Article, article_id)
    if article is None:
        raise NotFound(f"no article {article_id}")
    if until is None or until <= now:
        article.embargo_until = min(article.embargo_until, now) if article.embargo_until else None
        session.flush()
        return []
    editions = _editions_of(session, article_id)
    if left := [edition.id for edition in editions if edition.status not in UNSENT]:
        raise TransitionRefused(f"edition {left[0]} has left with this article: an embargo comes too late")
    for edition in editions:
        _unschedule(session, edition.id, now)
        with recorded(session, edition_id=edition.id, actor=actor, now=now) as (changed, _):
            _take_out(session, changed, article)
    article.embargo_until = until
    session.flush()
    return [edition.id for edition in editions]


def early_title(session: Session, *, edition: Edition, now: datetime) -> str | None:
    """Return the title of an article that `edition` holds or names and that may not leave at `now`, or None."""
    early = select(Article.title).where(Article.id.in_(shown_articles(edition.id)), ~may_leave(now))
    return session.scalars(early.order_by(Article.id).limit(1)).first()


def refuse_early(session: Session, *, edition: Edition, now: datetime) -> None:
    """Raise InputRefused, naming it, if `edition` holds or names an article that may not leave at `now`."""
    title = early_title(session, edition=edition, now=now)
    if title is not None:
        raise InputRefused(f"this article may not leave yet: {title}")


def shown_articles(edition_id: int) -> CompoundSelect[int]:
    """Select the ids of the articles that an edition holds, and of those named beside them."""
    named = select(AlsoIn.article_id).join(EditionItem, EditionItem.id == AlsoIn.item_id)
    held = select(EditionItem.article_id).where(EditionItem.edition_id == edition_id)
    return held.union(named.where(EditionItem.edition_id == edition_id))


def _editions_of(session: Session, article_id: int) -> Sequence[Edition]:
    """Return the editions that hold an article, or name it beside another."""
    held = select(EditionItem.edition_id).where(EditionItem.article_id == article_id)
    named = select(EditionItem.edition_id).join(AlsoIn, AlsoIn.item_id == EditionItem.id)
    showing = held.union(named.where(AlsoIn.article_id == article_id))
    open_or_left = select(Edition).where(Edition.id.in_(showing), Edition.status != EditionStatus.CANCELLED)
    return session.scalars(open_or_left.order_by(Edition.id)).all()


def _unschedule(session: Session, edition_id: int, now: datetime) -> None:
    """Make a scheduled edition a draft again: what was approved is not what is left of it."""
    scheduled = sa.and_(Edition.id == edition_id, Edition.status == EditionStatus.SCHEDULED)
    changed = session.execute(
        sa.update(Edition)
        .where(scheduled)
        .values(status=EditionStatus.DRAFT)
        .returning(Edition.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    if changed:
        record_event(session, edition_id=edition_id, act=EditionAct.APPROVAL_VOIDED, actor=None, now=now)


def _take_out(session: Session, edition: Edition, article: Article) -> None:
    """Remove the article, and propose the headlines anew where they would tell of it."""
    for item in edition.items:
        item.also[:] = [other for other in item.also if other.article_id != article.id]
    session.flush()
    titles = {title for item in edition.items if item.article is article for title in (article.title, item.shown_title)}
    if not titles:
        return
    remove_item(session, edition_id=edition.id, article_id=article.id)
    texts = zip((edition.subject, edition.preheader), proposed_headlines(edition, titles_of(edition)), strict=True)
    edition.subject, edition.preheader = (
        new if any(title in text for title in titles) else text for text, new in texts
    )
