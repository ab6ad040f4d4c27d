"""The database layer: UTC in and out, rollback on failure, the write lock taken at once."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import StatementError

from app import models
from app.db import Database, make_migration_engine
from app.jobs.models import Lease


def test_times_come_back_aware_and_in_utc(database_url: str) -> None:
    database = Database(database_url)
    paris = timezone(timedelta(hours=2))
    with database.transaction() as session:
        session.add(Lease(name="x", owner="a", until=datetime(2026, 7, 1, 9, 30, tzinfo=paris)))
    with database.reading() as session:
        assert session.get_one(Lease, "x").until == datetime(2026, 7, 1, 7, 30, tzinfo=UTC)
        assert session.get_one(Lease, "x").until.tzinfo is UTC
    database.dispose()


def test_a_naive_time_is_refused(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(StatementError, match="naive"), database.transaction() as session:
        session.add(Lease(name="x", owner="a", until=datetime(2026, 7, 1)))  # noqa: DTZ001 - the point of the test
    database.dispose()


def test_an_exception_leaves_nothing_behind(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(KeyError):
        add_lease_and_fail(database)
    with database.reading() as session:
        assert session.get(Lease, "x") is None
    database.dispose()


def add_lease_and_fail(database: Database) -> None:
    with database.transaction() as session:
        session.add(Lease(name="x", owner="a", until=datetime(2026, 7, 1, tzinfo=UTC)))
        session.flush()
        raise KeyError


def test_the_migrations_make_the_tables_of_the_models_and_go_back(app_without_tables: Flask) -> None:
    alembic = app_without_tables.extensions["alembic"]
    with app_without_tables.app_context():
        alembic.upgrade()
        assert not alembic.needs_revision()
    with app_without_tables.app_context():
        alembic.downgrade("base")
        url = app_without_tables.extensions["vigie"].config.database_url
    engine = make_migration_engine(url)
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    assert set(models.Base.metadata.tables)
