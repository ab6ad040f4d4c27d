"""A database and an engine over it, without a newsletter in sight."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.db import Database
from app.delivery.engine import Engine
from app.mail.transport import Transport
from tests.delivery.house import make_engine


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def engine_over(database: Database, tmp_path: Path) -> Callable[[Transport], Engine]:
    """Make an engine that sends over a transport."""
    return lambda transport, **settings: make_engine(database, tmp_path, transport, **settings)
