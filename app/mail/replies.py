"""What a server's reply means: kind by its first digit, fault by its enhanced code, its text and the verb it answers.

Only a few replies say that an address is dead (RFC 3463 §3.2). Everything else leaves the reader alone: a policy block
or a full mailbox must never cost a subscription.
"""

import re
import unicodedata
from enum import StrEnum

from app.mail.transport import Fault, Outcome, OutcomeKind

REPLY_TEXT_MAX = 1000


class Verb(StrEnum):
    """What a reply answers. `content` is the final dot; `greeting` the connection itself."""

    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"


#: Verbs that say nothing of a recipient yet: a refusal there concerns every letter.
_BEFORE_RECIPIENT = frozenset({Verb.GREETING, Verb.EHLO, Verb.STARTTLS, Verb.AUTH, Verb.MAIL})

_ENHANCED = re.compile(r"(?:^|\s)([245]\.\d{1,3}\.\d{1,3})(?=[\s:;,)]|$)", re.MULTILINE)
_UNKNOWN_USER = re.compile(
    r"(user|mailbox|recipient|address|account|destinataire|adresse|utilisateur|bo[iî]te)\b.{0,60}"
    r"(unknown|not (found|exist)|n.t exist|no longer|inconnu|n.existe pas|invalid|unavailable or not found)"
    r"|(unknown|no such|invalid|non.?existent) (local )?(user|mailbox|recipient|address|account)"
    r"|(destinataire|utilisateur|adresse) (inconnue?|inexistante?)",
    re.IGNORECASE | re.DOTALL,
)
_MAILBOX_FULL = re.compile(
    r"quota|mailbox (is )?full|over ?limit|insufficient (mailbox )?storage|pleine", re.IGNORECASE
)
_TOO_MANY_RECIPIENTS = re.compile(r"too many (recipients|rcpt)", re.IGNORECASE)

#: What subject and detail of an enhanced code say, where the subject alone does not (RFC 3463, RFC 4954, RFC 6531).
_FAULT_BY_DETAIL = {
    "1.1": Fault.ADDRESS,
    "1.3": Fault.ADDRESS,
    "1.6": Fault.ADDRESS,
    "1.10": Fault.ADDRESS,
    "2.3": Fault.CONTENT,
    "3.4": Fault.CONTENT,
    "6.7": Fault.UNSUPPORTED_ADDRESS,
    "7.8": Fault.AUTHENTICATION,
    "7.13": Fault.MAILBOX,
}
_FAULT_BY_SUBJECT = {
    "1": Fault.DESTINATION,
    "2": Fault.MAILBOX,
    "3": Fault.DESTINATION,
    "4": Fault.DESTINATION,
    "5": Fault.DESTINATION,
    "6": Fault.CONTENT,
    "7": Fault.SENDER,
}
#: Where there is no enhanced code (RFC 5321 §4.2.3, RFC 4954 §6).
_FAULT_BY_CODE = {
    452: Fault.DESTINATION,
    530: Fault.AUTHENTICATION,
    534: Fault.AUTHENTICATION,
    535: Fault.AUTHENTICATION,
    538: Fault.AUTHENTICATION,
    552: Fault.CONTENT,
}


def classify(verb: Verb, code: int, text: str) -> Outcome:
    """Return what a reply means; a 2yz to the final dot is the only acceptance, and garbage there tells nothing.

    Elsewhere a code that is not 4yz or 5yz comes from a server out of step and defers, as does a 5yz before a recipient
    was named: that one tells of our set-up, not of the letter (RFC 5321 §4.2.1, §4.5.4.1).
    """
    text = legible(text)
    enhanced = find_enhanced(text)
    if verb is Verb.CONTENT and code // 100 not in {4, 5}:
        if code // 100 == 2:
            return Outcome(OutcomeKind.ACCEPTED, code, enhanced, text)
        return Outcome(OutcomeKind.UNCERTAIN, code, enhanced, text, Fault.HOST)
    fault = _fault(verb, code, enhanced, text)
    is_final = code // 100 == 5 and fault not in {Fault.HOST, Fault.AUTHENTICATION} and not _is_too_many(text)
    kind = OutcomeKind.REJECTED if is_final else OutcomeKind.DEFERRED
    return Outcome(kind, code, enhanced, text, fault, names_recipient=verb not in _BEFORE_RECIPIENT)


def lost(verb: Verb, reason: str) -> Outcome:
    """Return what a connection means that ended while `verb` was unanswered.

    Before the final dot it counts as 451 (RFC 5321 §3.8); after it, nobody knows (RFC 1047).
    """
    if verb is Verb.CONTENT:
        return Outcome(OutcomeKind.UNCERTAIN, text=legible(f"no reply after the final dot: {reason}"), fault=Fault.HOST)
    fault = Fault.AUTHENTICATION if verb in {Verb.STARTTLS, Verb.AUTH} else Fault.HOST
    text = legible(f"failed at {verb}: {reason}")
    return Outcome(OutcomeKind.DEFERRED, text=text, fault=fault, names_recipient=verb not in _BEFORE_RECIPIENT)


def find_enhanced(text: str) -> str | None:
    """Return the first enhanced status code on any line of a reply (RFC 2034 §4), or None."""
    found = _ENHANCED.search(text)
    return found[1] if found else None


def legible(text: str) -> str:
    """Return a reply as it may be stored and logged: control characters as escapes, cut to 1,000 characters."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(_escaped(line) for line in lines if line)[:REPLY_TEXT_MAX]


def _fault(verb: Verb, code: int, enhanced: str | None, text: str) -> Fault:
    fault = _fault_of_letter(verb, code, enhanced, text)
    if fault is Fault.AUTHENTICATION or verb is Verb.AUTH:
        return Fault.AUTHENTICATION
    if code == 421 or code // 100 not in {4, 5}:
        return Fault.HOST
    if verb in _BEFORE_RECIPIENT and fault not in {Fault.CONTENT, Fault.UNSUPPORTED_ADDRESS}:
        return Fault.HOST
    if fault is Fault.ADDRESS and code // 100 != 5:
        return Fault.MAILBOX  # "try again" about an address says that it may live
    return fault


def _fault_of_letter(verb: Verb, code: int, enhanced: str | None, text: str) -> Fault:
    """Return the fault as if the reply concerned one letter only."""
    if _is_too_many(text):
        return Fault.DESTINATION
    if enhanced is None or enhanced.endswith(".0.0"):
        return _fault_without_detail(verb, code, text)
    subject, detail = enhanced.split(".")[1:]
    if f"{subject}.{detail}" == "1.0" and _UNKNOWN_USER.search(text):
        return Fault.ADDRESS
    return _FAULT_BY_DETAIL.get(f"{subject}.{detail}") or _FAULT_BY_SUBJECT.get(subject, Fault.DESTINATION)


def _fault_without_detail(verb: Verb, code: int, text: str) -> Fault:
    if _MAILBOX_FULL.search(text):
        return Fault.MAILBOX
    if verb is Verb.RCPT and code in {550, 553} and _UNKNOWN_USER.search(text):
        return Fault.ADDRESS
    return _FAULT_BY_CODE.get(code, Fault.SENDER if code // 100 == 5 else Fault.DESTINATION)


def _is_too_many(text: str) -> bool:
    return bool(_TOO_MANY_RECIPIENTS.search(text))


def _escaped(line: str) -> str:
    return "".join(
        character.encode("unicode_escape").decode("ascii") if unicodedata.category(character)[0] == "C" else character
        for character in line
    )
