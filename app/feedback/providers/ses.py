"""Amazon SES: what it publishes to topics of SNS, as notifications or as events."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

from app.errors import HookRefused
from app.feedback.notices import Notice, NoticeKind
from app.feedback.providers.hook import Hook
from app.feedback.providers.items import Item, digest_of, read_item
from app.feedback.providers.sns import NOTIFICATION, Topics
from app.feedback.providers.telling import tell, tell_unknown
from app.mail.envelope import Envelope

#: Where the details of each type stand, and where the recipients in them.
_PLACES = {
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
    "Delivery": ("delivery", "recipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
    "Reject": ("reject", ""),
    "Rendering Failure": ("failure", ""),
    "Subscription": ("subscription", ""),
}
_KINDS = {
    "Complaint": NoticeKind.COMPLAINT,
    "Delivery": NoticeKind.DELIVERED,
    "DeliveryDelay": NoticeKind.SOFT,
    "Reject": NoticeKind.SENDER_FAULT,
    "Rendering Failure": NoticeKind.SENDER_FAULT,
}
#: They tell nothing of a copy's fate, and we do not watch readers.
_IGNORED = frozenset({"Send", "Open", "Click"})
#: Permanent bounces that a server answered. Other subtypes, and any of a complaint, name a list of Amazon's or a guess:
#: nothing was sent, and nothing is proved anew.
_HARD_SUBTYPES = frozenset({"", "General", "NoEmail"})


class _Told(NamedTuple):
    """What is told of one recipient."""

    recipient: str
    said: str = ""
    status: str = ""


@dataclass(frozen=True)
class Ses:
    """Reads what the topics sign."""

    name: ClassVar[str] = "ses"
    envelope: Envelope
    topics: Topics

    def verify(self, hook: Hook, *, now: datetime) -> None:
        """Raise HookRefused unless one of the topics signed this, just now; FetchRefused where that cannot be known."""
        self.topics.verify(hook, now=now)

    def confirm(self, hook: Hook) -> None:
        """Subscribe to the topic, where it asks for it."""
        self.topics.confirm(hook)

    def read(self, hook: Hook, *, now: datetime) -> list[Notice]:
        """Return a notice for each recipient. What is no event of SES (SNS greets in words) tells nothing."""
        message = read_item(hook.body)
        if message.raw("Type") != NOTIFICATION:
            return []
        try:
            event = read_item(message.raw("Message"))
        except HookRefused:
            return []
        type_ = event.text("notificationType") or event.text("eventType")
        return [] if not type_ or type_ in _IGNORED else list(self._notices(type_, event, message, now))

    def _notices(self, type_: str, event: Item, message: Item, now: datetime) -> Iterator[Notice]:
        place, _ = _PLACES.get(type_, ("", ""))
        details = event.item(place)
        kind, at = _kind(type_, details), details.moment("timestamp", now=now)
        # One bounce may be told over two topics; its own id is the same in both.
        key = details.text("feedbackId") or message.text("MessageId")
        if kind is None:
            yield tell_unknown(type_, source=self.name, event_id=digest_of(type_, key), at=at)
            return
        for told in _told(type_, event):
            yield tell(
                kind,
                source=self.name,
                event_id=digest_of(type_, key, told.recipient),
                at=at,
                delivery_id=self._delivery_id(event.item("mail")),
                recipient=told.recipient,
                said=told.said,
                status=told.status,
            )

    def _delivery_id(self, mail: Item) -> int | None:
        by_sender = self.envelope.read_bounce_address(mail.text("source"))
        ids = [each.text("value") for each in mail.items("headers") if each.text("name").lower() == "message-id"]
        return by_sender or next(filter(None, map(self.envelope.read_message_id, ids)), None)


def _kind(type_: str, details: Item) -> NoticeKind | None:
    match type_:
        case "Bounce" if details.text("bounceType") != "Permanent":
            return NoticeKind.SOFT
        case "Bounce" if details.text("bounceSubType") == "UnsubscribedRecipient":
            return NoticeKind.LEAVE
        case "Bounce":
            return NoticeKind.HARD if details.text("bounceSubType") in _HARD_SUBTYPES else NoticeKind.SOFT
        case "Complaint" if details.text("complaintFeedbackType") == "not-spam":
            return NoticeKind.NOT_SPAM
        case "Complaint" if details.text("complaintSubType"):
            return NoticeKind.SOFT
        case "Subscription" if details.item("newTopicPreferences").is_true("unsubscribeAll"):
            return NoticeKind.LEAVE
        case _:
            return _KINDS.get(type_)


def _told(type_: str, event: Item) -> Iterator[_Told]:
    place, field = _PLACES[type_]
    details = event.item(place)
    for each in details.items(field):
        yield _Told(each.text("emailAddress"), each.text("diagnosticCode"), each.text("status"))
    for address in details.texts(field) if field else event.item("mail").texts("destination"):
        yield _Told(address, details.text("smtpResponse") or details.text("reason") or details.text("errorMessage"))
