"""Postmark: one record in each hook, which shows a password. Our copies are named by a field of its Metadata."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from app.feedback.notices import Notice, NoticeKind
from app.feedback.providers.hook import Hook, Password
from app.feedback.providers.items import Item, digest_of, read_item
from app.feedback.providers.telling import tell, tell_unknown
from app.mail.envelope import Envelope

_RECORDS = {"Delivery": NoticeKind.DELIVERED, "SpamComplaint": NoticeKind.COMPLAINT}
_BOUNCES = {
    "HardBounce": NoticeKind.HARD,
    "BadEmailAddress": NoticeKind.HARD,
    "SpamComplaint": NoticeKind.COMPLAINT,
    "Unsubscribe": NoticeKind.LEAVE,
    "Blocked": NoticeKind.SENDER_FAULT,
    "DMARCPolicy": NoticeKind.SENDER_FAULT,
    "SpamNotification": NoticeKind.SENDER_FAULT,
    "VirusNotification": NoticeKind.SENDER_FAULT,
    "SMTPApiError": NoticeKind.SENDER_FAULT,
    "TemplateRenderingFailed": NoticeKind.SENDER_FAULT,
    "Transient": NoticeKind.SOFT,
    "DnsError": NoticeKind.SOFT,
    "SoftBounce": NoticeKind.SOFT,
    "Undeliverable": NoticeKind.SOFT,
    "ManuallyDeactivated": NoticeKind.SOFT,
    "Unknown": NoticeKind.SOFT,
}
#: Somebody's machine answered, or somebody acted at Postmark: nothing became of the copy.
_IGNORED_BOUNCES = frozenset(
    {"AutoResponder", "ChallengeVerification", "AddressChange", "Subscribe", "OpenRelayTest", "Unconfirmed"}
)
_IGNORED = frozenset({"Open", "Click", "Inbound"})
#: Why Postmark stops sending to an address. A hard bounce was told by itself, and with the server's words.
_SUPPRESSIONS = {
    "HardBounce": NoticeKind.SOFT,
    "SpamComplaint": NoticeKind.COMPLAINT,
    "ManualSuppression": NoticeKind.LEAVE,
}


@dataclass(frozen=True)
class Postmark:
    """Reads what shows the password."""

    name: ClassVar[str] = "postmark"
    envelope: Envelope
    password: Password

    def verify(self, hook: Hook, *, now: datetime) -> None:
        """Raise HookRefused unless the password is right."""
        self.password.verify(hook)

    def confirm(self, hook: Hook) -> None:
        """Do nothing: Postmark does not ask."""

    def read(self, hook: Hook, *, now: datetime) -> list[Notice]:
        """Return the record, if it tells what became of a copy."""
        record = read_item(hook.body)
        if _is_ignored(record):
            return []
        kind = _kind(record)
        at = record.moment("BouncedAt", "DeliveredAt", "ChangedAt", now=now)
        type_, key = record.text("RecordType"), record.text("ID")
        event_id = digest_of(type_, key) if key else record.digest()
        if kind is None:
            return [tell_unknown(f"{type_} {record.text('Type')}", source=self.name, event_id=event_id, at=at)]
        return [
            tell(
                kind,
                source=self.name,
                event_id=event_id,
                at=at,
                delivery_id=self._delivery_id(record),
                recipient=record.text("Email") or record.text("Recipient"),
                said=record.text("Details"),
            )
        ]

    def _delivery_id(self, record: Item) -> int | None:
        read = map(self.envelope.read_copy_value, record.texts("Metadata"))
        return next((delivery_id for delivery_id in read if delivery_id is not None), None)


def _is_ignored(record: Item) -> bool:
    match record.text("RecordType"):
        case "Bounce":
            return record.text("Type") in _IGNORED_BOUNCES
        case "SubscriptionChange":
            return not record.is_true("SuppressSending") or record.text("Origin") != "Recipient"
        case name:
            return name in _IGNORED


def _kind(record: Item) -> NoticeKind | None:
    match record.text("RecordType"):
        case "Bounce":
            return _BOUNCES.get(record.text("Type"))
        case "SubscriptionChange":
            return _SUPPRESSIONS.get(record.text("SuppressionReason"))
        case name:
            return _RECORDS.get(name)
