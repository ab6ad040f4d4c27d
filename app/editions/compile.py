"""Compiling: the articles of a window become a draft edition, or the record that there was nothing new."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.articles.models import Article, arrived, may_leave
from app.editions.headlines import preheader_for, subject_for
from app.editions.models import (
    Compilation,
    CompileOutcome,
    Edition,
    EditionItem,
    EditionStatus,
)
from app.errors import InputRefused
from app.newsletters.models import Newsletter

#: The first window of a newsletter reaches this far back.
FIRST_WINDOW = timedelta(days=7)
#: An article that arrived just before the last window closed may have been committed just after it: look back this
#: far. What an edition already carries is left out anyway.
OVERLAP = timedelta(minutes=15)


def compile_edition(
    session: Session,
    *,
    newsletter: Newsletter,
    language: str,
    until: datetime,
    now: datetime,
    since: datetime | None = None,
    is_automatic: bool = False,
    limit: int = 30,
    per_source: int = 5,
    schedule_id: int | None = None,
    period_at: datetime | None = None,
) -> Compilation:
    """Make a draft of the articles that arrived from `since` to `until` and that no edition carries yet.

    Without `since` the window begins where the last one ended, or seven days back. At most `limit` articles, and
    `per_source` of one feed, are taken; the newest come first. Returns the record, whose outcome may be "nothing new".
    Raises InputRefused when the window ends before it begins.
    """
    # Of two at once the second must see what the first has taken.
    session.execute(select(Newsletter.id).where(Newsletter.id == newsletter.id).with_for_update())
    start, reach = _window(session, newsletter, language, since=since, until=until)
    query = new_articles(newsletter, language, since=reach, until=until, now=now, limit=limit, per_source=per_source)
    articles = sorted(session.scalars(query), key=lambda article: (article.published_at, article.id), reverse=True)
    compilation = Compilation(
        schedule_id=schedule_id,
        period_at=period_at,
        newsletter_id=newsletter.id,
        language=language,
        since=start,
        until=until,
        at=now,
        outcome=CompileOutcome.COMPILED if articles else CompileOutcome.NOTHING_NEW,
    )
    if articles:
        compilation.edition_id = _store_draft(session, articles, compilation, is_automatic=is_automatic)
    session.add(compilation)
    session.flush()
    return compilation


def new_articles(
    newsletter: Newsletter,
    language: str,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    limit: int,
    per_source: int,
) -> Select[Article]:
    """Select the articles for an edition, fairly: every feed's newest before any feed's second newest.

    An article whose embargo ended in the window is new to it.
    Articles of no feed were put in by hand, so each of them counts as a newest one.
    """
    rank = sa.case(
        (Article.source_id.is_(None), 1),
        else_=sa.func.row_number().over(
            partition_by=Article.source_id, order_by=(Article.published_at.desc(), Article.id.desc())
        ),
    )
    ranked = (
        select(Article.id, rank.label("rank"))
        .where(
            Article.language == language,
            arrived(since=since, until=until),
            may_leave(now),
            Article.id.not_in(_carried(newsletter, language)),
        )
        .subquery()
    )
    return (
        select(Article)
        .join(ranked, ranked.c.id == Article.id)
        .where(ranked.c.rank <= per_source)
        .order_by(ranked.c.rank, Article.published_at.desc(), Article.id.desc())
        .limit(limit)
    )


def _window(
    session: Session, newsletter: Newsletter, language: str, *, since: datetime | None, until: datetime
) -> tuple[datetime, datetime]:
    """Return where the window begins, and from when on articles are looked for, which may be earlier."""
    last_end = None if since else _end_of_last_window(session, newsletter, language)
    start = since or last_end or until - FIRST_WINDOW
    if start > until:
        raise InputRefused("the window ends before it begins")
    return start, last_end - OVERLAP if last_end else start


def _end_of_last_window(session: Session, newsletter: Newsletter, language: str) -> datetime | None:
    """Return where the last window ended that was really looked through and whose edition was not cancelled."""
    return session.scalar(
        select(Compilation.until)
        .outerjoin(Edition, Edition.id == Compilation.edition_id)
        .where(
            Compilation.newsletter_id == newsletter.id,
            Compilation.language == language,
            Compilation.outcome != CompileOutcome.MISSED,
            sa.func.coalesce(Edition.status, EditionStatus.SENT) != EditionStatus.CANCELLED,
        )
        .order_by(Compilation.until.desc())
        .limit(1)
    )


def _carried(newsletter: Newsletter, language: str) -> Select[int]:
    return (
        select(EditionItem.article_id)
        .join(Edition)
        .where(
            Edition.newsletter_id == newsletter.id,
            Edition.language == language,
            Edition.status != EditionStatus.CANCELLED,
        )
    )


def _store_draft(session: Session, articles: list[Article], compilation: Compilation, *, is_automatic: bool) -> int:
    edition = Edition(
        newsletter_id=compilation.newsletter_id,
        language=compilation.language,
        is_automatic=is_automatic,
        subject=subject_for(articles, compilation.language),
        preheader=preheader_for(articles, compilation.language, since=compilation.since, until=compilation.until),
        since=compilation.since,
        until=compilation.until,
        created_at=compilation.at,
        items=[EditionItem(article=article, position=place) for place, article in enumerate(articles, start=1)],
    )
    session.add(edition)
    session.flush()
    return edition.id
