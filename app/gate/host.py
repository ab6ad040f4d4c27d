"""Whether the name that this host gives in EHLO is one that receivers can look up, there and back (RFC 5321 §4.1.4).

Where a relay sends on, receivers look up the relay's name instead; so all of this is told and keeps nothing back.
"""

import re
from collections.abc import Iterator

from app.errors import RecordsUnavailable
from app.gate.findings import Finding, What
from app.gate.records import Records

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_FULL_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.[a-z][a-z0-9-]*[a-z0-9]", re.I)
_LOCAL = (".local", ".localdomain", ".internal", ".lan", ".localhost")


def check_host(name: str, records: Records) -> tuple[Finding, ...]:
    """Return what is wrong with an EHLO name; asks DNS, or what stands for it, and tells where that has no answer."""
    if not _FULL_NAME.fullmatch(name) or name.lower().endswith(_LOCAL):
        return (Finding(What.EHLO_PARTIAL, name),)
    try:
        return tuple(_look_up(name.lower(), records))
    except RecordsUnavailable as error:
        return (Finding(What.DNS_SILENT, str(error)),)


def _look_up(name: str, records: Records) -> Iterator[Finding]:
    addresses = records.addresses(name)
    if not addresses:
        yield Finding(What.EHLO_NOWHERE, name)
    for address in addresses:
        named = records.names(address)
        if not named:
            yield Finding(What.PTR_MISSING, address)
        elif name not in named:
            yield Finding(What.PTR_OTHER, address, names=(name, *named))
