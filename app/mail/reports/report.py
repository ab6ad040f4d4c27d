"""What is found in a returned mail: plain values, the same whoever wrote the mail and however."""

from dataclasses import dataclass
from enum import StrEnum

from app.mail.meanings import Meaning

#: Characters kept of what a server said.
DIAGNOSTIC_MAX = 500


class Verdict(StrEnum):
    """What a mail is. `hard`: an address is dead. Whatever is not known for sure to be worse is soft."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    NOT_A_BOUNCE = "not-a-bounce"


@dataclass(frozen=True)
class Finding:
    """What is told of one recipient; `recipient` is as told, and proves nothing.

    `status` is the enhanced code (RFC 3463), `diagnostic` the last server's words, at most `DIAGNOSTIC_MAX` characters,
    `meaning` what they say. `is_final`: the delivery has ended; a delay notice says nothing against an address.
    """

    verdict: Verdict
    recipient: str | None = None
    status: str | None = None
    diagnostic: str = ""
    meaning: Meaning | None = None
    is_final: bool = True


@dataclass(frozen=True)
class Report:
    """What one mail is, what it tells of which recipient, and what links it to a copy of ours.

    `is_report`: it has a part for machines (RFC 6522). `to_addresses` are those it came to, the envelope's first;
    `original_senders` the envelope sender and `original_message_ids` the identifiers of the mail it speaks of,
    `envelope_id` that mail's ENVID (RFC 3461 §4.4), `feedback_type` the kind of an ARF report (RFC 5965 §7.3).
    """

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    is_report: bool = False
    to_addresses: tuple[str, ...] = ()
    original_senders: tuple[str, ...] = ()
    original_message_ids: tuple[str, ...] = ()
    envelope_id: str | None = None
    feedback_type: str | None = None
