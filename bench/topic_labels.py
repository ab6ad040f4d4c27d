"""The articles that labels of topics are about, out of corpora beside the repository, and the labels themselves."""

import csv
import html
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from app.articles.clean import html_to_text
from app.articles.feeds import parse_feed

LABELS = Path(__file__).resolve().parent / "labels" / "topics.csv"
#: Given twice over, each time without knowing the terms or the other labels.
BLIND_LABELS = LABELS.with_name("topics_blind.csv")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Piece:
    """An article of a corpus as plain text."""

    title: str
    text: str


@dataclass(frozen=True)
class TopicLabel:
    """What a person said an article is about. `primary` and `secondary` are places.

    Where it was labelled twice, what both labels have; `disputed` is what only one of them has.
    """

    corpus: str
    item: str
    language: str
    themes: frozenset[str]
    primary: frozenset[str]
    secondary: frozenset[str]
    disputed: frozenset[str] = frozenset()

    @property
    def is_held_out(self) -> bool:
        """Whether nobody looks at it while rules are tuned."""
        return int(sha256(self.item.encode()).hexdigest()[0], 16) % 2 == 1


def read_labels(path: Path = LABELS) -> list[TopicLabel]:
    """Return all labels of a file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            TopicLabel(
                row["corpus"],
                row["item"],
                row["language"],
                frozenset(f"theme:{name}" for name in row["themes"].split()),
                frozenset(row["primary"].split()),
                frozenset(row["secondary"].split()),
                frozenset(row.get("disputed", "").split()),
            )
            for row in csv.DictReader(file)
        ]


def read_piece(corpora: Path, label: TopicLabel) -> Piece:
    """Return the article that a label is about. Raises KeyError where the corpus has none of that id."""
    folder, _, name = label.corpus.partition("/")
    if folder == "fr-certfr":
        return _advisory(corpora, label.item)
    if folder == "articles-readability":
        return _readable(corpora, label.item)
    return _READERS[folder](corpora, name)[label.item]


def short_id(text: str) -> str:
    """Return the id of an item whose corpus gives it none."""
    return sha256(text.encode()).hexdigest()[:12]


@cache
def _headlines(corpora: Path, name: str) -> dict[str, Piece]:
    lines = _text(corpora / "news-headlines" / f"{name}.tar.gz", ".jsonl").split("\n")
    rows = (json.loads(line) for line in lines if line)
    return {
        short_id(row.get("link") or row["title"]): Piece(html_to_text(row["title"]), html_to_text(row["summary"] or ""))
        for row in rows
    }


@cache
def _feed(corpora: Path, name: str) -> dict[str, Piece]:
    feed = parse_feed(_bytes(corpora / "feeds-real" / "open.tar.gz", name), "https://feed.example/")
    return {
        short_id(entry.guid or entry.link or entry.title): Piece(entry.title, html_to_text(entry.body or entry.summary))
        for entry in feed.entries
    }


@cache
def _pages(corpora: Path, _: str) -> dict[str, Piece]:
    truth = json.loads((corpora / "articles-scrapinghub" / "open.ground-truth.json").read_text(encoding="utf-8"))
    pages = _members(corpora / "articles-scrapinghub" / "open.tar.xz")
    return {
        key[:12]: Piece(_page_title(next(data for name, data in pages.items() if key in name)), page["articleBody"])
        for key, page in truth.items()
    }


def _advisory(corpora: Path, reference: str) -> Piece:
    advisory = json.loads(_bytes(corpora / "fr-certfr" / "open.tar.gz", f"{reference}.json"))
    return Piece(advisory["title"], f"{advisory['summary']} {advisory['content']}")


def _readable(corpora: Path, folder: str) -> Piece:
    archive = corpora / "articles-readability" / "open.tar.xz"
    title = json.loads(_bytes(archive, f"{folder}/expected-metadata.json"))["title"]
    return Piece(title, html_to_text(_bytes(archive, f"{folder}/expected.html").decode("utf-8")))


def _page_title(page: bytes) -> str:
    found = _TITLE.search(page.decode("utf-8", "replace"))
    return html.unescape(found[1]).strip() if found else ""


def _bytes(archive: Path, ending: str) -> bytes:
    return next(data for name, data in _members(archive).items() if name.endswith(ending))


def _text(archive: Path, ending: str) -> str:
    return _bytes(archive, ending).decode("utf-8")


@cache
def _members(archive: Path) -> dict[str, bytes]:
    return dict(_each_member(archive))


def _each_member(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as opened:
        for member in opened:
            file = opened.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name, file.read()


_READERS: dict[str, Callable[[Path, str], dict[str, Piece]]] = {
    "news-headlines": _headlines,
    "feeds-real": _feed,
    "articles-scrapinghub": _pages,
}
