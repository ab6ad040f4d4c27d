"""Setting an edition: its articles, texts and links become the two parts of a letter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from markupsafe import escape

from app.editions.excerpts import shorten
from app.editions.introduction import introduction_text
from app.editions.models import Edition, EditionKind
from app.editions.pieces import Piece, in_full_and_in_brief, pieces_of, sections_of
from app.editions.variables import KINDS, Variables, variables_of_letter, variables_of_stories
from app.errors import LetterUnsettable
from app.i18n import LANGUAGES, gettext
from app.links import Links
from app.mjml import render_mjml, render_text
from app.newsletters.models import Newsletter
from app.newsletters.templates import read_template
from app.sandbox.press import set_own, try_own
from app.settings.publication import Measurement
from config import Config

#: Gmail clips a letter near 102 kB of HTML, and the footer with it. The real links, set in later, need the margin.
MAX_HTML_BYTES = 98_000
#: A digest that reaches back further says from when on it looked.
ONE_DAY = timedelta(hours=36)
#: Longest summaries to try, in characters, until the letter fits; the footer is never touched.
SUMMARY_LENGTHS = (900, 600, 400, 280, 160, 80, 0)


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


def typeset(
    edition: Edition, *, newsletter: Newsletter, config: Config, links: Links, at: datetime, personal: PersonalLinks
) -> Parts:
    """Return the letter of `edition`, dated `at`, with a reader's `personal` links (or the marks that stand for them).

    Summaries are shortened, all alike, until the HTML part fits. Raises InputRefused when even that is not enough,
    TemplateRefused when the newsletter's own template cannot be used.
    """
    own = read_template(newsletter)
    if own is None:
        return _set(edition, newsletter, config, links, at, personal, _product_press)
    hosts = picture_hosts(config)
    return _set(edition, newsletter, config, links, at, personal, lambda given: set_own(own, given, hosts))


def typeset_trial(
    edition: Edition, source: str, *, newsletter: Newsletter, config: Config, links: Links, at: datetime
) -> Parts:
    """Return the letter of `edition` as it would be with `source` for a template, for nobody; no row tells of it.

    Raises as `typeset` does, and names the line.
    """
    page, hosts = partial(links.page, edition.language), picture_hosts(config)
    personal = PersonalLinks(
        unsubscribe_url=page("unsubscribe") + "trial", preferences_url=page("preferences") + "trial"
    )
    return _set(edition, newsletter, config, links, at, personal, lambda given: try_own(source, given, hosts))


def picture_hosts(config: Config) -> frozenset[str]:
    """Return whose pictures a letter may show: the newsroom's own, since whoever serves one learns who opens it."""
    return frozenset({urlsplit(config.public_url).hostname or "", config.mail.sender_domain}) - {""}


def _set(
    edition: Edition, newsletter: Newsletter, config: Config, links: Links, at: datetime, personal: PersonalLinks,
    press: Callable[[Variables], str],
) -> Parts:  # fmt: skip
    face = newsletter.in_language(edition.language)
    pieces = pieces_of(edition, zone=newsletter.timezone, publication=config.identity.publication)
    at, since = at.astimezone(ZoneInfo(newsletter.timezone)), _since(edition, newsletter.timezone)
    shared: Variables = {
        "reason": _reason(edition.kind, edition.language, face.name),
        "unsubscribe_url": personal.unsubscribe_url,
        "preferences_url": personal.preferences_url or "",
    }
    variables = shared | variables_of_letter(
        edition, newsletter=newsletter, config=config, links=links, at=at, since=since
    )
    context = shared | {
        "newsletter": face,
        "identity": config.identity,
        "links": links,
        "contact": variables["contact"],
        "view_url": variables["view_url"],
        "archive_url": variables["archive_url"],
        "zone": newsletter.timezone,
        "at": at,
        "since": since,
        "own_names": LANGUAGES,
    }
    way_length = _way_length(edition, config, links)
    for length in SUMMARY_LENGTHS:
        short = [replace(piece, summary=shorten(piece.summary, length)) for piece in pieces]
        stories = variables_of_stories(short, edition.language, at)
        html = press(variables | stories)
        if len(html.encode()) + _growth(html, short, way_length) <= MAX_HTML_BYTES:
            return Parts(html=html, text=_text(edition, short, context))
    raise LetterUnsettable("long", "the edition is too long for one letter: remove some articles")


def _way_length(edition: Edition, config: Config, links: Links) -> int:
    """Return how long the addresses are that stand for those of articles in letters that are counted; 0 if none are."""
    if config.measurement is Measurement.OFF:
        return 0
    token = links.sign("reading", 2 * edition.public_id)
    return len(f"{links.page(edition.language, 'reading')}{token}/{len(edition.items)}")


def _growth(html: str, pieces: Sequence[Piece], way_length: int) -> int:
    """Return how much longer the ways of `counting` make a letter at most: they are written in as it is cast."""
    addresses = {str(escape(piece.link)) for piece in pieces if piece.link}
    return sum(html.count(f'href="{each}"') * max(way_length - len(each), 0) for each in addresses)


def _product_press(given: Variables) -> str:
    return render_mjml("email/edition.mjml", str(given["language"]), **{k: given[k] for k in given if k != "language"})


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


def _text(edition: Edition, pieces: Sequence[Piece], context: dict[str, object]) -> str:
    introduction = introduction_text(edition.introduction, edition.language)
    template = f"email/{KINDS[edition.kind]}"
    return render_text(f"{template}.txt", edition.language, introduction=introduction, **_parts(pieces), **context)


def _parts(pieces: Sequence[Piece]) -> dict[str, object]:
    in_full, in_brief = in_full_and_in_brief(pieces)
    return {"pieces": pieces, "in_full": in_full, "in_brief": in_brief, "sections": sections_of(pieces, len(in_full))}
