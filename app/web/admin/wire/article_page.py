"""The desk's page of one article: what is known of it, and what can be done with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article, ArticleRevision
from app.articles.sheet import sheet_html
from app.clock import now
from app.delivery.expiry import WAITING_COUNTED
from app.digests.errata import Misled, count_misled
from app.digests.flash import count_flash, plan_flash
from app.digests.held import findings_of, read_held
from app.digests.models import Erratum, Flash, HeldExtra
from app.editions.models import EditionKind
from app.errors import InputRefused, NotFound
from app.gate.findings import failures
from app.web import product, taxonomy_in_use
from app.web.admin.wire.swaps import is_swap, rows_of

#: Readers of a flash that the page counts: of each, all letters of a day are looked at.
FLASH_READERS_COUNTED = 1_000


@dataclass(frozen=True)
class Extras:
    """What left of an article out of turn, and what may.

    `flash_readers` is None where it was a flash or cannot be one, and counts up to `FLASH_READERS_COUNTED`: then there
    may be more; `misled` counts who got an earlier text and was not
    told, up to a number that no page exceeds. `held`: what did not pass the gate.
    """

    flash: Flash | None
    flash_readers: int | None
    flash_readers_is_more: bool
    misled: Misled
    errata: Sequence[Erratum]
    held: Mapping[EditionKind, HeldExtra]


def show_article(
    article_id: int,
    *,
    problem: str | None = None,
    notes: Mapping[str, str] | None = None,
    reasons: Mapping[EditionKind, str] | None = None,
) -> str:
    """Show an article; with what was wrong, and the notes and reasons that an editor wrote. Raises NotFound."""
    at = now()
    with product().database.reading() as session:
        shown = session.get(Article, article_id)
        if shown is None:
            raise NotFound(f"no article {article_id}")
        revisions, extras = _other_titles(session, shown), _extras(session, shown, at)
        row = rows_of(session, [shown.story_id]).get(shown.story_id) if is_swap() and shown.story_id else None
    is_kept = shown.embargo_until is not None and shown.embargo_until > at
    page = "admin/wire/_article.html" if is_swap() else "admin/wire/article.html"
    return render_template(
        page, article=shown, revisions=revisions, is_kept=is_kept, extras=extras, problem=problem,
        notes=notes or _held_notes(extras), reasons=reasons or {}, findings_of=findings_of, failures=failures,
        text=sheet_html(shown.markdown) if shown.markdown else None, is_swap=is_swap(),
        row=row,
    )  # fmt: skip


def _other_titles(session: Session, article: Article) -> Sequence[ArticleRevision]:
    """Return the texts that an article had before under another title than the one after it had, the last first."""
    query = select(ArticleRevision).where(ArticleRevision.article_id == article.id)
    found = session.scalars(query.order_by(ArticleRevision.revision.desc())).all()
    titles_after = [article.title, *(each.title for each in found)]
    return [each for each, title in zip(found, titles_after, strict=False) if each.title != title]


def _extras(session: Session, article: Article, at: datetime) -> Extras:
    flash = session.get(Flash, article.id)
    told = select(Erratum).where(Erratum.article_id == article.id).order_by(Erratum.revision.desc())
    errata = session.scalars(told).all()
    is_told = article.revision == 1 or any(each.revision == article.revision for each in errata)
    misled = None if is_told else count_misled(session, article.id, limit=WAITING_COUNTED, now=at)
    readers = None if flash else _flash_readers(session, article.id, at)
    return Extras(
        flash=flash,
        flash_readers=readers,
        flash_readers_is_more=readers is not None and readers >= FLASH_READERS_COUNTED,
        misled=misled or Misled({}, is_more=False),
        errata=errata,
        held=read_held(session, article),
    )


def _held_notes(extras: Extras) -> Mapping[str, str]:
    """Return what an editor wrote for an erratum that was kept back."""
    held = extras.held.get(EditionKind.ERRATUM)
    return held.notes if held else {}


def _flash_readers(session: Session, article_id: int, at: datetime) -> int | None:
    try:
        groups = plan_flash(session, article_id, taxonomy=taxonomy_in_use(), now=at)
    except InputRefused:
        return None
    per_day = product().config.flashes_per_day
    return count_flash(session, article_id, groups, per_day=per_day, limit=FLASH_READERS_COUNTED, now=at)
