"""Checks of what an edition carries: that there is something for somebody, that it may leave, and its twin."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.articles.models import Article, ArticleRevision, may_leave
from app.editions.embargo import shown_articles
from app.editions.models import Edition, EditionItem, EditionStatus, whole_editions
from app.gate.findings import Finding, What
from app.newsletters.models import Newsletter

#: The other language's edition of the same day may be this much older or younger.
TWIN_APART = timedelta(hours=36)


def check_content(session: Session, edition: Edition, last: Edition | None, *, now: datetime) -> Iterator[Finding]:
    """Yield that there is nothing to send, what may not leave, what changed meanwhile, and stories of the last one.

    `last`: the edition of the same line that started before, if any.
    """
    if not edition.items:
        yield Finding(What.EMPTY)
    is_revised = (
        select(ArticleRevision.article_id)
        .where(ArticleRevision.article_id == Article.id, ArticleRevision.at > edition.created_at)
        .exists()
    )
    is_again = sa.false() if last is None else Article.story_id.in_(_stories_of(last))
    shown = select(Article.id, Article.title, ~may_leave(now), is_revised, is_again)
    shown = shown.where(Article.id.in_(shown_articles(edition.id)))
    rows = {row.id: row for row in session.execute(shown)}
    held = [item.article_id for item in edition.items]
    for article_id in [*held, *(rows.keys() - held)]:
        _, title, is_early, was_revised, was_carried = rows[article_id]
        if is_early:
            yield Finding(What.EMBARGO, title)
        if was_revised:
            yield Finding(What.REVISED, title)
        if was_carried and article_id in held:
            yield Finding(What.CARRIED_OVER, title)


def _stories_of(edition: Edition) -> Select[int | None]:
    stories = select(Article.story_id).join(EditionItem, EditionItem.article_id == Article.id)
    return stories.where(EditionItem.edition_id == edition.id, Article.story_id.is_not(None))


def check_twin(session: Session, edition: Edition, newsletter: Newsletter) -> Iterator[Finding]:
    """Yield that a newsletter of several languages has no such edition in another, or one that is not finished."""
    others = [code for code in newsletter.language_codes if code != edition.language]
    near = whole_editions().where(
        Edition.newsletter_id == newsletter.id,
        Edition.language.in_(others),
        Edition.kind == edition.kind,
        Edition.status != EditionStatus.CANCELLED,
        Edition.created_at.between(edition.created_at - TWIN_APART, edition.created_at + TWIN_APART),
    )
    twins: dict[str, Edition] = {}
    for found in session.scalars(near.order_by(Edition.id)) if others else ():
        twins[found.language] = found
    for language in others:
        twin = twins.get(language)
        if twin is None:
            yield Finding(What.TWIN_MISSING, names=(language,))
        elif twin.subject.strip().casefold() in {"", edition.subject.strip().casefold()}:
            yield Finding(What.TWIN_SUBJECT, twin.subject, names=(language,))
