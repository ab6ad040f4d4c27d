"""Starting a digest: all that its letters say is read at one moment, then they are set, then all is frozen and queued
in one go. While letters are set, the database is not needed: that takes a second for every hundred variants.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session

from app.articles.models import Article, may_leave
from app.db import is_among, new_public_id
from app.delivery.queue import Announce, announce_nothing
from app.digests.circles import Circle, audience_of
from app.digests.coverage import settle_coverage
from app.digests.flash import count_flashes, refuse_newer_flashes
from app.digests.planning import Plan, Variant, plan_digest
from app.editions.audience import begin_edition, queue_copies
from app.editions.compile import also_of, items_of, lend_words, own_words
from app.editions.compose import Manuscript, SetLetter, freeze, read_manuscript, set_letter
from app.editions.headlines import preheader_for, subject_for
from app.editions.lines import Line
from app.editions.models import AlsoIn, Edition, EditionItem, EditionStatus
from app.editions.outcomes import count_outcomes
from app.editions.typeset import Parts
from app.errors import EditionChanged
from app.links import Links
from app.newsletters.letterhead import Letterhead
from app.topics.taxonomy import Taxonomy
from config import Config

#: Circles that one statement tells apart, and variants that are stored at once.
CIRCLES, VARIANTS = 200, 100


@dataclass(frozen=True)
class Material:
    """What a digest is set from: its plan, the draft, and the articles of its variants with the others on their
    stories, by id. `flashes` had left by then."""

    line: Line
    plan: Plan
    manuscript: Manuscript
    articles: Mapping[int, Article]
    also: Mapping[int, Sequence[Article]]
    flashes: int

    @property
    def is_empty(self) -> bool:
        """Whether it carries nothing for anybody."""
        return not self.manuscript.edition.items and not self.plan.variants


@dataclass(frozen=True)
class SetVariant:
    """A variant whose letter is set: its public id, and others named beside each of its articles."""

    variant: Variant
    public_id: str
    subject: str
    preheader: str
    also: tuple[tuple[int, ...], ...]
    parts: Parts


@dataclass(frozen=True)
class SetDigest:
    """A digest whose letters are set, and what from."""

    material: Material
    letter: SetLetter
    variants: tuple[SetVariant, ...]


def read_digest(
    session: Session, edition_id: int, *, taxonomy: Taxonomy, half_life: timedelta, now: datetime
) -> Material:
    """Read what a digest that is a draft is set from; the session is to see one moment throughout.

    After `half_life` a story counts half.

    Raises NotFound, TransitionRefused where it is no draft, InputRefused when an article may not leave yet.
    """
    flashes = count_flashes(session)
    manuscript = read_manuscript(session, edition_id=edition_id, now=now)
    edition = manuscript.edition
    line = Line.of(session, edition)
    plan = plan_digest(session, edition, line, taxonomy=taxonomy, half_life=half_life, now=now)
    wanted = {article_id for variant in plan.variants for article_id in variant.articles}
    found = select(Article).where(is_among(Article.__table__.c.id, "ids"))
    articles = {each.id: each for each in session.scalars(found, {"ids": json.dumps(list(wanted))})}
    also = also_of(session, articles.values(), language=edition.language, until=edition.until)
    return Material(line, plan, manuscript, articles, also, flashes)


def set_digest(material: Material, *, config: Config, links: Links, now: datetime) -> SetDigest:
    """Set the letters of a digest and of its variants. Raises InputRefused when one cannot be made to fit."""
    letter = set_letter(material.manuscript, config=config, links=links, now=now)
    variants = (_set(material, variant, config, links, now) for variant in material.plan.variants)
    return SetDigest(material, letter, tuple(variants))


def start_digest(
    session: Session, digest: SetDigest, *, actor: str, now: datetime, announce: Announce = announce_nothing
) -> int:
    """Freeze a digest with its variants, queue each reader's copy, and return how many there are.

    Raises as `begin_edition` does, and EditionChanged where a flash left or an article of a variant is not as it was.
    """
    material = digest.material
    refuse_newer_flashes(session, material.flashes)
    others = {other.id: other for also in material.also.values() for other in also}
    _refuse_changed(session, {**others, **material.articles}, now)
    edition = begin_edition(session, letter=digest.letter, actor=actor, now=now)
    queued = 0
    for audience in _audiences(material.line, material.plan.as_it_stands, now):
        queued += queue_copies(session, edition, audience, now=now, announce=announce)
    for start in range(0, len(digest.variants), VARIANTS):
        some = digest.variants[start : start + VARIANTS]
        ids = _store(session, edition, some, material.articles, digest.letter.letterhead)
        for ready, variant_id in zip(some, ids, strict=True):
            for audience in _audiences(material.line, ready.variant.circles, now):
                queued += queue_copies(session, edition, audience, now=now, variant_id=variant_id, announce=announce)
    count_outcomes(session, edition_id=edition.id)
    keys = {circle.key for circle in material.plan.circles}
    settle_coverage(session, material.line, keys, since=edition.since, until=edition.until, now=now)
    return queued


def _set(material: Material, variant: Variant, config: Config, links: Links, now: datetime) -> SetVariant:
    edition = material.manuscript.edition
    articles = [material.articles[key] for key in variant.articles]
    number = variant_number(edition, articles, material.also, since=variant.since)
    parts = Manuscript(number, material.manuscript.newsletter).typeset(config=config, links=links, at=now)
    also = tuple(tuple(other.article.id for other in item.also) for item in number.items)
    return SetVariant(variant, number.public_id, number.subject, number.preheader, also, parts)


def variant_number(
    edition: Edition, articles: Sequence[Article], also: Mapping[int, Sequence[Article]], *, since: datetime
) -> Edition:
    """Return what a variant's letter is set from; it is no row."""
    items = items_of(articles, also)
    lend_words(edition, items)
    titles = [item.shown_title for item in items]
    return Edition(
        public_id=new_public_id(),
        newsletter_id=edition.newsletter_id,
        language=edition.language,
        kind=edition.kind,
        subject=subject_for(titles, edition.language, at=edition.until, zone=edition.zone),
        preheader=preheader_for(titles, edition.language, since=since, until=edition.until, zone=edition.zone),
        introduction=edition.introduction,
        since=since,
        until=edition.until,
        items=items,
    )


def _refuse_changed(session: Session, articles: Mapping[int, Article], now: datetime) -> None:
    """Keep a variant from leaving with an article that was corrected, or held back, while its letter was set."""
    leaving = select(Article.id, Article.revision).where(is_among(Article.__table__.c.id, "ids"), may_leave(now))
    rows = session.execute(leaving, {"ids": json.dumps(list(articles))})
    revisions = {key: revision for key, revision in rows}  # noqa: C416 - a Row is no tuple
    if revisions != {key: each.revision for key, each in articles.items()}:
        raise EditionChanged("an article was changed or held back while the digest was set")


def _store(
    session: Session,
    edition: Edition,
    variants: Sequence[SetVariant],
    articles: Mapping[int, Article],
    letterhead: Letterhead,
) -> list[int]:
    """Store variants of an edition that has begun, with what each carries; return their ids."""
    numbers = [
        Edition(
            public_id=ready.public_id,
            newsletter_id=edition.newsletter_id,
            language=edition.language,
            variant_of=edition.id,
            schedule_id=edition.schedule_id,
            status=EditionStatus.SENDING,
            is_automatic=edition.is_automatic,
            subject=ready.subject,
            preheader=ready.preheader,
            introduction=edition.introduction,
            since=ready.variant.since,
            until=edition.until,
            created_at=edition.created_at,
            started_at=edition.started_at,
            started_by=edition.started_by,
            content=freeze(ready.subject, ready.parts, letterhead),
        )
        for ready in variants
    ]
    session.add_all(numbers)
    session.flush()
    ids = [number.id for number in numbers]
    _store_items(session, dict(zip(ids, variants, strict=True)), articles, own_words(edition))
    return ids


def _store_items(
    session: Session,
    variants: Mapping[int, SetVariant],
    articles: Mapping[int, Article],
    words: Mapping[int, tuple[str | None, str | None]],
) -> None:
    """Store the items of variants, by the id of each; past the mappers, which take longer than all else."""
    items = EditionItem.__table__.c
    carried = [
        {"edition_id": variant_id, "position": position, **_row_of(articles[key], words)}
        for variant_id, ready in variants.items()
        for position, key in enumerate(ready.variant.articles, start=1)
    ]
    adding = insert(EditionItem).returning(items.edition_id, items.article_id, items.id)
    ids = {(variant_id, key): item_id for variant_id, key, item_id in session.connection().execute(adding, carried)}
    named = [
        {"item_id": ids[variant_id, key], "article_id": other, "position": place}
        for variant_id, ready in variants.items()
        for key, also in zip(ready.variant.articles, ready.also, strict=True)
        for place, other in enumerate(also, start=1)
    ]
    if named:
        session.connection().execute(insert(AlsoIn), named)


def _row_of(article: Article, words: Mapping[int, tuple[str | None, str | None]]) -> dict[str, object]:
    title, teaser = words.get(article.id, (None, None))
    return {"article_id": article.id, "revision": article.revision, "title": title, "teaser": teaser}


def _audiences(line: Line, circles: Sequence[Circle], now: datetime) -> Iterator[Select[int]]:
    for start in range(0, len(circles), CIRCLES):
        yield audience_of(line, circles[start : start + CIRCLES], now)
