"""Amazon's messages: which signature, which topic, whose certificate, and saying yes to a topic of ours only."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from app.errors import FetchRefused, HookRefused
from app.feedback.hooks import hear
from app.feedback.providers.hook import Hook, Provider
from config import Config
from tests.conftest import NOW
from tests.feedback.providers import signing
from tests.feedback.providers.signing import CERTIFICATE_URL, HOST, SUBSCRIBE_URL, TOPIC, Amazon, ses, ses_question

EVENT = {"notificationType": "Delivery", "delivery": {"recipients": ["a@reader.example"]}}


@pytest.fixture
def amazon() -> Amazon:
    """A notification service that was not asked yet."""
    return Amazon()


@pytest.fixture
def provider(config: Config, amazon: Amazon) -> Provider:
    """SES, at that service."""
    return signing.providers(config, amazon)["ses"]


def refuse(provider: Provider, hook: Hook, words: str) -> None:
    with pytest.raises(HookRefused, match=words):
        hear(provider, hook, now=NOW)


def test_a_certificate_is_fetched_once(provider: Provider, amazon: Amazon) -> None:
    for _ in range(3):
        assert hear(provider, ses(EVENT, amazon=amazon), now=NOW)
    assert amazon.asked == [CERTIFICATE_URL]


def test_a_subject_is_signed_too(provider: Provider, amazon: Amazon) -> None:
    assert hear(provider, ses(EVENT, amazon=amazon, Subject="Amazon SES Notification"), now=NOW)


@pytest.mark.parametrize("version", ["1", "3", 2, None])
def test_other_versions_of_the_signature_are_refused(provider: Provider, amazon: Amazon, version: object) -> None:
    refuse(provider, ses(EVENT, amazon=amazon, SignatureVersion=version), "version 2")
    assert amazon.asked == []


@pytest.mark.parametrize("topic", [TOPIC.lower(), TOPIC + "x", "arn:aws:sns:eu-west-3:000000000000:Letters", "", None])
def test_other_topics_are_refused(provider: Provider, amazon: Amazon, topic: object) -> None:
    refuse(provider, ses(EVENT, amazon=amazon, TopicArn=topic), "HOOK_SES_TOPICS")
    assert amazon.asked == []


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE_URL.replace("https:", "http:"),
        CERTIFICATE_URL.replace("eu-west-3", "us-east-1"),
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.evil.example"),
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.cn"),
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com:8443"),
        CERTIFICATE_URL.replace("https://", "https://evil.example@"),
        CERTIFICATE_URL.replace("https://sns", "https://evil.example/sns"),
        CERTIFICATE_URL.replace("sns.", "s3."),
        CERTIFICATE_URL + "?x=1",
        f"{HOST}/../SimpleNotificationService-0.pem",
        f"{HOST}/evil.pem",
        "https://[",
        "",
    ],
)
def test_certificates_come_from_the_topics_sns_only(provider: Provider, amazon: Amazon, url: str) -> None:
    refuse(provider, ses(EVENT, amazon=amazon, SigningCertURL=url), "address|certificate")
    assert amazon.asked == []


def test_chinas_regions_have_a_domain_of_their_own(config: Config, amazon: Amazon) -> None:
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:Letters"
    provider = signing.providers(replace(config, hooks=replace(config.hooks, ses_topics=frozenset({topic}))), amazon)
    url = CERTIFICATE_URL.replace("eu-west-3.amazonaws.com", "cn-north-1.amazonaws.com.cn")
    with pytest.raises(FetchRefused):
        hear(provider["ses"], ses(EVENT, amazon=amazon, TopicArn=topic, SigningCertURL=url), now=NOW)
    assert amazon.asked == [url]


@pytest.mark.parametrize("begins_at", [NOW + timedelta(minutes=1), NOW - timedelta(days=366)])
def test_a_certificate_out_of_its_time_is_refused(config: Config, begins_at: object) -> None:
    amazon = Amazon(begins_at=begins_at)  # type: ignore[arg-type]
    refuse(signing.providers(config, amazon)["ses"], ses(EVENT, amazon=amazon), "not valid now")


def test_what_is_no_certificate_is_refused(provider: Provider, amazon: Amazon) -> None:
    amazon.certificate = b"<html>"
    refuse(provider, ses(EVENT, amazon=amazon), "certificate")


def test_without_its_certificate_nothing_is_known(provider: Provider, amazon: Amazon) -> None:
    url = CERTIFICATE_URL.replace("0123", "4567")
    with pytest.raises(FetchRefused):
        hear(provider, ses(EVENT, amazon=amazon, SigningCertURL=url), now=NOW)


def test_a_topic_of_ours_is_told_yes(provider: Provider, amazon: Amazon) -> None:
    assert hear(provider, ses_question(amazon=amazon), now=NOW) == []
    assert amazon.asked == [CERTIFICATE_URL, SUBSCRIBE_URL]


@pytest.mark.parametrize(
    "url",
    [
        SUBSCRIBE_URL.replace("https:", "http:"),
        SUBSCRIBE_URL.replace(HOST, "https://127.0.0.1"),
        SUBSCRIBE_URL.replace(HOST, "https://sns.us-east-1.amazonaws.com"),
        SUBSCRIBE_URL.replace("ConfirmSubscription", "Unsubscribe"),
        SUBSCRIBE_URL.replace("Letters", "Others"),
        SUBSCRIBE_URL + "&Action=Publish",
        "",
    ],
)
def test_nothing_else_is_asked_for(provider: Provider, amazon: Amazon, url: str) -> None:
    refuse(provider, ses_question(amazon=amazon, SubscribeURL=url), "address|something else")
    assert amazon.asked == [CERTIFICATE_URL]


def test_a_question_that_nobody_signed_is_not_answered(provider: Provider, amazon: Amazon) -> None:
    refuse(provider, ses_question(amazon=Amazon()), "signature")
    assert amazon.asked == [CERTIFICATE_URL]


def test_a_farewell_is_taken_note_of(provider: Provider, amazon: Amazon, caplog: pytest.LogCaptureFixture) -> None:
    assert hear(provider, ses_question(amazon=amazon, Type="UnsubscribeConfirmation"), now=NOW) == []
    assert amazon.asked == [CERTIFICATE_URL]
    assert "no longer" in caplog.text


def test_a_greeting_in_words_tells_nothing(providers: Mapping[str, Provider]) -> None:
    assert hear(providers["ses"], ses("Successfully validated SNS topic."), now=NOW) == []
