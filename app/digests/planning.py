"""What becomes of a digest: who gets it as it stands, and which variants of it go to the others."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.choices.choices import Interests
from app.choices.choosing import interests_of
from app.choices.models import Profile
from app.digests.circles import Circle, Key, read_circles, read_keys
from app.digests.edits import read_edits
from app.digests.offers import read_offers
from app.digests.selecting import Bounds, Offer, select_articles
from app.editions.compile import ITEMS_MAX, PER_SOURCE_MAX
from app.editions.lines import OVERLAP, Line
from app.editions.models import Edition
from app.topics.taxonomy import Taxonomy

#: Whoever was not looked after for longer, as after a long pause, catches up with this much.
CATCH_UP = timedelta(days=92)
#: What one letter carries: articles that arrived after a time.
Contents = tuple[datetime, tuple[int, ...]]
#: The circle of those who chose nothing, and had nothing by other ways.
USUAL = Circle(Key(None, None))
BOUNDS = Bounds(ITEMS_MAX, PER_SOURCE_MAX)


@dataclass(frozen=True)
class Variant:
    """The ids of articles, in order, and the circles whose digest carries just these of what arrived after `since`.

    Whoever catches up has a variant for that, be it with the articles of others: should it not reach them, it says from
    when on they are still to be looked after.
    """

    since: datetime
    articles: tuple[int, ...]
    circles: tuple[Circle, ...]


@dataclass(frozen=True)
class Plan:
    """What each circle of a digest gets: the edition as it stands, a variant, or nothing."""

    as_it_stands: tuple[Circle, ...]
    variants: tuple[Variant, ...]
    nothing: tuple[Circle, ...]

    @property
    def circles(self) -> tuple[Circle, ...]:
        """All circles that were thought of."""
        return (*self.as_it_stands, *self.nothing, *(each for variant in self.variants for each in variant.circles))


def plan_digest(
    session: Session, edition: Edition, line: Line, *, taxonomy: Taxonomy, half_life: timedelta, now: datetime
) -> Plan:
    """Return what becomes of a digest that is a draft, for the readers there are at `now`.

    After `half_life` a story counts half. What is read several times of readers must be of one moment: the session is
    to see no other.
    """
    keys = read_keys(session, line, now=now)
    begins = {key: max(key.covered_until or edition.since, edition.until - CATCH_UP) for key in keys}
    if set(keys) <= {USUAL.key} and edition.items == []:
        return Plan((), (), tuple(map(Circle, keys)))
    since = min(begins.values(), default=edition.since)
    offers = offers_of(session, edition, taxonomy, since=since)
    stories = [offer.standing.story_id for offer in offers]
    circles = read_circles(session, line, keys, stories=stories, now=now)
    interests = _interests(session, taxonomy)
    letters: dict[Contents, list[Circle]] = defaultdict(list)
    standing = edition.since, tuple(item.article_id for item in edition.items)
    for circle in circles:
        if _is_usual(circle):
            letters[standing].append(circle)
            continue
        articles = select_articles(
            offers,
            language=edition.language,
            interests=interests[circle.key.profile_id],
            since=begins[circle.key] - OVERLAP,
            had=circle.had,
            now=edition.until,
            bounds=BOUNDS,
            half_life=half_life,
        )
        letters[begins[circle.key], articles].append(circle)
    return _plan(letters, standing)


def offers_of(session: Session, edition: Edition, taxonomy: Taxonomy, *, since: datetime) -> list[Offer]:
    """Return the stories that the variants of a digest may carry, for whoever was looked after until `since`."""
    found = read_offers(session, taxonomy, since=since - OVERLAP, until=edition.until, late=_late(edition))
    return read_edits(session, edition).applied_to(found)


def _late(edition: Edition) -> set[int]:
    """Return the articles of a digest that arrived before its window: of an edition given up, or put in by editors."""
    begin = edition.since - OVERLAP
    return {
        item.article_id
        for item in edition.items
        if max(item.article.added_at, item.article.embargo_until or begin) <= begin
    }


def _is_usual(circle: Circle) -> bool:
    return circle.key == USUAL.key and not circle.had


def _interests(session: Session, taxonomy: Taxonomy) -> dict[int | None, Interests]:
    interests: dict[int | None, Interests] = {None: Interests()}
    for profile in session.scalars(select(Profile)):
        interests[profile.id] = interests_of(profile).among(taxonomy.topics)
    return interests


def _plan(letters: dict[Contents, list[Circle]], standing: Contents) -> Plan:
    variants = (
        Variant(since, articles, tuple(circles))
        for (since, articles), circles in letters.items()
        if articles and (since, articles) != standing
    )
    nothing = (circle for (_, articles), circles in letters.items() if not articles for circle in circles)
    return Plan(
        as_it_stands=tuple(letters.get(standing, ())) if standing[1] else (),
        variants=tuple(variants),
        nothing=tuple(nothing),
    )
