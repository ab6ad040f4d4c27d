"""Notifications that Amazon SES sends by mail, as JSON in the text: the bounces and complaints of its webhook."""

import json
import re
from collections.abc import Mapping
from typing import Any

from app.mail.reports.judging import Told
from app.mail.reports.report import Finding, Verdict

_START = re.compile(r'\{\s*"(?:notificationType|eventType)"')


def read_notification(text: str) -> Mapping[str, Any] | None:
    """Return the notification in a mail's text, or None."""
    start = _START.search(text[:2_000])
    if start is None:
        return None
    try:
        # Mail servers fold its one long line, within strings too.
        found, _ = json.JSONDecoder(strict=False).raw_decode(text[start.start() :])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def feedback_type_in(notification: Mapping[str, Any]) -> str | None:
    """Return the kind of feedback a notification passes on, or None where it is about something else."""
    if "complaint" not in notification:
        return None
    return (_text(_part(notification, "complaint"), "complaintFeedbackType") or "abuse").lower()


def complaints_in(notification: Mapping[str, Any]) -> list[Finding]:
    """Return a finding for each reader who complained."""
    complaint = _part(notification, "complaint")
    return [
        Finding(Verdict.COMPLAINT, recipient=_text(one, "emailAddress"))
        for one in _list(complaint, "complainedRecipients")
    ]


def bounces_in(notification: Mapping[str, Any]) -> list[Told]:
    """Return what a notification tells of each recipient whose mail bounced."""
    bounce = _part(notification, "bounce")
    return [
        Told(
            _text(one, "emailAddress"),
            _text(one, "diagnosticCode") or "",
            _text(one, "status"),
            is_final=_text(one, "action") != "delayed",
            is_from_report=True,
        )
        for one in _list(bounce, "bouncedRecipients")
    ]


def message_ids_in(notification: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the Message-ID of the mail a notification is about, where it tells its header."""
    header = _list(_part(notification, "mail"), "headers")
    return tuple(
        value for one in header if (_text(one, "name") or "").lower() == "message-id" if (value := _text(one, "value"))
    )


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _list(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = found.get(name)
    return [one for one in value[:200] if isinstance(one, dict)] if isinstance(value, list) else []


def _text(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None
