"""What about the form needs a look: said once an hour, in the log and at the desk, without anybody's data."""

import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app.db import insert_into
from app.subscriptions.form.counters import Alert, AlertKind

log = logging.getLogger(__name__)

#: How long the desk shows one, and how long it is kept.
SHOWN_FOR = timedelta(days=2)
ALERTS_KEPT_FOR = timedelta(days=90)

#: Endings of domains of states and armies. Who signs these up in numbers wants the letters to be noticed.
OFFICIAL_ENDINGS = (
    ".gouv.fr", ".gov", ".mil", ".gov.uk", ".mod.uk", ".europa.eu", ".nato.int", ".gc.ca", ".admin.ch", ".fgov.be",
    ".bund.de",
)  # fmt: skip
#: Mailboxes of a function (RFC 2142, and what newsrooms and offices have): nobody subscribes them in numbers.
ROLES = frozenset(
    {"abuse", "accueil", "admin", "administrator", "contact", "direction", "hostmaster", "info", "legal", "mairie",
     "marketing", "media", "noc", "office", "postmaster", "presidence", "presse", "press", "privacy", "redaction",
     "root", "sales", "secretariat", "security", "support", "webmaster"}
)  # fmt: skip


def is_official(email_key: str) -> bool:
    """Whether an address (`Address.key`) is of a state, or of a function rather than of a person."""
    local, _, domain = email_key.rpartition("@")
    return local in ROLES or f".{domain}".endswith(OFFICIAL_ENDINGS)


def raise_alert(session: Session, kind: AlertKind, *, now: datetime) -> None:
    """Note that something needs a look; the second time in an hour nothing more is noted."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    noted = insert_into(session, Alert).values(hour=hour, kind=kind, at=now).on_conflict_do_nothing()
    if session.scalar(noted.returning(Alert.kind)) is not None:
        log.warning("the sign-up form needs a look: %s", kind)
