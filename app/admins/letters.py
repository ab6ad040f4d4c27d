"""The letters that let somebody into the desk: plain text, to one person, from no list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from sqlalchemy.orm import Session

from app.admins.mailing import MAILED_LINK
from app.admins.models import Admin
from app.admins.people import INVITATION, INVITATION_LIFE
from app.admins.signin import LINK_LIFE, admin_of_link
from app.clock import now
from app.delivery.claims import Copy
from app.delivery.composing import Compose, one_by_one
from app.delivery.endings import Withheld
from app.i18n import gettext
from app.links import Links
from app.mail import quoted_printable
from app.mail.headers import address_field, mailbox_field, message_id_field, text_field, token_field
from app.mjml import render_text
from config import Config


def admin_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes what goes to people of the desk."""
    publication = config.identity.publication

    def compose_invitation(session: Session, copy: Copy) -> DeskLetter | Withheld:
        invited_at = copy.chunk.created_at
        secret = links.invitation_secret(copy.reference or "", invited_at=invited_at)
        admin = admin_of_link(session, secret=secret, now=now())
        if admin is None or copy.address is None:
            return Withheld("its link would be over")
        subject = gettext(admin.language, "Your access to the desk of %(publication)s", publication=publication)
        return DeskLetter(
            "email/invitation.txt", subject, copy.address, admin, links.sign_in(secret), invited_at, INVITATION_LIFE,
            config,
        )  # fmt: skip

    def compose_link(session: Session, copy: Copy) -> DeskLetter | Withheld:
        asked_at = copy.chunk.created_at
        secret = links.mailed_secret(copy.reference or "", asked_at=asked_at)
        admin = admin_of_link(session, secret=secret, now=now())
        if admin is None or copy.address is None:
            return Withheld("its link would be over")
        subject = gettext(admin.language, "Your link to the desk of %(publication)s", publication=publication)
        return DeskLetter(
            "email/sign_in_link.txt", subject, copy.address, admin, links.sign_in(secret), asked_at, LINK_LIFE, config
        )

    return {INVITATION: one_by_one(compose_invitation), MAILED_LINK: one_by_one(compose_link)}


@dataclass(frozen=True)
class DeskLetter:
    """A letter with a link, good for `life`, that lets its reader into the desk."""

    template: str
    subject: str
    recipient: str
    admin: Admin
    url: str
    date: datetime
    life: timedelta
    config: Config

    def write(self, message_id: str, leave_address: str | None) -> tuple[bytes, bytes]:
        """Return header and body, the same at every try."""
        identity = self.config.identity
        header = b"".join(
            (
                mailbox_field("From", identity.publication, self.config.mail.sender),
                address_field("Reply-To", identity.contact),
                address_field("To", self.recipient),
                text_field("Subject", self.subject),
                token_field("Date", format_datetime(self.date.astimezone(UTC))),
                message_id_field(message_id),
                b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
                b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            )
        )
        text = render_text(
            self.template, self.admin.language, identity=identity, role=self.admin.role, url=self.url,
            until=self.date + self.life, zone=self.config.timezone,
        )  # fmt: skip
        return header, quoted_printable.encode(text)
