"""Feeds that nobody here wrote: none crashes, their entries are counted right, a second import adds nothing."""

import csv
import re
import tarfile
import time
from datetime import timedelta

import pytest

from app.articles.entries import Feed
from app.articles.feeds import parse_feed
from app.articles.sources import Reading, add_source, record_fetch
from app.errors import FetchRefused
from tests.articles.conftest import corpus
from tests.conftest import NOW

pytestmark = pytest.mark.slow
HOUR = timedelta(hours=1)

#: Counted in UTF-16 by a regular expression for ASCII, says the corpus: both hold one item.
MISLABELLED = {"simplepie__simplepie__feed-utf16be.xml", "simplepie__simplepie__feed-utf16le.xml"}

MARKUP = re.compile(
    r"</[a-z]|<(?:a|b|br|blockquote|code|div|em|font|h[1-6]|i|iframe|img|li|p|pre|script|span|strong|svg|table|ul)\b"
    r"|&(?:#x?[0-9a-f]+|[a-z][a-z0-9]+);",
    re.IGNORECASE,
)


def files(name: str, suffixes: tuple[str, ...] = ("xml", "rss", "atom", "rdf", "json")) -> dict[str, bytes]:
    """The feeds of one corpus, by name."""
    with tarfile.open(corpus(f"{name}/open.tar.gz")) as archive:
        members = [member for member in archive if member.isfile() and member.name.endswith(suffixes)]
        return {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]


def read_or_refuse(body: bytes) -> Feed | None:
    """The feed, or None where it is refused in words; anything else fails the test."""
    started = time.process_time()
    try:
        return parse_feed(body, "https://feeds.example/feed")
    except FetchRefused:
        return None
    finally:
        assert time.process_time() - started < 5


def test_real_feeds_are_read_and_counted_right() -> None:
    labels = list(csv.DictReader(corpus("feeds-real/open.labels.csv").read_text(encoding="utf-8").splitlines()))
    bodies = files("feeds-real")
    wrong = []
    for label in labels:
        if label["file"] not in MISLABELLED:
            feed = read_or_refuse(bodies[label["file"]])
            if feed is None or len(feed.entries) != int(label["items"]):
                wrong.append(label["file"])
    assert len(wrong) <= 0.05 * len(labels), wrong


def test_titles_and_summaries_of_real_feeds_hold_no_tag_and_no_entity() -> None:
    """Tags that are spoken of stand in bodies only, in this corpus; <Minoru> is a name that someone chats under."""
    for name, body in files("feeds-real").items():
        for entry in (read_or_refuse(body) or Feed("", None, ())).entries:
            found = MARKUP.search(f"{entry.title}\n{entry.summary}")
            assert found is None, (name, found[0], entry.title, entry.summary)


def test_real_feeds_show_no_mojibake_and_nothing_active() -> None:
    for name, body in files("feeds-real").items():
        for entry in (read_or_refuse(body) or Feed("", None, ())).entries:
            shown = f"{entry.title}\n{entry.summary}"
            broken = re.search("Ã[\u0080-\u00bf©¨ª]|â€[™œ\u009d“”]|\ufffd{2}", shown)
            assert broken is None or broken[0] in body.decode("utf-8", "replace"), (name, shown)
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown), (name, shown)
            assert entry.link is None or re.match(r"https?://[^\s<>\"]+\Z", entry.link), (name, entry.link)


@pytest.mark.parametrize("name", ["feeds-feedparser", "feeds-feedvalidator", "feeds-gofeed"])
def test_no_torture_breaks_the_reader(name) -> None:
    assert sum(read_or_refuse(body) is not None for body in files(name).values()) > 100


def test_a_second_import_of_real_feeds_adds_nothing(product) -> None:
    feeds = {name: feed for name, body in files("feeds-real").items() if (feed := read_or_refuse(body))}
    assert len(feeds) > 0.95 * len(files("feeds-real"))
    added = []
    for hours in (0, 1):
        with product.database.transaction() as session:
            for name, feed in feeds.items():
                location = f"https://{name.lower().replace('_', '-')}.example/feed"
                source = add_source(session, location=location, language=None, name=None, now=NOW)
                now = NOW + timedelta(hours=hours)
                arrival = record_fetch(session, source_id=source.id, reading=Reading(feed), interval=HOUR, now=now)
                added.append((arrival.new, arrival.revised))
    first, second = added[: len(feeds)], added[len(feeds) :]
    assert sum(new for new, _ in first) > 2_000
    assert set(second) == {(0, 0)}
