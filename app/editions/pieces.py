"""The articles of an edition as its letter shows them: in order, under headings, in full or in brief."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

from app.articles.models import Article
from app.articles.urls import host_of
from app.editions.excerpts import beyond_title, without_addresses
from app.editions.models import Edition, EditionItem
from app.i18n import bound

#: A longer address is no link: of what feeds bring, thirty articles must always fit.
MAX_LINK_LENGTH = 1_000
#: Stories that a letter shows with their summaries; those behind them stand in brief, where there are at least so many.
IN_FULL, IN_BRIEF_MIN = 8, 3


@dataclass(frozen=True)
class Other:
    """Another article on the same story, named by its source."""

    source: str
    link: str
    language: str


@dataclass(frozen=True)
class Piece:
    """One article as the templates see it; `link` is an http address or None, `also` the others on its story.

    `minutes` are those that it takes to read, where its whole text is known; `section` is the heading over it, if any.
    """

    title: str
    link: str | None
    source: str
    published_on: date
    summary: str
    language: str
    also: tuple[Other, ...]
    minutes: int | None = None
    section: str | None = None


@dataclass(frozen=True)
class Section:
    """Stories under one heading: each with its number in the letter, and whether it stands there in full."""

    heading: str | None
    stories: tuple[tuple[int, Piece, bool], ...]


def pieces_of(edition: Edition, *, zone: str, publication: str) -> list[Piece]:
    """Return the articles of `edition` in order, dated in `zone`; those of no feed are the newsroom's own."""
    return [piece_of(item, zone=zone, publication=publication) for item in edition.items]


def piece_of(item: EditionItem, *, zone: str, publication: str) -> Piece:
    """Return one article of an edition, as `pieces_of` does."""
    article = item.article
    summary = without_addresses(beyond_title(item.shown_summary, item.shown_title)).strip()
    return Piece(
        title=bound(without_addresses(item.shown_title), article.language),
        link=web_address(article),
        source=_source(article, publication),
        published_on=article.published_at.astimezone(ZoneInfo(zone)).date(),
        summary=bound(summary, article.language),
        language=article.language,
        minutes=article.reading_minutes,
        section=without_addresses(item.section) if item.section else None,
        also=tuple(_others(item, publication)),
    )


def web_address(article: Article) -> str | None:
    """Return where an article is to be read, or None where that is no http address that fits into a letter."""
    link = article.link or ""
    return link if link.startswith(("https://", "http://")) and len(link) <= MAX_LINK_LENGTH else None


def in_full_and_in_brief(pieces: Sequence[Piece]) -> tuple[Sequence[Piece], Sequence[Piece]]:
    """Return the stories that a letter shows with their summaries, and those that it only names."""
    number = len(pieces) if len(pieces) < IN_FULL + IN_BRIEF_MIN else IN_FULL
    return pieces[:number], pieces[number:]


def sections_of(pieces: Sequence[Piece], in_full: int) -> list[Section]:
    """Return the sections of a letter, the first `in_full` stories of all with their summaries; none without headings.

    What stands before the first heading is a section without one.
    """
    if not any(piece.section for piece in pieces):
        return []
    numbered = groupby(enumerate(pieces, start=1), key=lambda each: each[1].section)
    return [
        Section(heading, tuple((number, piece, number <= in_full) for number, piece in group))
        for heading, group in numbered
    ]


def _others(item: EditionItem, publication: str) -> Iterator[Other]:
    """Yield the other articles; where one name stands for several sites, as of a feed of feeds, the site is named."""
    named = {_source(item.article, publication)}
    for other in item.also:
        if link := web_address(other.article):
            name = _source(other.article, publication)
            yield Other(host_of(link) if name in named else name, link, other.article.language)
            named.add(name)


def _source(article: Article, publication: str) -> str:
    return without_addresses(article.source.name) if article.source else publication
