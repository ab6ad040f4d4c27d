"""The letters by which readers use their rights: the data link, and the two of a change of address.

They are asked for, each one, so they also go to who has left, objected or complained, but never to a dead mailbox.
What is known of a new address is looked up here, where only its owner reads the answer.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import now
from app.delivery.claims import Copy
from app.delivery.composing import Compose, Composed, one_by_one
from app.delivery.endings import Withheld
from app.delivery.models import Chunk
from app.i18n import gettext
from app.links import Links
from app.mail.address import mask
from app.newsletters.models import Newsletter
from app.subscriptions.models import Subscriber, subscription_of_letter
from app.subscriptions.reader_letters import Addressee, Reader, ReaderLetters
from app.subscriptions.rights.address_change import ADDRESS_CHANGE, ADDRESS_NOTICE, AddressChange, address_change
from app.subscriptions.rights.data_link import DATA_LINK
from app.subscriptions.suppression import is_suppressed, takes_answers
from config import Config

GONE = Withheld("the reader's data was deleted")


def rights_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters of readers' rights."""
    letters = RightsLetters(config, links)
    return {
        DATA_LINK: one_by_one(letters.compose_data_link),
        ADDRESS_CHANGE: one_by_one(letters.compose_address_change),
        ADDRESS_NOTICE: one_by_one(letters.compose_address_notice),
    }


class RightsLetters(ReaderLetters):
    """Composes the letters of readers' rights for one configuration."""

    def __init__(self, config: Config, links: Links) -> None:
        super().__init__(config, links)
        self._data_link_life = timedelta(minutes=config.retention.data_link_minutes)
        self._change_life = timedelta(hours=config.retention.confirm_hours)

    def compose_data_link(self, session: Session, copy: Copy) -> Composed | Withheld:
        """Open the reader's data to the owner of the mailbox, for an hour from when they asked."""
        reader = self._addressed(session, copy, copy.subscriber_id)
        if reader is None:
            return GONE
        data_id = reader.subscriber.data_id
        if data_id is None or data_id != copy.reference:
            return Withheld("a newer request took this one's place")
        if not self._takes_answers(session, reader.subscriber.email_key):
            return Withheld("the mailbox does not exist")
        requested_at = copy.chunk.created_at
        until = requested_at + self._data_link_life
        if now() >= until:
            return Withheld("its link would be over")
        language = reader.language
        return self._composed(
            copy,
            reader,
            template="email/data_link",
            subject=gettext(language, "Your data at %(newsletter)s", newsletter=reader.face.name),
            preheader=gettext(language, "The link opens all that we hold of you. Keep it to yourself."),
            reason=gettext(
                language,
                "You receive this letter because somebody asked on our site for the data held at this address.",
            ),
            data_url=self._links.data(language, data_id, requested_at=requested_at),
            requested_at=requested_at,
            until=until,
        )

    def compose_address_change(self, session: Session, copy: Copy) -> Composed | Withheld:
        """Ask the owner of the new mailbox; tell one who is a reader already that nothing changes."""
        change = self._open_change(session, copy)
        if isinstance(change, Withheld):
            return change
        if is_suppressed(session, email_key=change.email_key, suppression_key=self._config.suppression_key):
            return Withheld("the address may not be mailed")
        taken_by = session.scalars(select(Subscriber).where(Subscriber.email_key == change.email_key)).one_or_none()
        if taken_by is not None:
            return self._compose_address_taken(session, copy, change, taken_by)
        reader = self._addressed(session, copy, change.subscriber_id)
        if reader is None:
            return GONE
        language = reader.language
        return self._composed(
            copy,
            reader,
            addressee=Addressee(change.email_ascii, change.public_id),
            template="email/address_change",
            subject=gettext(language, "Confirm your new address for %(newsletter)s", newsletter=reader.face.name),
            preheader=gettext(
                language, "One press, and your letters come to this address. If you did not ask, do nothing."
            ),
            reason=gettext(
                language, "You receive this letter because this address was given as the new one of a reader."
            ),
            address_url=self._links.address(language, change.public_id, requested_at=change.requested_at),
            requested_at=change.requested_at,
            until=change.requested_at + self._change_life,
        )

    def compose_address_notice(self, session: Session, copy: Copy) -> Composed | Withheld:
        """Tell the former mailbox that another address was given, and let its owner take that back."""
        change = self._change(session, copy)
        reader = self._addressed(session, copy, change.subscriber_id) if change is not None else None
        if change is None or reader is None:
            return GONE
        if change.ended_at is not None:
            return Withheld("the request has ended")
        if not self._takes_answers(session, change.former_email_key):
            return Withheld("the mailbox does not exist")
        language = reader.language
        return self._composed(
            copy,
            reader,
            addressee=Addressee(change.former_email_ascii, reader.subscription.public_id),
            template="email/address_notice",
            subject=gettext(language, "Your address at %(newsletter)s is to change", newsletter=reader.face.name),
            preheader=gettext(language, "If it was you, there is nothing to do. If not, one press undoes it."),
            reason=gettext(
                language,
                "You receive this letter because this address is, or was until now, the one of your subscription.",
            ),
            new_address=mask(change.email),
            undo_url=self._links.address_undo(language, change.public_id, requested_at=change.requested_at),
            requested_at=change.requested_at,
            until=change.requested_at + self._change_life,
        )

    def _compose_address_taken(
        self, session: Session, copy: Copy, change: AddressChange, taken_by: Subscriber
    ) -> Composed | Withheld:
        if taken_by.restricted_at is not None:
            return Withheld("the reader's data may not be used")  # anybody may have given the address
        reader = self._addressed(session, copy, taken_by.id)
        if reader is None:
            return GONE
        language = reader.language
        return self._composed(
            copy,
            reader,
            template="email/address_taken",
            subject=gettext(language, "This address is known to %(newsletter)s already", newsletter=reader.face.name),
            preheader=gettext(language, "Nothing was changed, and there is nothing to do."),
            reason=gettext(
                language, "You receive this letter because this address was given as the new one of a reader."
            ),
            data_url=self._links.my_data(language),
            requested_at=change.requested_at,
        )

    def _addressed(self, session: Session, copy: Copy, subscriber_id: int | None) -> Reader | None:
        """Return a reader with the subscription under whose name they are written to: one that lives, if any does.

        The letter speaks the language of the page on which it was asked for.
        """
        subscriber = session.get(Subscriber, subscriber_id) if subscriber_id is not None else None
        if subscriber is None:
            return None
        subscription = session.scalars(subscription_of_letter(subscriber.id, None)).one_or_none()
        if subscription is None:
            return None
        newsletter = session.get_one(Newsletter, subscription.newsletter_id)
        face = newsletter.in_language(session.get_one(Chunk, copy.chunk.id).language)
        return Reader(subscriber, subscription, newsletter, face)

    def _takes_answers(self, session: Session, email_key: str) -> bool:
        return takes_answers(session, email_key=email_key, suppression_key=self._config.suppression_key)

    def _change(self, session: Session, copy: Copy) -> AddressChange | None:
        return address_change(session, copy.reference) if copy.reference else None

    def _open_change(self, session: Session, copy: Copy) -> AddressChange | Withheld:
        change = self._change(session, copy)
        if change is None:
            return GONE
        return change if change.is_open else Withheld("the request has ended")
