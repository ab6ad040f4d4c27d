"""Mailjet: one event in each hook, or a list of them, which shows a password. Our copies are named by the CustomID."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from app.feedback.notices import Notice, NoticeKind
from app.feedback.providers.hook import Hook, Password
from app.feedback.providers.items import Item, read_items
from app.feedback.providers.telling import tell, tell_unknown
from app.mail.envelope import Envelope

_KINDS = {"sent": NoticeKind.DELIVERED, "spam": NoticeKind.COMPLAINT, "unsub": NoticeKind.LEAVE}
_FAILURES = frozenset({"bounce", "blocked"})
#: They tell nothing of a copy's fate, and we do not watch readers.
_IGNORED = frozenset({"open", "click"})
#: What makes an address dead, where Mailjet calls the bounce hard. All else may pass, or is our fault.
_DEAD = frozenset({"user unknown", "invalid domain", "no mail host"})
#: What Mailjet relates an error to, where that is us.
_OUR_FAULTS = frozenset({"spam", "content"})


@dataclass(frozen=True)
class Mailjet:
    """Reads what shows the password."""

    name: ClassVar[str] = "mailjet"
    envelope: Envelope
    password: Password

    def verify(self, hook: Hook, *, now: datetime) -> None:
        """Raise HookRefused unless the password is right."""
        self.password.verify(hook)

    def confirm(self, hook: Hook) -> None:
        """Do nothing: Mailjet does not ask."""

    def read(self, hook: Hook, *, now: datetime) -> list[Notice]:
        """Return the events that tell what became of a copy."""
        events = read_items(hook.body)
        return [self._notice(event, now) for event in events if event.text("event") not in _IGNORED]

    def _notice(self, event: Item, now: datetime) -> Notice:
        kind, at = _kind(event), event.moment("time", now=now)
        if kind is None:
            return tell_unknown(event.text("event"), source=self.name, event_id=event.digest(), at=at)
        return tell(
            kind,
            source=self.name,
            event_id=event.digest(),
            at=at,
            delivery_id=self.envelope.read_copy_value(event.text("CustomID")),
            recipient=event.text("email"),
            said=event.text("comment") or event.text("smtp_reply") or event.text("error"),
        )


def _kind(event: Item) -> NoticeKind | None:
    if event.text("event") not in _FAILURES:
        return _KINDS.get(event.text("event"))
    if event.text("error_related_to") in _OUR_FAULTS:
        return NoticeKind.SENDER_FAULT
    is_dead = event.is_true("hard_bounce") and event.text("error") in _DEAD
    return NoticeKind.HARD if is_dead and event.text("event") == "bounce" else NoticeKind.SOFT
