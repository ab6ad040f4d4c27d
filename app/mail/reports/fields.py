"""Header fields, and the fields of reports, as plain text: decoded, unfolded, never refused."""

import re
from collections.abc import Iterable
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message

#: What the standard library's parsers, and detectors built on them, raise on mail that breaks their assumptions.
PARSER_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, MessageError, RecursionError, TypeError,
                 ValueError)  # fmt: skip
#: Characters of one field, and fields of one part, that are looked at.
VALUE_MAX = 4_000
FIELDS_MAX = 500

_FIELD = re.compile(r"([!-9;-~]{1,76}):[ \t]?(.*)")

Fields = dict[str, tuple[str, ...]]


def fields_of(message: Message) -> Fields:
    """Return the header of a message: values by name in lower case, in their order."""
    try:
        return gather((name, _decoded(value)) for name, value in list(message.raw_items())[:FIELDS_MAX])
    except PARSER_FAULTS:
        return {}


def gather(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Return the values of each name, the name in lower case."""
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name.strip().lower(), []).append(value[:VALUE_MAX])
    return {name: tuple(values) for name, values in fields.items()}


def read_fields(text: str) -> list[tuple[str, str]]:
    """Return the fields in a text, names in lower case and values unfolded; an empty pair stands for a blank line.

    Lines that are no field are passed over.
    """
    pairs: list[tuple[str, str]] = []
    for line in text.splitlines():
        found = _FIELD.fullmatch(line)
        if found:
            pairs.append((found[1].lower(), found[2].strip()[:VALUE_MAX]))
        elif not line.strip():
            pairs.append(("", ""))
        elif line[0] in " \t" and pairs and pairs[-1][0]:
            name, value = pairs[-1]
            pairs[-1] = (name, f"{value}\n{line.strip()}"[:VALUE_MAX])
        if len(pairs) >= FIELDS_MAX:
            break
    return pairs


def first(fields: Fields, *names: str) -> str:
    """Return the first value of the first of these fields that is there, or an empty text."""
    return next((fields[name][0] for name in names if name in fields), "")


def in_unicode(text: str) -> str:
    """Return a header's octets beyond ASCII, which the parser hides in surrogates, as the text they mean (RFC 6532)."""
    if text.isascii():
        return text
    octets = text.encode("utf-8", "surrogateescape")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _decoded(value: object) -> str:
    """Return a header's value as text; encoded words that can't be decoded stay as they are (RFC 2047)."""
    text = " ".join(in_unicode(str(value)[:VALUE_MAX]).split())
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except PARSER_FAULTS:
        return text
