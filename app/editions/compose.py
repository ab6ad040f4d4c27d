"""An edition as the letters of its readers: frozen once with marks, then filled in for one reader after another.

The marks stand where a reader's own links go. They hold the edition's public id, which nobody outside knew when the
articles were written; a text that holds one all the same is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.engine import Compose, Composed, Withheld
from app.delivery.models import Delivery
from app.editions.archive import sent_at
from app.editions.draft import fingerprint, read_draft
from app.editions.models import Edition, EditionContent, EditionStatus
from app.editions.typeset import Parts, PersonalLinks, typeset
from app.errors import InputRefused, NotFound
from app.i18n import gettext
from app.links import Links
from app.mail.letter import Letter
from app.newsletters.models import Newsletter
from app.subscriptions.models import Subscriber, Subscription, SubscriptionStatus, subscription_of
from app.subscriptions.suppression import is_suppressed
from config import Config

EDITION = "edition"
TEST = "test"


def edition_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters of editions."""
    return {
        EDITION: partial(compose_edition, config=config, links=links),
        TEST: partial(compose_test, config=config, links=links),
    }


@dataclass(frozen=True)
class SetLetter:
    """The letter of a draft, ready to be frozen; `fingerprint` tells which state of the draft it was set from."""

    edition_id: int
    fingerprint: str
    subject: str
    parts: Parts


def set_letter(session: Session, *, edition_id: int, config: Config, links: Links, now: datetime) -> SetLetter:
    """Set the letter of a draft, dated `now`, with marks for what is personal; stores nothing.

    Raises NotFound, TransitionRefused where it is no draft, InputRefused when a text of the edition holds a mark or
    when the letter cannot be made to fit.
    """
    edition = read_draft(session, edition_id)
    marks = marks_of(edition)
    _refuse_marks(edition)
    newsletter = newsletter_of(session, edition)
    parts = typeset(edition, newsletter=newsletter, config=config, links=links, at=now, personal=marks)
    return SetLetter(edition.id, fingerprint(edition), edition.subject, parts)


def compose_edition(session: Session, delivery: Delivery, *, config: Config, links: Links) -> Composed | Withheld:
    """Return one reader's letter, or why it must not go: consent and suppression are looked up at this moment."""
    edition = session.get(Edition, delivery.edition_id) if delivery.edition_id else None
    if edition is None or edition.content is None or edition.status is EditionStatus.CANCELLED:
        return Withheld("the edition was cancelled")
    subscription = _subscription(session, delivery)
    if subscription is None:
        return Withheld("the reader's data was deleted")
    if subscription.status is not SubscriptionStatus.CONFIRMED:
        return Withheld(f"the subscription is {subscription.status.value}")
    subscriber = subscription.subscriber
    if is_suppressed(session, email_key=subscriber.email_key, suppression_key=config.suppression_key):
        return Withheld("the address may not be mailed")
    personal = PersonalLinks(
        unsubscribe_url=links.unsubscribe(edition.language, subscription.public_id),
        preferences_url=links.preferences(edition.language, subscription.public_id),
    )
    letter = make_letter(
        edition,
        newsletter=newsletter_of(session, edition),
        config=config,
        links=links,
        subject=edition.content.subject,
        parts=fill(edition, edition.content, personal),
        unsubscribe_url=personal.unsubscribe_url,
        is_automatic=edition.is_automatic,
    )
    return Composed(letter, recipient=subscriber.email_ascii)


def compose_test(session: Session, delivery: Delivery, *, config: Config, links: Links) -> Composed | Withheld:
    """Return the test letter of an edition as it stands, for the delivery's plain address.

    Its leave link is genuine. It ends the subscription of that address where there is one, and else changes nothing.
    """
    edition = session.scalars(select(Edition).where(Edition.public_id == delivery.reference)).one_or_none()
    if edition is None or delivery.address is None:
        return Withheld("the edition is gone")
    newsletter = newsletter_of(session, edition)
    personal = _links_for_address(session, delivery.address, edition, links)
    letter = make_letter(
        edition,
        newsletter=newsletter,
        config=config,
        links=links,
        subject=gettext(edition.language, "[Test] %(subject)s", subject=edition.subject),
        parts=typeset(
            edition, newsletter=newsletter, config=config, links=links, at=delivery.created_at, personal=personal
        ),
        unsubscribe_url=personal.unsubscribe_url,
        is_automatic=False,
    )
    return Composed(letter, recipient=delivery.address)


def preview(session: Session, *, edition: Edition, config: Config, links: Links) -> Parts:
    """Return the letter without anything personal: as it was frozen, or as it stands while it is a draft."""
    if edition.content is not None:
        return web_copy(edition, links=links)
    home = links.home(edition.language)
    return typeset(
        edition,
        newsletter=newsletter_of(session, edition),
        config=config,
        links=links,
        at=sent_at(edition),
        personal=PersonalLinks(unsubscribe_url=home, preferences_url=home),
    )


def web_copy(edition: Edition, *, links: Links) -> Parts:
    """Return the frozen letter for everybody: each personal link becomes one to the sign-up page, and says so.

    Raises NotFound when the edition was never frozen.
    """
    if edition.content is None:
        raise NotFound("this edition was not sent")
    home = links.home(edition.language)
    label = escape(gettext(edition.language, "Subscribe"))
    personal_link = re.compile(rf'(<a\b[^>]*\bhref=")mark-[a-z]+-{re.escape(edition.public_id)}("[^>]*>)[^<]*(</a>)')
    html = personal_link.sub(rf"\g<1>{escape(home)}\g<2>{label}\g<3>", edition.content.html)
    return Parts(html=html, text=fill(edition, edition.content, PersonalLinks(home, home)).text)


def fill(edition: Edition, content: EditionContent, personal: PersonalLinks) -> Parts:
    """Return the frozen parts with a reader's own links in the place of the marks."""
    html, text = content.html, content.text
    marks = marks_of(edition)
    for mark, url in (
        (marks.unsubscribe_url, personal.unsubscribe_url),
        (marks.preferences_url, personal.preferences_url),
    ):
        html = html.replace(str(mark), escape(str(url)))
        text = text.replace(str(mark), str(url))
    return Parts(html=html, text=text)


def marks_of(edition: Edition) -> PersonalLinks:
    """Return what stands for the personal links in the frozen parts of `edition`."""
    return PersonalLinks(
        unsubscribe_url=f"mark-unsubscribe-{edition.public_id}",
        preferences_url=f"mark-preferences-{edition.public_id}",
    )


def make_letter(
    edition: Edition,
    *,
    newsletter: Newsletter,
    config: Config,
    links: Links,
    subject: str,
    parts: Parts,
    unsubscribe_url: str,
    is_automatic: bool,
) -> Letter:
    """Return the letter with the fields of its list (RFC 2369, RFC 2919)."""
    face = newsletter.in_language(edition.language)
    return Letter(
        subject=subject,
        html=parts.html,
        text=parts.text,
        language=edition.language,
        from_name=face.name,
        from_address=config.mail.sender,
        list_name=face.name,
        list_id=f"{face.list_label}.{config.mail.sender_domain}",
        unsubscribe_url=unsubscribe_url,
        archive_url=links.archive(edition.language),
        help_url=links.home(edition.language),
        owner=config.identity.contact,
        feedback_id=f"{edition.public_id}:{edition.language}:digest:{newsletter.slug}",
        is_automatic=is_automatic,
        reply_to=config.identity.contact,
    )


def newsletter_of(session: Session, edition: Edition) -> Newsletter:
    """Return the newsletter that `edition` is a number of."""
    return session.get_one(Newsletter, edition.newsletter_id)


def _subscription(session: Session, delivery: Delivery) -> Subscription | None:
    if delivery.subscriber_id is None or delivery.newsletter_id is None:
        return None
    return session.scalars(subscription_of(delivery.subscriber_id, delivery.newsletter_id)).one_or_none()


def _links_for_address(session: Session, address: str, edition: Edition, links: Links) -> PersonalLinks:
    subscription = session.scalars(
        select(Subscription)
        .join(Subscriber)
        .where(Subscriber.email_key == address.lower(), Subscription.newsletter_id == edition.newsletter_id)
    ).one_or_none()
    if subscription is None:
        return PersonalLinks(links.unsubscribe(edition.language, edition.public_id), None)
    return PersonalLinks(
        unsubscribe_url=links.unsubscribe(edition.language, subscription.public_id),
        preferences_url=links.preferences(edition.language, subscription.public_id),
    )


def _refuse_marks(edition: Edition) -> None:
    marks = marks_of(edition)
    texts = [edition.subject, edition.preheader, edition.introduction]
    for item in edition.items:
        article = item.article
        texts += [article.title, article.summary, article.link or "", article.source.name if article.source else ""]
    if any(mark in text for text in texts for mark in (marks.unsubscribe_url, str(marks.preferences_url))):
        raise InputRefused("a text of this edition holds one of our own marks for personal links")
