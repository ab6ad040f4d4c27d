"""Runs parsers in processes of their own, with limits on time and memory and without our secrets.

A few hundred kilobytes made for it keep a parser busy for minutes; nothing stops a thread, a process can be. A child
loads the parsers once and forks for each document, so that no document meets what another has left.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import IO

from app.articles.entries import Entry, Feed
from app.articles.web_page import WebPage
from app.errors import FetchRefused

ROOT = Path(__file__).resolve().parents[2]
PARSE_MAX_S = 20.0
#: Children at work at once; each has a core to itself, more would wait for one.
CHILDREN = 2
_LENGTH_BYTES = 8
#: A number library of the language model would start threads, which a fork must not have beside it.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}

Document = dict[str, object]


class Parsers:
    """A few children that parse what they are given. They start when they are first needed and end with the block."""

    def __init__(self, *, max_s: float = PARSE_MAX_S) -> None:
        self._max_s = max_s
        self._children: LifoQueue[_Child] = LifoQueue()
        for _ in range(CHILDREN):
            self._children.put(_Child())

    def __enter__(self) -> "Parsers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for _ in range(CHILDREN):
            self._children.get().end()

    def feed(self, body: bytes, url: str = "", *, content_type: str = "") -> Feed:
        """Return what `parse_feed` does. Raises FetchRefused also when it takes too long or breaks."""
        return _feed(self._read("feed", body, {"url": url, "content_type": content_type}))

    def page(self, body: bytes, url: str = "", *, content_type: str = "") -> WebPage:
        """Return what `parse_page` does. Raises FetchRefused also when it takes too long or breaks."""
        document = self._read("page", body, {"url": url, "content_type": content_type})
        published = document.pop("published_at")
        return WebPage(**document, published_at=_time(str(published or "")))  # type: ignore[arg-type]

    def _read(self, kind: str, body: bytes, options: Mapping[str, object]) -> Document:
        child = self._children.get()
        try:
            answer = child.ask({"kind": kind, "max_s": self._max_s, **options}, body)
        finally:
            self._children.put(child)
        if "refused" in answer:
            raise FetchRefused(str(answer["refused"]))
        return answer


class _Child:
    """One child, as its parent sees it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Mapping[str, object], body: bytes) -> Document:
        """Return the child's answer; one that has gone is told of like a document that broke it."""
        process = self._process = self._process or _start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            write_frame(process.stdin, json.dumps(request).encode())
            write_frame(process.stdin, body)
            answer: Document = json.loads(read_frame(process.stdout))
        except (OSError, EOFError, ValueError):
            self.end()
            return {"refused": "the document could not be read: its parser broke"}
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


def _start() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "app.articles.parsing"]
    return subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=_ENVIRONMENT,
    )


def _feed(document: Document) -> Feed:
    entries = document.pop("entries")
    assert isinstance(entries, list)
    return Feed(**document, entries=tuple(_entry(raw) for raw in entries))  # type: ignore[arg-type]


def _entry(raw: dict[str, str | None]) -> Entry:
    return Entry(**raw | {"published_at": _time(raw["published_at"])})  # type: ignore[arg-type]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
