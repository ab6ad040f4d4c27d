"""Bounces written for people: whom they name, and what they say of each, by the form of their text."""

import re
from dataclasses import dataclass, replace

from app.mail.reports.addresses import ADDRESS, RECIPIENTS_MAX, addresses_in_fields, addresses_of
from app.mail.reports.automatic import has_subject_of_auto_reply, is_auto_reply
from app.mail.reports.fields import Fields, first, gather, read_fields
from app.mail.reports.judging import CODE, Told
from app.mail.reports.kinds import (
    ARRIVED,
    CHALLENGE,
    DELAYED,
    GIVEN_UP,
    HELD_BY_LIST,
    MAY_WAIT,
    NOT_DELIVERED,
    OF_PERSON,
    REFUSED_BY_LIST,
    REPORT_NAMES,
    STATISTICS,
)
from app.mail.reports.mailers import names_by_mailer
from app.mail.reports.parts import Mail
from app.mail.reports.patterns import plain_words_of
from app.mail.reports.phrases import meaning_of_prose

LINES_MAX = 2_000
LINE_MAX = 2_000
#: Characters of a text in which a bounce has said that it is one.
SIGNS_MAX = 8_000

_ALONE = re.compile(
    rf"[\s>*+\"'<\[(\-]*(?:smtp:|mailto:|rfc822;\s?)?<?({ADDRESS.pattern})[>\])\"']*\s*"
    r"(?:[:;.,(\[<…-].*|on (?:mon|tue|wed|thu|fri|sat|sun).*)?",
    re.IGNORECASE,
)
#: Words that name a recipient when an address follows.
_NAMED = re.compile(
    r"\b(?:rcpt to|recipients?(?: address(?:es)?| name)?|failed addresse?s?|undeliverable address|addresse?s?|"
    r"addressed to|envelope-to|original-recipient|final-recipient|delivered? to|sent to|delivery to|message to|"
    r"mail to|mailbox of|mailing list|user|to|for|destinataires?|adresse|[àa]|empf[äa]nger|an|destinatario|para|"
    r"宛先|кому)"
    rf"(?:\s*\(\w+\))?(?:\s*[:=]\s*|\s+)(?:rfc822;|smtp:|\[)?\s*[\"'<\[(]*({ADDRESS.pattern})",
    re.IGNORECASE,
)
#: A sender, whom transcripts and texts name beside the recipient.
_SENDER = re.compile(
    r"(?<!generated )(?<!expanded )\b(?:mail from|(?:original|envelope|your) sender|sender(?: address)?|from|sent by)"
    rf"\s*[:=]\s*[\"'<\[]*({ADDRESS.pattern})",
    re.IGNORECASE,
)
#: Whom a text tells to write to.
_CONTACT = re.compile(
    r"(?:contact|questions?\b|assistance|\bhelp\b|support|information|please (?:write|send|e-?mail|forward)|"
    r"[ée]crivez|(?:vous )?adresse[rz] [àa]|wenden|(?:r[üu]ck)?fragen|consult|escrib|dudas|scriv|contat|d[úu]vidas|"
    r"вопрос|обра[тщ]|問い?合わ?せ|联系|聯[系絡]|咨询|문의)"
    rf"[^@\n.]{{0,60}}(?:\n[^@\n.]{{0,60}})?({ADDRESS.pattern})(?:\s+(?:or|ou|oder|o|или|and|et|und)\s+({ADDRESS.pattern}))?",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(r"\bmessage-?id\b", re.IGNORECASE)
#: A recipient in a transcript's own lines, as Sendmail writes them.
_REFUSED = re.compile(
    rf"^[45]\d\d (?:[245]\.\d\.\d{{1,3}} )?<({ADDRESS.pattern})>\.\.\. ", re.IGNORECASE | re.MULTILINE
)
#: Whence a server came to an address it names.
_ALIAS = re.compile(rf"\((?:generated|expanded) from:? <?({ADDRESS.pattern})", re.IGNORECASE)
#: What Exim writes for an address whose owner may not be told; whence it came, the sender knows.
_UNDISCLOSED = "an undisclosed address"
_NEVER = re.compile(r"(?:mailer-?daemon|post_?master|abuse|support|helpdesk|no-?reply)@", re.IGNORECASE)
_RULE = re.compile(
    r"[^a-z]*(?:begin |start of |this is a |here is (?:a |your )?|below (?:this line )?is (?:a |the )?|included is a |"
    r"the )?(?:text of |copy of |headers? of |(?:the |your )?(?:original|returned|unsent|undelivered|rejected|bounced|"
    r"failed) (?:e-?mail |mail )?(?:message|mail|headers?)|(?:the |your )?(?:message|mail) (?:headers?|text|follows)|"
    r"returned (?:mail|message)|below this line|forwarded message|message d.origine|urspr[üu]ngliche nachricht|"
    r"mensaje original|messaggio originale|元のメッセージ)"
)
_HEADER_LINE = re.compile(r"[A-Za-z-]{2,40}:")
_TRACES = frozenset({"received", "return-path", "message-id", "mime-version", "dkim-signature", "delivered-to"})
_HEADER_NAMES = _TRACES | {"content-type", "from", "to", "subject", "date", "reply-to", "x-mailer"}
_DAEMON = re.compile(
    r"mail(?:er)?[-_. ]?daemon|post[-_]?master|mail delivery|mail (?:admin|system|service)|system admin|"
    r"delivery (?:sub)?system|^\s*(?:<>)?\s*$|mdaemon"
)
#: A field of a list's program that answers senders itself.
_LIST_SERVER = "x-mlserver"
#: What only servers and gateways write before they name who failed.
_OF_SERVER = re.compile(
    r"^[ \t]*(?:-{3,} ?the following address|could not be delivered to: <|(?:>>>|<<<) (?:rcpt|[45]\d\d))",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Prose:
    """A text for people, cut before the mail it returns, and the header of that mail as far as it is there."""

    text: str
    returned: Fields


def read_prose(mail: Mail) -> Prose:
    """Return the text of a bounce without the mail it returns."""
    lines = mail.text.splitlines()[:LINES_MAX]
    end = next((number for number in range(len(lines)) if _begins_returned(lines, number)), len(lines))
    pairs = [pair for pair in read_fields("\n".join(lines[end:])) if pair[0]]
    return Prose("\n".join(lines[:end]), mail.returned or gather(pairs))


def recipients_told(mail: Mail, prose: Prose) -> list[Told]:
    """Return what a bounce for people tells of each recipient it names; where it names none, of nobody in particular.

    A field of the mailer's counts first, then what the known mailers' forms show, then the form of the text.
    """
    names = _names_told(mail, prose)
    words = GIVEN_UP.sub(" ", plain_words_of(f"{first(mail.header, 'subject')} {prose.text}"))
    told = Told(None, prose=prose.text, is_final=DELAYED.search(words) is None, may_wait=bool(MAY_WAIT.search(words)))
    return [replace(told, recipient=name, prose=said_of(name, names, prose.text)) for name in names] or [told]


def said_of(name: str, names: list[str], text: str) -> str:
    """Return what a text says of one recipient: from its name to the next one's, or all of it where that is nothing."""
    if len(names) == 1:
        return text
    transcript = _transcript_of(name, text)
    if transcript:
        return transcript
    start = text.find(name)
    if not name or start < 0:
        return text
    ends = [end for other in names if other != name and (end := text.find(other, start + len(name))) > 0]
    own = text[start : min(ends, default=len(text))]
    return own if len(own.strip()) > len(name) + 5 else text


def is_bounce(mail: Mail, prose: Prose) -> bool:
    """Return whether a mail without a report for machines says that a mail did not arrive.

    A mail server has to have written it, or it returns a mail of ours: a person who writes of bounces is not one.
    """
    if "x-failed-recipients" in mail.header:
        return True
    subject = plain_words_of(first(mail.header, "subject"))
    text = plain_words_of(prose.text[:SIGNS_MAX])
    tells = any(family.search(text) for family in (NOT_DELIVERED, DELAYED, CODE))
    is_told = NOT_DELIVERED.search(subject) is not None
    if CHALLENGE.search(text) or _has_arrived(subject, text):
        return False
    if not is_told and (STATISTICS.search(subject) or has_subject_of_auto_reply(mail.header)):
        return False
    if any(_DAEMON.search(value.lower()) for value in mail.header.get("from", ())):
        return tells or is_told or meaning_of_prose(text) is not None
    if any("<>" in value or "mailer-daemon" in value.lower() for value in mail.header.get("return-path", ())):
        return is_told or (tells and not is_auto_reply(mail.header, prose.text))
    if _LIST_SERVER in mail.header:
        return REFUSED_BY_LIST.search(f"{subject} {text}") is not None and not HELD_BY_LIST.search(f"{subject} {text}")
    if OF_PERSON.search(subject) or not (is_told and tells):
        return False
    returns = prose.returned or _OF_SERVER.search(prose.text) or names_by_mailer(mail.header, prose.text)
    return bool(returns)


def _has_arrived(subject: str, text: str) -> bool:
    """Whether a report in words tells of success alone."""
    if ARRIVED.search(f"{subject} {text}") is None or CODE.search(text):
        return False
    return NOT_DELIVERED.search(REPORT_NAMES.sub(" ", f"{subject} {text}")) is None


def _begins_returned(lines: list[str], number: int) -> bool:
    """Whether the returned mail begins at a line: a header does, or a rule says so and something like one follows."""
    names = {name for name, _ in read_fields("\n".join(lines[number : number + 12]).partition("\n\n")[0])}
    known = len(names & _HEADER_NAMES)
    if _HEADER_LINE.match(lines[number]) and known >= 3 and names & _TRACES:
        return True
    line = lines[number].strip().lower()
    is_rule = len(line) < 120 and _RULE.match(line) is not None and (line[0] in "-_=*+#>" or line[-1] in ":-_=*.")
    if not is_rule:
        return False
    following = {name for name, _ in read_fields("\n".join(lines[number + 1 : number + 12]))}
    return line[0] in "-_=*+#" or len(following & _HEADER_NAMES) >= 2


def _names_told(mail: Mail, prose: Prose) -> list[str]:
    """Return who failed, as addresses that a server reached rather than those it came from, or none."""
    own = set(map(str.lower, addresses_in_fields(mail.header, "to", "from", "reply-to", "delivered-to")))
    others = own | {found[1].lower() for found in _SENDER.finditer(prose.text)} | _contacts_in(prose.text)
    names = addresses_of(first(mail.header, "x-failed-recipients", "x-actual-recipient"))
    if not names:
        known = dict.fromkeys([*_refused_in(prose.text), *names_by_mailer(mail.header, prose.text)])
        names = [name for name in known if name.lower() not in others]
        names = names or _named_in(prose.text, others) or _named_in(prose.text, own)
    aliases = list(dict.fromkeys(found[1] for found in _ALIAS.finditer(prose.text)))
    if aliases and _UNDISCLOSED in prose.text:
        names = aliases
    names = [name for name in names if name not in aliases] or names
    if _LIST_SERVER in mail.header:
        names = names[:1]
    return names or [name for name in addresses_in_fields(prose.returned, "to") if name.lower() not in own][:1]


def _named_in(text: str, own: set[str]) -> list[str]:
    """Return the recipients a text names: those that stand alone or behind a word for it, else any."""
    strong: list[str] = []
    weak: list[str] = []
    for line in text.splitlines():
        if "@" not in line or len(line) > LINE_MAX or _MESSAGE_ID.search(line):
            continue
        alone = _ALONE.fullmatch(line)
        named = [alone[1]] if alone else [found[1] for found in _NAMED.finditer(line)]
        strong += [name for name in named if _may_be_meant(name, own)]
        weak += [name for name in addresses_of(line) if _may_be_meant(name, own)]
    return list({name.lower(): name for name in reversed(strong or weak)}.values())[::-1][:RECIPIENTS_MAX]


def _contacts_in(text: str) -> set[str]:
    """Return whom a text tells to write to; it may be the recipient as well, who is then named elsewhere or alone."""
    return {name.lower() for found in _CONTACT.finditer(text) for name in found.groups() if name}


def _refused_in(text: str) -> list[str]:
    """Return the recipients in a transcript's own lines, as Sendmail writes them: `550 <x@example.org>... gone`."""
    return [found[1] for found in _REFUSED.finditer(text)][:RECIPIENTS_MAX]


def _may_be_meant(name: str, own: set[str]) -> bool:
    return name.lower() not in own and not _NEVER.match(name)


def _transcript_of(name: str, text: str) -> str:
    """Return what a transcript in Sendmail's form has for one recipient: its line, and the last command before it."""
    end = 0
    for found in _REFUSED.finditer(text):
        start, end = end, _end_of_line(text, found.end())
        if found[1] == name:
            own = text[start:end]
            return own[max(own.rfind(">>> "), 0) :]
    return ""


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
