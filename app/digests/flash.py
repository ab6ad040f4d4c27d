"""Flashes: an article that an editor lets go at once to those who read in real time and want its story.

Whoever has had the story, or enough flashes for a day, is left out; to whom it did not go it comes with their digest.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.choices.choices import Interests
from app.choices.choosing import interests_of
from app.choices.models import Profile
from app.db import is_among
from app.delivery.models import Chunk, Delivery
from app.delivery.queue import Announce, announce_nothing
from app.digests.circles import letter_id, was_brought
from app.digests.extras import Extra, hold_article, hold_extras, read_article, set_extra, start_extra
from app.digests.held import pass_extra
from app.digests.models import Flash
from app.digests.offers import is_of_story, read_offer
from app.digests.selecting import Offer, Piece
from app.editions.models import IS_EXTRA, Edition, EditionItem, EditionKind
from app.errors import EditionChanged, InputRefused, TransitionRefused
from app.gate.findings import Finding
from app.links import Links
from app.subscriptions.models import Subscription, gets_letters
from app.topics.taxonomy import Taxonomy, load
from config import Config

#: Over which flashes are counted for each reader.
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Group:
    """Readers of one language who get the same piece of a story: those who chose one of these `profiles`, or None."""

    newsletter_id: int
    language: str
    piece: Piece
    profiles: frozenset[int | None]


@dataclass(frozen=True)
class SetFlash:
    """A flash whose letters are set, each with its readers."""

    article_id: int
    revision: int
    letters: tuple[tuple[Extra, Group], ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What keeps it back."""
        return tuple(dict.fromkeys(finding for extra, _ in self.letters for finding in extra.findings))


def plan_flash(session: Session, article_id: int, *, taxonomy: Taxonomy, now: datetime) -> list[Group]:
    """Return who would get an article as a flash, leaving out whom `count_flash` and `start_flash` leave out.

    Raises NotFound, TransitionRefused where it was one, InputRefused where it may not leave or its story is muted, and
    while it is not known yet what it is about.
    """
    article = read_article(session, article_id, now=now)
    _refuse_second(session, article_id)
    if article.classified_at is None or article.grouped_at is None:
        raise InputRefused("it is not known yet what this article is about; that takes a minute")
    offer = read_offer(session, taxonomy, article, until=now)
    if offer is None:
        raise InputRefused("the story of this article is muted")
    profiles = defaultdict[tuple[int, str, Piece], set[int | None]](set)
    for newsletter_id, language, profile_id, interests in _choices(session, now):
        piece = _piece_for(offer, language, interests)
        if piece is not None:
            profiles[newsletter_id, language, piece].add(profile_id)
    return [Group(*key, frozenset(ids)) for key, ids in profiles.items()]


def count_flash(
    session: Session, article_id: int, groups: list[Group], *, per_day: int, limit: int | None = None, now: datetime
) -> int:
    """Return how many readers a flash would go to, at most `per_day` flashes to each in 24 hours.

    Who reads several newsletters gets it once. No more than `limit` of them are counted, if given.
    """
    if not groups:
        return 0
    article = session.get_one(Article, article_id)
    audiences = (_audience(article, group, per_day, now, number).limit(limit) for number, group in enumerate(groups))
    readers = sa.union(*(select(audience.subquery().c.subscriber_id) for audience in audiences)).limit(limit)
    return session.scalar(select(sa.func.count()).select_from(readers.subquery())) or 0


def set_flash(session: Session, article_id: int, *, config: Config, links: Links, now: datetime) -> SetFlash:
    """Set the letters of a flash, and look at them; stores nothing. Raises as `plan_flash` does."""
    letters = []
    for group in plan_flash(session, article_id, taxonomy=load(config.topics_file), now=now):
        extra = set_extra(
            session, session.get_one(Article, group.piece.article_id), kind=EditionKind.FLASH,
            newsletter_id=group.newsletter_id, language=group.language, since=group.piece.arrived_at, config=config,
            links=links, now=now,
        )  # fmt: skip
        letters.append((extra, group))
    return SetFlash(article_id, session.get_one(Article, article_id).revision, tuple(letters))


def start_flash(
    session: Session,
    flash: SetFlash,
    *,
    per_day: int,
    actor: str,
    reason: str = "",
    shown: Collection[str] = (),
    now: datetime,
    announce: Announce = announce_nothing,
) -> int:
    """Queue a flash for its readers, at most `per_day` of them to each in 24 hours; return how many there are.

    Of several at once one counts. Raises TransitionRefused for the others, and as `pass_extra` and `start_extra` do.
    """
    article = hold_article(session, flash.article_id, now=now)
    _refuse_second(session, article.id)
    reason = pass_extra(session, flash, kind=EditionKind.FLASH, article=article, reason=reason, shown=shown)
    copies = 0
    for extra, group in flash.letters:
        audience = _audience(article, group, per_day, now)
        copies += start_extra(session, extra, audience, actor=actor, reason=reason, now=now, announce=announce)
    session.add(Flash(article_id=article.id, at=now, by=actor, copies=copies))
    session.flush()
    return copies


def count_flashes(session: Session) -> int:
    """Return how many flashes there ever were."""
    return session.scalar(select(sa.func.count()).select_from(Flash)) or 0


def refuse_newer_flashes(session: Session, known: int) -> None:
    """Keep flashes from starting until this transaction ends.

    Raises EditionChanged where there are more than the `known` ones: who had which story is to be looked up anew.
    """
    hold_extras(session)
    if count_flashes(session) != known:
        raise EditionChanged("a flash left in the meantime; some readers have its story by now")


def _refuse_second(session: Session, article_id: int) -> None:
    flash = session.get(Flash, article_id, populate_existing=True)
    if flash is not None:
        raise TransitionRefused(f"the article was a flash already, on {flash.at:%Y-%m-%d at %H:%M} UTC, by {flash.by}")


def _choices(session: Session, now: datetime) -> Iterator[tuple[int, str, int | None, Interests]]:
    """Yield what readers in real time chose, by newsletter and language."""
    wishes = (
        select(Subscription.newsletter_id, Subscription.language, Subscription.profile_id)
        .where(Subscription.gets_flashes, gets_letters(now))
        .distinct()
        .order_by(Subscription.newsletter_id, Subscription.language)
    )
    chosen = select(Subscription.profile_id).where(Subscription.gets_flashes)
    profiles = {profile.id: profile for profile in session.scalars(select(Profile).where(Profile.id.in_(chosen)))}
    for newsletter_id, language, profile_id in session.execute(wishes):
        interests = interests_of(profiles[profile_id]) if profile_id else Interests()
        yield newsletter_id, language, profile_id, interests


def _piece_for(offer: Offer, language: str, interests: Interests) -> Piece | None:
    if not interests.wants(offer.standing.topics, mainly=offer.mainly):
        return None
    return offer.piece_for((language, *interests.also_reads))


def _audience(article: Article, group: Group, per_day: int, now: datetime, number: int = 0) -> Select[int]:
    """Select the readers of a group who get a flash; `number` tells the groups of one statement apart."""
    story_id = article.story_id or -article.id
    carrying = select(EditionItem.edition_id).join(Article).where(is_of_story(story_id))
    wholes = select(sa.func.coalesce(Edition.variant_of, Edition.id)).where(Edition.id.in_(carrying))
    recent = select(Edition.id).where(IS_EXTRA, Edition.kind == EditionKind.FLASH, Edition.started_at > now - DAY)
    had = _copies(wholes, now).where(letter_id().in_(carrying))
    flashes = _copies(recent, now).with_only_columns(sa.func.count(), maintain_column_froms=True)
    profiles = f"profiles{number}"
    ids = json.dumps([profile_id for profile_id in group.profiles if profile_id is not None])
    return (
        select(Subscription.subscriber_id)
        .where(
            Subscription.newsletter_id == group.newsletter_id,
            Subscription.language == group.language,
            Subscription.gets_flashes,
            gets_letters(now),
            _has_profile(group, profiles),
            ~had.exists(),
            flashes.scalar_subquery() < per_day,
        )
        .params({profiles: ids})
    )


def _copies(editions: Select[int], now: datetime) -> Select[int]:
    """Select the copies of these editions that were brought to the reader of a subscription."""
    return (
        select(Delivery.id)
        .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
        .where(Delivery.subscriber_id == Subscription.subscriber_id, Delivery.edition_id.in_(editions))
        .where(was_brought(now))
        .correlate(Subscription)
    )


def _has_profile(group: Group, profiles: str) -> ColumnElement[bool]:
    is_one = is_among(Subscription.__table__.c.profile_id, profiles)
    return is_one | Subscription.profile_id.is_(None) if None in group.profiles else is_one
