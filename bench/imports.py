"""Measure an import of readers: rows a second looked through and imported, and the most memory it took.

    python bench/imports.py [--readers 1000000] [--sqlite] [--into PAGE.md]

Writes a list of readers with source and date of their consent, four in ten of them at five big providers and the others
at 20,000 domains. Then a process of its own takes it in as `flask subscribers import` does, and the rows and events are
counted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sqlalchemy as sa

from app.admins.models import AuditEntry
from app.clock import now
from app.jobs.importing import new_owner, workshop
from app.product import Product
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.columns import guess_places
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.models import Import
from app.subscriptions.newcomers.planning import Plan, add_import, hold_import, start_check, start_import
from app.subscriptions.newcomers.raw import read_layout
from app.subscriptions.newcomers.running import work_on
from app.subscriptions.records import ConsentEvent
from bench.markdown import as_table, machine_sentence, put_between_marks
from bench.newsroom import DOMAINS, ROOT, fill, opened, settings
from bench.processes import BenchFailed, say

Figures = dict[str, Any]
#: How many of ten readers are at one of the big providers, and at how many domains the others are.
BIG_OF_TEN, SMALL_DOMAINS = 4, 20_000
HEADINGS = (
    "database", "looked through, rows/s", "imported, rows/s", "CPU µs/row looked through", "CPU µs/row imported",
    "peak RSS MB",
)  # fmt: skip


def main() -> int:
    arguments = parse_arguments()
    if arguments.work:
        print(json.dumps(work(dict(os.environ), arguments.work)))
        return 0
    from bench.databases import running_postgresql  # noqa: PLC0415 - the wheel warns wherever it is imported
    from bench.machine import describe_machine  # noqa: PLC0415 - imports it too

    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as name:
        folder = Path(name)
        path = write_list(folder / "readers.csv", arguments.readers)
        found = [measure(f"sqlite:///{folder / 'vigie.db'}", folder, path, arguments.readers)]
        machine = describe_machine(None)
        if not arguments.sqlite:
            with running_postgresql(folder) as server:
                server.execute("CREATE DATABASE readers")
                found.append(measure(server.url_of("readers"), folder, path, arguments.readers))
                machine = describe_machine(server)
    table = as_markdown(arguments.readers, found, machine)
    print(table)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, "bench/imports.py"), encoding="utf-8")
    return 0


def write_list(path: Path, readers: int) -> Path:
    """Write a list as a newsroom's former program would."""
    with path.open("w", encoding="utf-8") as file:
        file.write("Courriel;Langue;Origine;Date d’inscription\n")
        for number in range(readers):
            is_big = number % 10 < BIG_OF_TEN
            domain = DOMAINS[number % len(DOMAINS)] if is_big else f"d{number * 7919 % SMALL_DOMAINS}.example"
            name = f"{number * 2654435761 % 2**32:08x}.reader{number}"
            file.write(
                f"{name}@{domain};{'fr' if number % 3 else 'en'};salon {number % 9};2025-{number % 12 + 1:02}-11\n"
            )
    return path


def measure(url: str, folder: Path, path: Path, readers: int) -> Figures:
    """Import the list into an empty database in a process of its own. Raises BenchFailed where a row is missing."""
    fill(url, folder, 0)
    environment = settings(folder, url)
    command = [sys.executable, __file__, "--work", path]
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    with running.stdout as output:
        told = output.read()
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise BenchFailed(f"the import ended with {running.returncode}")
    with opened(environment) as product:
        counts = count_rows(product)
    if counts != {"subscribers": readers, "subscriptions": readers, "consent_events": readers}:
        raise BenchFailed(f"of {readers} rows there are {counts}")
    figures = {"database": url.partition(":")[0], "memory_mb": usage.ru_maxrss / 1024}
    say(f"{figures} {told}")
    return {**figures, **json.loads(told)}


def work(environment: Mapping[str, str], path: Path) -> Figures:
    """Take a list in, look it through and import it; return the seconds."""
    with opened(environment) as product:
        files, layout = ImportFiles(product.config.imports_dir), read_layout(path)
        with path.open("rb") as upload:
            received = files.receive(upload, max_bytes=product.config.imports.max_bytes)
        with product.database.transaction() as session:
            added = add_import(
                session, newsletter_id=1, name=path.name, size_bytes=received.stat().st_size, layout=layout,
                language="fr", actor="bench", reported_in="en", now=now(),
            )  # fmt: skip
            plan = Plan(guess_places(layout.header), "fr", None)
            start_check(session, added, plan, now=now())
            files.keep(received, added.id)
        checked_s, checked_cpu_s = run(product, added.id)
        with product.database.transaction() as session:
            start_import(session, hold_import(session, added.id))
        imported_s, imported_cpu_s = run(product, added.id)
    return {
        "checked_s": checked_s, "checked_cpu_s": checked_cpu_s, "imported_s": imported_s,
        "imported_cpu_s": imported_cpu_s,
    }  # fmt: skip


def run(product: Product, import_id: int) -> tuple[float, float]:
    """Work on an import until it is read through; return the seconds, and those of this process's CPU."""
    begun, begun_cpu = time.monotonic(), time.process_time()
    work_on(workshop(product), import_id, owner=new_owner())
    return time.monotonic() - begun, time.process_time() - begun_cpu


def count_rows(product: Product) -> dict[str, int]:
    with product.database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)), "the import is on record"
        assert session.get_one(Import, 1).ended_at is not None
        return {
            table.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (Subscriber, Subscription, ConsentEvent)
        }


def as_markdown(readers: int, found: list[Figures], machine: Mapping[str, Any]) -> str:
    """Return the figures as a table."""
    rows = [
        (each["database"], f"{readers / each['checked_s']:,.0f}", f"{readers / each['imported_s']:,.0f}",
         f"{each['checked_cpu_s'] / readers * 1e6:.0f}", f"{each['imported_cpu_s'] / readers * 1e6:.0f}",
         f"{each['memory_mb']:.0f}")
        for each in found
    ]  # fmt: skip
    head = (
        f"{readers:,} rows. {machine_sentence(machine)} Others were at work as well: a load of "
        f"{machine['load_before']} at the end. CPU is that of the importing process; PostgreSQL's comes on top."
    )
    return f"{head}\n\n{as_table(HEADINGS, rows)}\n"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--sqlite", action="store_true", help="on SQLite alone")
    parser.add_argument("--into", type=Path, help="put the table into a page, between its marks")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
