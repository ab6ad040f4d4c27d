"""The letter of an edition: set once, and frozen with marks where a reader's own tokens go.

Marks hold the edition's public id, which nobody outside knew when the articles were written; a text that holds one all
the same is refused.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from html import escape

from sqlalchemy.orm import Session, joinedload

from app.editions.archive import sent_at
from app.editions.draft import fingerprint, read_unsent
from app.editions.embargo import refuse_early
from app.editions.models import Edition, EditionContent
from app.editions.typeset import Parts, PersonalLinks, typeset
from app.errors import LetterUnsettable, NotFound
from app.i18n import bound, gettext
from app.links import Links
from app.mail.letter import Letter
from app.newsletters.letterhead import Letterhead, letterhead_of, sender_under
from app.newsletters.models import Newsletter
from app.newsletters.templates import read_template
from config import Config


@dataclass(frozen=True)
class Manuscript:
    """What a letter is set from: the articles of `edition` with their sources, and the newsletter, are read already."""

    edition: Edition
    newsletter: Newsletter

    def typeset(self, *, config: Config, links: Links, at: datetime) -> Parts:
        """Return the letter, dated `at`, with marks for what is personal. Raises as `typeset` does."""
        personal = marked_links(self.edition, links)
        return typeset(self.edition, newsletter=self.newsletter, config=config, links=links, at=at, personal=personal)


@dataclass(frozen=True)
class SetLetter:
    """The letter of a draft, ready to be frozen; `fingerprint` tells which state of the draft it was set from."""

    edition_id: int
    fingerprint: str
    subject: str
    letterhead: Letterhead
    parts: Parts


def read_manuscript(session: Session, *, edition_id: int, now: datetime) -> Manuscript:
    """Read what the letter of an edition is set from, whole, so that the database can be left before it is set.

    Raises NotFound, TransitionRefused where it has started, InputRefused when a text of the edition holds a mark, or
    when an article may not leave yet.
    """
    edition = read_unsent(session, edition_id)
    refuse_early(session, edition=edition, now=now)
    return manuscript_of(edition, newsletter_of(session, edition))


def manuscript_of(edition: Edition, newsletter: Newsletter) -> Manuscript:
    """Return what the letter is set from of an edition all of whose articles may leave.

    Raises InputRefused when a text of the edition holds a mark.
    """
    _refuse_marks(edition)
    return Manuscript(edition, newsletter)


def set_letter(manuscript: Manuscript, *, config: Config, links: Links, now: datetime) -> SetLetter:
    """Set the letter of a draft, dated `now`, with marks for what is personal.

    Raises InputRefused when it cannot be made to fit.
    """
    edition = manuscript.edition
    letterhead = letterhead_of(manuscript.newsletter, edition.language, config)
    parts = manuscript.typeset(config=config, links=links, at=now)
    return SetLetter(edition.id, fingerprint(edition), edition.subject, letterhead, parts)


def freeze(subject: str, parts: Parts, letterhead: Letterhead) -> EditionContent:
    """Return a letter that was set as the row that keeps it."""
    return EditionContent(
        subject=subject,
        html=parts.html,
        text=parts.text,
        from_name=letterhead.from_name,
        from_address=letterhead.from_address,
        reply_to=letterhead.reply_to,
    )


def letterhead_for(edition: Edition, newsletter: Newsletter, config: Config) -> Letterhead:
    """Return as whom an edition leaves: as it was frozen, or as its newsletter is now."""
    frozen = edition.content.letterhead if edition.content is not None else None
    return frozen or letterhead_of(newsletter, edition.language, config)


def preview(session: Session, *, edition: Edition, config: Config, links: Links, now: datetime) -> Parts:
    """Return the letter without anything personal: as it was frozen, or as it stands while it is a draft.

    Raises InputRefused when an article may not leave yet: whoever has the link may look at it.
    """
    refuse_early(session, edition=edition, now=now)
    newsletter = newsletter_of(session, edition)
    home = links.home(edition.language, newsletter.address_slug)
    if edition.content is not None:
        return web_copy(edition, home=home)
    return typeset(
        edition,
        newsletter=newsletter,
        config=config,
        links=links,
        at=sent_at(edition),
        personal=PersonalLinks(unsubscribe_url=home, preferences_url=home),
    )


def web_copy(edition: Edition, *, home: str) -> Parts:
    """Return the frozen letter for everybody: a link to leave becomes one to `home`, the sign-up page, and says so.

    One to preferences is left out: beside the other it would say the same. Raises NotFound when the edition was never
    frozen.
    """
    if edition.content is None:
        raise NotFound("this edition was not sent")
    label = escape(gettext(edition.language, "Subscribe"))
    to_leave, to_preferences = (_personal_link(mark) for mark in marks_of(edition))
    html = to_leave.sub(rf"\g<1>{escape(home)}\g<2>{label}\g<3>", edition.content.html)
    mark = "|".join(map(re.escape, marks_of(edition)))
    return Parts(html=to_preferences.sub("", html), text=re.sub(rf"https?://\S*(?:{mark})", home, edition.content.text))


def marks_of(edition: Edition) -> tuple[str, str]:
    """Return what stands for a reader's tokens in the frozen parts: to unsubscribe, and for the preferences."""
    return f"mark-unsubscribe-{edition.public_id}", f"mark-preferences-{edition.public_id}"


def marked_links(edition: Edition, links: Links) -> PersonalLinks:
    """Return the personal links of an edition, ending in marks."""
    unsubscribe_mark, preferences_mark = marks_of(edition)
    return PersonalLinks(
        unsubscribe_url=links.page(edition.language, "unsubscribe") + unsubscribe_mark,
        preferences_url=links.page(edition.language, "preferences") + preferences_mark,
    )


def make_letter(
    edition: Edition,
    *,
    newsletter: Newsletter,
    letterhead: Letterhead,
    config: Config,
    links: Links,
    subject: str,
    parts: Parts,
    unsubscribe_url: str,
    is_automatic: bool,
) -> Letter:
    """Return the letter with the fields of its list (RFC 2369, RFC 2919).

    No line of the subject ends where none of its texts does.
    """
    face = newsletter.in_language(edition.language)
    return Letter(
        subject=bound(subject, edition.language),
        html=parts.html,
        text=parts.text,
        language=edition.language,
        from_name=letterhead.from_name,
        from_address=sender_under(letterhead, newsletter, config.mail),
        list_name=letterhead.from_name,
        list_id=f"{face.list_label}.{config.mail.sender_domain}",
        unsubscribe_url=unsubscribe_url,
        archive_url=links.archive(edition.language, newsletter.address_slug),
        help_url=links.home(edition.language, newsletter.address_slug),
        owner=config.identity.contact,
        feedback_id=f"{edition.public_id}:{edition.language}:digest:{newsletter.slug}",
        is_automatic=is_automatic,
        reply_to=letterhead.reply_to,
    )


def newsletter_of(session: Session, edition: Edition) -> Newsletter:
    """Return the newsletter that `edition` is a number of, with its template, so that the database can be left."""
    wanted = [joinedload(Newsletter.languages), joinedload(Newsletter.template)]
    newsletter = session.get_one(Newsletter, edition.newsletter_id, options=wanted)
    read_template(newsletter)
    return newsletter


def _personal_link(mark: str) -> re.Pattern[str]:
    """Return what finds the links that end in `mark`; its groups are all but their address and their label."""
    return re.compile(rf'(<a\b[^>]*\bhref=")[^"]*{re.escape(mark)}("[^>]*>)[^<]*(</a>)')


def _refuse_marks(edition: Edition) -> None:
    marks = marks_of(edition)
    texts = [edition.subject, edition.preheader, edition.introduction]
    texts += [text for item in edition.items for text in (item.section, item.title, item.teaser) if text]
    named = [article for item in edition.items for article in (item.article, *(other.article for other in item.also))]
    for article in named:
        texts += [article.title, article.summary, article.link or "", article.source.name if article.source else ""]
    if any(mark in text for text in texts for mark in marks):
        raise LetterUnsettable("mark", "a text of this edition holds one of our own marks for personal links")
