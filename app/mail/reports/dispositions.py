"""Disposition notifications (RFC 8098): receipts, which say nothing of a delivery, but for one kind."""

from app.mail.meanings import Meaning
from app.mail.replies import legible
from app.mail.reports.addresses import address_in_report
from app.mail.reports.fields import Fields, first
from app.mail.reports.patterns import plain_words_of
from app.mail.reports.phrases import meaning_of_prose
from app.mail.reports.report import DIAGNOSTIC_MAX, Finding, Verdict

_REFUSED = ("automatically rejected", "automatically refused")


def refusal_of(disposition: Fields, text: str) -> Finding | None:
    """Return whose mailbox refused a mail, if a notification tells of that: a full one, or its owner's rule (RFC 5429).

    It is never hard, whatever the owner wrote: there is a mailbox.
    """
    words = plain_words_of(text)
    if "deleted" not in first(disposition, "disposition") or not any(phrase in words for phrase in _REFUSED):
        return None
    is_full = meaning_of_prose(words) is Meaning.MAILBOX_FULL
    return Finding(
        Verdict.SOFT,
        recipient=address_in_report(first(disposition, "final-recipient").partition(";")[2]),
        diagnostic=legible(" ".join(text.split()))[:DIAGNOSTIC_MAX],
        meaning=Meaning.MAILBOX_FULL if is_full else Meaning.UNWANTED,
    )
