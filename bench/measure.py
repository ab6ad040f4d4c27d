"""Watching a run from its first letter to its end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.processes import BenchFailed, cpu_s, has_ended, peak_rss_mb
from bench.sinks import Sink

#: The first letter is looked for this often; from then on the count is.
ARRIVAL_LOOK_S, LOOK_S, MEMORY_LOOK_S = 0.002, 0.01, 1.0
#: A run in which nothing moves for so long has failed.
STALL_S = 120.0
#: What has reached the sink may be a moment ahead of its counter.
COUNTER_LAG_S = 1.0


@dataclass(frozen=True)
class Run:
    """What one run showed. Times from the first letter's arrival; `curve` holds (seconds, letters at the sink)."""

    letters: int
    seconds: float
    sink_seconds: float
    cpu_s: float
    start_cpu_s: float
    rss_mb: float
    curve: tuple[tuple[float, int], ...]

    @property
    def letters_per_s(self) -> float:
        """Letters in a second, until the last row is settled or the sender has ended."""
        return self.letters / self.seconds

    @property
    def cpu_us(self) -> float:
        """Processor time of a letter in microseconds, without what the start took."""
        return self.cpu_s / self.letters * 1_000_000


class Watch:
    """Looks at processes that send `letters` to `sinks`, until they end or `is_settled` says that all is done.

    With `is_settled` the processes are workers, which must live on; it is asked once the last letter has arrived.
    """

    def __init__(
        self, *, pids: Sequence[int], sinks: Sequence[Sink], letters: int, is_settled: Callable[[], bool] | None = None
    ) -> None:
        self._pids = pids
        self._sinks = sinks
        self._letters = letters
        self._is_settled = is_settled
        self._rss_mb = 0.0
        self._rss_looked_at = 0.0

    def run(self) -> Run:
        """Return what was seen. Raises BenchFailed where letters are missing, too many, or stand still."""
        self._await_first()
        begun = time.monotonic()
        start_cpu_s = self._cpu_s()
        curve = [(0.0, self._count())]
        while not self._is_over(curve[-1][1]):
            time.sleep(LOOK_S)
            if time.monotonic() - self._rss_looked_at > MEMORY_LOOK_S:
                self._look_at_memory()
            count, at = self._count(), time.monotonic() - begun
            if count != curve[-1][1]:
                curve.append((at, count))
            elif at - curve[-1][0] > STALL_S:
                raise BenchFailed(f"nothing moves: {count} of {self._letters} letters at the sink")
        seconds = time.monotonic() - begun
        self._look_at_memory()
        return Run(
            letters=self._letters,
            seconds=seconds,
            sink_seconds=curve[-1][0],
            cpu_s=self._cpu_s() - start_cpu_s,
            start_cpu_s=start_cpu_s,
            rss_mb=self._rss_mb,
            curve=tuple(curve),
        )

    def _await_first(self) -> None:
        until = time.monotonic() + STALL_S
        while not self._count():
            if any(has_ended(pid) for pid in self._pids) or time.monotonic() > until:
                raise BenchFailed("no letter arrived")
            time.sleep(ARRIVAL_LOOK_S)

    def _is_over(self, count: int) -> bool:
        if count > self._letters:
            raise BenchFailed(f"{count} letters at the sink, where {self._letters} were to go")
        has_process_ended = any(has_ended(pid) for pid in self._pids)
        if self._is_settled is None:
            return has_process_ended and self._all_arrived()
        if has_process_ended:
            raise BenchFailed(f"a worker ended; {count} of {self._letters} letters at the sink")
        return count == self._letters and self._is_settled()

    def _all_arrived(self) -> bool:
        until = time.monotonic() + COUNTER_LAG_S
        while (count := self._count()) != self._letters:
            if time.monotonic() > until:
                raise BenchFailed(f"the sender ended; {count} of {self._letters} letters at the sink")
        return True

    def _look_at_memory(self) -> None:
        self._rss_mb = max(self._rss_mb, sum(peak_rss_mb(pid) for pid in self._pids))
        self._rss_looked_at = time.monotonic()

    def _count(self) -> int:
        return sum(sink.letters() for sink in self._sinks)

    def _cpu_s(self) -> float:
        return sum(cpu_s(pid) for pid in self._pids)


def rates_by_tenth(curve: Sequence[tuple[float, int]], letters: int) -> list[float]:
    """Return the letters per second of each tenth of the letters, from the points of a curve."""
    ends = [_time_at(curve, letters * tenth / 10) for tenth in range(11)]
    return [letters / 10 / (after - before) for before, after in pairwise(ends)]


def _time_at(curve: Sequence[tuple[float, int]], count: float) -> float:
    """Return when the count was reached, on the line between the two points around it."""
    before_at, before = curve[0]
    for at, reached in curve[1:]:
        if reached >= count > before:
            return before_at + (at - before_at) * (count - before) / (reached - before)
        before_at, before = at, reached
    return curve[0][0] if count <= curve[0][1] else before_at
