"""Delivery status notifications (RFC 3464): the groups of their fields, one for each recipient."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.mail.reports.addresses import address_in_report
from app.mail.reports.judging import Told
from app.mail.reports.prose import said_of

RECIPIENTS_MAX = 200

_RECIPIENT_FIELDS = ("original-recipient", "final-recipient", "x-actual-recipient")
_OF_RECIPIENT = frozenset({*_RECIPIENT_FIELDS, "action", "status", "diagnostic-code", "remote-mta"})
_TYPE = re.compile(r"\s*[\w.-]{1,40}\s*;\s*")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")

Group = dict[str, str]


@dataclass(frozen=True)
class Status:
    """A report's groups, one for each recipient, and the ENVID of the mail it is about."""

    groups: tuple[Group, ...]
    envelope_id: str | None


def read_status(pairs: Sequence[tuple[str, str]]) -> Status:
    """Return the recipients' groups and the ENVID of a report, also where blank lines are missing or too many."""
    groups: list[Group] = [{}]
    after_blank = True
    for name, value in pairs:
        if not name:
            after_blank = True
            continue
        is_next = name in _RECIPIENT_FIELDS and after_blank and any(field in groups[-1] for field in _RECIPIENT_FIELDS)
        if is_next or (name == "final-recipient" and name in groups[-1]):
            groups.append({})
        groups[-1].setdefault(name, value)
        after_blank = False
    envelope_id = next((group["original-envelope-id"] for group in groups if "original-envelope-id" in group), None)
    of_recipients = [group for group in groups if any(group.get(field) for field in _OF_RECIPIENT)]
    return Status(tuple(of_recipients[:RECIPIENTS_MAX]), envelope_id)


def recipients_told(status: Status, prose: str) -> list[Told]:
    """Return what a report tells of each recipient whose delivery failed or waits (RFC 3464 §2.3.3)."""
    told: dict[str, Told] = {}
    for group in status.groups:
        action = _action(group)
        if action in {"failed", "delayed"}:
            name = recipient_of(group)
            one = Told(name, _words(group), _code(group), is_final=action == "failed", is_from_report=True)
            told.setdefault((name or "").lower(), one)
    names = [one.recipient for one in told.values() if one.recipient]
    return [replace(one, prose=said_of(one.recipient or "", names, prose)) for one in told.values()]


def recipient_of(group: Group) -> str | None:
    """Return the address a group is about: the one that failed, else the one the sender wrote (RFC 3464 §2.3.2)."""
    for field in ("final-recipient", "original-recipient", "x-actual-recipient"):
        value = group.get(field, "")
        found = address_in_report(_TYPE.sub("", value, count=1) if _TYPE.match(value) else value)
        if found:
            return found
    return None


def _action(group: Group) -> str:
    """Return what became of the mail; where the field is missing or no word of the standard, the code tells."""
    action = group.get("action", "").strip().lower()
    if action.startswith(("fail", "error", "undeliver")):
        return "failed"
    if action.startswith(("delay", "warn")):
        return "delayed"
    if action.startswith(("deliver", "relay", "expand")):
        return "delivered"
    return "delivered" if (_code(group) or "5").startswith("2") else "failed"


def _code(group: Group) -> str | None:
    found = _STATUS.search(group.get("status", ""))
    return found[0] if found else None


def _words(group: Group) -> str:
    words = group.get("diagnostic-code", "")
    return _TYPE.sub("", words, count=1) if _TYPE.match(words) else words
