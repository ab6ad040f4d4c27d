"""What the HTML template of an edition's letter is given, in plain texts, numbers, lists and mappings.

The product's own template gets no more than a newsroom's. `docs/templates.md` and the page of the desk tell what each
one holds.
"""

from collections.abc import Sequence
from datetime import date, datetime

from app.editions.introduction import introduction_for_letter
from app.editions.models import Edition, EditionKind
from app.editions.pieces import Piece, Section, in_full_and_in_brief, sections_of
from app.i18n import LANGUAGES, bound, day, day_beside, gettext, ngettext
from app.links import Links
from app.mjml import required
from app.newsletters.letterhead import letterhead_of
from app.newsletters.models import Newsletter
from config import Config

Variables = dict[str, object]
KINDS = {EditionKind.NUMBER: "digest", EditionKind.FLASH: "flash", EditionKind.ERRATUM: "erratum"}


def variables_of_letter(
    edition: Edition, *, newsletter: Newsletter, config: Config, links: Links, at: datetime, since: date | None
) -> Variables:
    """Return what is the same whatever the stories: `at` is the letter's date, in the newsletter's zone.

    `since` is the day from which on it looked, where it says so. Raises InputRefused without a publisher or address.
    """
    language, identity = edition.language, config.identity
    face = newsletter.in_language(language)
    publisher = gettext(
        language,
        "%(newsletter)s is published by %(publisher)s.",
        newsletter=face.name,
        publisher=required(identity.publisher),
    )
    return {
        "language": language,
        "kind": KINDS[edition.kind],
        "subject": bound(edition.subject, language),
        "preheader": bound(edition.preheader, language),
        "newsletter": {"name": face.name, "description": face.description},
        "heading": _heading(edition, at),
        "period": _period(edition, at, since, newsletter.timezone),
        "introduction": introduction_for_letter(edition.introduction, language),
        "publisher": publisher,
        "postal_address": required(identity.postal_address),
        "contact": letterhead_of(newsletter, language, config).reply_to,
        "view_url": links.view(language, edition.public_id),
        "privacy_url": links.privacy(language),
        "legal_url": links.legal(language),
        "archive_url": links.archive(language, newsletter.address_slug),
        "words": _words(language),
    }


def variables_of_stories(pieces: Sequence[Piece], language: str, at: datetime) -> Variables:
    """Return the stories of a letter, under an editor's headings, or else those behind the first ones in brief."""
    in_full, in_brief = in_full_and_in_brief(pieces)
    sections = sections_of(pieces, len(in_full))
    if pieces and not sections:
        numbered = [(number, piece, number <= len(in_full)) for number, piece in enumerate(pieces, start=1)]
        sections = [Section(None, tuple(numbered[: len(in_full)]))]
        if in_brief:
            sections.append(Section(gettext(language, "In brief"), tuple(numbered[len(in_full) :])))
    return {
        "count": ngettext(language, "%(num)s article", "%(num)s articles", len(pieces)),
        "sections": [
            {
                "heading": bound(section.heading or "", language),
                "stories": [_story(number, piece, language, at, is_full) for number, piece, is_full in section.stories],
            }
            for section in sections
        ],
    }


def _story(number: int, piece: Piece, language: str, at: datetime, is_full: bool) -> Variables:
    return {
        "number": number,
        "is_full": is_full,
        "title": piece.title,
        "link": piece.link or "",
        "source": piece.source,
        "date": day_beside(language, piece.published_on, at),
        "minutes": piece.minutes or 0,
        "summary": piece.summary,
        "language": piece.language,
        "language_name": LANGUAGES.get(piece.language, piece.language),
        "is_foreign": piece.language != language,
        "read_on": gettext(language, "Read the article on %(source)s", source=piece.source),
        "also": [
            {
                "source": other.source,
                "link": other.link,
                "language": other.language,
                "is_foreign": other.language != language,
            }
            for other in piece.also
        ],
    }


def _heading(edition: Edition, at: datetime) -> str:
    match edition.kind:
        case EditionKind.NUMBER:
            heading = gettext(edition.language, "The edition of %(day)s", day=day(edition.language, at))
        case EditionKind.FLASH:
            heading = gettext(edition.language, "Flash")
        case EditionKind.ERRATUM:
            heading = gettext(edition.language, "Correction")
    return heading


def _period(edition: Edition, at: datetime, since: date | None, zone: str) -> str:
    language = edition.language
    if since is not None:
        beginning, end = day_beside(language, since, at), day_beside(language, at, at)
        return gettext(language, "from %(since)s to %(until)s", since=beginning, until=end)
    time = f"{at:%H:%M} ({zone})"
    return time if edition.kind is EditionKind.NUMBER else f"{day(language, at)}, {time}"


def _words(language: str) -> dict[str, str]:
    """Return the words that every letter needs, as the product says them."""
    return {
        "read_in_browser": gettext(language, "Read in your browser"),
        "unsubscribe": gettext(language, "Unsubscribe"),
        "preferences": gettext(language, "Your preferences"),
        "also_in": gettext(language, "Also in:"),
        "write_to_us": gettext(language, "Write to us:"),
        "privacy": gettext(language, "Privacy policy"),
        "legal": gettext(language, "Legal notice"),
        "archive": gettext(language, "Past editions"),
    }
