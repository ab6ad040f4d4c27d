"""Nothing is heard that its provider did not sign, whole and just now."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.errors import HookRefused
from app.feedback.hooks import hear
from app.feedback.notices import NoticeKind
from app.feedback.providers.hook import Hook, Provider
from config import Config
from tests.conftest import NOW
from tests.feedback.providers import signing
from tests.feedback.providers.signing import mailgun, sendgrid, ses, with_password

DELIVERED: dict[str, object] = {
    "ses": {"notificationType": "Delivery", "delivery": {"recipients": ["a@reader.example"]}},
    "mailgun": {"event": "delivered", "recipient": "a@reader.example"},
    "sendgrid": [{"event": "delivered", "email": "a@reader.example"}],
    "postmark": {"RecordType": "Delivery", "Recipient": "a@reader.example"},
    "brevo": {"event": "delivered", "email": "a@reader.example"},
    "mailjet": [{"event": "sent", "email": "a@reader.example"}],
}
SIGNING: dict[str, Callable[..., Hook]] = {"ses": ses, "mailgun": mailgun, "sendgrid": sendgrid}
WITH_PASSWORD = ("postmark", "brevo", "mailjet")
MINUTES = timedelta(minutes=1)


def refuse(provider: Provider, hook: Hook, words: str = ".") -> None:
    with pytest.raises(HookRefused, match=words):
        hear(provider, hook, now=NOW)


@pytest.mark.parametrize("name", DELIVERED)
def test_what_is_signed_is_heard(providers: Mapping[str, Provider], name: str) -> None:
    [notice] = hear(providers[name], signing.signed(name, DELIVERED[name]), now=NOW)
    assert (notice.kind, notice.source) == (NoticeKind.DELIVERED, name)
    assert (notice.recipient, notice.delivery_id) == ("a@reader.example", None)


@pytest.mark.parametrize("name", SIGNING)
@pytest.mark.parametrize("late", [-5 * MINUTES, 5 * MINUTES, 4 * MINUTES])
def test_a_signature_holds_for_five_minutes(providers: Mapping[str, Provider], name: str, late: timedelta) -> None:
    hook = SIGNING[name](DELIVERED[name], at=NOW)
    assert hear(providers[name], hook, now=NOW + late)
    with pytest.raises(HookRefused, match="too long ago"):
        hear(providers[name], hook, now=NOW + late + (MINUTES if late > timedelta() else -MINUTES) * 2)


@pytest.mark.parametrize("name", SIGNING)
def test_the_key_of_somebody_else_signs_nothing(providers: Mapping[str, Provider], name: str) -> None:
    others: dict[str, Hook] = {
        "ses": ses(DELIVERED["ses"], amazon=signing.Amazon()),
        "mailgun": mailgun(DELIVERED["mailgun"], key="another-key"),
        "sendgrid": sendgrid(DELIVERED["sendgrid"], key=ec.generate_private_key(ec.SECP256R1())),
    }
    refuse(providers[name], others[name], "signature is missing or wrong")


@pytest.mark.parametrize("name", ["ses", "sendgrid"])
def test_a_changed_report_is_refused(providers: Mapping[str, Provider], name: str) -> None:
    hook = signing.signed(name, DELIVERED[name])
    refuse(providers[name], replace(hook, body=hook.body.replace(b"a@reader", b"b@reader")), "signature")


@pytest.mark.parametrize("name", SIGNING)
def test_a_truncated_report_is_refused(providers: Mapping[str, Provider], name: str) -> None:
    hook = signing.signed(name, DELIVERED[name])
    for length in range(0, len(hook.body), 7):
        refuse(providers[name], replace(hook, body=hook.body[:length]))


@pytest.mark.parametrize("name", SIGNING)
def test_what_is_not_signed_is_refused(providers: Mapping[str, Provider], name: str) -> None:
    hook = signing.signed(name, DELIVERED[name])
    message = json.loads(hook.body)
    if isinstance(message, dict):
        for field in ("Signature", "signature"):
            message.pop(field, None)
    refuse(providers[name], Hook({}, json.dumps(message).encode()))


@pytest.mark.parametrize("header", ["signature", "timestamp"])
@pytest.mark.parametrize("value", ["", "é", "AAAA", "1e9", "99999999999999999999", "9" * 5000])
def test_broken_headers_are_refused(providers: Mapping[str, Provider], header: str, value: str) -> None:
    hook = sendgrid(DELIVERED["sendgrid"])
    refuse(
        providers["sendgrid"], replace(hook, headers={**hook.headers, f"x-twilio-email-event-webhook-{header}": value})
    )


@pytest.mark.parametrize("field", ["token", "timestamp", "signature"])
@pytest.mark.parametrize("value", ["", "é", "\ud800", 7, None, [], "0" * 64])
def test_broken_signatures_are_refused(providers: Mapping[str, Provider], field: str, value: object) -> None:
    report = json.loads(mailgun(DELIVERED["mailgun"]).body)
    report["signature"][field] = value
    refuse(providers["mailgun"], signing.json_hook(report))


@pytest.mark.parametrize("name", WITH_PASSWORD)
def test_a_password_is_whole_or_wrong(providers: Mapping[str, Provider], name: str) -> None:
    report, password = DELIVERED[name], signing.PASSWORD
    for wrong in ("", password[:-1], password + "x", password.upper(), "é" * 40):
        refuse(providers[name], with_password(report, password=wrong), "password")
    for header in ("", "Basic", "Basic é", "Bearer " + password, "Basic " + password, "Basic dmlnaWU="):
        refuse(providers[name], replace(with_password(report), headers={"authorization": header}))
    refuse(providers[name], replace(with_password(report), headers={}))


@pytest.mark.parametrize("name", WITH_PASSWORD)
def test_a_password_may_count_from_some_networks_only(config: Config, name: str) -> None:
    networks = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    provider = signing.providers(replace(config, hooks=replace(config.hooks, networks=networks)))[name]
    for address in ("192.0.2.9", "2001:db8::1"):
        assert hear(provider, with_password(DELIVERED[name], address=address), now=NOW)
    for address in ("198.51.100.1", "2001:db9::1", "", "unknown"):
        refuse(provider, with_password(DELIVERED[name], address=address), "network")


def test_who_has_no_setting_is_not_listened_to(config: Config) -> None:
    assert set(signing.providers(config)) == set(DELIVERED)
    for name in DELIVERED:
        setting = next(each for each in vars(config.hooks) if each.startswith(name))
        without = replace(config.hooks, **{setting: type(getattr(config.hooks, setting))()})
        assert set(signing.providers(replace(config, hooks=without))) == set(DELIVERED) - {name}
