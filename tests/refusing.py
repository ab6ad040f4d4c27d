"""A database that refuses a row, as it does one that a defect of ours made unfit."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from app.product import Product

_POSTGRESQL = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF {condition} THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()",
)
_SQLITE = tuple(
    f"CREATE TRIGGER refuse_{act} BEFORE {act} ON {{table}} WHEN {{condition}} "
    "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    for act in ("INSERT", "UPDATE")
)
_NO_MORE = {
    True: ("DROP TRIGGER refuse_INSERT", "DROP TRIGGER refuse_UPDATE"),
    False: ("DROP FUNCTION refuse CASCADE",),
}


@contextmanager
def refusing(product: Product, table: str, condition: str) -> Iterator[None]:
    """Let the database refuse to write rows of `table` for which `condition` holds, in SQL, of NEW."""
    is_sqlite = product.database.is_sqlite
    with product.database.transaction() as session:
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            session.execute(sa.text(statement.format(table=table, condition=condition)))
    try:
        yield
    finally:
        with product.database.transaction() as session:
            for statement in _NO_MORE[is_sqlite]:
                session.execute(sa.text(statement))
