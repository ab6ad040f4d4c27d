"""A week of real feeds: what each of them showed at a moment, out of the corpora beside the repository."""

import json
import re
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
#: The seven days of the corpora with the most articles in the language that has fewer of them.
FIRST_DAY, DAYS = datetime(2026, 7, 28, tzinfo=UTC), 7
_RADIO = "jcggs__mon-flux-rss__radiofrance.xml"
_NAMES = {
    "blog.talosintelligence.com": "Cisco Talos", "blogs.cisco.com": "Cisco Blogs", "isc.sans.edu": "SANS ISC",
    "thehackernews.com": "The Hacker News", "www.darkreading.com": "Dark Reading",
    "www.securityweek.com": "SecurityWeek", "www.wired.com": "WIRED", "www.wiz.io": "Wiz",
}  # fmt: skip
_ITEM = re.compile(r"\s*<item>.*?</item>", re.DOTALL)
_DATE = re.compile(r"<pubDate>(.*?)</pubDate>")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Wire:
    """A feed of the week: `documents` tells when it changed, oldest first, and what it showed from then on."""

    name: str
    language: str
    documents: tuple[tuple[datetime, str], ...]


def read_wires(corpora: Path = CORPORA) -> list[Wire]:
    """Return the feeds of the week; none where the corpora are not there.

    The archive of headlines was made of feeds that were read at noon and at 22:00; it says which entry stood in which,
    and not when it was published, so an entry counts from the first reading that shows it. The radio's feed dates its
    entries, and is taken to have shown what was published by then.
    """
    if not corpora.is_dir():
        return []
    rows = [json.loads(line) for line in _member(corpora / "news-headlines", "cyber-news.jsonl").split("\n") if line]
    return [*_headlines(rows), _radio(_member(corpora / "feeds-real", _RADIO))]


def _headlines(rows: Sequence[Row]) -> Iterator[Wire]:
    first_seen: dict[str, datetime] = {}
    shown: dict[str, dict[datetime, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        at = datetime.strptime(f"{row['day']} {row['run']}", "%Y-%m-%d %H-%M").replace(tzinfo=UTC)
        first_seen.setdefault(row["link"], at)
        shown[urlsplit(row["link"]).netloc][at].append(row)
    for host, readings in sorted(shown.items()):
        name = _NAMES[host]
        documents = ((at, _document(name, host, of_reading, first_seen)) for at, of_reading in sorted(readings.items()))
        yield Wire(name, "en", tuple(_of_week(documents)))


def _document(name: str, host: str, rows: Sequence[Row], first_seen: Mapping[str, datetime]) -> str:
    items = "".join(
        f"<item><title>{escape(row['title'])}</title><link>{escape(row['link'])}</link>"
        f"<guid>{escape(row['link'])}</guid><description>{escape(row['summary'])}</description>"
        f"<pubDate>{format_datetime(first_seen[row['link']])}</pubDate></item>"
        for row in rows
    )
    head = f"<title>{escape(name)}</title><link>https://{host}/</link><description/><language>en</language>"
    return f'<rss version="2.0"><channel>{head}{items}</channel></rss>'


def _radio(document: str) -> Wire:
    """Return the radio's feed as it grew: an entry is not in it before its time."""
    dated = {item: parsedate_to_datetime(_DATE.findall(item)[0]) for item in _ITEM.findall(document)}

    def until(at: datetime) -> Callable[[re.Match[str]], str]:
        return lambda found: found[0] if dated[found[0]] <= at else ""

    moments = sorted(set(dated.values()))
    grown = ((at, _ITEM.sub(until(at), document)) for at in moments)
    return Wire("Radio France", "fr", tuple(_of_week(grown)))


def _of_week(documents: Iterator[tuple[datetime, str]]) -> Iterator[tuple[datetime, str]]:
    return ((at, document) for at, document in documents if 0 <= (at - FIRST_DAY).days < DAYS)


def _member(folder: Path, name: str) -> str:
    with tarfile.open(folder / "open.tar.gz") as archive:
        member = next(each for each in archive if each.name.removeprefix("./") == name)
        file = archive.extractfile(member)
        assert file is not None
        return file.read().decode("utf-8")
