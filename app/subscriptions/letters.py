"""The letters of signing up: confirm, welcome, already subscribed.

Each looks again, just before it goes, whether it may.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from app.delivery.claims import Copy
from app.delivery.composing import Compose, Composed, one_by_one
from app.delivery.settling import Withheld
from app.i18n import gettext
from app.links import Links
from app.mail.letter import Letter
from app.mjml import render_mjml, render_text
from app.newsletters.models import Newsletter, NewsletterLanguage
from app.subscriptions.models import Subscriber, Subscription, SubscriptionStatus, subscription_of
from app.subscriptions.signup import ALREADY_SUBSCRIBED, CONFIRMATION, WELCOME, texts_of_request
from app.subscriptions.suppression import find_suppression
from config import Config


@dataclass(frozen=True)
class Reader:
    """Whom a letter is for, as the database says at this moment."""

    subscriber: Subscriber
    subscription: Subscription
    newsletter: Newsletter
    face: NewsletterLanguage

    @property
    def language(self) -> str:
        """The letter's language."""
        return self.subscription.language


def signup_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters of signing up."""
    letters = SignupLetters(config, links)
    return {
        CONFIRMATION: one_by_one(letters.compose_confirmation),
        WELCOME: one_by_one(letters.compose_welcome),
        ALREADY_SUBSCRIBED: one_by_one(letters.compose_already_subscribed),
    }


class SignupLetters:
    """Composes the letters of signing up for one configuration."""

    def __init__(self, config: Config, links: Links) -> None:
        self._config = config
        self._links = links

    def compose_confirmation(self, session: Session, copy: Copy) -> Composed | Withheld:
        """Ask the owner of the mailbox; withheld where a newer request, or a departure, came between."""
        reader = self._reader(session, copy, SubscriptionStatus.PENDING)
        if isinstance(reader, Withheld):
            return reader
        confirmation_id = reader.subscription.confirmation_id
        if confirmation_id is None or confirmation_id != copy.reference:
            return Withheld("a newer request took this one's place")
        requested_at = reader.subscription.requested_at
        is_from_form = texts_of_request(session, reader.subscription) is not None
        confirm_hours = self._config.retention.confirm_hours
        return self._composed(
            copy,
            reader,
            template="email/confirmation",
            subject=gettext(
                reader.language, "Confirm your subscription to %(newsletter)s", newsletter=reader.face.name
            ),
            preheader=gettext(reader.language, "One press and you are subscribed. If you did not ask, do nothing."),
            reason=_form_reason(reader.language) if is_from_form else _record_reason(reader.language),
            is_from_form=is_from_form,
            confirm_url=self._links.confirm(reader.language, confirmation_id, requested_at=requested_at),
            requested_at=requested_at,
            confirm_until=requested_at + timedelta(hours=confirm_hours),
            confirm_hours=confirm_hours,
        )

    def compose_welcome(self, session: Session, copy: Copy) -> Composed | Withheld:
        """Greet a reader who has confirmed."""
        reader = self._reader(session, copy, SubscriptionStatus.CONFIRMED)
        if isinstance(reader, Withheld):
            return reader
        return self._composed(
            copy,
            reader,
            template="email/welcome",
            subject=gettext(reader.language, "Welcome to %(newsletter)s", newsletter=reader.face.name),
            preheader=gettext(reader.language, "Your subscription is confirmed. Here is how it works."),
            reason=gettext(
                reader.language,
                "You receive this letter because you confirmed your subscription to %(newsletter)s.",
                newsletter=reader.face.name,
            ),
        )

    def compose_already_subscribed(self, session: Session, copy: Copy) -> Composed | Withheld:
        """Tell a reader who has confirmed that the form was sent again with their address."""
        reader = self._reader(session, copy, SubscriptionStatus.CONFIRMED)
        if isinstance(reader, Withheld):
            return reader
        return self._composed(
            copy,
            reader,
            template="email/already_subscribed",
            subject=gettext(
                reader.language, "You are already subscribed to %(newsletter)s", newsletter=reader.face.name
            ),
            preheader=gettext(reader.language, "There is nothing to do: your letters keep coming."),
            reason=_form_reason(reader.language),
            requested_at=copy.chunk.created_at,
        )

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
        **more: object,
    ) -> Composed:
        """Return the letter with what all three share."""
        links, language, public_id = self._links, reader.language, reader.subscription.public_id
        is_confirmed = reader.subscription.status is SubscriptionStatus.CONFIRMED
        context: dict[str, object] = {
            "subject": subject,
            "preheader": preheader,
            "reason": reason,
            "newsletter": reader.face,
            "identity": self._config.identity,
            "links": links,
            "unsubscribe_url": links.unsubscribe(language, public_id),
            "preferences_url": links.preferences(language, public_id) if is_confirmed else None,
            "zone": reader.newsletter.timezone,
            **more,
        }
        html = render_mjml(f"{template}.mjml", language, **context)
        text = render_text(f"{template}.txt", language, **context)
        letter = self._letter(reader, subject=subject, html=html, text=text, kind=copy.chunk.kind)
        return Composed(letter, reader.subscriber.email_ascii, copy.chunk.created_at)

    def _letter(self, reader: Reader, *, subject: str, html: str, text: str, kind: str) -> Letter:
        """Return the parts under the list's fields (RFC 2369 §3, RFC 2919 §3)."""
        config, links, language = self._config, self._links, reader.language
        return Letter(
            subject=subject,
            html=html,
            text=text,
            language=language,
            from_name=reader.face.name,
            from_address=config.mail.sender,
            list_name=reader.face.name,
            list_id=f"{reader.face.list_label}.{config.mail.sender_domain}",
            unsubscribe_url=links.unsubscribe(language, reader.subscription.public_id),
            archive_url=links.archive(language),
            help_url=links.home(language),
            owner=config.identity.contact,
            feedback_id=f"{kind}:{language}:signup:{reader.newsletter.slug}",
            is_automatic=True,
            reply_to=config.identity.contact,
        )


def _form_reason(language: str) -> str:
    return gettext(language, "You receive this letter because this address was given on our subscription form.")


def _record_reason(language: str) -> str:
    return gettext(
        language, "You receive this letter because this address stands in our records of people who wish to read us."
    )
