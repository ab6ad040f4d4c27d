"""Values of a kind that their column cannot have: SQLite keeps any, and one of them would end a verification midway."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.admins.models import AuditEntry
from app.db import Base, UtcDateTime
from app.newsletters.models import ConsentWording, PrivacyPolicy
from app.seals.models import ConsentSeal
from app.subscriptions.departures.models import ConsentArchive
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent, ConsentStub

#: What verification reads.
LEDGER: tuple[type[Base], ...] = (
    ConsentEvent, ConsentStub, ConsentArchive, Subscriber, Subscription, ConsentWording, PrivacyPolicy, ConsentSeal,
    AuditEntry,
)  # fmt: skip
#: Rows named of one table; the first is enough to know.
NAMED = 100
_TIME = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]"


def unreadable_rows(session: Session) -> Iterator[tuple[str, str]]:
    """Yield table and row number of what cannot be read as what its columns are; PostgreSQL holds no such thing."""
    if session.get_bind().dialect.name != "sqlite":
        return
    for model in LEDGER:
        table = model.__table__
        row_number = sa.literal_column("rowid", sa.Integer())
        rows = select(row_number).select_from(table).where(sa.or_(*map(_is_unreadable, table.c)))
        for found in session.scalars(rows.limit(NAMED)):
            yield model.__tablename__, str(found)


def _is_unreadable(column: ColumnElement[Any]) -> ColumnElement[bool]:
    raw = sa.type_coerce(column, sa.String())
    if isinstance(column.type, (sa.Integer, sa.Boolean)):
        return sa.and_(column.is_not(None), func.typeof(column) != "integer")
    is_no_text = func.typeof(column) != "text"
    if isinstance(column.type, UtcDateTime):
        # A day that there is not, as 31 February, comes back as another one once something is added to it.
        day, hour = func.substr(raw, 1, 10), func.substr(raw, 12, 8)
        is_no_time = sa.or_(func.date(day, "+0 days").is_distinct_from(day), func.time(hour).is_(None))
        is_no_text = sa.or_(is_no_text, raw.op("NOT GLOB")(_TIME), is_no_time)
    return sa.and_(column.is_not(None), is_no_text)
