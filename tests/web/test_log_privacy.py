"""What all that readers and senders do leaves in the log: no address, no token (OWASP ASVS 14.2.1, 16.2.5)."""

import io
import logging
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.clock import now
from app.delivery.engine import Engine
from app.logs import OneLineFormatter, clean
from app.mail.envelope import Envelope
from app.oneoff import FlaskMailTransport
from app.product import Product
from app.settings.mail import MailSettings
from app.subscriptions.letters import signup_letters
from app.subscriptions.models import Subscriber
from app.web.security import TOKEN_ROUTES
from tests.conftest import NOW
from tests.smtp_server import ScriptedServer
from tests.web import desk
from tests.web.visitor import form_token

READER = "alice.private+tag@reader.example"
QUOTING = f"550 5.1.1 <{READER}>: no such user"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the process would write, with everything of ours from DEBUG up."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLineFormatter("%(levelname)s %(name)s: %(message)s"))
    root, ours = logging.getLogger(), logging.getLogger("app")
    levels = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    ours.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def send(product: Product, app: Flask, script: dict[str, str]) -> None:
    """Send what waits to a server that answers by `script`."""
    config = product.config
    with ScriptedServer(script) as server:
        Engine(
            database=product.database,
            compose=signup_letters(config, product.links),
            transport=FlaskMailTransport(app, MailSettings(port=server.port, ehlo_name="sender.example")),
            envelope=Envelope(config.link_keys, config.mail.sender_domain, config.mail.bounce_domain),
            journal_dir=config.journal_dir,
        ).run_once(now())


def fail_at(app: Flask, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page fail on a row that is there already, whose values the database quotes."""

    def fail(**_: object) -> None:
        product: Product = app.extensions["vigie"]
        row = {"public_id": "x", "email": READER, "email_ascii": READER, "email_key": READER.lower(), "created_at": NOW}
        with product.database.transaction() as session:
            session.execute(sa.insert(Subscriber).values(row))

    monkeypatch.setitem(app.view_functions, endpoint, fail)


def sign_up(client: FlaskClient, email: str) -> int:
    """Read the form at NOW, send it a moment later, and return the answer's status."""
    with time_machine.travel(NOW, tick=False) as clock:
        token = form_token(client)
        clock.shift(8)
        return client.post("/fr/subscribe", data={"email": email, "token": token}).status_code


def test_no_address_and_no_token_is_written(
    app: Flask, client: FlaskClient, product: Product, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    emails = (READER, READER, "bob@reader.example", "no address", *(f"r{number}@info.example" for number in range(3)))
    assert [sign_up(client, email) for email in emails] == [303, 303, 303, 422, 303, 303, 429]
    with time_machine.travel(NOW, tick=True):
        send(product, app, {"rcpt": QUOTING})
        send(product, app, {"mail": f"451 4.7.1 <{READER}> is too much"})
        tokens = walk(client, product)
    fail_at(app, "public.preferences", monkeypatch)
    assert client.get(f"/fr/preferences/{tokens[1]}").status_code == 500

    written = log.getvalue()
    assert "IntegrityError" in written, "the 500 is in the log, with its reason"
    for secret in ("alice.private", "bob@", *tokens):
        assert secret not in written, written


def walk(client: FlaskClient, product: Product) -> list[str]:
    """Go through all pages of letters' links and of the desk's sign-in; return the tokens that were used."""
    with product.database.reading() as session:
        subscriber = session.scalars(sa.select(Subscriber).where(Subscriber.email == READER)).one()
        [reader] = subscriber.subscriptions
    sign = product.link_tokens.sign
    confirm, preferences = (
        sign("confirm", reader.confirmation_id or "", at=now()),
        sign("preferences", reader.public_id),
    )
    leave, secret = sign("unsubscribe", reader.public_id), desk.make_link(product, desk.make_admin(product))
    for path in (f"/fr/confirm/{confirm}", f"/fr/preferences/{preferences}", f"/fr/unsubscribe/{leave}"):
        assert client.get(path).status_code == 200
        assert client.post(path, data={"letters_language": "en"}).status_code in {200, 303}
        assert client.post(path + "x").status_code == 400
    assert client.get(f"/admin/sign-in/{secret}").status_code == 200
    assert client.post(f"/admin/sign-in/{secret}").status_code == 303
    assert desk.sign_in(client, password="wrong").status_code == 403
    return [confirm, preferences, leave, secret]


def test_the_token_of_every_page_that_has_one_is_masked(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in TOKEN_ROUTES]
    assert len(rules) == len(TOKEN_ROUTES)
    for rule in rules:
        values = {
            name: {"language": "fr", "token": "s3cret", "secret": "s3cret"}.get(name, "1") for name in rule.arguments
        }
        _, path = rule.build(values, append_unknown=False) or ("", "s3cret")
        assert "s3cret" in path
        assert "s3cret" not in clean(f"GET {path} HTTP/1.1"), path
