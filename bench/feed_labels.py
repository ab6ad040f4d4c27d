"""Measure what is read of feeds that nobody here wrote, against what their authors say is in them.

python bench/feed_labels.py                      print the table and the misses
python bench/feed_labels.py --into PAGE.md       put the table into a page, between its two marks
"""

import argparse
import calendar
import csv
import json
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.articles.clean import html_to_text, plain, title_line
from app.articles.entries import Entry, Feed
from app.articles.feeds import parse_feed
from app.articles.urls import web_link
from app.errors import FetchRefused
from bench.markdown import as_table, put_between_marks

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
FEEDS = (".xml", ".rss", ".atom", ".rdf", ".json")
#: Counted in UTF-16 by a regular expression for ASCII, says the corpus: both hold one item.
MISCOUNTED = {"simplepie__simplepie__feed-utf16be.xml", "simplepie__simplepie__feed-utf16le.xml"}
FIELDS = ("title", "link", "date", "entries")


@dataclass
class Figures:
    """Of one corpus: feeds, those refused in words, right and all expectations by field, the longest reading."""

    feeds: int = 0
    refused: int = 0
    right: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)
    longest_s: float = 0.0

    def judge(self, name: str, kind: str, expected: object, found: object) -> None:
        """Count one expectation; where several values would do, `expected` is a set of them."""
        self.judged[kind] += 1
        if found in expected if isinstance(expected, set) else found == expected:
            self.right[kind] += 1
        else:
            self.misses.append(f"{name}: {kind} {expected!r}, found {found!r}")


def measure(corpora: Path = CORPORA) -> dict[str, Figures]:
    """Return the figures of each corpus."""
    return {
        "feeds-feedparser": _feedparser(corpora / "feeds-feedparser"),
        "feeds-gofeed": _gofeed(corpora / "feeds-gofeed"),
        "feeds-real": _real(corpora / "feeds-real"),
        "feeds-feedvalidator": _unlabelled(corpora / "feeds-feedvalidator"),
    }


def as_markdown(measured: Mapping[str, Figures]) -> str:
    """Return the table of all figures."""
    rows = [
        (name, str(each.feeds), str(each.refused), *(_share(each, kind) for kind in FIELDS), f"{each.longest_s:.2f} s")
        for name, each in measured.items()
    ]
    headings = (
        "corpus",
        "feeds",
        "refused in words",
        "titles",
        "links",
        "dates",
        "number of entries",
        "longest reading",
    )
    return as_table(headings, rows) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    if not (CORPORA / "feeds-feedparser").is_dir():
        print("no feed corpora beside the repository, in ../shared/corpora")
        return 1
    measured = measure()
    table = as_markdown(measured)
    print(table)
    for name, figures in measured.items():
        for miss in figures.misses:
            print(f"  {name}: {miss}")
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, "bench/feed_labels.py"), encoding="utf-8")
    return 0


def _feedparser(corpus: Path) -> Figures:
    figures, bodies = Figures(), dict(_files(corpus))
    labels = [json.loads(line) for line in (corpus / "open.labels.jsonl").read_text(encoding="utf-8").splitlines()]
    for label in labels:
        headers = {name.lower(): value for name, value in label["http_headers"].items()}
        url = headers.get("content-location", "")
        feed = _read(figures, bodies[label["file"]], url, headers.get("content-type", ""))
        for check in label["checks"] or ():
            _judge_path(figures, label["file"], check["path"], check["value"], feed, url)
    return figures


def _judge_path(
    figures: Figures, name: str, path: Sequence[object], value: object, feed: Feed | None, url: str
) -> None:
    """Judge an expectation in feedparser's layout, if it is about what an article keeps."""
    if feed is not None and list(path) == ["feed", "title"] and _has_words(value):
        figures.judge(name, "title", _titles(str(value)), feed.title)
    if feed is None or len(path) != 3 or path[0] != "entries" or not value:
        return
    entry = feed.entries[int(str(path[1]))] if len(feed.entries) > int(str(path[1])) else None
    if path[2] == "title" and _has_words(value):
        figures.judge(name, "title", _titles(str(value)), entry and entry.title)
    elif path[2] == "link":
        figures.judge(name, "link", web_link(str(value), base=url), entry and entry.link)
    elif path[2] in {"published_parsed", "updated_parsed"} and isinstance(value, list):
        moment = datetime.fromtimestamp(calendar.timegm(tuple(value)), UTC)
        figures.judge(name, "date", moment, entry and entry.published_at)


def _gofeed(corpus: Path) -> Figures:
    figures, files = Figures(), dict(_files(corpus))
    for name, body in files.items():
        expected = files.get(name.removesuffix(".xml") + ".json") if name.endswith(".xml") else None
        if expected is None:
            continue
        said = json.loads(expected)
        items = said.get("items") or said.get("entries") or []
        feed = _read(figures, body, "", "")
        if feed is None:
            continue
        figures.judge(name, "entries", len(items), len(feed.entries))
        for item, entry in zip(items, feed.entries, strict=False):
            _judge_item(figures, name, item, entry)
    return figures


def _alternates(item: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Return the links of an Atom entry that lead to what it is about (RFC 4287 §4.2.7.2)."""
    return [
        link for link in item.get("links") or () if isinstance(link, dict) and link.get("rel") in {None, "alternate"}
    ]


def _judge_item(figures: Figures, name: str, item: Mapping[str, Any], entry: Entry) -> None:
    if item.get("title") and _has_words(item["title"]):
        figures.judge(name, "title", _titles(item["title"]), entry.title)
    link = item.get("link") or next((each.get("href") for each in _alternates(item)), None)
    if link:
        figures.judge(name, "link", web_link(link), entry.link)
    date = item.get("publishedParsed") or item.get("updatedParsed")
    if date:
        figures.judge(name, "date", datetime.fromisoformat(date), entry.published_at)


def _real(corpus: Path) -> Figures:
    figures, bodies = Figures(), dict(_files(corpus))
    for label in csv.DictReader((corpus / "open.labels.csv").read_text(encoding="utf-8").splitlines()):
        feed = _read(figures, bodies[label["file"]], "https://feeds.example/feed", "")
        if label["file"] not in MISCOUNTED:
            figures.judge(label["file"], "entries", int(label["items"]), len(feed.entries) if feed else None)
    return figures


def _unlabelled(corpus: Path) -> Figures:
    figures = Figures()
    for _, body in _files(corpus):
        _read(figures, body, "", "")
    return figures


def _files(corpus: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(corpus / "open.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and member.name.endswith(FEEDS) else None
            if file is not None:
                yield member.name, file.read()


def _read(figures: Figures, body: bytes, url: str, content_type: str) -> Feed | None:
    started = time.perf_counter()
    figures.feeds += 1
    try:
        return parse_feed(body, url, content_type=content_type)
    except FetchRefused:
        figures.refused += 1
        return None
    finally:
        figures.longest_s = max(figures.longest_s, time.perf_counter() - started)


def _has_words(value: object) -> bool:
    """Say whether a title is more than a picture."""
    return bool(html_to_text(str(value)))


def _titles(value: str) -> set[str]:
    """Return a title as text: whether its markup is meant or shown is for the type of its element to say."""
    return {title_line(plain(value)), title_line(html_to_text(value))}


def _share(figures: Figures, kind: str) -> str:
    judged = figures.judged[kind]
    return f"{figures.right[kind]}/{judged} ({figures.right[kind] / judged:.1%})" if judged else "–"


if __name__ == "__main__":
    sys.exit(main())
