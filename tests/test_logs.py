"""Log lines: one line each, no forged ones, no tokens."""

import io
import logging

from app.logs import OneLineFormatter


def logged(message: str, *values: object, exception: Exception | None = None) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLineFormatter("%(levelname)s %(message)s"))
    record = logging.LogRecord("vigie", logging.INFO, "here", 1, message, values, None)
    if exception is not None:
        record.exc_info = (type(exception), exception, None)
    handler.emit(record)
    return stream.getvalue()


def test_a_forged_line_stays_inside_its_own() -> None:
    assert logged("from %s", "a\r\nINFO forged\x1b[31m\u2028x") == "INFO from a\\x0d\\x0aINFO forged\\x1b[31m\\x2028x\n"


def test_tokens_are_masked() -> None:
    line = logged("GET https://news.example.org/fr/unsubscribe/abc.def?x=1 and /admin/sign-in/secret")
    assert "abc" not in line
    assert "secret" not in line
    assert "/unsubscribe/…?x=1" in line


def test_addresses_are_masked() -> None:
    line = logged(
        "550 <alice.o'neil+x@reader.example>: user élise@münchen.example; Key (email)=(bob@x.example) is there"
    )
    assert line == "INFO 550 <…@reader.example>: user …@münchen.example; Key (email)=(…@x.example) is there\n"


def test_the_lines_of_a_traceback_are_marked() -> None:
    text = logged("failed", exception=ValueError("bad\nINFO forged"))
    assert "\nINFO forged" not in text
    assert "  | ValueError: bad" in text
