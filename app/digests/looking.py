"""A digest as one reader would get it who chose this or that: for editors to look at; nothing is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.choices.choices import Interests
from app.digests.planning import BOUNDS, offers_of
from app.digests.selecting import select_articles
from app.digests.starting import variant_number
from app.editions.archive import sent_at
from app.editions.compile import also_of
from app.editions.compose import newsletter_of, preview
from app.editions.lines import OVERLAP
from app.editions.models import Edition, EditionStatus
from app.editions.typeset import Parts, PersonalLinks, typeset
from app.links import Links
from app.topics.taxonomy import Taxonomy
from config import Config


@dataclass(frozen=True)
class Look:
    """A letter as it would be, with what it carries in order; without `parts` the reader would get none."""

    subject: str
    preheader: str
    articles: tuple[Article, ...]
    titles: tuple[str, ...]
    parts: Parts | None


def look_as(
    session: Session,
    edition: Edition,
    interests: Interests,
    *,
    taxonomy: Taxonomy,
    config: Config,
    links: Links,
    now: datetime,
) -> Look:
    """Return what a reader of the language of an edition gets of it, who had nothing before.

    Who chose nothing gets a draft as it stands; one that was started is shown as it was frozen. Raises InputRefused as
    `preview` does.
    """
    if interests == Interests() or edition.status is not EditionStatus.DRAFT:
        return _look(edition, preview(session, edition=edition, config=config, links=links, now=now))
    ids = _articles_for(session, edition, interests, taxonomy=taxonomy, half_life=config.story_half_life)
    if not ids:
        return Look("", "", (), (), None)
    if ids == tuple(item.article_id for item in edition.items):
        return _look(edition, preview(session, edition=edition, config=config, links=links, now=now))
    return _look_at_variant(session, edition, ids, config=config, links=links)


def _articles_for(
    session: Session, edition: Edition, interests: Interests, *, taxonomy: Taxonomy, half_life: timedelta
) -> tuple[int, ...]:
    """Return the ids of the articles that a draft would bring whoever has these interests, in order."""
    return select_articles(
        offers_of(session, edition, taxonomy, since=edition.since),
        language=edition.language,
        interests=interests,
        since=edition.since - OVERLAP,
        had=frozenset(),
        now=edition.until,
        bounds=BOUNDS,
        half_life=half_life,
    )


def _look_at_variant(session: Session, edition: Edition, ids: Sequence[int], *, config: Config, links: Links) -> Look:
    """Return the letter of a variant of `edition` that carries these articles."""
    found = {each.id: each for each in session.scalars(select(Article).where(Article.id.in_(ids)))}
    articles = [found[key] for key in ids]
    also = also_of(session, articles, language=edition.language, until=edition.until)
    number = variant_number(edition, articles, also, since=edition.since)
    newsletter = newsletter_of(session, edition)
    home = links.home(edition.language, newsletter.address_slug)
    parts = typeset(
        number, newsletter=newsletter, config=config, links=links, at=sent_at(edition),
        personal=PersonalLinks(unsubscribe_url=home, preferences_url=home),
    )  # fmt: skip
    return _look(number, parts)


def _look(number: Edition, parts: Parts) -> Look:
    articles = tuple(item.article for item in number.items)
    return Look(number.subject, number.preheader, articles, tuple(item.shown_title for item in number.items), parts)
