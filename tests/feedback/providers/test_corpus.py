"""Reports that others recorded: nearly all are what their labels say, and none breaks anything."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.feedback.notices import NoticeKind
from app.feedback.providers.hook import Hook, Provider
from tests.articles.conftest import corpus
from tests.conftest import NOW
from tests.feedback.providers.signing import json_hook

NAMES = {"amazon_ses": "ses"}
KINDS = {
    "bounced": NoticeKind.HARD,
    "deferred": NoticeKind.SOFT,
    "complained": NoticeKind.COMPLAINT,
    "unsubscribed": NoticeKind.LEAVE,
    "delivered": NoticeKind.DELIVERED,
    "rejected": NoticeKind.SENDER_FAULT,
    "failed": NoticeKind.SENDER_FAULT,
    "unknown": NoticeKind.UNKNOWN,
}
#: The labels do not tell a refusal of our letter from one of an address on the provider's list.
REJECTED = {"unsubscribed": NoticeKind.LEAVE, "spam": NoticeKind.COMPLAINT, "bounced": NoticeKind.SOFT}


def records(providers: Mapping[str, Provider]) -> list[dict[str, Any]]:
    """What was taken by the suite that recorded it, of our providers. Mailgun's forms ended in 2023."""
    lines = corpus("webhooks-anymail/open/payloads.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [
        record
        for record in found
        if NAMES.get(record["provider"], record["provider"]) in providers
        and record["expected_status"] == 200
        and not record["content_type"].startswith("multipart/")
    ]


def wanted(record: dict[str, Any]) -> list[tuple[NoticeKind, str | None]]:
    """The labels of a record as kinds and recipients."""
    events = []
    for event in record["expected_events"]:
        kind = KINDS.get(event["event_type"])
        if event["event_type"] == "rejected":
            kind = REJECTED.get(event["reject_reason"], kind)
        if '"SubscriptionChange"' in str(record["body"]) and kind is NoticeKind.HARD:
            kind = NoticeKind.SOFT  # Postmark's own list: the bounce itself was told with the server's words
        if kind is not None:
            events.append((kind, event.get("recipient") if kind is not NoticeKind.UNKNOWN else None))
    return events


def hook_of(record: dict[str, Any]) -> Hook:
    body = record["body"]
    return Hook({}, body.encode()) if isinstance(body, str) else json_hook(body)


def test_recorded_reports_are_read_right(providers: Mapping[str, Provider]) -> None:
    wrong, found = [], records(providers)
    for record in found:
        name = NAMES.get(record["provider"], record["provider"])
        notices = providers[name].read(hook_of(record), now=NOW)
        told = [(notice.kind, notice.recipient) for notice in notices]
        if told != wanted(record):
            wrong.append((record["test"], told))
    assert len(found) > 35
    assert len(wrong) <= 0.02 * len(found), wrong


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6])
def test_recorded_notifications_of_amazon_are_read(providers: Mapping[str, Provider], number: int) -> None:
    text = corpus(f"webhooks-anymail/open/sisimai-json-amazonses-0{number}.json").read_text(encoding="utf-8")
    report = json.loads(text)
    [notice] = providers["ses"].read(
        json_hook(report if "Message" in report else {"Type": "Notification", "Message": text}), now=NOW
    )
    place = {"bounce": NoticeKind.HARD, "complaint": NoticeKind.COMPLAINT, "success": NoticeKind.DELIVERED}
    assert notice.recipient is not None
    local, _, domain = notice.recipient.partition("@")
    assert (notice.kind, domain) == (place[local], "simulator.amazonses.com")
