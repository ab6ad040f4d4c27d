"""The items of bench/labels/stories.csv with their texts, as feeds would bring them, and the pairs of our own."""

import csv
import json
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from app.articles.clean import html_to_text
from app.articles.entries import Entry, make_entry
from app.articles.feeds import parse_feed

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
LABELS = Path(__file__).resolve().parent / "labels"
#: Feeds of the corpus in French, and those that do not date all their items.
_FRENCH = frozenset({"jcggs__mon-flux-rss__radiofrance.xml"})


@dataclass(frozen=True)
class Item:
    """One labelled item: where it comes from, its texts, and the story that it belongs to by its label."""

    id: str
    source: str
    language: str
    published_at: datetime
    title: str
    summary: str
    body: str
    story: str
    is_twin: bool = False

    @property
    def is_of_check_half(self) -> bool:
        """Whether the item's story belongs to the half at which nobody looked while the rules were made."""
        return sha256(f"vigie:{self.story}".encode()).digest()[0] % 2 == 1


def read_items(corpora: Path = CORPORA) -> list[Item]:
    """Return the labelled items of the corpora by time; none where the corpora are not there."""
    if not corpora.is_dir():
        return []
    wanted: dict[str, dict[str, str]] = defaultdict(dict)
    with (LABELS / "stories.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            wanted[row["file"]][row["item"]] = row["story"]
    packed = {"/".join(name.split("/")[:2]) for name in wanted}
    files = {f"{pack}/{name}": data for pack in sorted(packed) for name, data in _members(corpora / pack)}
    items = [item for name, stories in wanted.items() for item in _read_file(name, files[name], stories)]
    return sorted(items, key=lambda item: (item.published_at, item.id))


def read_others(items: Sequence[Item], corpora: Path = CORPORA) -> list[Item]:
    """Return what else the two archives of headlines have, each link or title once: the news around the labelled."""
    known = {item.id for item in items}
    labelled_days = {item.published_at.date() for item in items}
    others: dict[str, Item] = {}
    for archive in sorted((corpora / "news-headlines").glob("*.tar.gz")):
        for name, data in _members(archive):
            for number, line in enumerate(data.decode().split("\n"), start=1):
                if not line or f"{name}:{number}" in known:
                    continue
                source, entry = _headline(json.loads(line))
                if entry.published_at is None or entry.published_at.date() in labelled_days:
                    continue
                language = "fr" if name.startswith("lemonde") else "en"
                item = Item(
                    f"{name}:{number}", source, language, entry.published_at, entry.title, entry.summary, entry.body, ""
                )
                others.setdefault(entry.link or entry.title, item)
    return list(others.values())


def read_pairs() -> list[Item]:
    """Return the items of the bilingual set, by time."""
    lines = (LABELS / "stories_bilingual.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Item(
            row["id"], row["source"], row["language"], datetime.fromisoformat(row["published_at"]), row["title"],
            row["summary"], row["summary"], row["story"], row["twins"],
        )
        for row in map(json.loads, lines)
    ]  # fmt: skip


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as members:
        for member in members:
            file = members.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name.removeprefix("./"), file.read()


def _read_file(name: str, data: bytes, stories: dict[str, str]) -> Iterator[Item]:
    short = name.rsplit("/", 1)[-1]
    if "" in stories:
        yield _advisory(short, json.loads(data), stories[""])
        return
    entries: Sequence[tuple[str, Entry]]
    if name.endswith(".jsonl"):
        entries = [_headline(json.loads(line)) for line in data.decode().split("\n") if line]
    else:
        entries = [(short.split("__")[-1].removesuffix(".xml"), entry) for entry in parse_feed(data).entries]
    language = "fr" if short in _FRENCH or short.startswith("lemonde") else "en"
    for number, story in stories.items():
        source, entry = entries[int(number) - 1]
        moment = entry.published_at
        assert moment is not None, (name, number)
        yield Item(f"{short}:{number}", source, language, moment, entry.title, entry.summary, entry.body, story)


def _headline(row: dict[str, str]) -> tuple[str, Entry]:
    day = datetime.fromisoformat(row["day"]).replace(hour=int(row.get("run", "12")[:2]), tzinfo=UTC)
    text = html_to_text(row["summary"])
    entry = make_entry(
        guid=None, link=row.get("link"), title=html_to_text(row["title"]), summary=text, body=text,
        published_at=day, image_url=None,
    )  # fmt: skip
    return urlsplit(row.get("link") or "https://lemonde.example").netloc, entry


def _advisory(name: str, row: dict, story: str) -> Item:
    moment = datetime.fromisoformat(row["revisions"][0]["revision_date"][:19]).replace(tzinfo=UTC)
    body = f"{row['summary']}\n\n{' '.join(cve['name'] for cve in row['cves'])}"
    return Item(name, "cert-fr", "fr", moment, row["title"], row["summary"], body, story)
