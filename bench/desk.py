"""Measure how long the server takes for each page of the desk, with many readers and deliveries on PostgreSQL.

    python bench/desk.py [--readers 1000000] [--deliveries 10000000] [--json FILE] [--into PAGE.md]

Makes that many confirmed readers with their consent events, and sent editions to all of them until there are as many
deliveries; the last edition is on its way. Counts what the periodic jobs count, and asks for each page through the
application itself, twice unmeasured and then twenty times. No socket is in the way and no letter is sent.
"""

import argparse
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import pages
from bench.databases import running_postgresql
from bench.machine import describe_machine
from bench.markdown import put_between_marks
from bench.processes import raise_interrupt, say


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, raise_interrupt)
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as name, running_postgresql(Path(name)) as server:
        folder = Path(name)
        say(f"{arguments.readers:,} readers, {arguments.deliveries:,} deliveries")
        counting_s: list[float] = []
        server.template(
            "desk", lambda url: counting_s.append(pages.fill(url, folder, arguments.readers, arguments.deliveries))
        )
        say("asking")
        figures = {
            "script": "bench/desk.py",
            "machine": describe_machine(server),
            "readers": arguments.readers,
            "deliveries": arguments.deliveries,
            "counting_s": round(counting_s[0], 1),
            "pages": [asdict(page) for page in pages.measure(server.url_of("desk"), folder)],
        }
    table = pages.as_markdown(figures)
    print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, "bench/desk.py"), encoding="utf-8")
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--deliveries", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--into", type=Path, help="put the table into a page, between its two marks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
