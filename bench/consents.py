"""Measure the proof of consent: how fast events are added, a day is sealed, and all of it is verified.

    python bench/consents.py [--readers 1000000] [--sqlite] [--json FILE] [--into PAGE.md]

Makes readers whose chains are real: all asked and confirmed, in the course of 30 days, and every second one changed the
language a day later. Then measures the product's own functions: events added to chains there are, the first seal, the
seals of 30 days, and `flask consents verify` as a process of its own, with its memory.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.chains import Figures, as_markdown, measure
from bench.databases import running_postgresql
from bench.machine import describe_machine
from bench.markdown import put_between_marks


def main() -> int:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as name, running_database(arguments, Path(name)) as found:
        url, machine = found
        figures = {"script": "bench/consents.py", "machine": machine, **measure(url, Path(name), arguments.readers)}
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    table = as_markdown(figures)
    print(table)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, str(figures["script"])), encoding="utf-8")
    return 0


@contextmanager
def running_database(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Figures]]:
    """Yield the URL of an empty database, and the machine that it is on."""
    if arguments.sqlite:
        yield f"sqlite:///{folder / 'vigie.db'}", describe_machine(None)
        return
    with running_postgresql(folder) as server:
        server.execute("CREATE DATABASE readers")
        yield server.url_of("readers"), describe_machine(server)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--sqlite", action="store_true", help="on SQLite, else on PostgreSQL")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--into", type=Path, help="put the table into a page, between its marks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
