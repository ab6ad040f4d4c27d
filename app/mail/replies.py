"""What a server's reply means: kind by its first digit, fault by its enhanced code, its text and the verb it answers.

Only a few replies say that an address is dead (RFC 3463 §3.2). Everything else leaves the reader alone: a policy block
or a full mailbox must never cost a subscription.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

from app.mail.meanings import (
    MEANING_BY_AUTHENTICATION_CODE,
    MEANING_BY_CODE,
    MEANING_BY_DIGIT,
    MEANING_BY_FAULT,
    MEANING_BY_STATUS,
    MEANING_BY_SUBJECT,
    Advice,
    Meaning,
)
from app.mail.reply_tables import ROWS, Row
from app.mail.transport import Fault, Outcome, OutcomeKind

REPLY_TEXT_MAX = 1000
#: No more of a reply is looked at: it comes from a stranger, and may be kept in the caches below.
READ_MAX = 4 * REPLY_TEXT_MAX
#: Most replies of a run are equal, or differ in a queue id.
ACCEPTED_KEPT = 256
REFUSED_KEPT = 1024


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
_ROUTE_FAULTS = frozenset({Fault.HOST, Fault.AUTHENTICATION})
#: Faults for which "later" is believed where it comes with a 5yz.
_PASSING_FAULTS = frozenset({Fault.SENDER, Fault.MAILBOX, Fault.DESTINATION})

_ENHANCED = re.compile(r"(?:^|\s)[(\[#]*([245]\.\d{1,3}\.\d{1,3})(?=[\s:;,)\]]|$)", re.MULTILINE)
#: What a reply quotes proves nothing: an address may be named "quota@".
_ADDRESS = re.compile(r"(?<![^\s<>])[^\s<>]+@[^\s<>]+")
_TAG = re.compile(
    r"\b(?:ofr|lpn|ouk)(?:[0-9a-z]{0,6}_)?(?P<ofr>\d{3})\b|\bsfr_in_\d(?P<sfr>\d\d)\b"
    r"|(?:^|[ (])(?P<microsoft>rp|sc|dy|ou)-00\d\b"
)
_NAMES = r"(?:user|mail-?box|recipient|address|account|destinataire|adresse|utilisateur|bo[iî]te)"
_UNKNOWN_USER = re.compile(
    rf"{_NAMES}\b(?:(?!domain|host|sender).){{0,60}}?(?:unknown(?! domain| host| error| reason)|not found"
    r"|(?<!may )(?<!might )n[o']?t exist|no longer|inconnu|n.existe pas|inexistant|unavailable or not found)"
    rf"|(?:unknown|no such|invalid|non.?existent|not an? (?:valid|known|active)) (?:local )?{_NAMES}\b"
    rf"|{_NAMES} (?:is )?invalide?\b|no mailbox here by that name|unknown local.part"
)
_MAILBOX_FULL = re.compile(
    r"quota|(?:mailbox|inbox|bo[iî]te)\b.{0,40}\b(?:full|pleine|exceeded)\b|over ?limit|out of storage"
    r"|insufficient (?:mailbox )?storage|storage allocation"
)
_OUR_QUOTA = re.compile(r"send(?:ing|er)|daily|hourly")
#: What a server says of us, or of its rules about senders: whatever is unknown or invalid there, the reader is not.
_OF_SENDER = re.compile(
    r"\bsenders?\b|\b(?:helo|ehlo|headers?|return-path)\b|\b(?:mail from|return address|reply-to)\b|\bfrom[: ]*address"
    r"|\byour (?:own )?(?:e-?mail |ip |mail |sending |source )?(?:address|domain|ip|server|host(?:name)?|name)\b"
    r"|\b(?:spf|dkim|dmarc|ptr|rdns)\b|(?:reverse|invalid|forward-confirmed) dns|white ?-?list|(?:allow|safe) ?-?list"
    r"|list of allowed|\ballowed \w+|authenticat|too many|\bpolic(?:y|ies)\b"
)
_LATER = re.compile(r"try(?: again)? later|essayer plus tard|temporar(?:y|ily)|temporairement")


def classify(verb: Verb, code: int, text: str) -> Outcome:
    """Return what a reply means; a 2yz to the final dot is the only acceptance, and garbage there tells nothing.

    Elsewhere a code that is not 4yz or 5yz comes from a server out of step and defers, as does a 5yz before a recipient
    was named: that one tells of our set-up, not of the letter (RFC 5321 §4.2.1, §4.5.4.1).
    """
    if 200 <= code <= 299 and verb is Verb.CONTENT:
        return _accepted(code, text[:READ_MAX])
    return _not_accepted(verb, code, text[:READ_MAX])


def lost(verb: Verb, reason: str) -> Outcome:
    """Return what a connection means that ended while `verb` was unanswered.

    Before the final dot it counts as 451 (RFC 5321 §3.8); after it, nobody knows (RFC 1047).
    """
    if verb is Verb.CONTENT:
        return Outcome(OutcomeKind.UNCERTAIN, text=legible(f"no reply after the final dot: {reason}"), fault=Fault.HOST)
    fault = Fault.AUTHENTICATION if verb in {Verb.STARTTLS, Verb.AUTH} else Fault.HOST
    text = legible(f"failed at {verb}: {reason}")
    return Outcome(OutcomeKind.DEFERRED, text=text, fault=fault, names_recipient=verb not in _BEFORE_RECIPIENT)


def advise(outcome: Outcome) -> Advice:
    """Return what the sender should do about an outcome."""
    return Advice.GO_ON if outcome.kind is OutcomeKind.ACCEPTED else meaning_of(outcome).advice


@lru_cache(maxsize=REFUSED_KEPT)
def meaning_of(outcome: Outcome) -> Meaning:
    """Return the meaning behind an outcome; code, fault and text, as they are stored, are enough."""
    if outcome.kind is OutcomeKind.ACCEPTED:
        return Meaning.ACCEPTED
    if outcome.kind is OutcomeKind.UNCERTAIN:
        return Meaning.UNCERTAIN
    by_fault = MEANING_BY_FAULT[outcome.fault] if outcome.fault else Meaning.UNEXPLAINED
    if outcome.code is None:
        # Our own words: what we knew before we asked may be told by an enhanced code alone.
        return MEANING_BY_STATUS.get((outcome.enhanced or "")[2:], by_fault)
    status = outcome.enhanced or find_enhanced(outcome.text)
    said = _interpret(outcome.code, status, words_of(outcome.text), is_rcpt=outcome.fault is Fault.ADDRESS)
    # At the server's door a refusal concerns every letter, yet may give our own fault as its reason.
    is_reason = outcome.fault is Fault.HOST and said.fault is Fault.SENDER and said is not Meaning.UNEXPLAINED
    return said if said.fault is outcome.fault or is_reason else by_fault


def find_row(code: int, status: str, words: str) -> Row | None:
    """Return the first row that fits a reply: subject and detail of its enhanced code, its text in lower case."""
    tagged = _TAG.search(words)
    tag = _tag(tagged) if tagged else ""
    for row in ROWS:
        # A sender that does not exist says nothing of the reader.
        is_about_us = row.says and row.meaning.fault is Fault.ADDRESS and speaks_of_sender(words)
        if row.fits(code, status, tag, words) and not is_about_us:
            return row
    return None


def speaks_of_sender(words: str) -> bool:
    """Return whether a reply, in lower case, speaks of us or of rules about senders."""
    return _OF_SENDER.search(words) is not None


def asks_to_come_back(words: str) -> bool:
    """Return whether a reply, in lower case, says that its reason may pass."""
    return _LATER.search(words) is not None


def find_enhanced(text: str) -> str | None:
    """Return the first enhanced status code on any line of a reply (RFC 2034 §4), or None."""
    found = _ENHANCED.search(text)
    return found[1] if found else None


def words_of(text: str) -> str:
    """Return a reply for comparing: one line, lower case, plain apostrophes, without the addresses it quotes."""
    return " ".join(_ADDRESS.sub(" ", text.lower().replace("’", "'")).split())


def legible(text: str) -> str:
    """Return a reply as it may be stored and logged: control characters as escapes, cut to 1,000 characters."""
    if text.isprintable():
        return text.strip()[:REPLY_TEXT_MAX]
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line if line.isprintable() else _escaped(line) for line in lines if line)[:REPLY_TEXT_MAX]


@lru_cache(maxsize=ACCEPTED_KEPT)
def _accepted(code: int, text: str) -> Outcome:
    text = legible(text)
    if "\n" in text:
        return Outcome(OutcomeKind.ACCEPTED, code, find_enhanced(text), text)
    # No pattern here: this runs once for each letter, and the enhanced code comes first (RFC 2034 §4).
    head = text.partition(" ")[0]
    is_status = head.startswith("2.") and head.count(".") == 2 and head.replace(".", "").isdigit()
    return Outcome(OutcomeKind.ACCEPTED, code, head if is_status else None, text)


@lru_cache(maxsize=REFUSED_KEPT)
def _not_accepted(verb: Verb, code: int, text: str) -> Outcome:
    text = legible(text)
    enhanced = find_enhanced(text)
    if verb is Verb.CONTENT and code // 100 not in {4, 5}:
        return Outcome(OutcomeKind.UNCERTAIN, code, enhanced, text, Fault.HOST)
    words = words_of(text)
    meaning = _interpret(code, enhanced, words, is_rcpt=verb is Verb.RCPT)
    fault = _fault(verb, code, enhanced, meaning)
    is_passing = meaning.is_passing or (fault in _PASSING_FAULTS and asks_to_come_back(words))
    is_final = code // 100 == 5 and fault not in _ROUTE_FAULTS and not is_passing
    kind = OutcomeKind.REJECTED if is_final else OutcomeKind.DEFERRED
    return Outcome(kind, code, enhanced, text, fault, names_recipient=verb not in _BEFORE_RECIPIENT)


def _fault(verb: Verb, code: int, enhanced: str | None, meaning: Meaning) -> Fault | None:
    fault = meaning.fault
    if fault is Fault.AUTHENTICATION or verb is Verb.AUTH:
        return Fault.AUTHENTICATION
    if code == 421 or code // 100 not in {4, 5}:
        return Fault.HOST
    if verb in _BEFORE_RECIPIENT and fault not in {Fault.CONTENT, Fault.UNSUPPORTED_ADDRESS}:
        return Fault.HOST
    if fault is Fault.ADDRESS and (code // 100 != 5 or (enhanced or "5")[0] != "5"):
        return Fault.MAILBOX  # "try again" about an address says that it may live
    return fault


def _interpret(code: int, enhanced: str | None, words: str, *, is_rcpt: bool) -> Meaning:
    """Return what a reply says, as if it concerned one letter only."""
    if code in MEANING_BY_AUTHENTICATION_CODE:
        return MEANING_BY_AUTHENTICATION_CODE[code]
    status = enhanced[2:] if enhanced and not enhanced.endswith(".0.0") else ""
    row = find_row(code, status, words)
    if row is not None:
        return row.meaning
    if status.partition(".")[0] in {"", "1"} and _MAILBOX_FULL.search(words) and not _OUR_QUOTA.search(words):
        return Meaning.MAILBOX_FULL
    if status in {"", "1.0"} and is_rcpt and code in {550, 553} and _UNKNOWN_USER.search(words):
        return Meaning.UNEXPLAINED if speaks_of_sender(words) or asks_to_come_back(words) else Meaning.NO_SUCH_ADDRESS
    if status:
        return MEANING_BY_STATUS.get(status) or MEANING_BY_SUBJECT.get(status.partition(".")[0], Meaning.TROUBLE)
    return MEANING_BY_CODE.get(code) or MEANING_BY_DIGIT.get(code // 100, Meaning.TROUBLE)


def _tag(tagged: re.Match[str]) -> str:
    """Return a provider's own number as the rows write it; Orange and La Poste share one list."""
    kind = tagged.lastgroup or ""
    return tagged[kind] if kind == "microsoft" else kind + tagged[kind]


def _escaped(line: str) -> str:
    return "".join(
        character.encode("unicode_escape").decode("ascii") if unicodedata.category(character)[0] == "C" else character
        for character in line
    )
