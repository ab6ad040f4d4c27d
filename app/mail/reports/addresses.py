"""Addresses as they stand in text that anybody wrote: found, not checked."""

import re

from app.mail.reports.fields import Fields

RECIPIENTS_MAX = 100

#: Letters of writings that put no space between words: an address may follow on one, and one on an address.
_UNSPACED = r"\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
_MARKS = r"\s<>()\[\]{}\"',;:|@\\"
_BEFORE = rf"(?<![^{_UNSPACED}\s<>()\[\]{{}}\"',;:|=])"
#: `o'neill@`; in text, what French cuts off before a name is none of it: `l'adresse d'alice@`.
_WITH_APOSTROPHE = rf"(?:(?!(?i:[cdjlmnst]|qu)')[^{_MARKS}{_UNSPACED}]{{1,40}}')?"
_LOCAL = (
    rf"(?:\"[^\"\r\n]{{1,64}}\"|{_WITH_APOSTROPHE}[^{_MARKS}{_UNSPACED}]{{1,64}}|[\u3041-\u9fff\uac00-\ud7af]{{1,64}})"
)
_LABEL = r"[A-Za-z0-9_#](?:[A-Za-z0-9_#-]{0,61}[A-Za-z0-9])?"
_WIDE_LABEL = r"[A-Za-z0-9_\u00a1-\uffff](?:[A-Za-z0-9_\u00a1-\uffff-]{0,61}[A-Za-z0-9\u00a1-\uffff])?"
#: Atomic, so that a longer pattern never makes do with a piece of a name.
_DOMAIN = rf"(?:(?>{_LABEL}(?:\.{_LABEL}){{0,20}})(?!\.?[\u00a1-\u2e7f])|(?>{_WIDE_LABEL}(?:\.{_WIDE_LABEL}){{0,20}}))"
#: Minds case, within patterns that do not too: `re` takes a tenth of a second to fold ranges as wide as these.
ADDRESS = re.compile(rf"(?-i:{_BEFORE}{_LOCAL}@{_DOMAIN})")
#: Names of other mail systems (X.400, Notes, Exchange) that merely look like addresses.
_NAME = re.compile(r"(?:^|[/;])(?:cn|ou?|c|s|g|admd|prmd)=|^imcea", re.IGNORECASE)
#: An address within such a name: `IMCEASMTP-x+40inbox+2Eexample@…` (MS-OXOABK), `/SMTP=x@inbox.example/`.
_IN_EXCHANGE = re.compile(r"IMCEASMTP-([^@\s]{1,300})@", re.IGNORECASE)
_IN_NAME = re.compile(rf"\b(?i:smtp)[=:]\s*({_LOCAL}@{_DOMAIN})")
_ALONE = re.compile(rf"<?([^{_MARKS}]{{1,40}}'[^{_MARKS}]{{1,40}}@{_DOMAIN})>?")
_ESCAPED = re.compile(r"\+([0-9A-Fa-f]{2})")
#: A letter beyond ASCII in an address of type utf-8 (RFC 6533 §3).
_UTF8_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


def addresses_in_fields(fields: Fields, *names: str) -> list[str]:
    """Return the addresses in the fields of some names, in their order."""
    return [address for name in names for value in fields.get(name, ()) for address in addresses_of(value)]


def addresses_of(text: str) -> list[str]:
    """Return the addresses in a text, each once, in their order."""
    found = dict.fromkeys(match[0] for match in ADDRESS.finditer(text))
    return [address for address in found if not _NAME.search(address)][:RECIPIENTS_MAX]


def address_in_report(value: str) -> str | None:
    """Return the address in a report's field, however it is encoded there, or None where it names no mailbox by one."""
    value = _UTF8_ESCAPED.sub(_letter, value)
    within = _IN_EXCHANGE.search(value)
    if within:
        value = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), within[1])
    elif (within := _IN_NAME.search(value)) is not None:
        value = within[1]
    elif (alone := _ALONE.fullmatch(value.strip())) is not None:
        return alone[1]
    elif "@" not in value:
        value = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
    return next(iter(addresses_of(value)), None)


def _letter(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
