"""What tables take on PostgreSQL's disk."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from app.models import Base

#: The tables of the delivery engine, and what is kept of a reader.
ENGINE_TABLES = tuple(
    sorted(
        str(mapper.local_table)
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith("app.delivery.")
    )
)
READER_TABLES = ("subscribers", "subscriptions", "consent_events")


class Size(NamedTuple):
    """Octets of one table, dead rows included, and of its indexes."""

    table: int
    indexes: int


def sizes_of(url: str, tables: Sequence[str]) -> dict[str, Size]:
    """Return the size of each of `tables` as it is."""
    octets = sa.text("SELECT pg_table_size(:name), pg_indexes_size(:name)")
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return {name: Size(*connection.execute(octets, {"name": name}).one()) for name in tables}


def vacuum(url: str) -> None:
    """Clear dead rows away, as the autovacuum does in its own time; no table becomes smaller by it."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
