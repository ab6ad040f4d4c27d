"""The database: the declarative base, the UTC time type, and the two ways in, `transaction` and `reading`.

Knows no table. SQLite (one machine) and PostgreSQL (many) are the two databases; the URL chooses.
"""

import base64
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from enum import StrEnum
from threading import Lock
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

#: SQLite waits this long for another writer before "database is locked".
SQLITE_BUSY_TIMEOUT_MS = 5_000
#: A checkpoint makes every writer wait for the disk; at 40 MB of log it is rare, at SQLite's own 4 MB it is felt.
SQLITE_CHECKPOINT_PAGES = 10_000

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: Key of large tables: 64 bits on PostgreSQL; SQLite wants INTEGER for its row id.
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def byte_text(length: int) -> sa.String:
    """Return the type of a text that both databases order by its bytes: SQLite does, PostgreSQL has to be told."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def in_byte_order(session: Session, column: ColumnElement[str]) -> ColumnElement[str]:
    """Return what orders by the bytes of a text that is no `byte_text`."""
    return column if session.get_bind().dialect.name == "sqlite" else sa.collate(column, "C")


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware UTC datetime; refuses naive ones, and gives SQLite's naive texts their zone back."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the driver UTC; SQLite stores it without the zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware UTC datetime."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_type(enum: type[StrEnum], *, length: int = 20) -> sa.Enum:
    """Return the column type of `enum`: a short text that holds the value, without a database-side enum."""
    return sa.Enum(
        enum,
        native_enum=False,
        create_constraint=False,
        length=length,
        values_callable=lambda members: [member.value for member in members],
    )


def new_public_id() -> str:
    """Return an opaque URL-safe id of 128 random bits (22 characters), for whatever leaves the house."""
    return secrets.token_urlsafe(16)


def new_public_ids(number: int) -> list[str]:
    """Return so many ids like `new_public_id`'s for rows that are added at once.

    Their first 32 bits are the same, and 96 random ones each one's own: they stand together in an index, which would
    else be written to in as many places as there are rows.
    """
    place, own = secrets.token_bytes(4), secrets.token_bytes(12 * number)
    octets = (place + own[begin : begin + 12] for begin in range(0, len(own), 12))
    return [base64.urlsafe_b64encode(each)[:22].decode() for each in octets]


class Base(DeclarativeBase):
    """Base of all models; constraints are named, because SQLite's batch migrations cannot drop unnamed ones."""

    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar = {datetime: UtcDateTime(), str: sa.Text()}


class _JsonArray(FunctionElement[Any]):
    """The items of a JSON array as texts, one a row, in the column `value`."""

    inherit_cache = True
    name = "json_array"


class _JsonRows(FunctionElement[Any]):
    """The items of a JSON array as JSON, one a row, in the column `value`."""

    inherit_cache = True
    name = "json_rows"


class _TimeOfText(FunctionElement[datetime]):
    """A time out of a text that `time_text` wrote, as the column of a `UtcDateTime` keeps it."""

    inherit_cache = True
    name = "time_of_text"
    type = UtcDateTime()


@compiles(_TimeOfText, "sqlite")
def _time_of_sqlite(time: _TimeOfText, compiler: SQLCompiler, **options: Any) -> str:
    # As SQLAlchemy writes it, since SQLite compares times as texts; its own clock knows milliseconds only.
    return f"replace(substr({compiler.process(time.clauses, **options)}, 1, 26), 'T', ' ')"


@compiles(_TimeOfText, "postgresql")
def _time_of_postgresql(time: _TimeOfText, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(time.clauses, **options)} AS TIMESTAMP WITH TIME ZONE)"


@compiles(_JsonArray, "sqlite")
@compiles(_JsonRows, "sqlite")
def _json_array_of_sqlite(array: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each{compiler.process(array.clause_expr, **options)}"


@compiles(_JsonArray, "postgresql")
def _json_array_of_postgresql(array: _JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(array.clause_expr, **options)} AS JSON))"


@compiles(_JsonRows, "postgresql")
def _json_rows_of_postgresql(rows: _JsonRows, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(rows.clause_expr, **options)} AS JSONB))"


def insert_into(session: Session, table: type[Base]) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT in the dialect of the session, which can say what is done about a row that is there already."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return insert(table)


def hold_key(session: Session, key: str) -> None:
    """Let whoever holds the same key wait until this transaction ends; who writes to SQLite is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))


def is_among(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Return the condition that `column` is one of the values in the JSON array given as `parameter`.

    To write a statement with a parameter for each of many values takes longer than to run it.
    """
    return column.in_(sa.select(items_of(parameter, column.type)))


def items_of(parameter: str, kind: sa.types.TypeEngine[Any]) -> ColumnElement[Any]:
    """Return the column of a table: the values, of one kind, in the JSON array given as `parameter`."""
    return sa.cast(_JsonArray(sa.bindparam(parameter, type_=sa.Text())).table_valued("value").c.value, kind)


def time_text(value: datetime) -> str:
    """Return a time as `rows_of` reads it: ISO 8601, UTC, to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def rows_of(parameter: str, **columns: sa.types.TypeEngine[Any]) -> sa.Subquery:
    """Return as a table the JSON array of arrays given as `parameter`: of each inner one, its `columns` in order.

    Times are texts that `time_text` wrote.
    """
    rows = _JsonRows(sa.bindparam(parameter, type_=sa.Text())).table_valued(sa.column("value", sa.JSON()))
    texts = [(name, kind, rows.c.value[place].as_string()) for place, (name, kind) in enumerate(columns.items())]
    items = (
        (_TimeOfText(text) if isinstance(kind, UtcDateTime) else sa.cast(text, kind)).label(name)
        for name, kind, text in texts
    )
    return sa.select(*items).subquery(parameter)


class Database:
    """An engine and its sessions. Entry points begin and commit through it; rules only ever see the session."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        # Writers of one process queue here: SQLite's own waiting sleeps up to 100 ms at a time, and is not fair.
        self._writing: AbstractContextManager[object] = Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-machine database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session that commits on success and rolls back on any exception.

        SQLite takes the write lock at once: a read that turned into a write would fail as "locked" without waiting.
        """
        with self._writing, self._sessions() as session, session.begin():
            session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading; nothing of it is ever written."""
        with self._sessions() as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Yield a session for reading that sees one moment throughout, however long it takes.

        SQLite's transactions do so by themselves.
        """
        with self._sessions() as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def dispose(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def make_engine(url: str) -> sa.Engine:
    """Return the engine of the running product for `url`."""
    # What a statement held, readers' addresses among it, stays out of errors and so out of logs.
    engine = sa.create_engine(
        url, json_serializer=_dump_json, hide_parameters=True, pool_pre_ping=not url.startswith("sqlite")
    )
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, foreign_keys=True)
    return engine


def make_migration_engine(url: str) -> sa.Engine:
    """Return an engine for migrations only.

    On SQLite, altering a table means recreating it; with foreign keys on, dropping the old table would delete the
    children, so this engine has them off and shares no connection with the product's pool.
    """
    engine = sa.create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, foreign_keys=False)
    return engine


def _prepare_sqlite(engine: sa.Engine, *, foreign_keys: bool) -> None:
    @sa.event.listens_for(engine, "do_connect")
    def create_private(_dialect: Any, _record: Any, args: list[str], _kwargs: Any) -> None:
        # It holds every reader's address; its log beside it takes after it.
        if engine.url.database in {None, "", ":memory:"}:
            return
        with suppress(OSError):  # what is in the way SQLite tells
            os.close(os.open(args[0], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={SQLITE_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")


def _dump_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
