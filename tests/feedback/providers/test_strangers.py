"""Whatever stands in a report, it is read or refused; nothing else happens."""

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import HookRefused
from app.feedback.hooks import hear
from app.feedback.notices import DIAGNOSTIC_MAX, Notice
from app.feedback.providers.hook import Hook, Provider
from tests.conftest import NOW
from tests.feedback.providers import signing
from tests.feedback.providers.test_signatures import DELIVERED

NAMES = sorted(DELIVERED)
WORDS = (
    "event", "event-data", "signature", "timestamp", "token", "delivery-status", "code", "message", "headers",
    "severity", "message-id", "recipient", "email", "reason", "type", "status", "smtp-id", "RecordType", "Type",
    "Metadata", "ID", "Details", "SuppressSending", "Origin", "notificationType", "eventType", "bounce",
    "bouncedRecipients", "mail", "destination", "source", "delivery", "recipients", "emailAddress", "diagnosticCode",
    "CustomID", "time",
)  # fmt: skip
VALUES = (
    "bounce", "failed", "permanent", "delivered", "Bounce", "HardBounce", "Permanent", "Delivery", "hard_bounce",
    "complaint", "SubscriptionChange", "Recipient", "Subscription", "\x00", "\ud800", "\xe9", "550 5.1.1 no",
)  # fmt: skip

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(VALUES))
names = st.one_of(st.sampled_from(WORDS), st.text(max_size=5))
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=6))
)
anything = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def heard(provider: Provider, hook: Hook) -> list[Notice]:
    try:
        return hear(provider, hook, now=NOW)
    except HookRefused:
        return []


@pytest.mark.parametrize("name", NAMES)
@anything
@given(report=values)
def test_any_signed_report_is_read_or_refused(providers: Mapping[str, Provider], name: str, report: object) -> None:
    for notice in heard(providers[name], signing.signed(name, report)):
        assert len(notice.event_id) == 64
        assert notice.at <= NOW
        assert len(notice.diagnostic) <= DIAGNOSTIC_MAX
        for text in (notice.diagnostic, notice.recipient or "", notice.status or ""):
            assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", NAMES)
@anything
@given(report=values)
def test_any_report_without_a_signature_is_refused(
    providers: Mapping[str, Provider], name: str, report: object
) -> None:
    assert heard(providers[name], signing.json_hook(report)) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"7", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 9_000]
)
def test_what_is_not_json_is_refused(providers: Mapping[str, Provider], name: str, body: bytes) -> None:
    hook = signing.with_password(None)
    with pytest.raises(HookRefused):
        hear(providers[name], Hook(hook.headers, body, hook.address), now=NOW)


@pytest.mark.parametrize("value", [None, True, 7, "x", [], {}, [[]], [None]])
def test_fields_of_another_type_are_empty(providers: Mapping[str, Provider], value: object) -> None:
    for name, event in DELIVERED.items():
        item = event[0] if isinstance(event, list) else event
        for field in item:
            heard(providers[name], signing.signed(name, {**item, field: value}))
