"""Measure the sending of an edition: letters per second and what they cost, beside senders that keep no record.

    python bench/send.py --letters 50000 --json FILE [--database postgresql|sqlite|both]
                         [--rounds 3] [--connections 8]

Makes that many confirmed readers, compiles an edition for each language, starts them, and runs `flask worker` into two
sinks on this machine: Postfix's `smtp-sink`, and bench/sink.py, which writes down each letter. Each run, of whatever
sender, follows one of Postfix's `smtp-source` into the same sink with letters of the same size; the ratio to it may be
compared between machines. The clock runs from the first letter's arrival to the last settled row, or to the sender's
end where there are no rows.

Everything is in a temporary folder and on loopback. A letter too few or too many, or a copy that was not accepted, ends
the bench with exit code 1; at the recording sink, so does a reader who got none or two.
"""

import argparse
import json
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import newsroom
from bench.databases import Databases, Postgresql, Sqlite, running_postgresql
from bench.machine import describe_machine
from bench.measure import Watch
from bench.processes import BenchFailed, cpu_s, raise_interrupt, running, say, tail
from bench.sinks import FAST_SINK, SMTP_SINK, FastSink, Sink, postfix_tool, running_fast_sink, running_sink
from bench.summary import Figures, Measured, Record, summarise
from bench.table import as_markdown
from bench.tally import tally_faults

RIVALS = Path(__file__).with_name("rivals.py")
#: Letters that are sent and looked at before the runs: their size, and bytes for the rivals.
SAMPLES = 200
#: The Flask-Mail loop is so slow that a part of the letters tells the same.
FLASK_MAIL_SHARE = 50

#: Sends its letters into a sink and returns what was measured.
Sender = Callable[[Sink], Measured]


class Bench:
    """The senders, with all they need in `folder`."""

    def __init__(self, folder: Path, databases: Mapping[str, Databases], *, letters: int, connections: int) -> None:
        self._folder = folder
        self._databases = databases
        self._letters = letters
        self._connections = connections
        self._serial = 0
        self._payload = 0
        self._samples = folder / "samples"

    def prepare(self) -> int:
        """Fill the databases, send some letters to keep, and return their mean size in octets."""
        for kind, databases in self._databases.items():
            say(f"{kind}: {self._letters} readers")
            databases.template("readers", lambda url: newsroom.fill(url, self._folder, self._letters))
        some = next(iter(self._databases.values()))
        some.template("samples", lambda url: newsroom.fill(url, self._folder, SAMPLES))
        self._samples.mkdir()
        with running_fast_sink(self._folder, keep=self._samples) as sink:
            self._send_vigie(some, "samples", sink)
        octets = round(statistics.mean(path.stat().st_size for path in self._samples.iterdir()))
        self._payload = octets - self._overhead()
        say(f"letters of {octets} octets")
        return octets

    def senders(self) -> dict[str, Sender]:
        """Return who sends, by the name in the figures."""
        vigie: dict[str, Sender] = {
            kind: lambda sink, databases=databases: self._send_vigie(databases, "readers", sink)
            for kind, databases in self._databases.items()
        }
        return {
            **vigie,
            "smtplib": lambda sink: self._send_rival("smtplib", sink, self._letters),
            "smtplib_threads": lambda sink: self._send_rival(
                "smtplib", sink, self._letters, "--connections", str(self._connections)
            ),
            "flask_mail": lambda sink: self._send_rival("flask-mail", sink, max(self._letters // FLASK_MAIL_SHARE, 1)),
        }

    def reference(self, sink: Sink) -> Measured:
        """Let smtp-source send as many letters of the same size."""
        return self._watch_sender(self._source(self._payload, self._letters, sink), sink, self._letters)

    def new_folder(self) -> Path:
        """Return a folder for one run."""
        self._serial += 1
        folder = self._folder / f"run-{self._serial}"
        folder.mkdir()
        return folder

    def _send_vigie(self, databases: Databases, template: str, sink: Sink) -> Measured:
        folder, url = self.new_folder(), databases.copied(template)
        with newsroom.opened(newsroom.settings(folder, url)) as product:
            started = newsroom.start_editions(product)
            database_before_s = cpu_s(databases.pid) if databases.pid else None
            with newsroom.running_worker(folder, url, sink, connections=self._connections) as worker:
                run = Watch(
                    pids=[worker.pid],
                    sinks=[sink],
                    letters=started.copies,
                    is_settled=lambda: newsroom.is_settled(product, started),
                ).run()
                database_s = cpu_s(databases.pid) - database_before_s if databases.pid else None
        if isinstance(sink, FastSink) and sink.tally is not None:
            check_tally(sink.tally, started.copies)
        return Measured(run, database_s, started.copies / started.freeze_s)

    def _send_rival(self, rival: str, sink: Sink, letters: int, *options: str) -> Measured:
        command = [
            sys.executable, RIVALS, rival, "--port", str(sink.port), "--letters", str(letters), "--samples",
            self._samples, *options,
        ]  # fmt: skip
        return self._watch_sender(command, sink, letters)

    def _watch_sender(self, command: Sequence[str | Path], sink: Sink, letters: int) -> Measured:
        output = self.new_folder() / "output"
        with running(command, output=output) as process:
            try:
                run = Watch(pids=[process.pid], sinks=[sink], letters=letters).run()
            except BenchFailed:
                print(tail(output), file=sys.stderr)
                raise
        if process.returncode:
            raise BenchFailed(f"{command[0]} failed\n{tail(output)}")
        return Measured(run)

    def _source(self, payload: int, letters: int, sink: Sink) -> Sequence[str]:
        return [
            postfix_tool("smtp-source"), "-d", "-s", str(self._connections), "-m", str(letters), "-l", str(payload),
            "-f", "bounces@news.example.org", "-t", newsroom.address_of(1), f"127.0.0.1:{sink.port}",
        ]  # fmt: skip

    def _overhead(self) -> int:
        """Return how many octets smtp-source adds to its payload."""
        kept, payload = self.new_folder(), 10_000
        with running_fast_sink(self._folder, keep=kept) as sink:
            self._watch_sender(self._source(payload, 1, sink), sink, 1)
        return next(kept.iterdir()).stat().st_size - payload


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, raise_interrupt)
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as name, ExitStack() as parts:
        folder = Path(name)
        databases: dict[str, Databases] = {}
        server: Postgresql | None = None
        if arguments.database in {"postgresql", "both"}:
            server = parts.enter_context(running_postgresql(folder))
            databases["postgresql"] = server
        if arguments.database in {"sqlite", "both"}:
            databases["sqlite"] = Sqlite(folder)
        bench = Bench(folder, databases, letters=arguments.letters, connections=arguments.connections)
        figures: Figures = {
            "script": "bench/send.py",
            "machine": describe_machine(server),
            "letters": arguments.letters,
            "letter_octets": bench.prepare(),
            "rounds": arguments.rounds,
            "connections": arguments.connections,
        }
        figures |= summarise(run_rounds(bench, arguments.rounds))
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    table = as_markdown(figures)
    print(table)
    return 0


def check_tally(tally: Path, readers: int) -> None:
    """Raise BenchFailed unless every reader got one letter, and only one."""
    faults = tally_faults([tally], {newsroom.address_of(number) for number in range(1, readers + 1)})
    if faults:
        raise BenchFailed("; ".join(faults))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=50_000)
    parser.add_argument("--json", type=Path, required=True, help="write the figures to this file")
    parser.add_argument("--database", choices=["postgresql", "sqlite", "both"], default="both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    return parser.parse_args()


def run_rounds(bench: Bench, rounds: int) -> list[Record]:
    """Let every sender send once into each sink in each round, each after smtp-source."""
    records = []
    for number in range(1, rounds + 1):
        for kind in (SMTP_SINK, FAST_SINK):
            for name, send in bench.senders().items():
                with running_sink(kind, bench.new_folder()) as sink:
                    reference = bench.reference(sink)
                with running_sink(kind, bench.new_folder()) as sink:
                    record = Record(name, kind, send(sink), reference)
                records.append(record)
                say(
                    f"round {number}, {kind}: smtp-source {reference.run.letters_per_s:,.0f}/s, "
                    f"{name} {record.measured.run.letters_per_s:,.0f}/s ({record.ratio:.3f})"
                )
    return records


if __name__ == "__main__":
    sys.exit(main())
