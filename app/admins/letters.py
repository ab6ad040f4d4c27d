"""The letter that invites somebody to the desk: plain text, to one person, from no list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from sqlalchemy.orm import Session

from app.admins.models import Role
from app.admins.people import INVITATION, INVITATION_LIFE
from app.admins.signin import admin_of_link
from app.clock import now
from app.delivery.claims import Copy
from app.delivery.composing import Compose, one_by_one
from app.delivery.settling import Withheld
from app.i18n import gettext
from app.links import Links
from app.mail import quoted_printable
from app.mail.headers import address_field, mailbox_field, message_id_field, text_field, token_field
from app.mjml import render_text
from config import Config


def admin_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes what goes to people of the desk."""

    def compose(session: Session, copy: Copy) -> InvitationLetter | Withheld:
        invited_at = copy.chunk.created_at
        secret = links.invitation_secret(copy.reference or "", invited_at=invited_at)
        admin = admin_of_link(session, secret=secret, now=now())
        if admin is None or copy.address is None:
            return Withheld("its link would be over")
        return InvitationLetter(
            recipient=copy.address,
            role=admin.role,
            language=admin.language,
            url=links.sign_in(secret),
            until=invited_at + INVITATION_LIFE,
            date=invited_at,
            config=config,
        )

    return {INVITATION: one_by_one(compose)}


@dataclass(frozen=True)
class InvitationLetter:
    """One invitation on its way."""

    recipient: str
    role: Role
    language: str
    url: str
    until: datetime
    date: datetime
    config: Config

    def write(self, message_id: str, leave_address: str | None) -> tuple[bytes, bytes]:
        """Return header and body, the same at every try."""
        identity, language = self.config.identity, self.language
        subject = gettext(language, "Your access to the desk of %(publication)s", publication=identity.publication)
        header = b"".join(
            (
                mailbox_field("From", identity.publication, self.config.mail.sender),
                address_field("Reply-To", identity.contact),
                address_field("To", self.recipient),
                text_field("Subject", subject),
                token_field("Date", format_datetime(self.date.astimezone(UTC))),
                message_id_field(message_id),
                b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
                b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            )
        )
        text = render_text(
            "email/invitation.txt", language, identity=identity, role=self.role, url=self.url, until=self.until,
            zone=self.config.timezone,
        )  # fmt: skip
        return header, quoted_printable.encode(text)
