"""The history of a draft: a revision for each save, so that editors see who changed what, undo it, and never overwrite
each other unseen. What one editor writes in the same fields within a minute is one revision.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, defer

from app.editions.draft import change_state, draft, put_state
from app.editions.models import Edition
from app.editions.records import DraftAct, EditionRevision
from app.editions.states import HEADLINES, State, article_of, differences, read_layout, state_of, taken_out, touches
from app.errors import ChangedMeanwhile, DraftConflict, InputRefused, NotFound, TransitionRefused

#: How long what one editor writes in the same fields joins one revision. Each move is one of its own.
COALESCED_FOR = timedelta(minutes=1)
#: Revisions that are kept of one draft; the oldest go first.
REVISIONS_MAX = 150


@dataclass(frozen=True)
class History:
    """The revisions of a draft that are kept, newest first, and whether something can be undone and done again."""

    revisions: Sequence[EditionRevision]
    can_undo: bool
    can_redo: bool


@dataclass(frozen=True)
class Saved:
    """A draft after a save, the revision that it was `before`, and which parts are now as they were sent.

    The others are as somebody else left them, whom the sender has not read yet. `followed` are the headlines that were
    proposed anew.
    """

    edition: Edition
    before: int
    taken: Sequence[str]
    followed: Mapping[str, str]


@contextmanager
def recorded(
    session: Session, *, edition_id: int, actor: str, now: datetime, act: DraftAct = DraftAct.SAVED
) -> Iterator[tuple[Edition, State]]:
    """Write down, at the end of the block, what it changed of a draft, which it gets locked, with its state.

    Raises as `draft` does.
    """
    edition = draft(session, edition_id)
    last = _last(session, edition)
    before = state_of(edition, before=last.state if last else {})
    yield edition, before
    after = state_of(edition, before=before)
    parts = differences(before, after)
    if parts:
        last = last or _begin(session, edition, before, now)
        _keep(session, edition, last, EditionRevision(actor=actor, act=act, parts=parts, state=after), now)


def save_state(
    session: Session, *, edition_id: int, seen: int, changes: Mapping[str, str], actor: str, now: datetime
) -> Saved:
    """Save what an editor changed, part by part, of the draft as it was at the revision `seen`.

    What others changed meanwhile stays. Raises DraftConflict where both changed the same part, TransitionRefused for
    words of an article that somebody has taken out or put another in place of, InputRefused for what cannot be sent.
    """
    with recorded(session, edition_id=edition_id, actor=actor, now=now) as (edition, current):
        before, wanted = edition.revision, _merge(session, edition, seen, changes, current)
        taken = [part for part, mine in changes.items() if part in wanted or mine == current.get(part, "")]
        merged = {**current, **wanted}
        now_in, then_in = (_articles_in(state["layout"]) for state in (current, merged))
        if not then_in <= now_in.union(taken_out(current)):
            raise InputRefused("an order holds articles of the edition only")
        if not {article_of(part) for part in changes} <= {None, *now_in}:
            raise TransitionRefused("these words are for an article that is not in this edition any more")
        change_state(session, edition_id=edition_id, state=merged, now=now)
        followed = {name: getattr(edition, name) for name in HEADLINES if getattr(edition, name) != merged[name]}
    return Saved(edition, before, taken, followed)


def _articles_in(layout: str) -> set[int]:
    return {place.article_id for place in read_layout(layout)}


def undo(session: Session, *, edition_id: int, seen: int, actor: str, now: datetime) -> Edition:
    """Take back the last change of a draft, as it was at the revision `seen`, that was not undone.

    Raises TransitionRefused where there is none, ChangedMeanwhile where the draft is another one by now.
    """
    edition = _as_seen(session, edition_id, seen)
    last = _last(session, edition)
    target = _undone(_by_number(session, edition), last) if last else None
    if last is None or target is None:
        raise TransitionRefused("there is nothing to undo")
    return _go(session, edition, target, DraftAct.UNDONE, last.tip, actor=actor, now=now)


def redo(session: Session, *, edition_id: int, seen: int, actor: str, now: datetime) -> Edition:
    """Do again what was undone last of a draft, as it was at the revision `seen`.

    Raises TransitionRefused where nothing was, ChangedMeanwhile where the draft is another one by now.
    """
    edition = _as_seen(session, edition_id, seen)
    last = _last(session, edition)
    target = _redone(_by_number(session, edition), last) if last else None
    if last is None or target is None:
        raise TransitionRefused("there is nothing to do again")
    return _go(session, edition, target, DraftAct.REDONE, last.tip, actor=actor, now=now)


def restore(session: Session, *, edition_id: int, number: int, seen: int, actor: str, now: datetime) -> Edition:
    """Bring a draft, as it was at the revision `seen`, back to an earlier one; that is a change, and can be undone.

    Raises NotFound, and ChangedMeanwhile where the draft is another one by now.
    """
    _as_seen(session, edition_id, seen)
    wanted = session.scalars(
        select(EditionRevision).where(EditionRevision.edition_id == edition_id, EditionRevision.number == number)
    ).one_or_none()
    if wanted is None:
        raise NotFound(f"no revision {number} of edition {edition_id}")
    with recorded(session, edition_id=edition_id, actor=actor, now=now, act=DraftAct.RESTORED) as (edition, _):
        put_state(session, edition_id=edition_id, state=wanted.state, now=now)
    return edition


def revisions_of(session: Session, edition_id: int) -> Sequence[EditionRevision]:
    """Return the revisions of a draft that are kept, newest first; their states are read when they are asked for."""
    query = select(EditionRevision).where(EditionRevision.edition_id == edition_id)
    newest = query.order_by(EditionRevision.number.desc())
    return session.scalars(newest.options(defer(EditionRevision.state))).all()


def ends_of(session: Session, edition_id: int) -> Sequence[EditionRevision]:
    """Return the first and the last revision of a draft that are kept; the one there is, or none."""
    number = EditionRevision.number
    ends = (select(end(number)).where(EditionRevision.edition_id == edition_id) for end in (func.min, func.max))
    either = number.in_([end.scalar_subquery() for end in ends])
    of_draft = select(EditionRevision).where(EditionRevision.edition_id == edition_id)
    return session.scalars(of_draft.where(either).order_by(number)).all()


def read_history(session: Session, edition_id: int) -> History:
    """Return what became of a draft so far."""
    revisions = revisions_of(session, edition_id)
    if not revisions:
        return History((), can_undo=False, can_redo=False)
    by_number = {each.number: each for each in revisions}
    can_undo, can_redo = (step(by_number, revisions[0]) is not None for step in (_undone, _redone))
    return History(revisions, can_undo, can_redo)


def _as_seen(session: Session, edition_id: int, seen: int) -> Edition:
    """Return a draft, locked, that nobody changed after the revision `seen`. Raises ChangedMeanwhile, as well."""
    edition = draft(session, edition_id)
    if edition.revision != seen:
        raise ChangedMeanwhile(f"the draft is at revision {edition.revision}")
    return edition


def _merge(
    session: Session, edition: Edition, seen: int, changes: Mapping[str, str], current: State
) -> Mapping[str, str]:
    """Return what of `changes` counts: not what was left as it was seen, whatever others made of it meanwhile."""
    if seen == edition.revision:
        return changes
    revisions = revisions_of(session, edition.id)
    base = next((each.state for each in revisions if each.number == seen), None)
    others = [part for each in revisions if each.number > seen for part in each.parts]
    is_known = any(each.number <= seen for each in revisions) and seen < edition.revision
    wanted: dict[str, str] = {}
    contested = []
    for part, mine in changes.items():
        theirs = current.get(part, "")
        if base is not None and mine == base.get(part, ""):
            continue
        if mine != theirs and (touches(others, part) or not is_known):
            contested.append(part)
        wanted[part] = mine
    if contested:
        raise DraftConflict(contested, wanted, dict(current), revisions[0].actor if revisions else None)
    return wanted


def _go(
    session: Session, edition: Edition, target: EditionRevision, act: DraftAct, tip: int, *, actor: str, now: datetime
) -> Edition:
    before = state_of(edition, before=revisions_of(session, edition.id)[0].state)
    put_state(session, edition_id=edition.id, state=target.state, now=now)
    after = state_of(edition, before=before)
    parts = differences(before, after)
    _add(
        session,
        edition,
        EditionRevision(actor=actor, act=act, parts=parts, state=after, stands_at=target.number, tip=tip),
        now=now,
    )
    return edition


def _keep(session: Session, edition: Edition, last: EditionRevision, made: EditionRevision, now: datetime) -> None:
    """Add a change to the history, or join it with the last one."""
    is_same = (last.actor, last.parts) == (made.actor, made.parts) and last.act is made.act is DraftAct.SAVED
    if is_same and not touches(made.parts, "layout") and now - last.at < COALESCED_FOR:
        edition.revision += 1
        last.number = last.stands_at = last.tip = edition.revision
        last.state = made.state
        session.flush()
        return
    made.stands_at = made.tip = edition.revision + 1
    made.parent = last.stands_at
    _add(session, edition, made, now=now)


def _add(session: Session, edition: Edition, made: EditionRevision, *, now: datetime) -> None:
    edition.revision += 1
    made.edition_id, made.number, made.at = edition.id, edition.revision, now
    session.add(made)
    session.flush()
    kept = select(EditionRevision.id).where(EditionRevision.edition_id == edition.id)
    beyond = session.scalars(kept.order_by(EditionRevision.number.desc()).offset(REVISIONS_MAX)).all()
    session.execute(delete(EditionRevision).where(EditionRevision.id.in_(beyond)))


def _begin(session: Session, edition: Edition, state: State, now: datetime) -> EditionRevision:
    """Keep what a draft was before anybody changed it."""
    first = EditionRevision(
        edition_id=edition.id, number=edition.revision, at=edition.created_at, act=DraftAct.COMPILED, parts=[],
        state=dict(state), stands_at=edition.revision, tip=edition.revision,
    )  # fmt: skip
    session.add(first)
    session.flush()
    return first


def _last(session: Session, edition: Edition) -> EditionRevision | None:
    newest = select(EditionRevision).where(EditionRevision.edition_id == edition.id)
    return session.scalars(newest.order_by(EditionRevision.number.desc()).limit(1)).one_or_none()


def _by_number(session: Session, edition: Edition) -> Mapping[int, EditionRevision]:
    return {each.number: each for each in revisions_of(session, edition.id)}


def _undone(by_number: Mapping[int, EditionRevision], last: EditionRevision) -> EditionRevision | None:
    """Return the revision before the one that stands, where it is still kept."""
    standing = by_number.get(last.stands_at)
    return by_number.get(standing.parent) if standing and standing.parent is not None else None


def _redone(by_number: Mapping[int, EditionRevision], last: EditionRevision) -> EditionRevision | None:
    """Return the revision that follows the one that stands, on the way to the last that was undone."""
    following = by_number.get(last.tip)
    while following is not None and following.parent is not None and following.parent != last.stands_at:
        following = by_number.get(following.parent)
    return following if following is not None and following.parent == last.stands_at else None
