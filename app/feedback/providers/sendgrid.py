"""SendGrid: a list of events in each hook, the whole body signed with ECDSA (the Signed Event Webhook)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.errors import HookRefused
from app.feedback.notices import Notice, NoticeKind
from app.feedback.providers.hook import Hook, decoded, refuse_old
from app.feedback.providers.items import Item, digest_of, read_items
from app.feedback.providers.telling import tell, tell_unknown
from app.mail.envelope import Envelope

_PREFIX = "x-twilio-email-event-webhook-"
_KINDS = {
    "delivered": NoticeKind.DELIVERED,
    "deferred": NoticeKind.SOFT,
    "spamreport": NoticeKind.COMPLAINT,
    "unsubscribe": NoticeKind.LEAVE,
    "group_unsubscribe": NoticeKind.LEAVE,
    "blocked": NoticeKind.SOFT,
}
#: They tell nothing of a copy's fate, and we do not watch readers.
_IGNORED = frozenset({"processed", "open", "click", "group_resubscribe"})
_CLASSES = {
    "content": NoticeKind.SENDER_FAULT,
    "reputation": NoticeKind.SENDER_FAULT,
    "frequency or volume too high": NoticeKind.SENDER_FAULT,
    "mailbox unavailable": NoticeKind.SOFT,
    "technical": NoticeKind.SOFT,
}
#: Why a letter was not even tried. An address on the provider's own list proves nothing anew.
_DROPS = {
    "bounced address": NoticeKind.SOFT,
    "invalid": NoticeKind.SOFT,
    "unsubscribed address": NoticeKind.LEAVE,
    "spam reporting address": NoticeKind.COMPLAINT,
}


@dataclass(frozen=True)
class SendGrid:
    """Reads what is signed under `key`: the verification key, a public key of P-256 in DER."""

    name: ClassVar[str] = "sendgrid"
    envelope: Envelope
    key: bytes = field(repr=False)

    def verify(self, hook: Hook, *, now: datetime) -> None:
        """Raise HookRefused unless the body is signed, just now."""
        signed_at = hook.headers.get(f"{_PREFIX}timestamp", "")
        signature = decoded(hook.headers.get(f"{_PREFIX}signature", ""))
        key = load_der_public_key(self.key)
        assert isinstance(key, EllipticCurvePublicKey)
        try:
            key.verify(signature, signed_at.encode() + hook.body, ECDSA(SHA256()))
        except InvalidSignature as error:
            raise HookRefused("the signature is missing or wrong") from error
        refuse_old(signed_at, now=now)

    def confirm(self, hook: Hook) -> None:
        """Do nothing: SendGrid does not ask."""

    def read(self, hook: Hook, *, now: datetime) -> list[Notice]:
        """Return the events that tell what became of a copy."""
        events = read_items(hook.body)
        return [self._notice(event, now) for event in events if event.text("event") not in _IGNORED]

    def _notice(self, event: Item, now: datetime) -> Notice:
        at = event.moment("timestamp", now=now)
        # Not its sg_event_id, which is another one when the same event is told again.
        event_id = digest_of(*map(event.text, ("event", "type", "sg_message_id", "smtp-id", "email", "timestamp")))
        kind = _kind(event)
        if kind is None:
            return tell_unknown(event.text("event"), source=self.name, event_id=event_id, at=at)
        return tell(
            kind,
            source=self.name,
            event_id=event_id,
            at=at,
            delivery_id=self.envelope.read_message_id(event.text("smtp-id")),
            recipient=event.text("email"),
            said=event.text("reason") or event.text("response"),
            status=event.text("status"),
        )


def _kind(event: Item) -> NoticeKind | None:
    match event.text("event"):
        case "bounce" if event.text("type") == "blocked":
            return NoticeKind.SOFT
        case "bounce":
            return _CLASSES.get(event.text("bounce_classification").lower(), NoticeKind.HARD)
        case "dropped":
            return _DROPS.get(event.text("reason").lower(), NoticeKind.SENDER_FAULT)
        case name:
            return _KINDS.get(name)
