"""The child of `apart.Parsers`: parses one document after another, each in a fork with limits on time and memory."""

import gc
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from app.articles.apart import read_frame, write_frame
from app.articles.feeds import parse_feed
from app.articles.page import parse_page
from app.errors import FetchRefused

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAX_MEMORY_BYTES = 1_500_000_000
_PIECE_BYTES = 65_536
#: Parsed once before all others, so that what is loaded and compiled at first use is there for every fork.
_FIRST = (
    b"<rss version='2.0'><channel><title>Wire</title><item><title>One</title><link>https://wire.example/1</link>"
    b"<pubDate>Tue, 17 Mar 2026 09:00:00 GMT</pubDate><description>&lt;p&gt;The port reopened on Monday, after eleven "
    b"days of silence on the radio; ships are waiting.&lt;/p&gt;</description></item></channel></rss>"
)
_PARSERS: Mapping[str, Callable[..., "DataclassInstance"]] = {"feed": parse_feed, "page": parse_page}


def main() -> int:
    """Answer requests on standard input until there are no more."""
    parse_feed(_FIRST)
    gc.freeze()  # what is here now stays: a fork that looks through it for garbage would copy it
    while True:
        try:
            request, body = json.loads(read_frame(sys.stdin.buffer)), read_frame(sys.stdin.buffer)
        except EOFError:
            return 0
        write_frame(sys.stdout.buffer, _in_a_fork(request, body))


def _in_a_fork(request: dict[str, object], body: bytes) -> bytes:
    """Return the answer of a fork, or a refusal where it takes too long or breaks."""
    kind, max_s = str(request.pop("kind")), float(str(request.pop("max_s")))
    receiving, sending = os.pipe()
    fork = os.fork()
    if not fork:
        _answer(kind, request, body, max_s=max_s, sending=sending)
    os.close(sending)
    answer = _all_within(receiving, max_s)
    os.close(receiving)
    if answer is None:
        os.kill(fork, signal.SIGKILL)
    _, status = os.waitpid(fork, 0)
    if answer is None:
        return _refusal(f"the {kind} takes longer than {max_s:g} s to read")
    return _refusal(f"the {kind} could not be read: its parser ran out of memory or broke") if status else answer


def _answer(kind: str, options: dict[str, object], body: bytes, *, max_s: float, sending: int) -> NoReturn:
    """Parse and answer, as the fork does, and end: nothing of the parent's is to be cleared up here."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (int(max_s) + 1, int(max_s) + 1))  # should the parent be gone
        try:
            answer = json.dumps(asdict(_PARSERS[kind](body, **options)), default=datetime.isoformat).encode()
        except FetchRefused as refusal:
            answer = _refusal(str(refusal))
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


def _refusal(reason: str) -> bytes:
    return json.dumps({"refused": reason}).encode()


if __name__ == "__main__":
    sys.exit(main())
