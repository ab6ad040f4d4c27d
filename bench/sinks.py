"""The two sinks that letters go to: Postfix's `smtp-sink`, and our own fast one."""

import getpass
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.processes import BenchFailed, free_port, running, wait_until_listening
from bench.sink import read_counter

SINK = Path(__file__).with_name("sink.py")
#: Both names are keys of the figures.
SMTP_SINK, FAST_SINK = "smtp_sink", "fast_sink"


class Sink(Protocol):
    """Where letters end."""

    port: int

    def letters(self) -> int:
        """Return how many letters it has taken so far."""


@dataclass(frozen=True)
class FastSink:
    """bench/sink.py; `tally` has a line for each letter, where it writes one."""

    port: int
    counter: Path
    tally: Path | None

    def letters(self) -> int:
        """Read its counter."""
        return read_counter(self.counter)[0]


@dataclass(frozen=True)
class SmtpSink:
    """Postfix's, with its running counter on standard output."""

    port: int
    output: Path

    def letters(self) -> int:
        """Read the last line that is whole; lines end with a carriage return."""
        with self.output.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - 200, 0))
            counts = re.findall(rb"mesg=(\d+)\r", file.read())
        return int(counts[-1]) if counts else 0


@contextmanager
def running_sink(kind: str, folder: Path) -> Iterator[Sink]:
    """Run a fresh sink of one of the two kinds, with its count at zero."""
    with running_smtp_sink(folder) if kind == SMTP_SINK else running_recording_sink(folder) as sink:
        yield sink


@contextmanager
def running_recording_sink(folder: Path) -> Iterator[FastSink]:
    """Run our own sink, with a tally that is deleted at its end."""
    with tempfile.TemporaryDirectory(dir=folder) as own, running_fast_sink(folder, tally=Path(own, "tally")) as sink:
        yield sink


@contextmanager
def running_smtp_sink(folder: Path) -> Iterator[SmtpSink]:
    """Run Postfix's sink."""
    port = free_port()
    output = folder / f"smtp-sink-{port}.out"
    user = ["-u", "nobody"] if getpass.getuser() == "root" else []
    command = [postfix_tool("smtp-sink"), *user, "-c", f"127.0.0.1:{port}", "1000"]
    with running(command, output=output) as process:
        wait_until_listening(port, process, output)
        yield SmtpSink(port, output)


@contextmanager
def running_fast_sink(folder: Path, *, tally: Path | None = None, keep: Path | None = None) -> Iterator[FastSink]:
    """Run our own sink; `tally` and `keep` are its modes."""
    port = free_port()
    output, counter = folder / f"sink-{port}.out", folder / f"sink-{port}.count"
    mode = ["--tally", tally] if tally else ["--keep", keep] if keep else []
    command = [sys.executable, SINK, "--port", str(port), "--counter", counter, *mode]
    with running(command, output=output) as process:
        wait_until_listening(port, process, output)
        yield FastSink(port, counter, tally)


def postfix_tool(name: str) -> str:
    """Return the path of one of Postfix's test programs. Raises BenchFailed where it is not installed."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/lib/postfix/sbin")
    if path is None:
        raise BenchFailed(f"{name} is not installed: apt-get install postfix")
    return path
