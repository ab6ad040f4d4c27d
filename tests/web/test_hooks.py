"""The addresses that mail providers report to: who is heard, what is answered, how much is taken in."""

import base64
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.feedback.providers.hook import Hook
from app.web.hooks import MAX_BODY_BYTES
from config import Config
from tests.conftest import NOW, create_tables
from tests.feedback.providers import signing
from tests.feedback.providers.test_signatures import DELIVERED

NAMES = sorted(DELIVERED)


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """One kind of database is enough here: what goes in is ingest's."""
    url = f"sqlite:///{tmp_path / 'vigie.db'}"
    create_tables(url)
    return url


@pytest.fixture
def config(config: Config) -> Config:
    """Settings in which every provider is listened to."""
    return replace(config, hooks=signing.SETTINGS)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The app at the time of the tests, beside an Amazon of our own."""
    app = create_app(config)
    app.extensions["providers"] = signing.providers(config)
    with time_machine.travel(NOW, tick=False):
        yield app
    app.extensions["vigie"].database.dispose()


def post(client: FlaskClient, name: str, hook: Hook, content_type: str = "application/json") -> TestResponse:
    return client.post(f"/hooks/{name}", data=hook.body, headers=dict(hook.headers), content_type=content_type)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=UTF-8"])
def test_a_report_is_taken_in_without_a_word(client: FlaskClient, name: str, content_type: str) -> None:
    answer = post(client, name, signing.signed(name, DELIVERED[name]), content_type)
    assert (answer.status_code, answer.data) == (200, b"")
    assert "Set-Cookie" not in answer.headers
    again = post(client, name, signing.signed(name, DELIVERED[name]), content_type)
    assert again.status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_an_event_that_nobody_knows_is_taken_in_too(client: FlaskClient, name: str) -> None:
    event = {"event": "shredded", "RecordType": "Shredding", "eventType": "Shredded"}
    assert post(client, name, signing.signed(name, event)).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_where_a_report_comes_from_does_not_matter(client: FlaskClient, name: str) -> None:
    hook = signing.signed(name, DELIVERED[name])
    from_elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site", "Cookie": "session=x"}
    assert post(client, name, replace(hook, headers={**hook.headers, **from_elsewhere})).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_authentic_is_refused(client: FlaskClient, name: str) -> None:
    answer = post(client, name, signing.json_hook(DELIVERED[name]))
    assert answer.status_code == 403
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize("name", ["ses", "mailgun", "sendgrid"])
def test_an_old_report_is_refused(client: FlaskClient, name: str) -> None:
    hook = signing.signed(name, DELIVERED[name])
    with time_machine.travel(NOW + timedelta(minutes=6), tick=False):
        assert post(client, name, hook).status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 50_000])
def test_what_is_not_json_is_refused(client: FlaskClient, body: bytes) -> None:
    for name in NAMES:
        hook = signing.signed(name, DELIVERED[name])
        assert post(client, name, replace(hook, body=body)).status_code == 403, name


def test_who_has_no_setting_is_not_there(config: Config) -> None:
    client = create_app(replace(config, hooks=type(config.hooks)())).test_client()
    for name in (*NAMES, "nobody", "<name>"):
        assert post(client, name, signing.json_hook({})).status_code == 404, name


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_report_is_a_post(client: FlaskClient, method: str) -> None:
    for path in ("/hooks/mailgun", "/hooks/nobody"):
        assert client.open(path, method=method).status_code in {403, 405}, path


def test_a_megabyte_is_taken_in_and_no_more(client: FlaskClient) -> None:
    hook = signing.with_password({"event": "opened", "x": "x" * (MAX_BODY_BYTES - 100)})
    assert post(client, "brevo", hook).status_code == 200
    assert post(client, "brevo", replace(hook, body=hook.body + b" " * 100)).status_code == 413


def test_other_pages_take_in_as_little_as_before(client: FlaskClient) -> None:
    assert client.post("/fr/subscribe", data={"email": "a" * 70_000}).status_code == 413


def test_a_topic_is_told_yes_or_asks_again(client: FlaskClient) -> None:
    assert post(client, "ses", signing.ses_question()).status_code == 200
    lost = signing.SUBSCRIBE_URL + "&Lost=1"
    assert post(client, "ses", signing.ses_question(SubscribeURL=lost)).status_code == 503


def test_no_word_of_a_report_is_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in NAMES:
        hook = signing.signed(name, DELIVERED[name])
        post(client, name, hook)
        post(client, name, replace(hook, headers={}, body=hook.body[:-1]))
    shown = base64.b64encode(f"vigie:{signing.PASSWORD}".encode()).decode()
    assert "a report of mailgun is refused" in caplog.text
    for word in ("reader.example", signing.PASSWORD, signing.MAILGUN_KEY, shown):
        assert word not in caplog.text
