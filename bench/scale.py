"""Measure what each part costs as the readers become many, on PostgreSQL, by the product's own functions.

    python bench/scale.py [--readers 1000000] [--json FILE]

Makes that many confirmed readers with their consent events, and measures in this order: their room on disk; how fast
the audience of an edition for each language freezes; a letter's size; how long it takes to recover the claims of a
killed worker; the room of the deliveries once all are settled; and how long a `flask worker` needs for the jobs of
editions that are done. What a signature costs comes from bench/dkim.py. No letter is sent.

bench/table.py puts the figures into docs/scaling.md.
"""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import costs, parts
from bench.databases import running_postgresql
from bench.machine import describe_machine
from bench.processes import raise_interrupt, say


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, raise_interrupt)
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as name:
        folder = Path(name)
        with running_postgresql(folder) as server:
            figures: parts.Figures = {
                "script": "bench/scale.py",
                "machine": describe_machine(server),
                "readers": arguments.readers,
                **parts.measure_signing(folder),
            }
            say(f"{arguments.readers:,} readers")
            server.template("readers", lambda url: parts.fill(url, folder, arguments.readers))
            figures |= parts.measure(server.url_of("readers"), folder)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for part, cost, source in costs.rows(figures):
        print(f"{part}: {cost} ({source})")
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
