"""A child's side: it does one job after another, each in a fork with limits on time and memory.

Jobs that name what they are `of`, one after another, are done in one fork, which may then keep what they share. All
others have a fork of their own.
"""

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from app.apart.children import read_frame, write_frame
from app.errors import AppError

#: What a job makes of the octets of a document, and of options, is told as JSON.
Jobs = Mapping[str, Callable[..., Mapping[str, Any]]]
_PIECE_BYTES = 65_536
_LENGTH_BYTES = 8


def serve(jobs: Jobs, *, max_memory_bytes: int) -> int:
    """Answer requests on standard input until there are no more. What is loaded by now is there for every fork."""
    gc.freeze()  # what is here now stays: a fork that looks through it for garbage would copy it
    kept: _Fork | None = None
    while True:
        try:
            request, body = json.loads(read_frame(sys.stdin.buffer)), read_frame(sys.stdin.buffer)
        except EOFError:
            return 0
        of, max_s = request.pop("of", None), float(request["max_s"])
        if kept is not None and (of is None or of != kept.of):
            kept.end()
            kept = None
        fork = kept.tell(request, body) if kept else _Fork(jobs, request, body, of, max_memory_bytes)
        answer, why = fork.hear(max_s)
        kept = fork if answer is not None and of is not None else None
        if kept is None:
            fork.end()
        write_frame(sys.stdout.buffer, json.dumps({"stopped": why}).encode() if answer is None else answer)


class _Fork:
    """One fork, which begins with a first job."""

    def __init__(
        self, jobs: Jobs, request: dict[str, object], body: bytes, of: str | None, max_memory_bytes: int
    ) -> None:
        self.of = of
        asked, asking = os.pipe()
        hearing, answering = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os.close(asking)
            resource.setrlimit(resource.RLIMIT_AS, (max_memory_bytes, max_memory_bytes))
            _work(jobs, request, body, asked, answering)
        os.close(asked)
        os.close(answering)
        self._asking, self._hearing = os.fdopen(asking, "wb"), hearing

    def tell(self, request: dict[str, object], body: bytes) -> "_Fork":
        """Give it one more job. One that has gone meanwhile will not answer."""
        with contextlib.suppress(BrokenPipeError):
            write_frame(self._asking, json.dumps(request).encode())
            write_frame(self._asking, body)
        return self

    def hear(self, max_s: float) -> tuple[bytes | None, str]:
        """Return its answer; or None, and why there is none."""
        until, octets, length = time.monotonic() + max_s, bytearray(), None
        while select.select([self._hearing], [], [], max(until - time.monotonic(), 0))[0]:
            piece = os.read(self._hearing, _PIECE_BYTES)
            if not piece:
                return None, "broken"
            octets += piece
            if length is None and len(octets) >= _LENGTH_BYTES:
                length = int.from_bytes(octets[:_LENGTH_BYTES], "big")
            if length is not None and len(octets) >= _LENGTH_BYTES + length:
                return bytes(octets[_LENGTH_BYTES:]), ""
        return None, "time"

    def end(self) -> None:
        """End it, whatever it is doing."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._hearing)
        with contextlib.suppress(BrokenPipeError):
            self._asking.close()


def _work(jobs: Jobs, request: dict[str, object], body: bytes, asked: int, answering: int) -> NoReturn:
    """Do jobs and answer, as the fork does, and end: nothing of the parent's is to be cleared up here."""
    try:
        with os.fdopen(asked, "rb") as asks, os.fdopen(answering, "wb") as answers:
            while True:
                write_frame(answers, _answer(jobs, request, body))
                request, body = json.loads(read_frame(asks)), read_frame(asks)
    finally:
        os._exit(1)


def _answer(jobs: Jobs, request: dict[str, object], body: bytes) -> bytes:
    job, max_s = jobs[str(request.pop("kind"))], float(str(request.pop("max_s")))
    used_s = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    # Should the parent be gone, nobody else would stop it.
    resource.setrlimit(resource.RLIMIT_CPU, (int(used_s + max_s) + 1, resource.RLIM_INFINITY))
    try:
        return json.dumps(job(body, **request), default=datetime.isoformat).encode()
    except AppError as refusal:
        return json.dumps({"refused": str(refusal)}).encode()
