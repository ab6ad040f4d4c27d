"""Bounces written for people: whom they name, and what they say of each, by the form of their text."""

import re
from dataclasses import dataclass

from app.mail.replies import words_of
from app.mail.reports.addresses import ADDRESS, RECIPIENTS_MAX, addresses_in_fields, addresses_of
from app.mail.reports.automatic import has_subject_of_auto_reply, is_auto_reply
from app.mail.reports.fields import Fields, first, gather, read_fields
from app.mail.reports.judging import CODE, Told
from app.mail.reports.kinds import CHALLENGE, DELAYED, NOT_DELIVERED
from app.mail.reports.mailers import names_by_mailer
from app.mail.reports.parts import Mail
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
    r"mail to|mailbox of|user|to|for|destinataires?|adresse|[àa]|empf[äa]nger|an|destinatario|para|宛先|кому)"
    rf"(?:\s*\(\w+\))?(?:\s*[:=]\s*|\s+)(?:rfc822;|smtp:|\[)?\s*[\"'<\[(]*({ADDRESS.pattern})",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(r"\bmessage-?id\b", re.IGNORECASE)
#: A recipient in a transcript's own lines, as Sendmail writes them.
_REFUSED = re.compile(
    rf"^[45]\d\d (?:[245]\.\d\.\d{{1,3}} )?<({ADDRESS.pattern})>\.\.\. ", re.IGNORECASE | re.MULTILINE
)
#: Whence a server came to an address it names.
_ALIAS = re.compile(rf"\((?:generated|expanded) from:? <?({ADDRESS.pattern})", re.IGNORECASE)
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
    own = set(map(str.lower, addresses_in_fields(mail.header, "to", "from", "reply-to", "delivered-to")))
    names = addresses_of(first(mail.header, "x-failed-recipients", "x-actual-recipient"))
    if not names:
        known = dict.fromkeys([*_refused_in(prose.text), *names_by_mailer(mail.header, prose.text)])
        names = [name for name in known if name.lower() not in own] or _named_in(prose.text, own)
    aliases = {found[1] for found in _ALIAS.finditer(prose.text)}
    names = [name for name in names if name not in aliases] or names
    if not names:
        names = [name for name in addresses_in_fields(prose.returned, "to") if name.lower() not in own][:1]
    is_final = DELAYED.search(words_of(f"{first(mail.header, 'subject')} {prose.text}")) is None
    if not names:
        return [Told(None, prose=prose.text, is_final=is_final)]
    return [Told(name, prose=said_of(name, names, prose.text), is_final=is_final) for name in names]


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
    subject = words_of(first(mail.header, "subject"))
    text = words_of(prose.text[:SIGNS_MAX])
    tells = NOT_DELIVERED.search(text) is not None or CODE.search(text) is not None
    is_told = NOT_DELIVERED.search(subject) is not None
    if CHALLENGE.search(text) or (has_subject_of_auto_reply(mail.header) and not is_told):
        return False
    if any(_DAEMON.search(value.lower()) for value in mail.header.get("from", ())):
        return tells or is_told or meaning_of_prose(text) is not None
    if any("<>" in value or "mailer-daemon" in value.lower() for value in mail.header.get("return-path", ())):
        return is_told or (tells and not is_auto_reply(mail.header))
    is_of_person = subject.startswith("re:") or not (prose.returned or names_by_mailer(mail.header, prose.text))
    return is_told and tells and not is_of_person


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
