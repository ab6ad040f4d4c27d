"""Checks of what an edition carries: that there is something for somebody, that it may leave, and its twin."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article, ArticleRevision, may_leave
from app.editions.models import Edition, EditionItem, EditionStatus, whole_editions
from app.gate.findings import Finding, What
from app.newsletters.models import Newsletter

#: The other language's edition of the same day may be this much older or younger.
TWIN_APART = timedelta(hours=36)


def check_content(session: Session, edition: Edition, *, leaves_at: datetime) -> Iterator[Finding]:
    """Yield that there is nothing to send, what may not leave at that time, and texts that changed meanwhile."""
    if not edition.items:
        yield Finding(What.EMPTY)
    is_revised = (
        select(ArticleRevision.article_id)
        .where(ArticleRevision.article_id == Article.id, ArticleRevision.at > edition.created_at)
        .exists()
    )
    carried = select(Article.title, ~may_leave(leaves_at), is_revised).join(EditionItem)
    carried = carried.where(EditionItem.edition_id == edition.id).order_by(EditionItem.position)
    for title, is_early, was_revised in session.execute(carried):
        if is_early:
            yield Finding(What.EMBARGO, title)
        if was_revised:
            yield Finding(What.REVISED, title)


def check_twin(session: Session, edition: Edition, newsletter: Newsletter) -> Iterator[Finding]:
    """Yield that a newsletter of several languages has no such edition in another, or one that is not finished."""
    others = [face.language for face in newsletter.languages if face.language != edition.language]
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
