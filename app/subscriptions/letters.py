"""The letters of signing up: confirm, welcome, already subscribed.

Each looks again, just before it goes, whether it may.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.delivery.claims import Copy
from app.delivery.composing import Compose, Composed, one_by_one
from app.delivery.endings import Withheld
from app.i18n import gettext
from app.links import Links
from app.subscriptions.confirming import texts_of_request
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.reader_letters import Reader, ReaderLetters
from app.subscriptions.signup import ALREADY_SUBSCRIBED, CONFIRMATION, WELCOME
from config import Config


def signup_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters of signing up."""
    letters = SignupLetters(config, links)
    return {
        CONFIRMATION: one_by_one(letters.compose_confirmation),
        WELCOME: one_by_one(letters.compose_welcome),
        ALREADY_SUBSCRIBED: one_by_one(letters.compose_already_subscribed),
    }


class SignupLetters(ReaderLetters):
    """Composes the letters of signing up for one configuration."""

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
        paused_until = _paused_until(reader, copy.chunk.created_at)
        keeps_coming = gettext(reader.language, "There is nothing to do: your letters keep coming.")
        return self._composed(
            copy,
            reader,
            template="email/already_subscribed",
            subject=gettext(
                reader.language, "You are already subscribed to %(newsletter)s", newsletter=reader.face.name
            ),
            preheader=gettext(reader.language, "Your letters are paused.") if paused_until else keeps_coming,
            reason=_form_reason(reader.language),
            requested_at=copy.chunk.created_at,
            paused_until=paused_until,
        )


def _paused_until(reader: Reader, at: datetime) -> date | None:
    """Return the first day with letters again, where the newsletter is, of a reader who has paused them at `at`."""
    until = reader.subscription.paused_until
    return until.astimezone(ZoneInfo(reader.newsletter.timezone)).date() if until and until > at else None


def _form_reason(language: str) -> str:
    return gettext(language, "You receive this letter because this address was given on our subscription form.")


def _record_reason(language: str) -> str:
    return gettext(
        language, "You receive this letter because this address stands in our records of people who wish to read us."
    )
