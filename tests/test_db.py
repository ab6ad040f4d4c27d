"""The database layer: UTC in and out, rollback on failure, the write lock taken at once."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import joinedload

from app import models
from app.db import Database, make_migration_engine
from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import enqueue
from app.jobs.models import Lease
from app.product import Product
from app.stories.ranking import rank_time
from app.subscriptions.records import ConsentEvent
from tests import make
from tests.conftest import NOW


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


def test_nobody_else_on_the_machine_may_read_a_new_sqlite_file(tmp_path: Path) -> None:
    (tmp_path / "old.db").touch(mode=0o640)
    for name in ("new.db", "old.db"):
        engine = make_migration_engine(f"sqlite:///{tmp_path / name}")
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE t (x INTEGER)"))
            assert connection.scalar(sa.text("SELECT count(*) FROM t")) == 0
            modes = {
                path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.name.startswith(name)
            }
        kept = 0o600 if name == "new.db" else 0o640
        assert modes == dict.fromkeys((name, f"{name}-wal", f"{name}-shm"), kept), "what an operator set stays"
        engine.dispose()


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


def test_the_twenty_fifth_migration_ranks_the_stories_there_are(app_without_tables: Flask) -> None:
    url = app_without_tables.extensions["vigie"].config.database_url
    migrate(app_without_tables, "0024")
    story = {"first_at": NOW, "languages": {"fr": 1}}
    at = [NOW, NOW - timedelta(hours=20), NOW - timedelta(hours=30)]
    insert(url, "stories", [{**story, "id": id_, "last_at": at[id_ - 1], "sources": id_} for id_ in (1, 2, 3)])
    migrate(app_without_tables, "0025")
    ranks = [row["ranks_at"] for row in read(url, "stories")]
    assert ranks == [rank_time(sources=id_, last_at=at[id_ - 1]) for id_ in (1, 2, 3)]
    assert ranks[1] - at[1] == timedelta(hours=24), "a second source is worth a day"


#: By state, the deliveries that 0001 knew: what is "sending" is in hand, once for the first time and once again.
OLD_STATES = (*DeliveryState, "sending", "uncertain")
FINAL = {"accepted", "rejected", "cancelled", "expired"}


def test_the_second_migration_carries_every_delivery_over_and_back(app_without_tables: Flask) -> None:
    product: Product = app_without_tables.extensions["vigie"]
    migrate(app_without_tables, "0001")
    insert_edition(product.config.database_url)
    old = old_deliveries()
    insert(product.config.database_url, "deliveries", old)

    migrate(app_without_tables, "heads")
    with product.database.reading() as session:
        rows = select_rows(session)
    assert [row.id for row in rows] == [each["id"] for each in old]
    for row, was in zip(rows, old, strict=True):
        check_carried_over(row, was)
    assert len({row.chunk.id for row in rows}) == len(rows)
    numbers = [row.chunk.number for row in rows if row.edition_id]
    assert sorted(numbers) == list(range(len(numbers)))

    with product.database.transaction() as session:
        new_id = enqueue(session, kind="test", language="fr", now=NOW, address="a@desk.example", reference="r" * 22)
    with product.database.reading() as session:
        new = session.get_one(Delivery, new_id)
    assert new.id > max(row.id for row in rows)
    assert new.chunk_id > max(row.chunk.id for row in rows)

    migrate(app_without_tables, "0001")
    assert "chunks" not in sa.inspect(product.database.engine).get_table_names()
    again = read(product.config.database_url, "deliveries")
    assert again[:-1] == [as_brought_back(each) for each in old]
    assert (again[-1]["id"], again[-1]["next_attempt_at"], again[-1]["state"]) == (new.id, NOW, "queued")
    one_more = {**old[0], "subscriber_id": None, "edition_id": None}
    del one_more["id"]
    insert(product.config.database_url, "deliveries", [one_more])
    assert read(product.config.database_url, "deliveries")[-1]["id"] > new.id

    migrate(app_without_tables, "heads")
    with app_without_tables.app_context():
        assert not app_without_tables.extensions["alembic"].needs_revision()


def test_after_the_second_migration_no_reader_gets_an_edition_twice(app_without_tables: Flask) -> None:
    product: Product = app_without_tables.extensions["vigie"]
    migrate(app_without_tables, "0001")
    insert_edition(product.config.database_url)
    insert(product.config.database_url, "deliveries", old_deliveries()[:1])
    migrate(app_without_tables, "heads")
    with product.database.reading() as session:
        [row] = select_rows(session)
    with pytest.raises(IntegrityError), product.database.transaction() as session:
        session.add(Delivery(chunk_id=row.chunk_id, subscriber_id=row.subscriber_id, edition_id=row.edition_id))


def test_the_sixth_migration_chains_the_events_there_are(app_without_tables: Flask) -> None:
    product: Product = app_without_tables.extensions["vigie"]
    url = product.config.database_url
    migrate(app_without_tables, "0005")
    insert_events(url)
    migrate(app_without_tables, "0006")
    with product.database.reading() as session:
        events = session.scalars(sa.select(ConsentEvent).order_by(ConsentEvent.id)).all()
    assert [(event.seq, event.newsletter_id) for event in events] == [(1, 1), (1, 1), (2, 1)]
    assert all(event.hash == make.event_hash(event) for event in events)
    assert [event.previous_hash for event in events] == ["", "", events[0].hash]
    assert events[2].chain_id == events[0].chain_id != events[1].chain_id
    with app_without_tables.app_context():
        app_without_tables.extensions["alembic"].downgrade("0005")
    assert [row["id"] for row in read(url, "consent_events")] == [1, 2, 3]


def test_the_nineteenth_migration_tells_which_text_of_an_article_was_sent(app_without_tables: Flask) -> None:
    url = app_without_tables.extensions["vigie"].config.database_url
    migrate(app_without_tables, "0018")
    insert_sent_articles(url)
    migrate(app_without_tables, "0019")
    assert [row["revision"] for row in read(url, "edition_items")] == [2, 1, None], "a draft has sent nothing"
    assert {row["kind"] for row in read(url, "editions")} == {"number"}


def test_the_thirty_sixth_migration_gives_the_texts_to_the_newsletter_there_is(app_without_tables: Flask) -> None:
    url = app_without_tables.extensions["vigie"].config.database_url
    migrate(app_without_tables, "0035")
    insert(url, "newsletters", [
        {"id": 3, "slug": "vigie", "timezone": "Europe/Paris", "sends_welcome": True, "needs_approval": False,
         "created_at": NOW}
    ])  # fmt: skip
    texts = [
        {"id": number, "purpose": "newsletter", "language": "fr", "version": number, "heading": "h", "statement": "s",
         "button": "b", "sha256": str(number) * 64, "created_at": NOW, "written_by": None}
        for number in (1, 2)
    ]  # fmt: skip
    insert(url, "consent_wordings", texts)
    migrate(app_without_tables, "heads")
    assert read(url, "consent_wordings") == [{**each, "newsletter_id": 3} for each in texts]
    with app_without_tables.app_context():
        app_without_tables.extensions["alembic"].downgrade("0035")
    assert read(url, "consent_wordings") == texts


def migrate(app: Flask, target: str) -> None:
    """Go up or down to `target`, on connections that know nothing of the tables as they were."""
    alembic = app.extensions["alembic"]
    with app.app_context():
        (alembic.downgrade if target == "0001" and alembic.current() else alembic.upgrade)(target)
    app.extensions["vigie"].database.dispose()


def old_deliveries() -> list[dict[str, Any]]:
    """One row of 0001 for each state, each with an hour of its own; the last of them is a letter that is no edition."""
    rows = []
    for number, state in enumerate(OLD_STATES):
        is_last, is_final = number == len(OLD_STATES) - 1, state in FINAL
        is_in_hand = state == "sending"
        rows.append(
            {
                "id": 10 + number,
                "kind": "confirmation" if is_last else "edition",
                "priority": 0 if is_last else 5,
                "edition_id": None if is_last else 1,
                "newsletter_id": 1,
                "subscriber_id": 1 + number,
                "address": None,
                "reference": "r" * 22 if is_last else None,
                "language": "fr",
                "state": str(state),
                "attempt": number,
                "is_repeatable": number < len(DeliveryState),
                "next_attempt_at": NOW + timedelta(hours=number),
                "owner": "a" * 32 if is_in_hand else None,
                "lease_until": NOW + timedelta(minutes=1) if is_in_hand else None,
                "reply_code": 250 if state == "accepted" else None,
                "reply_text": "2.0.0 taken – été" if is_final else None,
                "fault": "address" if state == "rejected" else None,
                "created_at": NOW - timedelta(hours=number),
                "settled_at": NOW + timedelta(seconds=number) if is_final else None,
            }
        )
    return rows


def check_carried_over(row: Delivery, was: dict[str, Any]) -> None:
    """Hold a row, and the chunk of its own that it has, against what it was in 0001."""
    chunk = row.chunk
    assert row.state == ("uncertain" if was["state"] == "sending" else was["state"])
    for name in ("edition_id", "subscriber_id", "address", "reference", "attempt", "is_repeatable", "reply_code",
                 "reply_text", "fault", "settled_at", "next_attempt_at"):  # fmt: skip
        assert getattr(row, name) == was[name], name
    for name in ("kind", "priority", "edition_id", "newsletter_id", "language", "created_at"):
        assert getattr(chunk, name) == was[name], name
    is_over = was["state"] in FINAL or (row.state is DeliveryState.UNCERTAIN and not row.is_repeatable)
    assert chunk.next_attempt_at == (None if is_over else was["next_attempt_at"])
    assert (chunk.owner, chunk.lease_until, chunk.expires_at) == (None, None, None)


def as_brought_back(was: dict[str, Any]) -> dict[str, Any]:
    """A row of 0001 that has been in 0002: nobody has it in hand any more."""
    state = "uncertain" if was["state"] == "sending" else was["state"]
    return {**was, "state": state, "owner": None, "lease_until": None}


def insert_edition(url: str) -> None:
    """What the deliveries point to."""
    insert(url, "newsletters", [
        {"id": 1, "slug": "vigie", "timezone": "Europe/Paris", "sends_welcome": True, "created_at": NOW}
    ])  # fmt: skip
    insert(url, "editions", [
        {"id": 1, "public_id": "e" * 22, "newsletter_id": 1, "language": "fr", "status": "sending",
         "is_automatic": False, "subject": "s", "preheader": "p", "introduction": "", "since": NOW, "until": NOW,
         "created_at": NOW}
    ])  # fmt: skip
    insert(url, "subscribers", [
        {"id": number, "public_id": f"{number:022}", "email": f"r{number}@reader.example",
         "email_ascii": f"r{number}@reader.example", "email_key": f"r{number}@reader.example", "created_at": NOW}
        for number in range(1, len(OLD_STATES) + 1)
    ])  # fmt: skip


def insert_events(url: str) -> None:
    """What two readers did, as 0005 has it: the first asked, so did the second, and the first confirmed."""
    insert(url, "newsletters", [
        {"id": 1, "slug": "vigie", "timezone": "Europe/Paris", "sends_welcome": True, "created_at": NOW}
    ])  # fmt: skip
    insert(url, "subscribers", [
        {"id": number, "public_id": f"{number:022}", "email": f"r{number}@reader.example",
         "email_ascii": f"r{number}@reader.example", "email_key": f"r{number}@reader.example", "created_at": NOW}
        for number in (1, 2)
    ])  # fmt: skip
    insert(url, "subscriptions", [
        {"id": number, "public_id": f"{number:022}", "newsletter_id": 1, "subscriber_id": number, "status": "pending",
         "language": "fr", "requested_at": NOW}
        for number in (1, 2)
    ])  # fmt: skip
    insert(url, "consent_events", [
        {"id": number, "subscription_id": subscription_id, "kind": kind, "method": "form", "language": "fr",
         "at": NOW + timedelta(microseconds=number), "form_url": "https://news.example/fr/é"}
        for number, subscription_id, kind in ((1, 1, "requested"), (2, 2, "requested"), (3, 1, "confirmed"))
    ])  # fmt: skip


def insert_sent_articles(url: str) -> None:
    """Two articles of an edition that started NOW, the first of which had changed before and did after; and a draft."""
    insert(url, "newsletters", [
        {"id": 1, "slug": "vigie", "timezone": "Europe/Paris", "sends_welcome": True, "created_at": NOW}
    ])  # fmt: skip
    insert(url, "editions", [
        {"id": number, "public_id": f"{number:022}", "newsletter_id": 1, "language": "fr", "status": status,
         "is_automatic": False, "subject": "s", "preheader": "p", "introduction": "", "since": NOW, "until": NOW,
         "created_at": NOW, "started_at": started_at}
        for number, status, started_at in ((1, "sent", NOW), (2, "draft", None))
    ])  # fmt: skip
    insert(url, "articles", [
        {"id": number, "language": "fr", "title": "t", "summary": "", "body": "", "authors": "", "published_at": NOW,
         "added_at": NOW, "revision": 3 if number == 1 else 1, "page_tries": 0}
        for number in (1, 2)
    ])  # fmt: skip
    insert(url, "article_revisions", [
        {"article_id": 1, "revision": revision, "title": "t", "text_hash": "0", "at": NOW + timedelta(hours=hours)}
        for revision, hours in ((1, -1), (2, 1))
    ])  # fmt: skip
    insert(url, "edition_items", [
        {"id": number, "edition_id": edition_id, "article_id": article_id, "position": number}
        for number, edition_id, article_id in ((1, 1, 1), (2, 1, 2), (3, 2, 1))
    ])  # fmt: skip


def insert(url: str, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows into a table as the database has it now, whatever the models say."""
    engine = make_migration_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.insert(sa.Table(table, sa.MetaData(), autoload_with=connection)), rows)
    engine.dispose()


def read(url: str, table: str) -> list[dict[str, Any]]:
    """All rows of a table as the database has it now, by id, their times in UTC."""
    engine = make_migration_engine(url)
    with engine.connect() as connection:
        source = sa.Table(table, sa.MetaData(), autoload_with=connection)
        rows = connection.execute(sa.select(source).order_by(source.c.id)).mappings().all()
    engine.dispose()
    return [{name: in_utc(value) for name, value in row.items()} for row in rows]


def in_utc(value: object) -> object:
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def select_rows(session: sa.orm.Session) -> list[Delivery]:
    """All deliveries with their chunks, by id."""
    return list(session.scalars(sa.select(Delivery).order_by(Delivery.id).options(joinedload(Delivery.chunk))))
