"""Measure how long many feeds take, of a server on this machine that answers in 200 ms, into a fresh database.

python bench/feeds.py                            500 feeds of 30 entries, four times
python bench/feeds.py --into PAGE.md             put the table into a page, between its two marks
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.articles.intake import FetchReport, fetch_due
from app.articles.models import Source
from app.articles.sources import add_source
from app.db import Database
from app.models import Base
from app.settings.fetching import FetchSettings
from bench.markdown import as_table, put_between_marks

NOW = datetime(2026, 3, 17, 9, tzinfo=UTC)
ANSWERS_AFTER_S = 0.2
#: What is forgotten of the sources before a reading.
FORGOTTEN = {"sent once more": ("etag",), "all entries known": ("etag", "body_hash")}
TEXT = (
    "Les autorités du port enquêtent sur une coupure de câble dont la cause reste inconnue. Trois navires ont été vus "
    "dans la zone au cours de la nuit, et deux d’entre eux avaient éteint leur transpondeur. "
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--entries", type=int, default=30)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs, arguments.entries), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        rows = _measure(Path(folder), arguments.feeds, ours.recv())
    server.kill()
    table = as_table(("reading", "feeds", "wall time", "feeds a second", "new articles", "failures"), rows) + "\n"
    print(table)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, "bench/feeds.py"), encoding="utf-8")
    return 0


def serve(told: Connection, entries: int) -> None:
    """Answer each request after a while with a feed of its own, or with 304 where it was asked for what is newer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        await asyncio.sleep(ANSWERS_AFTER_S)
        name = head.split(" ")[1].strip("/")
        is_known = "If-None-Match" in head
        body = b"" if is_known else _feed(name, entries)
        status = "304 Not Modified" if is_known else "200 OK"
        lines = (f"HTTP/1.1 {status}", 'ETag: "1"', f"Content-Length: {len(body)}", "Connection: close", "", "")
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def _feed(name: str, entries: int) -> bytes:
    items = "".join(
        f"<item><title>Le câble {number} du fil {name}</title><link>https://wire.example/{name}/{number}</link>"
        f"<guid>{name}-{number}</guid><pubDate>Mon, 16 Mar 2026 {number % 24:02}:00:00 GMT</pubDate>"
        f"<description>{TEXT * 5}</description></item>"
        for number in range(entries)
    )
    return (
        f"<rss version='2.0'><channel><title>Fil {name}</title><language>fr</language>{items}</channel></rss>".encode()
    )


def _measure(folder: Path, feeds: int, port: int) -> list[tuple[str, ...]]:
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    Base.metadata.create_all(database.engine)
    with database.transaction() as session:
        for number in range(feeds):
            location = f"http://127.0.0.1:{port}/{number}"
            add_source(session, location=location, language="fr", name=None, now=NOW)
    settings, rows = FetchSettings(allowed_inward=frozenset({f"127.0.0.1:{port}"})), []
    for hours, reading in enumerate(("all entries new", "not modified (304)", "sent once more", "all entries known")):
        for column in FORGOTTEN.get(reading, ()):
            _forget(database, column)
        started = time.perf_counter()
        reports = fetch_due(database, settings=settings, now=lambda hours=hours: NOW + timedelta(hours=hours))
        rows.append(_row(reading, reports, time.perf_counter() - started))
    database.dispose()
    return rows


def _forget(database: Database, column: str) -> None:
    with database.transaction() as session:
        session.execute(sa.update(Source).values({column: None}))


def _row(reading: str, reports: list[FetchReport], seconds: float) -> tuple[str, ...]:
    failures = sum(report.failure is not None for report in reports)
    new = sum(report.new for report in reports)
    return reading, str(len(reports)), f"{seconds:.1f} s", f"{len(reports) / seconds:.0f}", f"{new:,}", str(failures)


if __name__ == "__main__":
    sys.exit(main())
