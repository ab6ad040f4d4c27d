"""Who is due, as circles: readers of one line who chose the same, were looked after until the same moment, and had
the same. One circle has one digest, however many are in it.

What a reader had is what their letters carried; no other list says so.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from app.articles.models import Article
from app.db import is_among, items_of
from app.delivery.models import WAITING, Chunk, Delivery, DeliveryState
from app.digests.offers import story_of
from app.editions.audience import are_due
from app.editions.lines import Line
from app.editions.models import Edition, EditionItem
from app.subscriptions.models import Subscription

#: A copy in one of these states brought its reader nothing.
_BROUGHT_NOTHING = (DeliveryState.CANCELLED, DeliveryState.EXPIRED, DeliveryState.REJECTED)


@dataclass(frozen=True)
class Key:
    """What the readers of a circle chose to read, and until when they were looked after, if not with all others."""

    profile_id: int | None
    covered_until: datetime | None


@dataclass(frozen=True)
class Circle:
    """Readers with one key who had the stories `had`: those of `readers`, by id, or all whom `but` does not name."""

    key: Key
    had: frozenset[int] = frozenset()
    readers: frozenset[int] | None = None
    but: frozenset[int] = frozenset()


def read_keys(session: Session, line: Line, *, now: datetime) -> list[Key]:
    """Return the keys that those have who are to have a digest of `line` at `now`."""
    chosen = select(Subscription.profile_id, Subscription.covered_until).where(are_due(line, now)).distinct()
    return [Key(*row) for row in session.execute(chosen)]


def read_circles(
    session: Session, line: Line, keys: Sequence[Key], *, stories: Collection[int], now: datetime
) -> list[Circle]:
    """Return the circles of those who have one of `keys` (`read_keys`), for a digest out of these stories."""
    due = are_due(line, now)
    had = _had(session, due, stories, now)
    apart: dict[Key, dict[frozenset[int], set[int]]] = defaultdict(lambda: defaultdict(set))
    for reader, key in _keys_of(session, due, had):
        apart[key][frozenset(had[reader])].add(reader)
    circles = [
        Circle(key, had_these, frozenset(readers))
        for key, by_had in apart.items()
        for had_these, readers in by_had.items()
    ]
    return circles + [
        Circle(key, but=frozenset().union(*apart[key].values()) if key in apart else frozenset()) for key in keys
    ]


def audience_of(line: Line, circles: Iterable[Circle], now: datetime) -> Select[int]:
    """Select the subscriber ids of those in `circles` who are to have a digest of `line` at `now`."""
    conditions, values = [], dict[str, str]()
    for number, circle in enumerate(circles):
        is_member = has_key(circle.key)
        for name, ids in (("readers", circle.readers), ("but", circle.but or None)):
            if ids is not None:
                values[f"{name}{number}"] = json.dumps(sorted(ids))
                is_named = is_among(Subscription.__table__.c.subscriber_id, f"{name}{number}")
                is_member &= is_named if name == "readers" else ~is_named
        conditions.append(is_member)
    return select(Subscription.subscriber_id).where(are_due(line, now), sa.or_(*conditions)).params(values)


def has_key(key: Key) -> ColumnElement[bool]:
    """Return the condition that a subscription has this key now."""
    # Equal or empty, and not "not distinct": for that, PostgreSQL uses no index.
    profile, covered = Subscription.profile_id, Subscription.covered_until
    return sa.and_(
        profile.is_(None) if key.profile_id is None else profile == key.profile_id,
        covered.is_(None) if key.covered_until is None else covered == key.covered_until,
    )


def letter_id(chunk: type[Chunk] = Chunk) -> ColumnElement[int]:
    """Return the id of the letter that the copies of a chunk are: a variant's, or the edition's own."""
    return sa.func.coalesce(chunk.variant_id, chunk.edition_id)


def was_brought(now: datetime, copy: type[Delivery] = Delivery, chunk: type[Chunk] = Chunk) -> ColumnElement[bool]:
    """Return the condition that a copy, joined with its chunk, came to its reader, or still may at `now`."""
    is_given_up = sa.and_(copy.state.in_(WAITING), chunk.expires_at <= now)
    return sa.and_(copy.state.not_in(_BROUGHT_NOTHING), ~is_given_up)


def _had(session: Session, due: ColumnElement[bool], stories: Collection[int], now: datetime) -> Mapping[int, set[int]]:
    """Return the stories, of these, that letters brought to readers who are due, by subscriber id."""
    carried: dict[int, set[int]] = defaultdict(set)
    wholes = set()
    query = select(Edition.id, sa.func.coalesce(Edition.variant_of, Edition.id), story_of())
    query = query.join(EditionItem, EditionItem.edition_id == Edition.id)
    query = query.join(Article, Article.id == EditionItem.article_id).where(_is_of_stories())
    for edition_id, whole_id, story_id in session.execute(query, {"stories": json.dumps(list(stories))}):
        carried[edition_id].add(story_id)
        wholes.add(whole_id)
    had: dict[int, set[int]] = defaultdict(set)
    letters = {"letters": json.dumps(list(carried)), "wholes": json.dumps(list(wholes))}
    for letter_id, reader in session.execute(_copies(due, now), letters):
        had[reader or 0] |= carried[letter_id or 0]
    return had


def _is_of_stories() -> ColumnElement[bool]:
    """Return the condition that an article is of one of the `stories`, in a form that finds it by an index."""
    member, alone = aliased(Article), aliased(Article)
    story = items_of("stories", sa.Integer())
    members = select(member.id).where(member.story_id.in_(select(story)))
    alones = select(alone.id).where(alone.id.in_(select(-story)), alone.story_id.is_(None))
    return Article.id.in_(sa.union_all(members, alones))


def _copies(due: ColumnElement[bool], now: datetime) -> Select[int | None, int | None]:
    """Select which of the `letters` of the editions `wholes` were brought to which readers who are due."""
    letter = letter_id()
    chunks = Chunk.__table__.c
    return (
        select(letter, Delivery.subscriber_id)
        .join_from(Chunk, Delivery, Delivery.chunk_id == Chunk.id)
        .join(
            Subscription,
            sa.and_(
                Subscription.subscriber_id == Delivery.subscriber_id, Subscription.newsletter_id == Chunk.newsletter_id
            ),
        )
        .where(is_among(chunks.edition_id, "wholes"), is_among(letter, "letters"))
        .where(was_brought(now), due)
    )


def _keys_of(session: Session, due: ColumnElement[bool], readers: Collection[int]) -> Iterable[tuple[int, Key]]:
    query = select(Subscription.subscriber_id, Subscription.profile_id, Subscription.covered_until).where(
        due, is_among(Subscription.__table__.c.subscriber_id, "readers")
    )
    for reader, profile_id, covered_until in session.execute(query, {"readers": json.dumps(sorted(readers))}):
        yield reader, Key(profile_id, covered_until)
