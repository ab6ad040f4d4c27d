"""Complaints: feedback reports (RFC 5965), and the forms some providers use instead."""

import re

from app.mail.reports.addresses import addresses_in_fields
from app.mail.reports.fields import first
from app.mail.reports.parts import Mail
from app.mail.reports.report import Finding, Verdict

#: Kinds that a reader's press of a button sends (RFC 5965 §7.3, and what some write instead); others tell of us, or are
#: taken back.
_COMPLAINTS = frozenset(
    {
        "abuse",
        "fraud",
        "opt-out",
        "opt-out-list",
        "miscategorized",
        "virus",
        "other",
        "spam",
        "complaint",
        "unsubscribe",
    }
)
_SUBJECT = re.compile(
    r"complaint about message from|e-?mail feedback report|"
    r"^(?:fw: ?)?(?:e-?mail|client) (?:abuse|tos) |\bfeedback loop\b|\babuse report\b|"
    r"spam complaint|\bfbl\b"
)
_DMARC = re.compile(r"forensic|failure")
#: Apple's button "unsubscribe", where it has only the address of a mailbox.
_APPLE = "x-apple-unsubscribe"
_HOTMAIL = "x-hmxmroriginalrecipient"


def feedback_type_of(mail: Mail) -> str | None:
    """Return the kind of feedback a mail is, in lower case, or None; forms that do not say it are "abuse"."""
    if mail.feedback is not None:
        said = first(mail.feedback, "feedback-type").split(";")[0].strip().lower()
        return said or ("auth-failure" if "auth-failure" in mail.feedback else "abuse")
    if _APPLE in mail.header:
        return "opt-out"
    subject = first(mail.header, "subject").lower()
    if "dmarc" in subject and _DMARC.search(subject):
        return "auth-failure"
    is_hotmail = _HOTMAIL in mail.header or (mail.returned is not None and _HOTMAIL in mail.returned)
    is_scomp = any("scomp" in value.lower() for value in mail.header.get("x-loop", ()))
    is_report = mail.report_type == "feedback-report" or (mail.returned is not None and _SUBJECT.search(subject))
    return "abuse" if is_hotmail or is_scomp or is_report else None


def is_complaint(feedback_type: str) -> bool:
    """Return whether a kind of feedback says that the reader wants no more (RFC 5965 §7.3, RFC 6430)."""
    return feedback_type in _COMPLAINTS


def complaint_of(mail: Mail) -> Finding:
    """Return the finding of a complaint; its recipient may be hidden by the provider."""
    returned = mail.returned or {}
    candidates = [
        *addresses_in_fields(mail.feedback or {}, "original-rcpt-to", "removal-recipient"),
        *addresses_in_fields(mail.header, _HOTMAIL),
        *addresses_in_fields(returned, _HOTMAIL, "x-original-to", "to"),
        *addresses_in_fields(mail.header, *(["from"] if _APPLE in mail.header else [])),
        *addresses_in_fields(mail.header, *(["to"] if _HOTMAIL in mail.header else [])),
    ]
    return Finding(Verdict.COMPLAINT, recipient=next(iter(candidates), None))
