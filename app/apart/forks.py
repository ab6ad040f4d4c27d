"""A child's side: it does one job after another, each in a fork with limits on time and memory."""

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


def serve(jobs: Jobs, *, max_memory_bytes: int) -> int:
    """Answer requests on standard input until there are no more. What is loaded by now is there for every fork."""
    gc.freeze()  # what is here now stays: a fork that looks through it for garbage would copy it
    while True:
        try:
            request, body = json.loads(read_frame(sys.stdin.buffer)), read_frame(sys.stdin.buffer)
        except EOFError:
            return 0
        write_frame(sys.stdout.buffer, _in_a_fork(jobs, request, body, max_memory_bytes))


def _in_a_fork(jobs: Jobs, request: dict[str, object], body: bytes, max_memory_bytes: int) -> bytes:
    """Return the answer of a fork, or why there is none where it takes too long or breaks."""
    job, max_s = jobs[str(request.pop("kind"))], float(str(request.pop("max_s")))
    receiving, sending = os.pipe()
    fork = os.fork()
    if not fork:
        _limit(max_s, max_memory_bytes)
        _answer(job, request, body, sending=sending)
    os.close(sending)
    answer = _all_within(receiving, max_s)
    os.close(receiving)
    if answer is None:
        os.kill(fork, signal.SIGKILL)
    _, status = os.waitpid(fork, 0)
    if answer is None:
        return json.dumps({"stopped": "time"}).encode()
    return json.dumps({"stopped": "broken"}).encode() if status else answer


def _limit(max_s: float, max_memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (max_memory_bytes, max_memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (int(max_s) + 1, int(max_s) + 1))  # should the parent be gone


def _answer(job: Callable[..., object], options: dict[str, object], body: bytes, *, sending: int) -> NoReturn:
    """Do the job and answer, as the fork does, and end: nothing of the parent's is to be cleared up here."""
    code = 1
    try:
        try:
            answer = json.dumps(job(body, **options), default=datetime.isoformat).encode()
        except AppError as refusal:
            answer = json.dumps({"refused": str(refusal)}).encode()
        with os.fdopen(sending, "wb") as pipe:
            pipe.write(answer)
        code = 0
    finally:
        os._exit(code)


def _all_within(pipe: int, max_s: float) -> bytes | None:
    """Return all that comes through `pipe`, or None if its end does not come in time."""
    until, octets = time.monotonic() + max_s, bytearray()
    while select.select([pipe], [], [], max(until - time.monotonic(), 0))[0]:
        piece = os.read(pipe, _PIECE_BYTES)
        if not piece:
            return bytes(octets)
        octets += piece
    return None
