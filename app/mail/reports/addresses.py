"""Addresses as they stand in text that anybody wrote: found, not checked."""

import re

from app.mail.reports.fields import Fields

RECIPIENTS_MAX = 100

_LOCAL = r"(?<![^\s<>()\[\]{}\"',;:|=])(?:\"[^\"\s]{1,64}\"|[^\s<>()\[\]{}\"',;:|@\\]{1,64})"
ADDRESS = re.compile(rf"{_LOCAL}@[a-z0-9#_.\u00a1-\uffff-]{{1,253}}[a-z0-9\u00a1-\uffff]", re.IGNORECASE)


def addresses_in_fields(fields: Fields, *names: str) -> list[str]:
    """Return the addresses in the fields of some names, in their order."""
    return [address for name in names for value in fields.get(name, ()) for address in addresses_of(value)]


def addresses_of(text: str) -> list[str]:
    """Return the addresses in a text, each once, in their order."""
    return list(dict.fromkeys(found[0] for found in ADDRESS.finditer(text)))[:RECIPIENTS_MAX]
