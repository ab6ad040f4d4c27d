"""Reads a returned mail: decides what kind it is, and has each kind read by its own module."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.mail.reports.addresses import addresses_in_fields
from app.mail.reports.automatic import is_auto_reply
from app.mail.reports.complaints import complaint_of, feedback_type_of, is_complaint
from app.mail.reports.delivery_status import read_status
from app.mail.reports.delivery_status import recipients_told as status_told
from app.mail.reports.dispositions import refusal_of
from app.mail.reports.judging import Told, judge
from app.mail.reports.kinds import CHALLENGE
from app.mail.reports.notifications import (
    bounces_in,
    complaints_in,
    feedback_type_in,
    message_ids_in,
    read_notification,
)
from app.mail.reports.parts import Mail, take_apart
from app.mail.reports.patterns import plain_words_of
from app.mail.reports.prose import Prose, is_bounce, read_prose, recipients_told
from app.mail.reports.report import Report, Verdict

_MESSAGE_ID = re.compile(r"<[^<>\s@]{1,300}@[^<>\s]{1,300}>")
_SEVERITY = (Verdict.HARD, Verdict.SOFT)


def read_report(data: bytes, *, recipients: Sequence[str] = ()) -> Report:
    """Return what one mail is and tells; `recipients` are those of its envelope. Never raises.

    Of the mail at most 5 MB and 20 levels of parts are looked at.
    """
    mail = take_apart(data)
    prose = read_prose(mail)
    report = _linked(mail, prose, recipients)
    feedback_type = feedback_type_of(mail)
    if feedback_type is not None:
        return _as_feedback(report, mail, feedback_type)
    notification = read_notification(mail.text)
    if notification is not None:
        return _as_notification(report, notification)
    if mail.status:
        return _as_status(report, mail, prose)
    return _as_prose(report, mail, prose)


def _as_feedback(report: Report, mail: Mail, feedback_type: str) -> Report:
    report = replace(report, is_report=mail.feedback is not None, feedback_type=feedback_type)
    if not is_complaint(feedback_type):
        return report
    return replace(report, verdict=Verdict.COMPLAINT, findings=(complaint_of(mail),))


def _as_notification(report: Report, notification: Mapping[str, Any]) -> Report:
    report = replace(report, is_report=True, original_message_ids=message_ids_in(notification))
    feedback_type = feedback_type_in(notification)
    if feedback_type is not None:
        findings = tuple(complaints_in(notification)) if is_complaint(feedback_type) else ()
        verdict = Verdict.COMPLAINT if findings else Verdict.NOT_A_BOUNCE
        return replace(report, verdict=verdict, findings=findings, feedback_type=feedback_type)
    return _with_findings(report, bounces_in(notification))


def _as_status(report: Report, mail: Mail, prose: Prose) -> Report:
    """Return a delivery report's findings; one whose recipients are not told is read as if it were for people only."""
    status = read_status(mail.status)
    report = replace(report, is_report=True, envelope_id=status.envelope_id)
    told = status_told(status, prose.text)
    if not told and status.groups:
        return report
    if not told or not any(one.recipient for one in told):
        named = [one for one in recipients_told(mail, prose) if one.recipient]
        first_told = told[0] if told else Told(None, prose=prose.text)
        told = [replace(first_told, recipient=one.recipient) for one in named] or [first_told]
    judged = _with_findings(report, told)
    is_challenge = judged.verdict is Verdict.SOFT and CHALLENGE.search(plain_words_of(prose.text)) is not None
    return report if is_challenge else judged


def _as_prose(report: Report, mail: Mail, prose: Prose) -> Report:
    if mail.disposition is not None:
        refusal = refusal_of(mail.disposition, prose.text)
        return replace(report, verdict=refusal.verdict, findings=(refusal,)) if refusal else report
    if is_bounce(mail, prose):
        return _with_findings(report, recipients_told(mail, prose))
    if is_auto_reply(mail.header, prose.text):
        return replace(report, verdict=Verdict.AUTO_REPLY)
    return report


def _with_findings(report: Report, told: Iterable[Told]) -> Report:
    findings = tuple(judge(one) for one in told)
    verdicts = {finding.verdict for finding in findings}
    verdict = next((verdict for verdict in _SEVERITY if verdict in verdicts), Verdict.NOT_A_BOUNCE)
    return replace(report, verdict=verdict, findings=findings)


def _linked(mail: Mail, prose: Prose, recipients: Sequence[str]) -> Report:
    """Return what links a mail to a copy of ours, whatever kind it is."""
    returned, feedback = prose.returned, mail.feedback or {}
    to = addresses_in_fields(mail.header, "delivered-to", "x-original-to", "envelope-to", "to")
    senders = [
        *addresses_in_fields(feedback, "original-mail-from"),
        *addresses_in_fields(returned, "return-path", "x-envelope-from"),
    ]
    ids = [found for value in returned.get("message-id", ()) for found in _MESSAGE_ID.findall(value)]
    return Report(
        Verdict.NOT_A_BOUNCE,
        to_addresses=tuple(dict.fromkeys([*recipients, *to])),
        original_senders=tuple(dict.fromkeys(senders)),
        original_message_ids=tuple(dict.fromkeys(ids)),
        is_report=mail.disposition is not None,
    )
