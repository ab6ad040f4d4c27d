"""What a server's words in a returned mail mean, by the same road as a reply on the wire (`app.mail.replies`)."""

import re
from dataclasses import dataclass

from app.mail.meanings import Meaning
from app.mail.providers import provider_of
from app.mail.replies import (
    Verb,
    asks_to_come_back,
    classify,
    find_enhanced,
    find_row,
    legible,
    meaning_of,
    speaks_of_sender,
    words_of,
)
from app.mail.reports.patterns import plain_words_of
from app.mail.reports.phrases import may_live, meaning_of_prose, says_only_unknown
from app.mail.reports.report import DIAGNOSTIC_MAX, Finding, Verdict
from app.mail.transport import Fault, Outcome, OutcomeKind

#: Characters of prose that are looked at for one recipient.
PROSE_MAX = 4_000

#: A reply as writers of bounces quote it: "550 5.1.1 …", "550-5.1.1 …", "(#550) …", "smtp;550 …", "<<< 550 …".
CODE = re.compile(
    r"(?<![\w.@/:=+-])(?:smtp[;:])?#?([45]\d\d)(?=[ \-:;,)#]|\.\s|$)"
    r"(?![ -](?:hours?|days?|bytes?|[kmg]i?b\b|minutes?))",
    re.MULTILINE | re.IGNORECASE,
)
#: A reply or an enhanced code with which a server ends a delivery.
_FINAL_CODE = re.compile(r"(?<![\w.])(?:#?5\d\d(?=[ \-:;,)#])|5\.\d{1,3}\.\d{1,3}\b)")
_STATUS = re.compile(r"(?<![\w.])([245]\.\d{1,3}\.\d{1,3})(?![\w]|\.\d)")
_AT_CONTENT = re.compile(
    r"end of data|after (?:end of )?(?:data|message)|reply to (?:the )?data\b|after i sent the message|"
    r"(?:>>>|-->) ?data\s+(?:<<<|<--) ?[45]\d\d"
)
#: A transcript in which the text was asked for before anything was refused.
_AFTER_DATA = re.compile(r"\A(?:(?!(?:<<<|<--) ?5\d\d).){0,8000}?(?:<<<|<--) ?354\b", re.DOTALL)
_AT_RCPT = re.compile(
    r"\brcpt to\b|rcpt:|(?:reply to|after|following|>>>|smtp:) ?rcpt|^\d*\s*rcpt\b|has rejected address|"
    r"does not like recipient|\(state 1[345]\)|recipient address rejected|rejected recipient <"
)
#: Microsoft's consumer mailboxes say only this where there is none, and give a number of their own with a refusal.
_UNAVAILABLE = re.compile(r"\b550 requested action not taken: mailbox unavailable\b(?!.{0,20}\b(?:[a-z]{2}-\d{3}\b))")
_MICROSOFT = provider_of("x@hotmail.com")
#: Meanings that leave room for what else the mail says.
_VAGUE = frozenset({Meaning.UNEXPLAINED, Meaning.TROUBLE, Meaning.UNREACHABLE, Meaning.MAILBOX_UNAVAILABLE})
#: Codes with which a server refuses a recipient (RFC 5321 §4.3.2).
_REFUSED_CODES = frozenset({550, 553})
#: Codes of a server, and of a relay before it, that a domain never takes mail (RFC 7504 §3, §4).
_NEVER_CODES = frozenset({521, 556})
_NEVER = re.compile(r"(?:not |n't )accept(?:ing)? (?:any |network )?(?:e-?mail|messages)(?! from)|\b556\b")
#: Details that servers put beside a refused recipient for want of a better one; their words may say more.
_CARELESS = frozenset({("7", "0"), ("7", "1"), ("2", "1")})
_NAMES_RCPT = re.compile(r"\brcpt\b|does not like recipient|recipient address rejected|\(state 1[34]\)", re.IGNORECASE)
_DOMAIN_NAMED = re.compile(r"\b(?:domain|name)(?: name)?[ =:'\"<\[]{1,3}((?:[\w-]+\.)+[a-z][\w-]+)")
#: Of a recipient, with a code for addresses: what is not said to be good is none (RFC 3463 §3.2).
_ADDRESS_REJECTED = re.compile(r"(?:recipient|address) rejected")
#: What a text may say of an address that is dead; where its domain is, `NULL_MX`.
_DEAD = frozenset({Meaning.NO_SUCH_ADDRESS, Meaning.MOVED})
#: What a server's words may say of an address beside a code that calls it dead.
_LIVING = frozenset({Meaning.MAILBOX_FULL, Meaning.MAILBOX_DISABLED, Meaning.POLICY})
#: Subjects of enhanced codes that say nothing more where their detail is zero.
_OPEN_SUBJECTS = frozenset("01235")


@dataclass(frozen=True)
class Told:
    """What a mail tells of one recipient: a server's words, the enhanced code beside them, and text for people.

    `is_from_report`: words and code stood in a part for machines. `may_wait`: the text has words of mail that waits.
    """

    recipient: str | None
    words: str = ""
    status: str | None = None
    prose: str = ""
    is_final: bool = True
    is_from_report: bool = False
    may_wait: bool = False


def judge(told: Told) -> Finding:
    """Return what is found of a recipient.

    The code within a server's words counts before the one beside them; what only people are to read is looked at where
    neither says anything in particular, and makes nothing worse that a server said (RFC 3464 §2.3.6).
    """
    prose = told.prose[:PROSE_MAX]
    words = told.words.strip() or _quoted_in(prose, told.status)
    outcome, enhanced = _understood(words, told.status, prose)
    meaning, is_dead = meaning_of(outcome), _is_dead(outcome)
    if meaning in _VAGUE and (outcome.code or 0) // 100 == 5 and _leaves_open(enhanced):
        meaning = _read_on(told, enhanced, words, prose) or meaning
        is_refused = outcome.code in _REFUSED_CODES and _verb(words, prose) is Verb.RCPT
        is_dead = meaning is Meaning.NULL_MX or (meaning in _DEAD and is_refused)
    milder = meaning_of_prose(plain_words_of(told.words))
    if is_dead and milder in _LIVING and not _is_known_wording(outcome):
        meaning, is_dead = milder, False
    if not is_dead and (worse := _worded_worse(outcome, enhanced, words, prose)) is not None:
        meaning, is_dead = worse, True
    if is_dead and _leaves_open(enhanced) and meaning is Meaning.NO_SUCH_ADDRESS and may_live(plain_words_of(prose)):
        meaning, is_dead = Meaning.MAILBOX_UNAVAILABLE, False
    return Finding(
        verdict=Verdict.HARD if is_dead and _is_sure(told, meaning, enhanced, words, prose) else Verdict.SOFT,
        recipient=told.recipient,
        status=enhanced or told.status,
        diagnostic=legible(" ".join(words.split()))[:DIAGNOSTIC_MAX],
        meaning=meaning,
        is_final=told.is_final,
    )


def _understood(words: str, status: str | None, prose: str) -> tuple[Outcome, str | None]:
    """Return what a server's words mean, and by which enhanced code: its own, unless that says nothing."""
    said = _enhanced_in(words)
    outcome = _outcome(words, said, prose)
    if said is not None or _is_dead(outcome):
        return outcome, said
    return _outcome(words, status, prose), status


def _is_known_wording(outcome: Outcome) -> bool:
    """Whether a provider is known to say in these very words what a reply means."""
    row = find_row(outcome.code or 0, (outcome.enhanced or "")[2:], words_of(outcome.text))
    return row is not None and bool(row.says)


def _is_sure(told: Told, meaning: Meaning, enhanced: str | None, words: str, prose: str) -> bool:
    """Whether what is told is the end, and told in more than words where there should be a code."""
    if not told.is_final or (told.status or "").startswith("4"):
        return False
    if told.may_wait and _FINAL_CODE.search(f"{words} {prose}") is None:
        return False
    return meaning is Meaning.NULL_MX or not _is_mere_text(told, enhanced, prose)


def _is_mere_text(told: Told, enhanced: str | None, prose: str) -> bool:
    """Whether a report for machines gives a reason in words alone, without any code: that ends no subscription."""
    if not told.is_from_report or not told.words.strip():
        return False
    return _leaves_open(enhanced or told.status) and CODE.search(f"{told.words} {prose}") is None


def _read_on(told: Told, enhanced: str | None, words: str, prose: str) -> Meaning | None:
    """Return what the words say to people, where their codes leave that open."""
    text = plain_words_of(words)
    if (enhanced or "").endswith(".1.2"):
        return Meaning.NULL_MX
    if _UNAVAILABLE.search(text) and provider_of(told.recipient or "") == _MICROSOFT:
        return Meaning.NO_SUCH_ADDRESS
    said = meaning_of_prose(text) or meaning_of_prose(plain_words_of(prose))
    if said is Meaning.NULL_MX and _names_other_domain(words, told.recipient):
        return None
    return None if said in _DEAD | {Meaning.NULL_MX} and _is_doubtful(words) else said


def _is_doubtful(words: str) -> bool:
    """Whether a server's reply that something is unknown may speak of us, or of this moment only."""
    reply = words.partition("\n\n")[0]
    text = plain_words_of(reply)
    return CODE.search(reply) is not None and (speaks_of_sender(text) or asks_to_come_back(text))


def _names_other_domain(words: str, recipient: str | None) -> bool:
    """Whether a server's reply names a domain, and none of the recipient's: it is ours, most likely."""
    named = _DOMAIN_NAMED.findall(words.lower()) if CODE.search(words) else []
    domain = (recipient or "").rpartition("@")[2].lower()
    return bool(named) and not any(f".{domain}".endswith(f".{name}") for name in named)


def _worded_worse(outcome: Outcome, enhanced: str | None, words: str, prose: str) -> Meaning | None:
    """Return what a server's own words say of a dead address or domain where its enhanced code says less, or None."""
    text = plain_words_of(words)
    if outcome.code in _NEVER_CODES and _NEVER.search(text):
        return Meaning.NULL_MX
    if outcome.code not in _REFUSED_CODES or enhanced is None or _verb(words, prose) is Verb.CONTENT:
        return None
    detail = tuple(enhanced.split(".")[1:])
    if detail == ("1", "0") and _ADDRESS_REJECTED.search(text) and meaning_of_prose(text) is None:
        return Meaning.NO_SUCH_ADDRESS
    if detail[0] == "4" and detail[1] != "7" and meaning_of_prose(text) is Meaning.NULL_MX:
        return Meaning.NULL_MX
    if (
        detail in _CARELESS
        and not speaks_of_sender(text)
        and _NAMES_RCPT.search(f"{words} {prose}")
        and says_only_unknown(text)
    ):
        return Meaning.NO_SUCH_ADDRESS
    return None


def _quoted_in(prose: str, status: str | None) -> str:
    """Return a text from the reply it quotes on; all of it where nothing else tells what happened."""
    found = CODE.search(prose)
    if found:
        return prose[found.start() :]
    return prose if status is None or _leaves_open(status) else status


def _outcome(words: str, enhanced: str | None, prose: str) -> Outcome:
    """Return what a server's words would mean as a reply; without a code in them, the enhanced code's digit counts."""
    found = CODE.search(words)
    code = int(found[1]) if found else {"4": 450, "5": 550}.get((enhanced or "5")[0], 550)
    return classify(_verb(words, prose), code, f"{enhanced or ''} {words}"[:PROSE_MAX])


def _enhanced_in(words: str) -> str | None:
    """Return the enhanced code in a server's words, unless it is one that says nothing."""
    said = find_enhanced(words) or (found[1] if (found := _STATUS.search(words)) else None)
    return said if said and not said.endswith(".0.0") else None


def _is_dead(outcome: Outcome) -> bool:
    return outcome.fault is Fault.ADDRESS and outcome.kind is OutcomeKind.REJECTED


def _verb(words: str, prose: str) -> Verb:
    """Return what a quoted reply answered; where no reply is quoted, the mailer itself knew of no such recipient."""
    text = f"{words} {prose}".lower()
    if _AT_CONTENT.search(text) or _AFTER_DATA.match(text):
        return Verb.CONTENT
    return Verb.RCPT if _AT_RCPT.search(text) or not CODE.search(words) else Verb.DATA


def _leaves_open(enhanced: str | None) -> bool:
    """Whether an enhanced code leaves open what happened: 5.4.4 is also a route that is missing for now."""
    _, subject, detail = (enhanced or "5.0.0").split(".")
    return (detail == "0" and subject in _OPEN_SUBJECTS) or (subject, detail) in {("1", "2"), ("4", "4")}
