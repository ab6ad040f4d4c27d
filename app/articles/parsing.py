"""The child of `apart.Parsers`: parses one document after another, each in a fork of its own."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.apart.forks import serve
from app.articles.feeds import parse_feed
from app.articles.page import parse_page

MAX_MEMORY_BYTES = 1_500_000_000
#: Parsed once before all others, so that what is loaded and compiled at first use is there for every fork.
_FIRST = (
    b"<rss version='2.0'><channel><title>Wire</title><item><title>One</title><link>https://wire.example/1</link>"
    b"<pubDate>Tue, 17 Mar 2026 09:00:00 GMT</pubDate><description>&lt;p&gt;The port reopened on Monday, after eleven "
    b"days of silence on the radio; ships are waiting.&lt;/p&gt;</description></item></channel></rss>"
)


def main() -> int:
    """Answer requests on standard input until there are no more."""
    parse_feed(_FIRST)
    return serve({"feed": _feed, "page": _page}, max_memory_bytes=MAX_MEMORY_BYTES)


def _feed(body: bytes, url: str, content_type: str) -> Mapping[str, Any]:
    return asdict(parse_feed(body, url, content_type=content_type))


def _page(body: bytes, url: str, content_type: str) -> Mapping[str, Any]:
    return asdict(parse_page(body, url, content_type=content_type))


if __name__ == "__main__":
    sys.exit(main())
