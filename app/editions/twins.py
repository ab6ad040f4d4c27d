"""The twin of an edition: the one in another language that looked through the same time, and how the two differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.editions.models import Edition, EditionItem, EditionKind, EditionStatus, whole_editions

#: Candidates that are looked at; windows overlap few others.
CANDIDATES = 5


@dataclass(frozen=True)
class Beside:
    """An edition beside its twin: its items, each with whether the other has the story too."""

    edition: Edition
    items: tuple[tuple[EditionItem, bool], ...]

    @property
    def only_here(self) -> int:
        """How many stories the other one has not."""
        return sum(not is_shared for _, is_shared in self.items)


def twin_of(session: Session, edition: Edition) -> Edition | None:
    """Return the number in another language whose window overlaps that of `edition` and ends nearest to its end."""
    if edition.kind is not EditionKind.NUMBER:
        return None
    candidates = session.scalars(
        whole_editions()
        .where(
            Edition.newsletter_id == edition.newsletter_id,
            Edition.language != edition.language,
            Edition.kind == EditionKind.NUMBER,
            Edition.status != EditionStatus.CANCELLED,
            Edition.since < edition.until,
            Edition.until > edition.since,
        )
        .order_by(Edition.until.desc(), Edition.id.desc())
        .limit(CANDIDATES)
    ).all()
    return min(candidates, key=lambda other: abs(other.until - edition.until), default=None)


def beside(session: Session, edition: Edition, twin: Edition) -> tuple[Beside, Beside]:
    """Return an edition and its twin, compared story by story."""
    ids = (edition.id, twin.id)
    query = select(Edition).where(Edition.id.in_(ids)).options(selectinload(Edition.items))
    found = {each.id: each for each in session.scalars(query)}
    mine, theirs = found[edition.id].items, found[twin.id].items
    return Beside(edition, _compared(mine, theirs)), Beside(twin, _compared(theirs, mine))


def _compared(items: Sequence[EditionItem], others: Sequence[EditionItem]) -> tuple[tuple[EditionItem, bool], ...]:
    told = {item.article.story_id for item in others if item.article.story_id is not None}
    return tuple((item, item.article.story_id in told) for item in items)
