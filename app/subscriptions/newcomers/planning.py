"""What admins do with a list: hand it in, say what its columns are, have it looked through, imported, or let be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.errors import NotFound, TransitionRefused
from app.newsletters.closing import check_open
from app.newsletters.models import Newsletter
from app.subscriptions.newcomers.columns import Column, check_places, guess_places
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.imports import Provenance, check_provenance
from app.subscriptions.newcomers.models import NAME_MAX, Import, ImportStatus
from app.subscriptions.newcomers.raw import Layout

#: Imports that one run of the clock drops.
DROPPED_AT_ONCE = 50


@dataclass(frozen=True)
class Plan:
    """How a list is to be read: its columns, and what holds for rows that do not say."""

    places: Mapping[Column, int]
    language: str
    provenance: Provenance | None


def add_import(
    session: Session,
    *,
    newsletter_id: int,
    name: str,
    size_bytes: int,
    layout: Layout,
    language: str,
    actor: str,
    reported_in: str,
    now: datetime,
) -> Import:
    """Note a list that was handed in, with a guess at its columns; its file is to be kept under the import's id.

    Raises NewsletterClosed.
    """
    check_open(session, newsletter_id)
    added = Import(
        newsletter_id=newsletter_id,
        status=ImportStatus.RECEIVED,
        name="".join(character for character in Path(name).name if character.isprintable())[-NAME_MAX:] or "list.csv",
        actor=actor,
        reported_in=reported_in,
        created_at=now,
        size_bytes=size_bytes,
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        header=list(layout.header),
        columns={column.value: place for column, place in guess_places(layout.header).items()},
        language=language,
        counts={},
        shown=[],
    )
    session.add(added)
    session.flush()
    return added


def hold_import(session: Session, import_id: int) -> Import:
    """Hold an import's row until the transaction ends, and return it as it is now. Raises NotFound."""
    query = select(Import).where(Import.id == import_id).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound(f"no import {import_id}")
    return found


def start_check(session: Session, found: Import, plan: Plan, *, now: datetime) -> None:
    """Have the list looked through by `plan`, from its beginning; nobody is added.

    Raises InputRefused for a plan that cannot be, as one in a language that the newsletter does not have, and
    TransitionRefused where it is being imported or over.
    """
    if found.status not in {ImportStatus.RECEIVED, ImportStatus.CHECKING, ImportStatus.CHECKED}:
        raise TransitionRefused("this list is being imported, or is over")
    check_places(plan.places, len(found.header))
    check_provenance(plan.provenance, now)
    session.get_one(Newsletter, found.newsletter_id).check_language(plan.language)
    found.columns = {column.value: place for column, place in plan.places.items()}
    found.language = plan.language
    found.source = plan.provenance.source if plan.provenance else None
    found.consented_at = plan.provenance.consented_at if plan.provenance else None
    _begin(found, ImportStatus.CHECKING)
    session.flush()


def start_import(session: Session, found: Import) -> None:
    """Add the readers of a list that was looked through. Raises TransitionRefused for any other, NewsletterClosed."""
    if found.status is not ImportStatus.CHECKED:
        raise TransitionRefused("a list is looked through before it is imported")
    check_open(session, found.newsletter_id)
    _begin(found, ImportStatus.IMPORTING)
    session.flush()


def cancel_import(session: Session, found: Import, *, now: datetime) -> None:
    """Go no further with a list; who was added stays. Raises TransitionRefused where it is over."""
    if found.status.is_over:
        raise TransitionRefused("this import is over")
    found.status, found.ended_at, found.owner, found.lease_until = ImportStatus.CANCELLED, now, None, None
    session.flush()


def delete_import(session: Session, found: Import) -> None:
    """Forget a list that is over: what is known of it, not its files. Raises TransitionRefused for any other."""
    if not found.status.is_over:
        raise TransitionRefused("this import is not over")
    session.delete(found)
    session.flush()


def newest_imports(limit: int) -> Select[Import]:
    """Select the last imports."""
    return select(Import).order_by(Import.id.desc()).limit(limit)


def imports_before(before: datetime) -> Select[int, datetime]:
    """Select the imports whose time is over, and since when they are kept."""
    return select(Import.id, Import.created_at).where(Import.created_at < before)


def drop_imports(session: Session, files: ImportFiles, *, before: datetime) -> int:
    """Delete imports whose time is over with their files, over or not, and older files of none; return how many."""
    due = imports_before(before).order_by(Import.id).limit(DROPPED_AT_ONCE).with_for_update(skip_locked=True)
    import_ids = [import_id for import_id, _ in session.execute(due)]
    session.execute(sa.delete(Import).where(Import.id.in_(import_ids)))
    for import_id in import_ids:
        files.drop(import_id)
    files.drop_strays(session.scalars(select(Import.id)).all(), before=before)
    return len(import_ids)


def _begin(found: Import, status: ImportStatus) -> None:
    found.status = status
    found.position = found.line = found.report_bytes = 0
    found.counts, found.shown = {}, []
    found.owner = found.lease_until = None
