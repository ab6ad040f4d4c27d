"""One mail that came back, taken in: the same whether a pipe, a listener or a mailbox brought it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.db import Database
from app.feedback.applying import apply_events
from app.feedback.ingest import ingest
from app.feedback.linking import notices_of
from app.feedback.replies import has_room, leave_by_mail, pass_on, read_reply
from app.mail.envelope import Envelope
from app.mail.reports.parts import SIZE_MAX_OCTETS
from app.mail.reports.reading import read_report
from app.mail.reports.report import Report
from app.product import Product
from app.settings.feedback import FeedbackSettings
from config import Config


class Taken(StrEnum):
    """What became of one mail. `repeated`: what it tells was known. `too-many`: it was not taken and may come again."""

    NEW = "new"
    REPEATED = "repeated"
    UNLINKED = "unlinked"
    LEFT = "left"
    PASSED_ON = "passed-on"
    TOO_MANY = "too-many"
    NO_REPORT = "no-report"


@dataclass(frozen=True)
class Intake:
    """Takes in returned mail."""

    database: Database
    envelope: Envelope
    rules: FeedbackSettings
    suppression_key: str
    newsroom: str

    def take(self, data: bytes, *, recipients: Sequence[str] = (), at: datetime, now: datetime) -> Taken:
        """Take in a mail that came `at`, for the `recipients` of its envelope where they are known.

        What a reader writes to the leave address of their copy ends the subscription, or goes on to the newsroom.

        Once this returns it is kept, and applied. Raises OperationalError where the database is away.
        """
        report = read_report(data[:SIZE_MAX_OCTETS], recipients=recipients)
        notices = notices_of(report, envelope=self.envelope, at=at)
        replied_to = self._replied_to(report)
        if not notices or (replied_to is not None and _is_by_button(report)):
            return self._take_reply(data, report, replied_to, now)
        with self.database.transaction() as session:
            new = ingest(session, notices, now=now)
        if all(notice.delivery_id is None for notice in notices):
            return Taken.UNLINKED
        apply_events(self.database, rules=self.rules, suppression_key=self.suppression_key, now=now)
        return Taken.NEW if new else Taken.REPEATED

    def _replied_to(self, report: Report) -> int | None:
        """Return the copy whose leave address a mail came to."""
        named = (self.envelope.read_leave_address(address) for address in report.to_addresses)
        return next((found for found in named if found is not None), None)

    def _take_reply(self, data: bytes, report: Report, delivery_id: int | None, now: datetime) -> Taken:
        if delivery_id is None or report.is_report or (report.findings and not _is_by_button(report)):
            return Taken.NO_REPORT
        reply = read_reply(data[:SIZE_MAX_OCTETS])
        with self.database.transaction() as session:
            if reply.asks_to_leave:
                return Taken.LEFT if leave_by_mail(session, delivery_id, now=now) else Taken.REPEATED
            if reply.is_automatic:
                return Taken.NO_REPORT
            if not has_room(session, now=now):
                return Taken.TOO_MANY
            is_new = pass_on(session, data, delivery_id=delivery_id, address=self.newsroom, now=now)
        return Taken.PASSED_ON if is_new else Taken.REPEATED


def _is_by_button(report: Report) -> bool:
    """Return whether a mail program wrote when its reader pressed a button: that is no report by anybody else."""
    return report.feedback_type is not None and not report.is_report


def envelope_of(config: Config) -> Envelope:
    """Return what names copies, by the settings."""
    return Envelope(
        config.link_keys,
        config.mail.sender_domain,
        config.mail.bounce_domain,
        copy_header=config.mail.copy_header,
        takes_replies=config.returns.takes_replies,
    )


def make_intake(product: Product) -> Intake:
    """Return the intake of a wired product."""
    config = product.config
    return Intake(
        product.database, envelope_of(config), config.feedback, config.suppression_key, config.identity.contact
    )
