"""SQLite keeps a value of any kind in any column: verification names the row instead of ending midway."""

import pytest
import sqlalchemy as sa

from app.product import Product
from tests.conftest import ON_SQLITE
from tests.seals.ledger import build, found

#: PostgreSQL would refuse these values.
pytestmark = ON_SQLITE

GARBLED = [
    ("consent_events", "at", "'garbage'"),
    ("consent_events", "at", "'2026-02-31 09:00:00.000000'"),
    ("consent_events", "at", "'2026-02-28 99:00:00.000000'"),
    ("consent_events", "at", "5"),
    ("consent_events", "previous_hash", "x'00'"),
    ("consent_events", "detail", "x'00'"),
    ("consent_events", "seq", "'two'"),
    ("consent_stubs", "at", "''"),
    ("subscribers", "chain_id", "x'00ff'"),
    ("subscriptions", "confirmed_at", "'garbage'"),
    ("privacy_policies", "created_at", "'garbage'"),
    ("consent_seals", "until", "'garbage'"),
    ("consent_seals", "ends_digest", "x'00'"),
    ("audit_entries", "at", "'garbage'"),
    ("audit_entries", "seq", "'two'"),
]


@pytest.mark.parametrize(("table", "column", "value"), GARBLED)
def test_the_row_of_a_value_that_cannot_be_read_is_named(product: Product, table: str, column: str, value: str) -> None:
    build(product)
    with product.database.transaction() as session:
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        last = f"(SELECT max(rowid) FROM {table})"
        session.execute(sa.text(f"UPDATE {table} SET {column} = {value} WHERE rowid = {last}"))
    [line] = found(product)
    assert line.startswith(f"{table} row ")
    assert line.endswith(": it holds what cannot be read")
