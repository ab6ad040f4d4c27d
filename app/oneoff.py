"""One-off letters through Flask-Mail: its settings, its connection interface and its signal, over our own SMTP line.

The extension's own connection has no time-out, verifies no certificate, encodes local parts, and cannot tell what
became of a letter whose connection was lost.
"""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from flask import Flask
from flask_mail import Connection, Mail, Message, email_dispatched

from app.mail.connection import Relay
from app.mail.memory import ACCEPTED
from app.mail.smtp import Line
from app.mail.transport import Outcome, OutcomeKind, Outgoing, await_each
from app.settings.mail import MailSettings


class PreparedMessage(Message):
    """A message whose bytes are ready; what else Flask-Mail wants of one is the envelope."""

    def __init__(self, outgoing: Outgoing) -> None:
        super().__init__(recipients=[outgoing.recipient], sender=outgoing.sender)
        self.outgoing = outgoing

    def as_bytes(self) -> bytes:
        """Return the bytes as they were prepared."""
        return self.outgoing.data


class OneOffConnection(Connection):
    """A Flask-Mail connection with verified TLS, a timer per command, and outcomes instead of exceptions."""

    def __init__(self, state: Any, relay: Relay) -> None:
        super().__init__(state)
        self._line = Line(relay)

    def __enter__(self) -> "OneOffConnection":
        return self  # the line connects when there is something to send

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._line.close()

    def deliver(self, app: Flask, message: PreparedMessage, on_start: Callable[[int], None]) -> Outcome:
        """Send one prepared message, unless the app suppresses sending, and tell Flask-Mail's listeners."""
        outcome = ACCEPTED if self.mail.suppress else self._line.deliver(message.outgoing, on_start)
        if outcome.kind is OutcomeKind.ACCEPTED:
            email_dispatched.send(app, message=message)
        return outcome


class OneOffMail(Mail):
    """Flask-Mail, set up from the product's settings."""

    def __init__(self, app: Flask, settings: MailSettings) -> None:
        app.config.update(
            MAIL_SERVER=settings.server,
            MAIL_PORT=settings.port,
            MAIL_USE_TLS=settings.use_tls,
            MAIL_USE_SSL=settings.use_ssl,
            MAIL_USERNAME=settings.username or None,
            MAIL_PASSWORD=settings.password or None,
            MAIL_DEFAULT_SENDER=settings.sender,
            MAIL_MAX_EMAILS=settings.letters_per_connection,
        )
        super().__init__(app)
        self._relay = relay_of(settings)

    def connect(self) -> OneOffConnection:
        """Return a connection for one run of letters."""
        return OneOffConnection(self.state, self._relay)


class FlaskMailTransport:
    """The `Transport` of one-off letters; pushes an app context of its own."""

    def __init__(self, app: Flask, settings: MailSettings) -> None:
        self._app = app
        self._mail = OneOffMail(app, settings)

    def send(
        self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]
    ) -> Iterator[tuple[int, Outcome]]:
        """Send one letter after another over one connection."""
        with self._mail.connect() as connection:
            for outgoing in await_each(messages):
                with self._app.app_context():
                    message = PreparedMessage(outgoing)
                    outcome = connection.deliver(self._app, message, on_start)
                yield outgoing.key, outcome


def relay_of(settings: MailSettings) -> Relay:
    """Return the relay that the settings name."""
    return Relay(
        server=settings.server,
        port=settings.port,
        ehlo_name=settings.ehlo_name,
        use_tls=settings.use_tls,
        use_ssl=settings.use_ssl,
        username=settings.username,
        password=settings.password,
        connect_timeout_s=settings.connect_timeout_s,
        command_timeout_s=settings.command_timeout_s,
        data_timeout_s=settings.data_timeout_s,
        letters_per_connection=settings.letters_per_connection,
        ca_file=settings.ca_file,
    )
