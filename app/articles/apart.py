"""Runs `parse_feed` in a process of its own, with limits on time and memory and without our secrets.

A few hundred kilobytes made for it keep the feed library busy for minutes; nothing stops a thread, a process can be.
"""

import json
import resource
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from app.articles.entries import Entry, Feed
from app.articles.feeds import parse_feed
from app.errors import FetchRefused

ROOT = Path(__file__).resolve().parents[2]
PARSE_MAX_S = 20
PARSE_MAX_MEMORY_BYTES = 1_500_000_000
#: The parser's exit code when it refuses in words; any other but 0 means that it broke or was stopped.
REFUSED = 3


def parse_feed_apart(body: bytes, url: str = "", *, content_type: str = "", max_s: float = PARSE_MAX_S) -> Feed:
    """Return what `parse_feed` does. Raises FetchRefused also when it takes more than `max_s` seconds or breaks."""
    command = [sys.executable, "-m", "app.articles.apart", url, content_type]
    try:
        done = subprocess.run(command, input=body, capture_output=True, timeout=max_s, cwd=ROOT, env={}, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise FetchRefused(f"the feed takes longer than {max_s:g} s to read") from error
    except (OSError, ValueError) as error:
        raise FetchRefused(f"the feed could not be read: {error}") from error
    if done.returncode == REFUSED:
        raise FetchRefused(done.stdout.decode("utf-8"))
    if done.returncode:
        raise FetchRefused("the feed could not be read: its reader ran out of memory or broke")
    return _feed(json.loads(done.stdout))


def main() -> int:
    """Read a feed from standard input and write it as JSON; the arguments are its URL and content type."""
    resource.setrlimit(resource.RLIMIT_AS, (PARSE_MAX_MEMORY_BYTES, PARSE_MAX_MEMORY_BYTES))
    url, content_type = sys.argv[1:3]
    try:
        feed = parse_feed(sys.stdin.buffer.read(), url, content_type=content_type)
    except FetchRefused as refusal:
        sys.stdout.write(str(refusal))
        return REFUSED
    json.dump(asdict(feed), sys.stdout, default=datetime.isoformat)
    return 0


def _feed(document: dict[str, object]) -> Feed:
    entries = document.pop("entries")
    assert isinstance(entries, list)
    return Feed(**document, entries=tuple(_entry(raw) for raw in entries))  # type: ignore[arg-type]


def _entry(raw: dict[str, str | None]) -> Entry:
    published = raw.pop("published_at")
    return Entry(**raw, published_at=datetime.fromisoformat(published) if published else None)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
