"""One-off letters: what a user of Flask-Mail may expect of it still holds."""

from flask import Flask

from app.mail.transport import OutcomeKind, Outgoing
from app.oneoff import FlaskMailTransport, OneOffMail
from app.settings.mail import MailSettings
from tests.smtp_server import ScriptedServer

LETTERS = [Outgoing(key, "b@bounces.example", f"r{key}@reader.example", b"x: y\r\n\r\n") for key in (1, 2)]


def test_listeners_hear_of_what_was_accepted_only() -> None:
    app = Flask("letters")
    with ScriptedServer({"rcpt": ["250 ok", "550 5.1.1 no such user"]}) as server:
        settings = MailSettings(port=server.port, ehlo_name="sender.example")
        with OneOffMail(app, settings).record_messages() as outbox:
            outcomes = list(FlaskMailTransport(app, settings).send(LETTERS, lambda key: None))
    assert [outcome.kind for _, outcome in outcomes] == [OutcomeKind.ACCEPTED, OutcomeKind.REJECTED]
    assert [(message.recipients, message.as_bytes()) for message in outbox] == [
        (["r1@reader.example"], LETTERS[0].data)
    ]


def test_a_testing_app_sends_nothing() -> None:
    app = Flask("letters")
    app.testing = True
    with ScriptedServer() as server:
        transport = FlaskMailTransport(app, MailSettings(port=server.port, ehlo_name="sender.example"))
        assert [outcome.kind for _, outcome in transport.send(LETTERS, lambda key: None)] == [OutcomeKind.ACCEPTED] * 2
    assert server.connections == 0


def test_the_extension_has_the_settings_of_the_product() -> None:
    app = Flask("letters")
    FlaskMailTransport(app, MailSettings(server="mx.example", port=587, use_tls=True, username="me"))
    assert app.config["MAIL_SERVER"] == app.extensions["mail"].server == "mx.example"
    assert (app.extensions["mail"].port, app.extensions["mail"].use_tls) == (587, True)
