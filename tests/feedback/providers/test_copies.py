"""Which copy an event is about, proved by a seal of ours; which event it is, however often it is told; and when."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from app.feedback.hooks import hear
from app.feedback.notices import Notice
from app.feedback.providers.hook import Provider
from app.mail.envelope import Envelope
from tests.conftest import NOW
from tests.feedback.providers import signing
from tests.feedback.providers.signing import signed

COPY = 4711
OTHERS = Envelope(("o" * 32,), "newsletter.example", "bounces.newsletter.example")


def seal(envelope: Envelope) -> str:
    return envelope.message_id(COPY).strip("<>").partition("@")[0]


def ses(mail: object) -> object:
    return {"notificationType": "Delivery", "delivery": {"recipients": ["a@reader.example"]}, "mail": mail}


def mailgun(**more: object) -> object:
    return {"event": "delivered", **more}


NAMED: list[tuple[str, Callable[[Envelope], object]]] = [
    ("ses", lambda envelope: ses({"source": envelope.bounce_address(COPY)})),
    ("ses", lambda envelope: ses({"headers": [{"name": "Message-Id", "value": envelope.message_id(COPY)}]})),
    ("mailgun", lambda envelope: mailgun(envelope={"sender": envelope.bounce_address(COPY)})),
    ("mailgun", lambda envelope: mailgun(message={"headers": {"message-id": envelope.message_id(COPY)[1:-1]}})),
    ("sendgrid", lambda envelope: [{"event": "delivered", "smtp-id": envelope.message_id(COPY)}]),
    ("postmark", lambda envelope: {"RecordType": "Delivery", "Metadata": {"x": "y", "copy": seal(envelope)}}),
    ("brevo", lambda envelope: {"event": "delivered", "message-id": envelope.message_id(COPY)}),
    ("brevo", lambda envelope: {"event": "delivered", "X-Mailin-custom": seal(envelope)}),
    ("mailjet", lambda envelope: {"event": "sent", "CustomID": seal(envelope)}),
]


def told(providers: Mapping[str, Provider], name: str, report: object) -> Notice:
    [notice] = hear(providers[name], signed(name, report), now=NOW)
    return notice


@pytest.mark.parametrize(("name", "report"), NAMED)
def test_a_copy_is_known_by_our_seal_alone(
    providers: Mapping[str, Provider], envelope: Envelope, name: str, report: Callable[[Envelope], object]
) -> None:
    assert told(providers, name, report(envelope)).delivery_id == COPY
    assert told(providers, name, report(OTHERS)).delivery_id is None


def test_each_recipient_of_a_report_is_told_of(providers: Mapping[str, Provider]) -> None:
    event = {"notificationType": "Delivery", "delivery": {"recipients": ["a@reader.example", "b@reader.example"]}}
    notices = hear(providers["ses"], signing.ses(event), now=NOW)
    assert [notice.recipient for notice in notices] == ["a@reader.example", "b@reader.example"]
    assert len({notice.event_id for notice in notices}) == 2


SENDGRID = {"event": "bounce", "email": "a@reader.example", "timestamp": 1_773_738_000, "sg_message_id": "m"}
SES = {
    "notificationType": "Bounce",
    "bounce": {"feedbackId": "f", "bouncedRecipients": [{"emailAddress": "a@reader.example"}]},
}
SAME = [
    ("ses", signing.ses(SES), signing.ses(SES, MessageId="of another topic")),
    ("mailgun", signing.mailgun(mailgun(id="x")), signing.mailgun({"event": "complained", "id": "y"})),
    ("sendgrid", *[signing.sendgrid([{**SENDGRID, "sg_event_id": key}]) for key in ("1", "2")]),
    ("postmark", *2 * [signed("postmark", {"RecordType": "Delivery", "MessageID": "m", "DeliveredAt": "2026-03-17"})]),
    ("brevo", *2 * [signed("brevo", {"event": "delivered", "ts_event": 1_773_738_000})]),
    ("mailjet", *2 * [signed("mailjet", {"event": "sent", "time": 1_773_738_000})]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "one", "again"), SAME)
def test_what_is_told_twice_has_one_id(
    providers: Mapping[str, Provider], name: str, one: signing.Hook, again: signing.Hook
) -> None:
    ids = {notice.event_id for hook in (one, again) for notice in hear(providers[name], hook, now=NOW)}
    assert len(ids) == 1
    assert all(len(each) == 64 for each in ids)


DIFFERENT = [
    ("ses", signing.ses(SES), signing.ses({**SES, "bounce": {**SES["bounce"], "feedbackId": "g"}})),  # type: ignore[dict-item]
    ("mailgun", signing.mailgun(mailgun()), signing.mailgun(mailgun(), token="u" * 50)),
    ("sendgrid", signing.sendgrid([SENDGRID]), signing.sendgrid([{**SENDGRID, "timestamp": 1_773_738_001}])),
    ("postmark", *[signed("postmark", {"RecordType": "Bounce", "Type": "DnsError", "ID": key}) for key in (1, 2)]),
    ("brevo", *[signed("brevo", {"event": "delivered", "ts_event": 1_773_738_000 + late}) for late in (0, 1)]),
    ("mailjet", *[signed("mailjet", {"event": "sent", "MessageID": key}) for key in (1, 2)]),
]


@pytest.mark.parametrize(("name", "one", "other"), DIFFERENT)
def test_what_is_something_else_has_another_id(
    providers: Mapping[str, Provider], name: str, one: signing.Hook, other: signing.Hook
) -> None:
    ids = {notice.event_id for hook in (one, other) for notice in hear(providers[name], hook, now=NOW)}
    assert len(ids) == 2


AT = datetime(2026, 3, 16, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("ses", {"eventType": "Delivery", "delivery": {"timestamp": "2026-03-16T08:30:00.000Z", "recipients": ["a"]}}),
        ("mailgun", {"event": "delivered", "timestamp": AT.timestamp()}),
        ("sendgrid", [{"event": "delivered", "timestamp": int(AT.timestamp())}]),
        ("postmark", {"RecordType": "Delivery", "DeliveredAt": "2026-03-16T04:30:00.0000000-04:00"}),
        ("brevo", {"event": "delivered", "ts_event": int(AT.timestamp())}),
        ("brevo", {"event": "delivered", "ts_epoch": int(AT.timestamp()) * 1000}),
        ("mailjet", {"event": "sent", "time": str(int(AT.timestamp()))}),
    ],
)  # fmt: skip
def test_the_time_of_an_event_is_kept(providers: Mapping[str, Provider], name: str, report: object) -> None:
    assert told(providers, name, report).at == AT


@pytest.mark.parametrize("time", [None, "", "soon", "9" * 400, 10**400, -1e300, float("inf"), float("nan"), True, [1]])
def test_a_time_that_is_none_is_now(providers: Mapping[str, Provider], time: object) -> None:
    assert told(providers, "mailjet", {"event": "sent", "time": time}).at == NOW


def test_no_event_is_yet_to_come(providers: Mapping[str, Provider]) -> None:
    tomorrow = int((NOW + timedelta(days=1)).timestamp())
    assert told(providers, "mailjet", json.loads(json.dumps({"event": "sent", "time": tomorrow}))).at == NOW
