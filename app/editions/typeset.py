"""Setting an edition: its articles, texts and links become the two parts of a letter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from app.articles.models import Article
from app.editions.excerpts import beyond_title, shorten, without_addresses
from app.editions.introduction import introduction_for_letter, introduction_text
from app.editions.models import Edition, EditionItem, EditionKind
from app.errors import InputRefused
from app.i18n import LANGUAGES, gettext
from app.links import Links
from app.mjml import render_mjml, render_text
from app.newsletters.models import Newsletter
from config import Config

#: Gmail clips a letter near 102 kB of HTML, and the footer with it. The real links, set in later, need the margin.
MAX_HTML_BYTES = 98_000
#: A longer address is no link: of what feeds bring, thirty articles must always fit.
MAX_LINK_LENGTH = 1_000
#: Stories that a letter shows with their summaries; those behind them stand in brief, where there are at least so many.
IN_FULL, IN_BRIEF_MIN = 8, 3
#: A digest that reaches back further says from when on it looked.
ONE_DAY = timedelta(hours=36)
#: Longest summaries to try, in characters, until the letter fits; the footer is never touched.
SUMMARY_LENGTHS = (900, 600, 400, 280, 160, 80, 0)
_TEMPLATES = {EditionKind.NUMBER: "digest", EditionKind.FLASH: "flash", EditionKind.ERRATUM: "erratum"}


@dataclass(frozen=True)
class PersonalLinks:
    """The addresses in a letter that belong to one reader; without preferences where there are none to show."""

    unsubscribe_url: str
    preferences_url: str | None


@dataclass(frozen=True)
class Parts:
    """A letter's two parts, which say the same."""

    html: str
    text: str


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


def typeset(
    edition: Edition, *, newsletter: Newsletter, config: Config, links: Links, at: datetime, personal: PersonalLinks
) -> Parts:
    """Return the letter of `edition`, dated `at`, with a reader's `personal` links (or the marks that stand for them).

    Summaries are shortened, all alike, until the HTML part fits. Raises InputRefused when even that is not enough.
    """
    face = newsletter.in_language(edition.language)
    pieces = pieces_of(edition, zone=newsletter.timezone, publication=config.identity.publication)
    context = {
        "subject": edition.subject,
        "preheader": edition.preheader,
        "newsletter": face,
        "identity": config.identity,
        "links": links,
        "unsubscribe_url": personal.unsubscribe_url,
        "preferences_url": personal.preferences_url,
        "view_url": links.view(edition.language, edition.public_id),
        "reason": _reason(edition.kind, edition.language, face.name),
        "zone": newsletter.timezone,
        "at": at.astimezone(ZoneInfo(newsletter.timezone)),
        "since": _since(edition, newsletter.timezone),
        "own_names": LANGUAGES,
    }
    for length in SUMMARY_LENGTHS:
        short = [replace(piece, summary=shorten(piece.summary, length)) for piece in pieces]
        html = _html(edition, short, context)
        if len(html.encode()) <= MAX_HTML_BYTES:
            return Parts(html=html, text=_text(edition, short, context))
    raise InputRefused("the edition is too long for one letter: remove some articles")


def pieces_of(edition: Edition, *, zone: str, publication: str) -> list[Piece]:
    """Return the articles of `edition` in order, dated in `zone`; those of no feed are the newsroom's own."""
    return [piece_of(item, zone=zone, publication=publication) for item in edition.items]


def piece_of(item: EditionItem, *, zone: str, publication: str) -> Piece:
    """Return one article of an edition, as `pieces_of` does."""
    article = item.article
    others = ((other.article, web_address(other.article)) for other in item.also)
    return Piece(
        title=without_addresses(item.shown_title),
        link=web_address(article),
        source=_source(article, publication),
        published_on=article.published_at.astimezone(ZoneInfo(zone)).date(),
        summary=without_addresses(beyond_title(item.shown_summary, item.shown_title)).strip(),
        language=article.language,
        minutes=article.reading_minutes,
        section=without_addresses(item.section) if item.section else None,
        also=tuple(Other(_source(other, publication), link, other.language) for other, link in others if link),
    )


def web_address(article: Article) -> str | None:
    """Return where an article is to be read, or None where that is no http address that fits into a letter."""
    link = article.link or ""
    return link if link.startswith(("https://", "http://")) and len(link) <= MAX_LINK_LENGTH else None


def in_full_and_in_brief(pieces: Sequence[Piece]) -> tuple[Sequence[Piece], Sequence[Piece]]:
    """Return the stories that a letter shows with their summaries, and those that it only names."""
    number = len(pieces) if len(pieces) < IN_FULL + IN_BRIEF_MIN else IN_FULL
    return pieces[:number], pieces[number:]


def _since(edition: Edition, zone: str) -> date | None:
    """Return the day from which on an edition looked through what came, where that is not the day before."""
    is_long = edition.kind is EditionKind.NUMBER and edition.until - edition.since > ONE_DAY
    return edition.since.astimezone(ZoneInfo(zone)).date() if is_long else None


def _reason(kind: EditionKind, language: str, newsletter: str) -> str:
    """Return why a letter of this kind came to its reader."""
    match kind:
        case EditionKind.FLASH:
            text = gettext(
                language,
                "You receive this flash because you subscribed to %(newsletter)s and chose to read in real time.",
                newsletter=newsletter,
            )
        case EditionKind.ERRATUM:
            text = gettext(
                language,
                "You receive this letter because an earlier one of %(newsletter)s brought you this article before it "
                "was corrected.",
                newsletter=newsletter,
            )
        case EditionKind.NUMBER:
            text = gettext(
                language,
                "You receive this letter because you subscribed to %(newsletter)s and confirmed your address.",
                newsletter=newsletter,
            )
    return text


def _html(edition: Edition, pieces: Sequence[Piece], context: dict[str, object]) -> str:
    introduction, template = introduction_for_letter(edition.introduction), f"email/{_TEMPLATES[edition.kind]}"
    return render_mjml(f"{template}.mjml", edition.language, introduction=introduction, **_parts(pieces), **context)


def _text(edition: Edition, pieces: Sequence[Piece], context: dict[str, object]) -> str:
    introduction, template = introduction_text(edition.introduction), f"email/{_TEMPLATES[edition.kind]}"
    return render_text(f"{template}.txt", edition.language, introduction=introduction, **_parts(pieces), **context)


def _parts(pieces: Sequence[Piece]) -> dict[str, object]:
    in_full, in_brief = in_full_and_in_brief(pieces)
    return {"pieces": pieces, "in_full": in_full, "in_brief": in_brief, "sections": _sections(pieces, len(in_full))}


def _sections(pieces: Sequence[Piece], in_full: int) -> list[Section]:
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


def _source(article: Article, publication: str) -> str:
    return without_addresses(article.source.name) if article.source else publication
