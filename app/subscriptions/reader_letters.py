"""What all letters to one reader share: whether they may go, their frame, and the fields of the list."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.delivery.claims import Copy
from app.delivery.composing import Composed
from app.delivery.endings import Withheld
from app.links import Links
from app.mail.letter import Letter
from app.mjml import render_mjml, render_text
from app.newsletters.letterhead import Letterhead, letterhead_of
from app.newsletters.models import Newsletter, NewsletterLanguage
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription, subscription_of
from app.subscriptions.suppression import find_suppression
from config import Config


@dataclass(frozen=True)
class Reader:
    """Whom a letter is for, as the database says at this moment, and the newsletter's face in the letter's language."""

    subscriber: Subscriber
    subscription: Subscription
    newsletter: Newsletter
    face: NewsletterLanguage

    @property
    def language(self) -> str:
        """The letter's language."""
        return self.face.language


@dataclass(frozen=True)
class Addressee:
    """Where a letter goes that does not go to the reader's own address, and what its leave link ends there."""

    email_ascii: str
    leave_id: str


class ReaderLetters:
    """Looks readers up and puts their letters into the frame, for one configuration."""

    def __init__(self, config: Config, links: Links) -> None:
        self._config = config
        self._links = links

    def _reader(self, session: Session, copy: Copy, wanted: SubscriptionStatus) -> Reader | Withheld:
        """Return the reader if they are still where the letter needs them and may be mailed."""
        if copy.subscriber_id is None or copy.chunk.newsletter_id is None:
            return Withheld("the reader's data was deleted")
        subscriber = session.get(Subscriber, copy.subscriber_id)
        newsletter = session.get(Newsletter, copy.chunk.newsletter_id)
        subscription = session.scalars(subscription_of(copy.subscriber_id, copy.chunk.newsletter_id)).one_or_none()
        if subscriber is None or newsletter is None or subscription is None:
            return Withheld("the reader's data was deleted")
        if subscription.status is not wanted:
            return Withheld(f"the subscription is {subscription.status.value}")
        if subscriber.restricted_at is not None:
            return Withheld("the reader's data may not be used")
        key = self._config.suppression_key
        suppression = find_suppression(session, email_key=subscriber.email_key, suppression_key=key)
        if suppression is not None and not (wanted is SubscriptionStatus.PENDING and suppression.may_ask):
            return Withheld("the address may not be mailed")
        return Reader(subscriber, subscription, newsletter, newsletter.in_language(subscription.language))

    def _composed(
        self,
        copy: Copy,
        reader: Reader,
        *,
        template: str,
        subject: str,
        preheader: str,
        reason: str,
        addressee: Addressee | None = None,
        **more: object,
    ) -> Composed:
        """Return the letter with what all of them share; without `addressee` it goes to the reader."""
        links, language = self._links, reader.language
        letterhead = letterhead_of(reader.newsletter, language, self._config)
        to = addressee or Addressee(reader.subscriber.email_ascii, reader.subscription.public_id)
        has_choices = addressee is None and reader.subscription.status is SubscriptionStatus.CONFIRMED
        context: dict[str, object] = {
            "subject": subject,
            "preheader": preheader,
            "reason": reason,
            "newsletter": reader.face,
            "identity": self._config.identity,
            "contact": letterhead.reply_to,
            "links": links,
            "unsubscribe_url": links.unsubscribe(language, to.leave_id),
            "preferences_url": links.preferences(language, reader.subscription.public_id) if has_choices else None,
            "archive_url": links.archive(language, reader.newsletter.address_slug),
            "zone": reader.newsletter.timezone,
            **more,
        }
        html = render_mjml(f"{template}.mjml", language, **context)
        text = render_text(f"{template}.txt", language, **context)
        letter = self._letter(reader, letterhead, to, subject=subject, html=html, text=text, kind=copy.chunk.kind)
        return Composed(letter, to.email_ascii, copy.chunk.created_at)

    def _letter(
        self, reader: Reader, letterhead: Letterhead, to: Addressee, *, subject: str, html: str, text: str, kind: str
    ) -> Letter:
        """Return the parts under the list's fields (RFC 2369 §3, RFC 2919 §3)."""
        config, links, language = self._config, self._links, reader.language
        return Letter(
            subject=subject,
            html=html,
            text=text,
            language=language,
            from_name=letterhead.from_name,
            from_address=letterhead.from_address,
            list_name=letterhead.from_name,
            list_id=f"{reader.face.list_label}.{config.mail.sender_domain}",
            unsubscribe_url=links.unsubscribe(language, to.leave_id),
            archive_url=links.archive(language, reader.newsletter.address_slug),
            help_url=links.home(language, reader.newsletter.address_slug),
            owner=config.identity.contact,
            feedback_id=f"{kind}:{language}:signup:{reader.newsletter.slug}",
            is_automatic=True,
            reply_to=letterhead.reply_to,
        )
