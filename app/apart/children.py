"""The children, as their parent sees them: what a request and an answer look like."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import LifoQueue
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
#: Children of one kind at work at once; each has a core to itself, more would wait for one.
CHILDREN = 2
_LENGTH_BYTES = 8
#: A number library of the language model would start threads, which a fork must not have beside it.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}

Document = dict[str, object]


class Children:
    """A few children that run one `module`. They start when they are first needed."""

    def __init__(self, module: str) -> None:
        self._waiting: LifoQueue[_Child] = LifoQueue()
        for _ in range(CHILDREN):
            self._waiting.put(_Child(module))

    def ask(self, kind: str, body: bytes, options: Mapping[str, object], *, max_s: float) -> Document:
        """Return what the job `kind` made of `body`, or `stopped` with why it made nothing: "time" or "broken".

        Jobs whose options say alike what they are `of` may be done in one fork. Some other thread may ask at the same
        time. A child that has gone is told of like a document that broke it.
        """
        child = self._waiting.get()
        try:
            return child.ask({"kind": kind, "max_s": max_s, **options}, body)
        finally:
            self._waiting.put(child)

    def end(self) -> None:
        """End those that run; they start again when they are needed."""
        for child in [self._waiting.get() for _ in range(CHILDREN)]:
            child.end()
            self._waiting.put(child)


class _Child:
    """One child."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Mapping[str, object], body: bytes) -> Document:
        """Return the child's answer."""
        process = self._process = self._process or _start(self._module)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            write_frame(process.stdin, json.dumps(request).encode())
            write_frame(process.stdin, body)
            answer: Document = json.loads(read_frame(process.stdout))
        except (OSError, EOFError, ValueError):
            self.end()
            return {"stopped": "broken"}
        return answer

    def end(self) -> None:
        """End the child, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def write_frame(pipe: IO[bytes], octets: bytes) -> None:
    """Write `octets` behind their number. Raises OSError where nobody reads."""
    pipe.write(len(octets).to_bytes(_LENGTH_BYTES, "big") + octets)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> bytes:
    """Return what `write_frame` wrote. Raises EOFError where the other side has gone."""
    length = int.from_bytes(_exactly(pipe, _LENGTH_BYTES), "big")
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], number: int) -> bytes:
    octets = pipe.read(number)
    if len(octets) < number:
        raise EOFError
    return octets


def _start(module: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", module]
    return subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=_ENVIRONMENT,
    )
