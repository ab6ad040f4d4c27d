"""From a report that was read to notices: which copy it is of, as a seal of ours proves, and what it says of that copy.

A report without a genuine seal may come from anyone about anyone. It names no copy, and so changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime

from app.feedback.notices import Notice, NoticeKind
from app.mail.envelope import Envelope
from app.mail.meanings import Meaning
from app.mail.reports.report import Finding, Report, Verdict
from app.mail.transport import Fault

_KINDS = {Verdict.HARD: NoticeKind.HARD, Verdict.SOFT: NoticeKind.SOFT, Verdict.COMPLAINT: NoticeKind.COMPLAINT}
#: Faults of ours, or of one letter: they say nothing against the reader. A server that shut its door on the relay for
#: days is no fault of ours, and a refusal without a reason is not known to be.
_OURS = frozenset({Fault.SENDER, Fault.CONTENT, Fault.AUTHENTICATION})
_NOT_SPAM = "not-spam"


def notices_of(report: Report, *, envelope: Envelope, at: datetime) -> list[Notice]:
    """Return what a report tells of copies: nothing where it is no report, or only of a delay.

    A copy has one recipient. Where a report names several, it came out of a mailing list or a redirection, and what is
    mildest counts. The same is told once of a copy, whatever the way and the number of reports.
    """
    kind, finding = _told(report)
    if kind is None:
        return []
    delivery_id = link(report, envelope)
    source = "arf" if report.feedback_type else "dsn" if report.is_report else "text"
    return [
        Notice(
            kind=kind,
            source=source,
            event_id=f"{kind.value}-{delivery_id}",
            at=at,
            delivery_id=delivery_id,
            recipient=finding.recipient if finding else None,
            status=finding.status if finding else None,
            diagnostic=finding.diagnostic if finding else "",
        )
    ]


def link(report: Report, envelope: Envelope) -> int | None:
    """Return the delivery id of the copy that a report is of, or None.

    The envelope's recipient is the surest; then what the report repeats of our envelope (RFC 3461 §4.4), then the
    Message-ID of the mail it returns.
    """
    return next((found for found in _linked(report, envelope) if found is not None), None)


def _linked(report: Report, envelope: Envelope) -> Iterator[int | None]:
    yield from map(envelope.read_bounce_address, report.to_addresses)
    if report.envelope_id:
        yield envelope.read_message_id(report.envelope_id)
    yield from map(envelope.read_bounce_address, report.original_senders)
    yield from map(envelope.read_message_id, report.original_message_ids)


def _told(report: Report) -> tuple[NoticeKind | None, Finding | None]:
    if report.feedback_type == _NOT_SPAM:
        return NoticeKind.NOT_SPAM, None
    final = [finding for finding in report.findings if finding.is_final and finding.verdict in _KINDS]
    mildest = min(final, key=lambda finding: finding.verdict is Verdict.HARD, default=None)
    if mildest is None:
        return None, None
    return NoticeKind.SENDER_FAULT if _is_ours(mildest) else _KINDS[mildest.verdict], mildest


def _is_ours(finding: Finding) -> bool:
    meaning = finding.meaning
    if finding.verdict is not Verdict.SOFT or meaning is None or meaning is Meaning.UNEXPLAINED:
        return False
    return meaning.fault in _OURS
