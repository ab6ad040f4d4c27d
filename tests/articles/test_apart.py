"""Parsers in processes of their own: the same answers, stopped in time, without our secrets."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.articles.apart import Parsers
from app.articles.feeds import parse_feed
from app.errors import FetchRefused
from tests.articles.test_feeds import WHERE, rss

PIECE = rss("<title>L’été</title><link>/a</link><pubDate>Tue, 17 Mar 2026 10:00:00 +0100</pubDate>")
#: Each keeps the feed library busy for minutes, or so it did.
BUSY = [
    rss(f"<title>a</title><author>{'a' * 300_000}</author>"),
    b"<?xml " + b"encoding='" * 100_000,
    b"<rss><channel " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"></channel></rss>",
]


@pytest.fixture
def parsers() -> Iterator[Parsers]:
    with Parsers() as running:
        yield running


def children() -> list[int]:
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found if b"app.articles.parsing" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_a_feed_read_apart_is_the_same_feed(parsers) -> None:
    for _ in range(3):
        assert parsers.feed(PIECE, WHERE, content_type="text/xml") == parse_feed(PIECE, WHERE)
    with pytest.raises(FetchRefused, match="web page"):
        parsers.feed(b"<html></html>")


@pytest.mark.parametrize("body", BUSY, ids=["author", "declaration", "attributes"])
def test_a_feed_made_to_keep_the_parser_busy_is_stopped_and_the_next_is_read(body) -> None:
    with Parsers(max_s=1) as parsers:
        parsers.feed(PIECE)
        started = time.monotonic()
        with pytest.raises(FetchRefused, match=r"longer than 1 s|not a"):
            parsers.feed(body)
        assert time.monotonic() - started < 10
        assert parsers.feed(PIECE).entries


def test_a_child_that_dies_is_told_of_and_replaced(parsers) -> None:
    parsers.feed(PIECE)
    [child] = children()
    os.kill(child, 9)
    with pytest.raises(FetchRefused, match="broke"):
        parsers.feed(PIECE)
    assert parsers.feed(PIECE).entries


def test_children_are_given_no_secret_and_end_with_the_block(monkeypatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    with Parsers() as parsers:
        parsers.feed(PIECE)
        [child] = children()
        assert b"SECRET_KEY" not in Path(f"/proc/{child}/environ").read_bytes()
    assert children() == []


def test_many_threads_may_ask_at_once(parsers) -> None:
    titles: list[str] = []

    def ask(number: int) -> None:
        titles.append(parsers.feed(rss(f"<title>{number}</title>")).entries[0].title)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(titles, key=int) == [str(number) for number in range(12)]
