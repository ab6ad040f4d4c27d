"""Measure what a million deliveries do to PostgreSQL and to the worker, and what a second worker adds.

    python bench/ledger.py [--letters 1000000] [--json FILE]                one worker, our own fast sink
    python bench/ledger.py --workers 2 --sinks 2 [--letters 100000]         against one worker on one sink, with tallies

The first tells how fast the copies are frozen, the rate of each tenth of the letters, the worker's peak memory and the
room a delivery takes; exit code 1 where the last tenth is over 10 % off the first, or the memory is over 120 MB.
The second sends the same letters with one worker, then with several, and ends with exit code 1 where any reader got
none or two.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import newsroom
from bench.databases import Postgresql, running_postgresql
from bench.disk import ENGINE_TABLES, sizes_of
from bench.machine import describe_machine
from bench.measure import Run, Watch, rates_by_tenth
from bench.processes import cpu_s, raise_interrupt, say
from bench.sinks import FastSink, running_fast_sink
from bench.tally import tally_faults

#: How far the last tenth may be off the first.
DRIFT_LIMIT = 0.10
RSS_LIMIT_MB = 120.0

Figures = dict[str, object]


@dataclass(frozen=True)
class Sent:
    """What came of one run, and the database it left."""

    run: Run
    started: newsroom.Started
    database_cpu_s: float
    url: str


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, raise_interrupt)
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as name, ExitStack() as parts:
        folder = Path(name)
        server = parts.enter_context(running_postgresql(folder))
        machine = describe_machine(server)
        say(f"{arguments.letters} readers")
        server.template("readers", lambda url: newsroom.fill(url, folder, arguments.letters))
        if arguments.workers == 1:
            figures, complaints = measure_ledger(server, folder, arguments.connections)
        else:
            figures, complaints = measure_workers(server, folder, arguments)
    figures = {"machine": machine, "letters": arguments.letters, **figures}
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for complaint in complaints:
        print(f"bench: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--connections", type=int, default=8, help="of each worker")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--sinks", type=int, default=1)
    return parser.parse_args()


def measure_ledger(server: Postgresql, folder: Path, connections: int) -> tuple[Figures, list[str]]:
    """Send with one worker; return the figures, and what is not as it should be."""
    with running_fast_sink(folder) as sink:
        sent = send(server, folder, "ledger", [sink], workers=1, connections=connections)
    run, letters = sent.run, sent.started.copies
    tenths = rates_by_tenth(run.curve, letters)
    drift = tenths[-1] / tenths[0] - 1
    sizes = {table: sum(size) for table, size in sizes_of(sent.url, ENGINE_TABLES).items()}
    figures: Figures = {
        "freeze_s": round(sent.started.freeze_s, 2),
        "freeze_rows_per_s": round(letters / sent.started.freeze_s),
        **_figures(sent),
        "tenths_per_s": [round(rate) for rate in tenths],
        "drift": round(drift, 3),
        "relation_bytes": sizes,
        "bytes_per_row": round(sum(sizes.values()) / letters, 1),
    }
    complaints = []
    if abs(drift) > DRIFT_LIMIT:
        complaints.append(f"the last tenth is {drift:+.0%} off the first")
    if run.rss_mb > RSS_LIMIT_MB:
        complaints.append(f"the worker took {run.rss_mb:.0f} MB")
    return figures, complaints


def measure_workers(server: Postgresql, folder: Path, arguments: argparse.Namespace) -> tuple[Figures, list[str]]:
    """Send with one worker into one sink, then with several into several; count what each reader got."""
    figures: Figures = {}
    rates, complaints = [], []
    readers = {newsroom.address_of(number) for number in range(1, arguments.letters + 1)}
    for workers, sinks in ((1, 1), (arguments.workers, arguments.sinks)):
        name = f"workers-{workers}"
        tallies = [folder / f"{name}-{number}.tally" for number in range(sinks)]
        with tallying_sinks(folder, tallies) as listening:
            sent = send(server, folder, name, listening, workers=workers, connections=arguments.connections)
        faults = tally_faults(tallies, readers)
        complaints += [f"{workers} workers: {fault}" for fault in faults]
        rates.append(sent.run.letters_per_s)
        figures[name.replace("-", "_")] = {"sinks": sinks, **_figures(sent), "faults": faults}
    figures["gain"] = round(rates[1] / rates[0], 3)
    return figures, complaints


def send(
    server: Postgresql, folder: Path, name: str, sinks: Sequence[FastSink], *, workers: int, connections: int
) -> Sent:
    """Start the editions on a fresh copy and let so many workers send them, each into the next of the sinks."""
    own, url = folder / name, server.copied("readers")
    with newsroom.opened(newsroom.settings(own, url)) as product, ExitStack() as parts:
        started = newsroom.start_editions(product)
        before_s = cpu_s(server.pid)
        pids = []
        for number in range(workers):
            sink = sinks[number % len(sinks)]
            worker = newsroom.running_worker(own, url, sink, connections=connections, name=f"worker-{number}")
            pids.append(parts.enter_context(worker).pid)
        run = Watch(
            pids=pids,
            sinks=sinks,
            letters=started.copies,
            is_settled=lambda: newsroom.is_settled(product, started),
        ).run()
        return Sent(run, started, cpu_s(server.pid) - before_s, url)


@contextmanager
def tallying_sinks(folder: Path, tallies: Sequence[Path]) -> Iterator[list[FastSink]]:
    """Run a sink for each tally."""
    with ExitStack() as parts:
        yield [parts.enter_context(running_fast_sink(folder, tally=tally)) for tally in tallies]


def _figures(sent: Sent) -> Figures:
    run = sent.run
    return {
        "letters_per_s": round(run.letters_per_s, 1),
        "seconds": round(run.seconds, 2),
        "cpu_us": round(run.cpu_us, 1),
        "database_cpu_us": round(sent.database_cpu_s / run.letters * 1_000_000, 1),
        "rss_mb": round(run.rss_mb, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
