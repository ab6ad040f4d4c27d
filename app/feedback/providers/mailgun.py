"""Mailgun: one event in each hook, with a signature over a time and a token that stands inside the JSON.

The signature does not cover the event: whoever overheard one could tell anything with it. So the event's id is made of
the token: what a token told of a copy first is all that it ever tells.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import ClassVar

from app.errors import HookRefused
from app.feedback.notices import Notice, NoticeKind
from app.feedback.providers.hook import Hook, refuse_old
from app.feedback.providers.items import Item, digest_of, read_item
from app.feedback.providers.telling import tell, tell_unknown
from app.mail.envelope import Envelope

_KINDS = {
    "delivered": NoticeKind.DELIVERED,
    "complained": NoticeKind.COMPLAINT,
    "unsubscribed": NoticeKind.LEAVE,
    "rejected": NoticeKind.SENDER_FAULT,
}
#: They tell nothing of a copy's fate, and we do not watch readers.
_IGNORED = frozenset({"accepted", "stored", "opened", "clicked"})
#: Why Mailgun gave a letter up; the others are the reader's server's words.
_REASONS = {
    "suppress-bounce": NoticeKind.SOFT,
    "suppress-complaint": NoticeKind.COMPLAINT,
    "suppress-unsubscribe": NoticeKind.LEAVE,
    "espblock": NoticeKind.SENDER_FAULT,
    "old": NoticeKind.SOFT,
}


@dataclass(frozen=True)
class Mailgun:
    """Reads what is signed with `key`, the HTTP webhook signing key of the account."""

    name: ClassVar[str] = "mailgun"
    envelope: Envelope
    key: str = field(repr=False)

    def verify(self, hook: Hook, *, now: datetime) -> None:
        """Raise HookRefused unless the signature is one of the account's, just made."""
        signature = read_item(hook.body).item("signature")
        signed = signature.raw("timestamp") + signature.raw("token")
        expected = hmac.new(self.key.encode(), signed.encode(errors="surrogatepass"), "sha256").hexdigest()
        given = signature.raw("signature").encode(errors="surrogatepass")
        if not signature.raw("token") or not hmac.compare_digest(given, expected.encode()):
            raise HookRefused("the signature is missing or wrong")
        refuse_old(signature.raw("timestamp"), now=now)

    def confirm(self, hook: Hook) -> None:
        """Do nothing: Mailgun does not ask."""

    def read(self, hook: Hook, *, now: datetime) -> list[Notice]:
        """Return the event, if it tells what became of a copy."""
        report = read_item(hook.body)
        event = report.item("event-data")
        if event.text("event") in _IGNORED:
            return []
        event_id = digest_of(report.item("signature").raw("token"))
        at = event.moment("timestamp", now=now)
        kind = _kind(event)
        if kind is None:
            return [tell_unknown(event.text("event"), source=self.name, event_id=event_id, at=at)]
        status = event.item("delivery-status")
        return [
            tell(
                kind,
                source=self.name,
                event_id=event_id,
                at=at,
                delivery_id=self._delivery_id(event),
                recipient=event.text("recipient") or parseaddr(_headers(event).text("to"))[1],
                said=status.text("message") or status.text("description"),
                status=status.text("enhanced-code"),
                code=status.text("code"),
            )
        ]

    def _delivery_id(self, event: Item) -> int | None:
        by_sender = self.envelope.read_bounce_address(event.item("envelope").text("sender"))
        return by_sender or self.envelope.read_message_id(_headers(event).text("message-id"))


def _headers(event: Item) -> Item:
    return event.item("message").item("headers")


def _kind(event: Item) -> NoticeKind | None:
    if event.text("event") != "failed":
        return _KINDS.get(event.text("event"))
    if event.text("severity") != "permanent":
        return NoticeKind.SOFT
    return _REASONS.get(event.text("reason"), NoticeKind.HARD)
