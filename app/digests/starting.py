"""Starting a digest: its letter and those of its variants are set first, then all is frozen and queued in one go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.db import new_public_id
from app.delivery.queue import Announce, announce_nothing
from app.digests.circles import Circle, audience_of
from app.digests.coverage import settle_coverage
from app.digests.planning import Plan, Variant
from app.editions.audience import begin_edition, queue_copies
from app.editions.compile import Line, also_of, items_of
from app.editions.compose import SetLetter, marked_links, newsletter_of
from app.editions.headlines import preheader_for, subject_for
from app.editions.models import AlsoIn, Edition, EditionContent, EditionItem, EditionStatus
from app.editions.typeset import Parts, typeset
from app.links import Links
from config import Config

#: Circles that one statement tells apart.
CIRCLES = 200


@dataclass(frozen=True)
class SetVariant:
    """A variant whose letter is set: its public id, the revisions of its articles, and others named beside each."""

    variant: Variant
    public_id: str
    subject: str
    preheader: str
    revisions: tuple[int, ...]
    also: tuple[tuple[int, ...], ...]
    parts: Parts


def set_variants(
    session: Session, edition: Edition, variants: Sequence[Variant], *, config: Config, links: Links, now: datetime
) -> list[SetVariant]:
    """Set the letters of the variants of a draft; stores nothing."""
    wanted = {article_id for variant in variants for article_id in variant.articles}
    articles = {each.id: each for each in session.scalars(select(Article).where(Article.id.in_(wanted)))}
    also = also_of(session, articles.values(), language=edition.language, until=edition.until)
    newsletter = newsletter_of(session, edition)
    made = []
    for variant in variants:
        carried = [articles[key] for key in variant.articles]
        number = _number(edition, carried, also)
        parts = typeset(
            number, newsletter=newsletter, config=config, links=links, at=now, personal=marked_links(number, links)
        )
        revisions = tuple(article.revision for article in carried)
        made.append(
            SetVariant(variant, number.public_id, number.subject, number.preheader, revisions, _ids(number), parts)
        )
    return made


def start_digest(
    session: Session,
    *,
    letter: SetLetter,
    line: Line,
    plan: Plan,
    variants: Sequence[SetVariant],
    actor: str,
    now: datetime,
    announce: Announce = announce_nothing,
) -> int:
    """Freeze a digest with its variants, queue each reader's copy, and return how many there are.

    Raises as `begin_edition` does.
    """
    edition = begin_edition(session, letter=letter, actor=actor, now=now)
    queued = 0
    for audience in _audiences(line, plan.as_it_stands, now):
        queued += queue_copies(session, edition, audience, now=now, announce=announce)
    for ready in variants:
        variant_id = _store(session, edition, ready)
        for audience in _audiences(line, ready.variant.circles, now):
            queued += queue_copies(session, edition, audience, now=now, variant_id=variant_id, announce=announce)
    keys = {circle.key for circle in plan.circles}
    settle_coverage(session, line, keys, since=edition.since, now=now)
    return queued


def _number(edition: Edition, articles: Sequence[Article], also: Mapping[int, Sequence[Article]]) -> Edition:
    """Return what a variant's letter is set from; it is no row."""
    return Edition(
        public_id=new_public_id(),
        newsletter_id=edition.newsletter_id,
        language=edition.language,
        kind=edition.kind,
        subject=subject_for(articles, edition.language, at=edition.until),
        preheader=preheader_for(articles, edition.language, since=edition.since, until=edition.until),
        introduction=edition.introduction,
        since=edition.since,
        until=edition.until,
        items=items_of(articles, also),
    )


def _ids(number: Edition) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(other.article.id for other in item.also) for item in number.items)


def _store(session: Session, edition: Edition, ready: SetVariant) -> int:
    sent = zip(ready.variant.articles, ready.revisions, ready.also, strict=True)
    items = [
        EditionItem(
            article_id=article_id,
            position=position,
            revision=revision,
            also=[AlsoIn(article_id=other, position=place) for place, other in enumerate(also, start=1)],
        )
        for position, (article_id, revision, also) in enumerate(sent, start=1)
    ]
    number = Edition(
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
        since=edition.since,
        until=edition.until,
        created_at=edition.created_at,
        started_at=edition.started_at,
        started_by=edition.started_by,
        items=items,
        content=EditionContent(subject=ready.subject, html=ready.parts.html, text=ready.parts.text),
    )
    session.add(number)
    session.flush()
    return number.id


def _audiences(line: Line, circles: Sequence[Circle], now: datetime) -> Iterator[Select[int]]:
    for start in range(0, len(circles), CIRCLES):
        yield audience_of(line, circles[start : start + CIRCLES], now)
