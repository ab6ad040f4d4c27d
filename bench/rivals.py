"""Senders to compare with: what one would write with the standard library, or with Flask-Mail.

    python bench/rivals.py smtplib --port 2525 --letters 1000 --samples FOLDER [--connections 8]
    python bench/rivals.py flask-mail --port 2525 --letters 1000 --samples FOLDER

FOLDER holds letters as Vigie sent them. smtplib sends their bytes as they are; the Flask-Mail loop builds each message
anew from their parts, with the reader's own link in it. Neither keeps any record of what it sent.
"""

import argparse
import smtplib
import sys
import threading
from collections.abc import Iterable, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import cycle
from pathlib import Path

from flask import Flask
from flask_mail import Mail, Message

SENDER = "bounces@news.example.org"
LEAVE = "https://news.example.org/fr/unsubscribe/"
#: More would only be read, not make the letters more different.
SAMPLES = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rival", choices=["smtplib", "flask-mail"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--letters", type=int, required=True)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=1)
    arguments = parser.parse_args()
    samples = [path.read_bytes() for path in _spread(sorted(arguments.samples.glob("*.eml")))]
    if arguments.rival == "smtplib":
        send_with_smtplib(arguments.port, arguments.letters, samples, arguments.connections)
    else:
        send_with_flask_mail(arguments.port, arguments.letters, samples)
    return 0


def send_with_smtplib(port: int, letters: int, samples: Sequence[bytes], connections: int) -> None:
    """Send ready bytes, a thread for each connection."""
    threads = [
        threading.Thread(target=_send_bytes, args=(port, range(number, letters, connections), samples))
        for number in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send_with_flask_mail(port: int, letters: int, samples: Sequence[bytes]) -> None:
    """Send over one connection what is built for each reader, as Flask-Mail's documentation shows it."""
    app = Flask("rival")
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port, MAIL_DEFAULT_SENDER=SENDER)
    mail = Mail(app)
    parts = cycle([_parts(sample) for sample in samples])
    with app.app_context(), mail.connect() as connection:
        for number in range(letters):
            subject, text, html = next(parts)
            link = f"{LEAVE}{number:022d}"
            connection.send(
                Message(
                    subject,
                    recipients=[_reader(number)],
                    body=text.replace(LEAVE, link),
                    html=html.replace(LEAVE, link),
                    extra_headers={"List-Unsubscribe": f"<{link}>"},
                )
            )


def _send_bytes(port: int, numbers: Iterable[int], samples: Sequence[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for number in numbers:
            connection.sendmail(SENDER, [_reader(number)], samples[number % len(samples)])


def _parts(letter: bytes) -> tuple[str, str, str]:
    message = message_from_bytes(letter, policy=policy.default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return str(message["Subject"]), text.get_content(), html.get_content()


def _spread(paths: Sequence[Path]) -> Sequence[Path]:
    """Return some of the paths from the whole range: the languages follow each other."""
    return paths[:: max(len(paths) // SAMPLES, 1)]


def _reader(number: int) -> str:
    return f"reader-{number:06d}@example.org"


if __name__ == "__main__":
    sys.exit(main())
