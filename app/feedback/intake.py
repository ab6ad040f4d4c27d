"""One mail that came back, taken in: the same whether a pipe, a listener or a mailbox brought it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.db import Database
from app.feedback.applying import apply_events
from app.feedback.ingest import ingest
from app.feedback.linking import notices_of
from app.mail.envelope import Envelope
from app.mail.reports.parts import SIZE_MAX_OCTETS
from app.mail.reports.reading import read_report
from app.product import Product
from config import FeedbackSettings


class Taken(StrEnum):
    """What became of one mail. `repeated`: what it tells was known."""

    NEW = "new"
    REPEATED = "repeated"
    UNLINKED = "unlinked"
    NO_REPORT = "no-report"


@dataclass(frozen=True)
class Intake:
    """Takes in returned mail."""

    database: Database
    envelope: Envelope
    rules: FeedbackSettings
    suppression_key: str

    def take(self, data: bytes, *, recipients: Sequence[str] = (), at: datetime, now: datetime) -> Taken:
        """Take in a mail that came `at`, for the `recipients` of its envelope where they are known.

        Once this returns it is kept, and applied. Raises OperationalError where the database is away.
        """
        report = read_report(data[:SIZE_MAX_OCTETS], recipients=recipients)
        notices = notices_of(report, envelope=self.envelope, at=at)
        if not notices:
            return Taken.NO_REPORT
        with self.database.transaction() as session:
            new = ingest(session, notices, now=now)
        if all(notice.delivery_id is None for notice in notices):
            return Taken.UNLINKED
        apply_events(self.database, rules=self.rules, suppression_key=self.suppression_key, now=now)
        return Taken.NEW if new else Taken.REPEATED


def make_intake(product: Product) -> Intake:
    """Return the intake of a wired product."""
    config = product.config
    envelope = Envelope(config.link_keys, config.mail.sender_domain, config.mail.bounce_domain)
    return Intake(product.database, envelope, config.feedback, config.suppression_key)
