"""Log lines that nobody can forge or misuse: control characters escaped, tokens and addresses masked (OWASP ASVS
16.2.5, 16.4.1). Servers quote the address in their replies, and databases the row in their errors."""

import logging
import re
import time

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TOKEN = re.compile(
    r"(/(?:confirm|unsubscribe|preferences|view|go|reading|stay|renew|sign-in|my-data|address|address-undo|undo"
    r"|erasure)/)[^\s/?\"']+"
)
_ADDRESS = re.compile(r"[^\s<>()\[\]\",:;=/]+@(?=[\w-]+(?:\.[\w-]+)+)")


def clean(text: str) -> str:
    """Return `text` on one line; "…" stands for what follows a token route, and for whose mailbox at a domain."""
    masked = _ADDRESS.sub("…@", without_tokens(text))
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", masked)


def without_tokens(text: str) -> str:
    """Return `text` with "…" for what follows a token route."""
    return _TOKEN.sub(r"\1…", text)


class OneLineFormatter(logging.Formatter):
    """Formats a record as one clean line; a traceback follows, each of its lines clean and marked."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of `record`; of a traceback that another handler has written nothing is taken over."""
        record.exc_text = None
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line of `record`."""
        record.message = clean(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        """Return the traceback, a mark before each line, so that none can pass for a record."""
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]
        return "\n".join(f"  | {clean(line)}" for line in lines)


def configure_logging() -> None:
    """Send everything from INFO up to stderr, in UTC, and keep the libraries to warnings."""
    handler = logging.StreamHandler()
    formatter = OneLineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for library in ("apscheduler", "procrastinate", "mail.log", "alembic", "trafilatura", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)
