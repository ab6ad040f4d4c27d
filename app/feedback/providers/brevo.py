"""Brevo: one event in each hook, or a list of them, which shows a password."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from app.feedback.notices import Notice, NoticeKind
from app.feedback.providers.hook import Hook, Password
from app.feedback.providers.items import Item, read_items
from app.feedback.providers.telling import tell, tell_unknown
from app.mail.envelope import Envelope

#: "blocked" is an address on Brevo's own list of those that left, bounced or complained: it proves nothing anew.
_KINDS = {
    "delivered": NoticeKind.DELIVERED,
    "hard_bounce": NoticeKind.HARD,
    "invalid_email": NoticeKind.HARD,
    "soft_bounce": NoticeKind.SOFT,
    "deferred": NoticeKind.SOFT,
    "blocked": NoticeKind.SOFT,
    "error": NoticeKind.SENDER_FAULT,
    "complaint": NoticeKind.COMPLAINT,
    "spam": NoticeKind.COMPLAINT,
    "unsubscribed": NoticeKind.LEAVE,
}
#: They tell nothing of a copy's fate, and we do not watch readers.
_IGNORED = frozenset(
    {"request", "click", "opened", "unique_opened", "first_opening", "proxy_open", "unique_proxy_open"}
)  # fmt: skip


@dataclass(frozen=True)
class Brevo:
    """Reads what shows the password."""

    name: ClassVar[str] = "brevo"
    envelope: Envelope
    password: Password

    def verify(self, hook: Hook, *, now: datetime) -> None:
        """Raise HookRefused unless the password is right."""
        self.password.verify(hook)

    def confirm(self, hook: Hook) -> None:
        """Do nothing: Brevo does not ask."""

    def read(self, hook: Hook, *, now: datetime) -> list[Notice]:
        """Return the events that tell what became of a copy."""
        events = read_items(hook.body)
        return [self._notice(event, now) for event in events if event.text("event") not in _IGNORED]

    def _notice(self, event: Item, now: datetime) -> Notice:
        kind, at = _KINDS.get(event.text("event")), event.moment("ts_event", "ts_epoch", "ts", now=now)
        if kind is None:
            return tell_unknown(event.text("event"), source=self.name, event_id=event.digest(), at=at)
        return tell(
            kind,
            source=self.name,
            event_id=event.digest(),
            at=at,
            delivery_id=self._delivery_id(event),
            recipient=event.text("email"),
            said=event.text("reason"),
        )

    def _delivery_id(self, event: Item) -> int | None:
        by_id = self.envelope.read_message_id(event.text("message-id"))
        return by_id or self.envelope.read_copy_value(event.text("X-Mailin-custom"))
