"""The fleet's jobs: enqueued with their cause, harmless when repeated, found by the sweep, rescued from the dead."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import select, update

from app.clock import now
from app.db import Database
from app.delivery.models import Chunk, DeliveryState
from app.delivery.queue import hold_edition, release_edition
from app.editions.copies import EDITION
from app.editions.models import Edition
from app.jobs import fleet
from app.mail.memory import MemoryTransport
from app.product import Product
from tests.conftest import NOW, new_postgresql_database
from tests.delivery.house import compose, make_edition, make_engine, make_reader, states
from tests.editions.press import make_draft, start
from tests.end_to_end.house import wait_until
from tests.make import make_subscription

pytestmark = pytest.mark.postgresql

READERS = 5
CHUNK_COPIES = 2


@pytest.fixture
def database_url(postgresql_server: str) -> str:
    """PostgreSQL alone: SQLite has no fleet."""
    from tests.conftest import create_tables

    url = new_postgresql_database(postgresql_server)
    create_tables(url)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database, closed at the end."""
    database = Database(database_url)
    yield database
    database.dispose()


def test_freezing_the_audience_enqueues_a_job_for_each_chunk(database: Database) -> None:
    edition_id = queue_edition(database)
    with database.reading() as session:
        chunk_ids = session.scalars(select(Chunk.id).order_by(Chunk.id)).all()
    assert len(chunk_ids) == 3
    assert waiting(database) == [{"chunk_id": chunk_id, "edition_id": edition_id} for chunk_id in chunk_ids]


def test_starting_an_edition_as_the_desk_does_enqueues_too_and_a_rollback_leaves_none(product: Product) -> None:
    with product.database.transaction() as session:
        make_subscription(session, email="reader@reader.example", at=NOW)
        draft = make_draft(session)
    with product.database.transaction() as session:
        assert start(session, product, session.get_one(Edition, draft.id)) == 1
        assert session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs")) == 1
        session.rollback()
    assert waiting(product.database) == []
    with product.database.transaction() as session:
        start(session, product, session.get_one(Edition, draft.id))
    assert [job["edition_id"] for job in waiting(product.database)] == [draft.id]


def test_others_see_no_job_before_the_commit(database: Database) -> None:
    with database.transaction() as session:
        queue_in(database, session)
        assert waiting(database) == []
    assert len(waiting(database)) == 3


def test_an_edition_without_readers_has_no_job(database: Database) -> None:
    queue_edition(database, readers=0)
    assert waiting(database) == []


def test_a_chunk_has_at_most_one_job_waiting(database: Database) -> None:
    queue_edition(database)
    with database.reading() as session:
        chunk_ids = session.scalars(select(Chunk.id)).all()
    with pytest.raises(AlreadyEnqueued), database.transaction() as session:
        fleet.announce(session, chunk_ids[:1])
    assert len(waiting(database)) == 3


def test_jobs_are_worked_off_and_none_is_left(database: Database, engine: "Sender") -> None:
    queue_edition(database)
    with working(database, engine.step):
        wait_until(lambda: all_jobs(database) == 0, "the jobs to be worked off")
    assert states(database) == [DeliveryState.ACCEPTED] * READERS
    assert len(engine.transport.sent) == READERS


def test_a_job_that_comes_again_sends_nothing_again(database: Database, engine: "Sender") -> None:
    queue_edition(database)
    with working(database, engine.step):
        wait_until(lambda: all_jobs(database) == 0, "the jobs to be worked off")
        with database.transaction() as session:
            fleet.announce(session, session.scalars(select(Chunk.id)).all())
        wait_until(lambda: all_jobs(database) == 0, "the jobs to be worked off again")
    assert len(engine.transport.sent) == READERS


def test_the_sweep_alone_finishes_what_has_lost_its_jobs(database: Database, engine: "Sender") -> None:
    queue_edition(database)
    with database.transaction() as session:
        session.execute(sa.text("DELETE FROM procrastinate_jobs"))
    with working(database, engine.step):
        wait_until(lambda: states(database) == [DeliveryState.ACCEPTED] * READERS, "the sweep")


def test_the_sweep_announces_what_is_due_and_has_no_job(database: Database) -> None:
    edition_id = queue_edition(database)
    assert fleet.sweep(database) == 0
    with database.transaction() as session:
        session.execute(sa.text("DELETE FROM procrastinate_jobs"))
        first = session.scalars(select(Chunk.id).order_by(Chunk.id).limit(1)).one()
        session.execute(update(Chunk).where(Chunk.id == first).values(next_attempt_at=now() + timedelta(hours=1)))
        hold_edition(session, edition_id=edition_id, now=NOW)
    assert fleet.sweep(database) == 0
    with database.transaction() as session:
        release_edition(session, edition_id=edition_id)
    assert fleet.sweep(database) == 2
    assert fleet.sweep(database) == 0
    assert first not in {job["chunk_id"] for job in waiting(database)}


def test_of_two_that_sweep_at_once_one_does(database: Database) -> None:
    queue_edition(database)
    with database.transaction() as session:
        session.execute(sa.text("DELETE FROM procrastinate_jobs"))
    with database.transaction() as session:
        session.execute(select(sa.func.pg_advisory_xact_lock(fleet._SWEEP_LOCK)))
        assert fleet.sweep(database) == 0
    assert fleet.sweep(database) == 3


def test_the_job_of_a_dead_worker_is_rescued(database: Database, engine: "Sender") -> None:
    queue_edition(database)
    with database.transaction() as session:  # as a kill leaves it: taken by a worker that shows no life
        session.execute(sa.text(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')"
        ))  # fmt: skip
        session.execute(
            sa.text(
                "UPDATE procrastinate_jobs SET status = 'doing',"
                " worker_id = (SELECT max(id) FROM procrastinate_workers)"
            )
        )
    with working(database, engine.step):
        wait_until(lambda: states(database) == [DeliveryState.ACCEPTED] * READERS, "the rescue")
        wait_until(lambda: all_jobs(database) == 0, "the jobs to be worked off")


def test_the_job_of_a_living_worker_is_left_alone(database: Database) -> None:
    queue_edition(database)
    begun, go_on = threading.Event(), threading.Event()

    def step(_: threading.Event) -> bool:
        begun.set()
        go_on.wait(20)
        return False

    with working(database, step), working(database, lambda _: False):
        assert begun.wait(10)
        wait_until(lambda: all_jobs(database) == 1, "the other worker to end the other jobs")
        go_on.set()
        wait_until(lambda: all_jobs(database) == 0, "the long job")


def test_a_worker_stops_while_its_job_goes_on_and_waits_for_it(database: Database) -> None:
    queue_edition(database)
    begun = threading.Event()
    steps: list[bool] = []

    def step(stop: threading.Event) -> bool:
        begun.set()
        stop.wait(20)
        steps.append(stop.is_set())
        return True

    with working(database, step):
        assert begun.wait(10)
    assert steps == [True]
    # None is lost; where this took longer than five seconds, the sweep has rung once more for what is in hand.
    assert all_jobs(database) in {2, 3}


def test_a_worker_outlives_the_loss_of_its_connections(database: Database, engine: "Sender") -> None:
    with working(database, engine.step):
        wait_until(lambda: others(database) > 0, "the worker to connect")
        with database.reading() as session:
            session.execute(sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ))  # fmt: skip
        queue_edition(database)
        wait_until(lambda: states(database) == [DeliveryState.ACCEPTED] * READERS, "the worker to come back")


def test_upgrading_twice_changes_nothing_and_migrations_ignore_the_tables(app_on_postgresql: Flask) -> None:
    from app.cli.database import upgrade_database

    for _ in range(2):
        with app_on_postgresql.app_context():
            upgrade_database()
            assert not app_on_postgresql.extensions["alembic"].needs_revision()
    product: Product = app_on_postgresql.extensions["vigie"]
    assert "procrastinate_jobs" in sa.inspect(product.database.engine).get_table_names()


def test_the_schema_of_an_older_version_is_brought_along(postgresql_server: str) -> None:
    from procrastinate.schema import SchemaManager

    url = new_postgresql_database(postgresql_server)
    scripts = sorted(fleet.Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    older = [script for script in scripts if script.name < "03.01"]
    with fleet.psycopg.connect(fleet._conninfo(url)) as connection:
        for script in older:
            connection.execute(script.read_text())
        connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{older[-1].name}'")
    assert "procrastinate_workers" not in tables(url)
    fleet.upgrade_schema(url)
    fresh = new_postgresql_database(postgresql_server)
    fleet.upgrade_schema(fresh)
    assert tables(url) == tables(fresh)
    assert functions(url) >= functions(fresh)


class Sender:
    """An engine of the house that sends editions into memory."""

    def __init__(self, database: Database, folder: object) -> None:
        from app.delivery.composing import one_by_one

        self.transport = MemoryTransport()
        compose_edition: dict[str, object] = {EDITION: one_by_one(compose)}
        self.step = make_engine(database, folder, self.transport, compose=compose_edition, limit=1).step


@pytest.fixture
def engine(database: Database, tmp_path: object) -> Sender:
    """What a job rings for."""
    return Sender(database, tmp_path)


@pytest.fixture
def app_on_postgresql(postgresql_server: str, tmp_path: object) -> Iterator[Flask]:
    """The app on a database that was never migrated."""
    from app import create_app
    from tests.conftest import make_config

    app = create_app(make_config(new_postgresql_database(postgresql_server), tmp_path))
    yield app
    app.extensions["vigie"].database.dispose()


@contextmanager
def working(database: Database, step: Callable[[threading.Event], bool]) -> Iterator[None]:
    """Run a worker until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=fleet.work, args=(step, database, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def queue_edition(database: Database, readers: int = READERS) -> int:
    """Queue an edition in chunks of two, and return its id."""
    with database.transaction() as session:
        return queue_in(database, session, readers)


def queue_in(database: Database, session: sa.orm.Session, readers: int = READERS) -> int:
    from app.delivery.queue import enqueue_edition
    from app.subscriptions.models import Subscriber

    edition_id, newsletter_id = make_edition(database)
    session.add_all(make_reader(i) for i in range(readers))
    session.flush()
    enqueue_edition(
        session,
        audience=select(Subscriber.id),
        kind=EDITION,
        edition_id=edition_id,
        newsletter_id=newsletter_id,
        language="fr",
        now=now() - timedelta(seconds=1),
        chunk_copies=CHUNK_COPIES,
        announce=fleet.announce,
    )
    return edition_id


def waiting(database: Database) -> list[dict[str, int]]:
    """What the jobs that wait carry, oldest first."""
    with database.reading() as session:
        rows = session.execute(sa.text("SELECT args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"))
        return [row.args for row in rows]


def all_jobs(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs")) or 0


def others(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(sa.text("SELECT count(*) FROM procrastinate_workers")) or 0


def tables(url: str) -> set[str]:
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    return set(sa.inspect(engine).get_table_names())


def functions(url: str) -> set[str]:
    """The functions of Procrastinate."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return set(connection.scalars(sa.text("SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate%'")))
