"""The letter that asks the others at the desk for approval: plain text, to admins only."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from sqlalchemy.orm import Session

from app.delivery.claims import Copy
from app.delivery.composing import Compose, one_by_one
from app.delivery.endings import Withheld
from app.delivery.models import Chunk
from app.editions.models import Edition, EditionStatus
from app.gate.approvals import APPROVAL
from app.gate.models import Approval, ApprovalState
from app.i18n import bound, gettext
from app.links import Links
from app.mail.headers import address_field, mailbox_field, message_id_field, text_field, token_field
from app.templating import render
from config import Config

#: Octets of a line of base64 (RFC 2045 §6.8).
LINE = 76


def approval_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters that ask for approval."""

    def compose(session: Session, copy: Copy) -> "AskingLetter | Withheld":
        approval = session.get(Approval, int(copy.reference or 0))
        if approval is None or approval.state is not ApprovalState.ASKED or copy.address is None:
            return Withheld("nobody waits for this approval any more")
        edition = session.get_one(Edition, approval.edition_id)
        if edition.status is not EditionStatus.DRAFT:
            return Withheld("nobody waits for this approval any more")
        language = session.get_one(Chunk, copy.chunk.id).language
        text = render("email/approval.txt", language, edition=edition, approval=approval, url=links.gate(edition.id))
        subject = gettext(language, "To approve: %(subject)s", subject=bound(edition.subject, edition.language))
        return AskingLetter(
            subject, text, copy.address, config.mail.sender, config.identity.publication, copy.chunk.created_at
        )

    return {APPROVAL: one_by_one(compose)}


@dataclass(frozen=True)
class AskingLetter:
    """One letter that asks for approval."""

    subject: str
    text: str
    recipient: str
    sender: str
    publication: str
    date: datetime

    def write(self, message_id: str, leave_address: str | None) -> tuple[bytes, bytes]:
        """Return header and body. It comes from no list: there is nothing to leave."""
        header = b"".join(
            (
                mailbox_field("From", self.publication, self.sender),
                address_field("To", self.recipient),
                text_field("Subject", self.subject),
                token_field("Date", format_datetime(self.date.astimezone(UTC))),
                message_id_field(message_id),
                b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
                b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n",
            )
        )
        encoded = base64.b64encode(self.text.encode())
        lines = (encoded[start : start + LINE] for start in range(0, len(encoded), LINE))
        return header, b"\r\n".join(lines) + b"\r\n"
