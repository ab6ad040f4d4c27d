"""Processes under measure: started apart, looked at through /proc, ended by their own ids."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
END_TIMEOUT_S = 60.0
#: So much of a failed process's output is shown.
SHOWN_OUTPUT = 3000


class BenchFailed(SystemExit):
    """A figure would not mean what it says."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"bench: {reason}")


@contextmanager
def running(
    command: Sequence[str | Path], *, output: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends.

    It has a session of its own: a Ctrl-C at the terminal reaches only the bench, which then ends its processes in the
    order that its blocks say.
    """
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )
    try:
        yield process
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask one process to end, and make it after a while."""
    process.terminate()
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def has_ended(pid: int) -> bool:
    """Return whether our child ended; it stays a zombie whose times can still be read."""
    return _stat(pid)[0] == "Z"


def tree(pid: int) -> list[int]:
    """Return `pid` and the ids of all its living descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except OSError:
                continue  # it ended while we looked
    found = [pid]
    for known in found:
        found += parents.get(known, [])
    return found


def cpu_s(pid: int) -> float:
    """Return the user and system time of a process, its children and theirs, the ended ones included."""
    ticks = 0
    for member in tree(pid):
        try:
            ticks += sum(int(field) for field in _stat(member)[11:15])
        except OSError:
            continue  # it ended while we looked; its parent counts it from now on
    return ticks / TICKS_PER_S


def peak_rss_mb(pid: int) -> float:
    """Return the peak resident memory of a process and its living descendants, summed; 0 for one that ended."""
    kilobytes = 0
    for member in tree(pid):
        try:
            status = Path(f"/proc/{member}/status").read_text()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return kilobytes / 1024


def wait_until_listening(port: int, process: "subprocess.Popen[bytes]", output: Path) -> None:
    """Return once something accepts connections on `port`; raises BenchFailed where it does not."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if has_ended(process.pid):
            break
        time.sleep(0.05)
    raise BenchFailed(f"nothing listens on port {port}\n{tail(output)}")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(output: Path) -> str:
    """Return the end of what a process said."""
    return output.read_text(errors="replace")[-SHOWN_OUTPUT:]


def say(what: str) -> None:
    """Tell how far the bench is."""
    print(what, file=sys.stderr, flush=True)


def raise_interrupt(*_: object) -> None:
    """End like Ctrl-C: the handler of SIGTERM, so that nothing is left behind."""
    raise KeyboardInterrupt


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on: state, parent, …, 11 to 14 are the four times."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
