"""The known forms of mail servers' free-form bounces, as flufl.bounce recognises them."""

import logging
from email.message import Message

from flufl.bounce import all_failures

from app.mail.reports.fields import PARSER_FAULTS, Fields, first

#: It logs a traceback for each mail that one of its detectors cannot bear: for us that is a mail it does not know.
logging.getLogger("flufl.bounce").disabled = True

#: Its patterns take long on long lines and texts.
TEXT_MAX = 32_000
LINE_MAX = 400
LINES_MAX = 600


def names_by_mailer(header: Fields, text: str) -> list[str]:
    """Return the recipients that a known mailer's form shows, in alphabetic order.

    Whether they failed for good is not taken from there: its "permanent" is any failure.
    """
    try:
        delayed, failed = all_failures(_message(header, text))
    except PARSER_FAULTS:
        return []
    return sorted(name.decode("ascii", "replace") for name in failed | delayed)


def _message(header: Fields, text: str) -> Message:
    lines = [line[:LINE_MAX] for line in text[:TEXT_MAX].splitlines()[:LINES_MAX]]
    message = Message()
    message["from"] = first(header, "from") or "<>"
    message["subject"] = first(header, "subject")
    message["content-type"] = "text/plain; charset=utf-8"
    message.set_payload("\n".join(lines))
    return message
