"""What an editor may change while an edition is a draft: its texts, its order, what it carries."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.editions.headlines import checked_preheader, checked_subject
from app.editions.introduction import MAX_CHARACTERS
from app.editions.models import Edition, EditionItem, EditionStatus
from app.errors import InputRefused, NotFound, TransitionRefused


def set_texts(session: Session, *, edition_id: int, subject: str, preheader: str, introduction: str) -> Edition:
    """Replace the texts of a draft; `introduction` is Markdown.

    Raises InputRefused (HeaderInvalid for control characters) with the reason in words, TransitionRefused once started.
    """
    edition = draft(session, edition_id)
    subject = checked_subject(subject)
    preheader = checked_preheader(preheader, subject)
    introduction = introduction.replace("\r\n", "\n").strip()
    if len(introduction) > MAX_CHARACTERS:
        raise InputRefused(f"the introduction has more than {MAX_CHARACTERS} characters")
    edition.subject, edition.preheader, edition.introduction = subject, preheader, introduction
    session.flush()
    return edition


def reorder(session: Session, *, edition_id: int, item_ids: Sequence[int]) -> Edition:
    """Put the items of a draft into the order of `item_ids`, which must name each of them once."""
    edition = draft(session, edition_id)
    places = {item_id: place for place, item_id in enumerate(item_ids, start=1)}
    if len(places) != len(item_ids) or set(places) != {item.id for item in edition.items}:
        raise InputRefused("the order must name each article of the edition once")
    return _place(session, edition, sorted(edition.items, key=lambda item: places[item.id]))


def move_item(session: Session, *, edition_id: int, item_id: int, by: int) -> Edition:
    """Move one item of a draft `by` places, down if positive; it stops at either end."""
    edition = draft(session, edition_id)
    item = _item(edition, item_id)
    others = [other for other in edition.items if other is not item]
    place = min(max(edition.items.index(item) + by, 0), len(others))
    return _place(session, edition, [*others[:place], item, *others[place:]])


def remove_item(session: Session, *, edition_id: int, item_id: int) -> Edition:
    """Take one article out of a draft; no later edition is barred from carrying it."""
    edition = draft(session, edition_id)
    item = _item(edition, item_id)
    return _place(session, edition, [other for other in edition.items if other is not item])


def draft(session: Session, edition_id: int) -> Edition:
    """Return the draft, locked against a start until this transaction ends. Raises NotFound, TransitionRefused."""
    session.execute(select(Edition.id).where(Edition.id == edition_id).with_for_update())
    return read_draft(session, edition_id)


def read_draft(session: Session, edition_id: int) -> Edition:
    """Return the draft as it is now, for looking at. Raises NotFound, TransitionRefused."""
    edition = session.get(Edition, edition_id, populate_existing=True)
    if edition is None:
        raise NotFound(f"no edition {edition_id}")
    if edition.status is not EditionStatus.DRAFT:
        raise TransitionRefused("only a draft can be changed")
    return edition


def fingerprint(edition: Edition) -> str:
    """Return a hash of what readers would see, so that nothing is sent that its sender has not looked at."""
    articles = [
        (item.article_id, item.article.revision, [other.article_id for other in item.also]) for item in edition.items
    ]
    seen = repr((edition.subject, edition.preheader, edition.introduction, articles))
    return hashlib.sha256(seen.encode()).hexdigest()


def _item(edition: Edition, item_id: int) -> EditionItem:
    found = next((item for item in edition.items if item.id == item_id), None)
    if found is None:
        raise NotFound(f"no article {item_id} in this edition")
    return found


def _place(session: Session, edition: Edition, items: Sequence[EditionItem]) -> Edition:
    for place, item in enumerate(items, start=1):
        item.position = place
    edition.items[:] = items
    session.flush()
    return edition
