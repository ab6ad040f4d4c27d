"""Working through a list, batch by batch: the rows of a batch, its counts and its place are one transaction.

After a kill whoever comes next goes on from that place, so that each row is taken once. One process works on an import
at a time; its lease lapses when it is gone. While its newsletter is closed an import rests, and goes on from there.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import Database
from app.newsletters.models import Newsletter, open_newsletters
from app.subscriptions.newcomers.columns import Column
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.imports import Newcomer, Provenance, foresee_arrivals, import_readers
from app.subscriptions.newcomers.lists import BadRow, ListDefaults, RowReader
from app.subscriptions.newcomers.models import Import, ImportStatus
from app.subscriptions.newcomers.planning import hold_import
from app.subscriptions.newcomers.raw import Layout, ListReader
from app.subscriptions.newcomers.reports import REFUSED, Outcome, append_report

#: Rows of one transaction: more would let SQLite's other writers wait longer than a second.
BATCH = 4_000
#: How long an import is somebody's who no longer says so.
LEASE = timedelta(seconds=60)
#: Bad rows that the page names; the report names all.
SHOWN_ROWS = 200


@dataclass(frozen=True)
class Workshop:
    """What working on imports takes. `on_done` is called within the transaction of an import's last batch."""

    database: Database
    files: ImportFiles
    suppression_key: str
    max_rows: int
    now: Callable[[], datetime]
    on_done: Callable[[Session, Import], None]


def due_imports() -> sa.Select[int]:
    """Select the imports that want work, the oldest first."""
    at_work = [status for status in ImportStatus if status.is_at_work]
    wants_work = sa.and_(Import.status.in_(at_work), Import.id.not_in(resting_imports()))
    return select(Import.id).where(wants_work).order_by(Import.id)


def resting_imports() -> sa.Select[int]:
    """Select the imports that wait for their newsletter, which was closed meanwhile, to be opened again."""
    is_closed = Import.newsletter_id.not_in(open_newsletters().with_only_columns(Newsletter.id).order_by(None))
    return select(Import.id).where(Import.status == ImportStatus.IMPORTING, is_closed)


def work_on(shop: Workshop, import_id: int, *, owner: str, limit_s: float | None = None) -> bool:
    """Go on with an import until it is read through, or for `limit_s` seconds; return whether it was ours to work on.

    `owner` names this run.
    """
    if not shop.files.list_of(import_id).exists():
        return False  # its file is on another machine
    claimed = _claim(shop, import_id, owner)
    if claimed is None:
        return False
    found, languages = claimed
    begun = time.monotonic()
    try:
        with _open_list(shop, found) as rows:
            reader = _row_reader(found, languages, shop.now())
            while _do_batch(shop, import_id, owner, rows, reader):
                if limit_s is not None and time.monotonic() - begun > limit_s:
                    break
    except KeyboardInterrupt:
        _release(shop, import_id, owner)  # whoever goes on need not wait until it lapses
        raise
    _release(shop, import_id, owner)
    return True


def _claim(shop: Workshop, import_id: int, owner: str) -> tuple[Import, frozenset[str]] | None:
    """Take an import that is free; return it with the languages that its newsletter has now."""
    now = shop.now()
    is_free = sa.or_(Import.lease_until.is_(None), Import.lease_until <= now, Import.owner == owner)
    with shop.database.transaction() as session:
        found = session.scalar(due_imports().with_only_columns(Import).where(Import.id == import_id, is_free))
        if found is None:
            return None
        claimed = session.scalar(
            update(Import).where(Import.id == import_id, is_free).values(owner=owner, lease_until=now + LEASE)
            .returning(Import.id)
        )  # fmt: skip
        languages = session.get_one(Newsletter, found.newsletter_id).language_codes
        return (found, frozenset(languages)) if claimed else None


def _release(shop: Workshop, import_id: int, owner: str) -> None:
    with shop.database.transaction() as session:
        session.execute(
            update(Import).where(Import.id == import_id, Import.owner == owner).values(owner=None, lease_until=None)
        )


def _open_list(shop: Workshop, found: Import) -> ListReader:
    layout = Layout(found.encoding, found.delimiter, tuple(found.header))
    return ListReader(shop.files.list_of(found.id), layout, position=found.position, line=found.line)


def _row_reader(found: Import, languages: frozenset[str], now: datetime) -> RowReader:
    proof = Provenance(found.source, found.consented_at) if found.source and found.consented_at else None
    places = {Column(name): place for name, place in found.columns.items()}
    defaults = ListDefaults(found.language, languages, proof)
    return RowReader(places, len(found.header), defaults, now=now)


def _do_batch(shop: Workshop, import_id: int, owner: str, rows: ListReader, reader: RowReader) -> bool:
    """Do the rows of one batch; return whether there may be more for us."""
    is_first = rows.position == 0
    raw = [(row, rows.line) for row in islice(rows, BATCH)]
    is_last = len(raw) < BATCH
    read = [made for row, line in raw[int(is_first) :] if (made := reader.read(line, row)) is not None]
    now = shop.now()
    with shop.database.transaction() as session:
        found = hold_import(session, import_id)
        if found.owner != owner or session.scalar(due_imports().where(Import.id == import_id)) is None:
            return False
        outcomes = _outcomes(shop, session, found, read, now)
        _note(shop, found, outcomes, rows)
        found.lease_until = now + LEASE
        if rows.line > shop.max_rows + 1:
            found.status, found.ended_at = ImportStatus.REFUSED, now
        elif is_last:
            _finish(shop, session, found, now)
    if found.status.is_over:
        shop.files.drop_list(import_id)
    return not is_last and not found.status.is_over


def _outcomes(
    shop: Workshop, session: Session, found: Import, read: Sequence[Newcomer | BadRow], now: datetime
) -> list[Outcome]:
    newcomers = [row for row in read if isinstance(row, Newcomer)]
    if found.status is ImportStatus.CHECKING:
        arrivals = foresee_arrivals(
            session, newcomers, newsletter_id=found.newsletter_id, suppression_key=shop.suppression_key
        )
    else:
        arrivals = import_readers(
            session, newcomers, newsletter_id=found.newsletter_id, actor=found.actor,
            suppression_key=shop.suppression_key, now=now,
        )  # fmt: skip
    came = iter(arrivals)
    return [row if isinstance(row, BadRow) else (row, next(came)) for row in read]


def _note(shop: Workshop, found: Import, outcomes: Sequence[Outcome], rows: ListReader) -> None:
    """Write down what came of a batch, and how far the list is read."""
    counts = Counter(REFUSED if isinstance(outcome, BadRow) else outcome[1].value for outcome in outcomes)
    found.counts = dict(Counter(found.counts) + counts)
    bad = [outcome for outcome in outcomes if isinstance(outcome, BadRow)]
    if bad and len(found.shown) < SHOWN_ROWS:
        told = [[row.line, row.column and row.column.value, row.fault.value] for row in bad]
        found.shown = [*found.shown, *told][:SHOWN_ROWS]
    found.report_bytes = append_report(
        shop.files.report_of(found.id), outcomes, size_bytes=found.report_bytes, language=found.reported_in
    )
    found.position, found.line = rows.position, rows.line


def _finish(shop: Workshop, session: Session, found: Import, now: datetime) -> None:
    if found.status is ImportStatus.CHECKING:
        found.status = ImportStatus.CHECKED
        return
    found.status, found.ended_at = ImportStatus.DONE, now
    shop.on_done(session, found)
