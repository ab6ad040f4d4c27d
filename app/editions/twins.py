"""The twin of an edition: the one in another language that looked through the same time, and how the two differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.articles.models import Article
from app.editions.lines import Line, may_stand_in
from app.editions.models import Edition, EditionItem, EditionKind, EditionStatus
from app.i18n import LANGUAGES
from app.stories.choosing import best_first


@dataclass(frozen=True)
class Row:
    """A story of two twins, by their languages: the items that tell it, and what an edition without it could take."""

    items: Mapping[str, EditionItem]
    may_take: Mapping[str, Article]


def twin_of(session: Session, edition: Edition, line: Line) -> Edition | None:
    """Return the number of the same rhythm in another language whose window overlaps that of `edition`, one of `line`.

    Of several it is the one that ends nearest to its end.
    """
    if edition.kind is not EditionKind.NUMBER:
        return None
    others = (replace(line, language=language).holds(Edition) for language in LANGUAGES if language != line.language)
    overlapping = select(Edition.id).where(
        sa.or_(*others),
        Edition.status != EditionStatus.CANCELLED,
        Edition.since < edition.until,
        Edition.until > edition.since,
    )
    after = overlapping.where(Edition.until >= edition.until).order_by(Edition.until, Edition.id.desc())
    before = overlapping.where(Edition.until < edition.until).order_by(Edition.until.desc(), Edition.id.desc())
    nearest = (Edition.id == query.limit(1).scalar_subquery() for query in (after, before))
    found = session.scalars(select(Edition).where(sa.or_(*nearest)))
    return min(found, key=lambda other: abs(other.until - edition.until), default=None)


def rows_of(session: Session, edition: Edition, twin: Edition, line: Line, *, now: datetime) -> tuple[Row, ...]:
    """Return the stories of an edition of `line`, in its order and beside its twin's, and among them the twin's alone.

    What a draft without the story could take is the best article in its language that may leave at `now` and that no
    other edition of its line has.
    """
    ids = (edition.id, twin.id)
    query = select(Edition).where(Edition.id.in_(ids)).options(selectinload(Edition.items).lazyload(EditionItem.also))
    found = {each.id: each for each in session.scalars(query)}
    rows = _paired(found[edition.id], found[twin.id])
    taken = {each.language: _to_take(session, each, line, rows, now) for each in (edition, twin)}
    return tuple(
        Row(row, {language: of_story[key] for language, of_story in taken.items() if (key := _story(row)) in of_story})
        for row in rows
    )


def place_among(edition: Edition, twin: Edition, *, story_id: int | None) -> int:
    """Return how many items of an edition stand before a story that only its twin tells: in the order of the twin.

    It comes behind the counterpart of what it comes after there, as far as there is one, and else first; a story that
    the twin does not tell alone comes last.
    """
    place = 0
    for row in _paired(twin, edition):
        if edition.language in row and twin.language in row:
            place = edition.items.index(row[edition.language]) + 1
        elif edition.language not in row and story_id is not None and _story(row) == story_id:
            return place
    return len(edition.items)


def _paired(edition: Edition, twin: Edition) -> list[dict[str, EditionItem]]:
    rows = [{edition.language: item} for item in edition.items]
    place = 0
    for item in twin.items:
        alone = (
            number for number, row in enumerate(rows)
            if twin.language not in row and item.article.story_id is not None and _story(row) == item.article.story_id
        )  # fmt: skip
        found = next(alone, None)
        if found is None:
            rows.insert(place, {twin.language: item})
            found = place
        rows[found][twin.language] = item
        place = found + 1
    return rows


def _story(row: Mapping[str, EditionItem]) -> int | None:
    return next(item.article.story_id for item in row.values())


def _to_take(
    session: Session, edition: Edition, line: Line, rows: Sequence[Mapping[str, EditionItem]], now: datetime
) -> Mapping[int | None, Article]:
    lacking = {_story(row) for row in rows if edition.language not in row} - {None}
    if edition.status is not EditionStatus.DRAFT or not lacking:
        return {}
    in_language = select(Article).where(Article.story_id.in_(lacking), Article.language == edition.language)
    free = in_language.where(may_stand_in(replace(line, language=edition.language), edition, now))
    best: dict[int | None, Article] = {}
    for article in session.scalars(free.order_by(*best_first())):
        best.setdefault(article.story_id, article)
    return best
