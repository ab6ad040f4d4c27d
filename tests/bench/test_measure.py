"""A run that did not send what it should is no figure."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

from bench.measure import Watch
from bench.processes import BenchFailed, has_ended


class Sink:
    """Shows one count after the other, then the last for ever."""

    port = 0

    def __init__(self, counts: Sequence[int]) -> None:
        self._counts = list(counts)

    def letters(self) -> int:
        return self._counts.pop(0) if len(self._counts) > 1 else self._counts[0]


@pytest.fixture
def ended() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", ""])
    while not has_ended(process.pid):
        time.sleep(0.01)
    yield process.pid
    process.wait()


def test_a_worker_is_watched_until_all_is_settled() -> None:
    answers = iter([False, False, True])

    run = Watch(
        pids=[os.getpid()], sinks=[Sink([0, 1]), Sink([0, 2])], letters=3, is_settled=lambda: next(answers)
    ).run()

    assert run.letters == 3
    assert run.seconds > run.sink_seconds
    assert run.rss_mb > 1


def test_a_sender_is_watched_until_it_ends(ended: int) -> None:
    run = Watch(pids=[ended], sinks=[Sink([1, 3])], letters=3).run()

    assert run.letters == 3


def test_a_letter_too_many_fails() -> None:
    with pytest.raises(BenchFailed, match="4 letters at the sink, where 3"):
        Watch(pids=[os.getpid()], sinks=[Sink([1, 4])], letters=3, is_settled=lambda: True).run()


def test_a_letter_too_few_fails(ended: int) -> None:
    with pytest.raises(BenchFailed, match="the sender ended; 2 of 3"):
        Watch(pids=[ended], sinks=[Sink([1, 2])], letters=3).run()


def test_a_worker_that_ends_fails(ended: int) -> None:
    with pytest.raises(BenchFailed, match="a worker ended; 3 of 3"):
        Watch(pids=[ended], sinks=[Sink([3])], letters=3, is_settled=lambda: True).run()


def test_a_sender_that_sends_nothing_fails(ended: int) -> None:
    with pytest.raises(BenchFailed, match="no letter arrived"):
        Watch(pids=[ended], sinks=[Sink([0])], letters=3).run()
