"""Extras that did not pass the gate: kept back and told on the desk's first page.

Somebody says why they may leave all the same, or gives them up.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.db import insert_into
from app.digests.extras import hold_extras
from app.digests.models import Erratum, Flash, HeldExtra
from app.editions.models import EditionKind
from app.errors import GateClosed, TransitionRefused
from app.gate.findings import Finding, What, failures
from app.gate.passing import checked_reason
from app.gate.probing import read_findings, write_findings


class SetExtra(Protocol):
    """A flash or an erratum whose letters are set and looked at."""

    @property
    def article_id(self) -> int:
        """The article that goes out of turn."""
        ...

    @property
    def revision(self) -> int:
        """Which text of it."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """What keeps it back."""
        ...


def read_held(session: Session, article: Article) -> dict[EditionKind, HeldExtra]:
    """Return the extras of an article, with the text that it has, that are kept back."""
    held = select(HeldExtra).where(HeldExtra.article_id == article.id, HeldExtra.revision == article.revision)
    return {each.kind: each for each in session.scalars(held)}


def findings_of(held: HeldExtra) -> tuple[Finding, ...]:
    """Return what keeps an extra back."""
    return read_findings(held.findings)


def hold_extra(
    session: Session, extra: SetExtra, *, kind: EditionKind, notes: Mapping[str, str], actor: str, now: datetime
) -> str:
    """Keep an extra back that was set, and return for what; `notes` are those of an erratum, by language.

    Of several presses at once another may have let it go: then it raises TransitionRefused.
    """
    hold_extras(session)
    if _has_left(session, extra, kind):
        raise TransitionRefused("it left in the meantime")
    values = {
        "revision": extra.revision, "findings": write_findings(extra.findings), "notes": dict(notes), "at": now,
        "by": actor,
    }  # fmt: skip
    row = insert_into(session, HeldExtra).values(article_id=extra.article_id, kind=kind, **values)
    session.execute(row.on_conflict_do_update(index_elements=["article_id", "kind"], set_=values))
    return " ".join(sorted(failures(extra.findings)))


def give_up_extra(session: Session, *, kind: EditionKind, article_id: int) -> None:
    """Forget an extra that was kept back and that nobody wants any more.

    Raises TransitionRefused where none is kept back: it may have left.
    """
    if not _drop_held(session, kind=kind, article_id=article_id):
        raise TransitionRefused("it is not kept back any more")


def pass_extra(
    session: Session, extra: SetExtra, *, kind: EditionKind, article: Article, reason: str, shown: Collection[str]
) -> str:
    """Let an extra pass for `reason` in spite of what fails; return the reason on one line, "" where nothing fails.

    A reason answers for what was found when the extra was kept back, and `shown` to who gave it, by name: for nothing
    else. Raises GateClosed where more fails than that, or none is given, ReasonRefused for one that says nothing.
    """
    failing = failures(extra.findings)
    held = read_held(session, article).get(kind)
    known = failures(findings_of(held)) if held else frozenset[What]()
    if failing and (not reason.strip() or failing - known or not failing.issubset(shown)):
        raise GateClosed(failing)
    _drop_held(session, kind=kind, article_id=article.id)
    return checked_reason(reason) if failing else ""


def _has_left(session: Session, extra: SetExtra, kind: EditionKind) -> bool:
    if kind is EditionKind.FLASH:
        return session.get(Flash, extra.article_id) is not None
    return session.get(Erratum, (extra.article_id, extra.revision)) is not None


def _drop_held(session: Session, *, kind: EditionKind, article_id: int) -> bool:
    """Forget that an extra was kept back; return whether it was."""
    dropped = delete(HeldExtra).where(HeldExtra.article_id == article_id, HeldExtra.kind == kind)
    return session.scalar(dropped.returning(HeldExtra.article_id)) is not None
