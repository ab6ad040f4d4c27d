"""What DNS says: asked live, or read from a file in the form of a zone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename
import dns.zonefile
from dns.rdata import Rdata
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

from app.errors import InputRefused, RecordsUnavailable

#: Seconds for one question, with all its tries.
LIFETIME_S = 5.0


class Records(Protocol):
    """Answers questions as DNS would; what is not there is no answer, not an error."""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records of a name, each joined to one text. Raises RecordsUnavailable."""
        ...

    def takes_mail(self, name: str) -> bool:
        """Return whether mail to a domain has somewhere to go (RFC 5321 §5.1). Raises RecordsUnavailable."""
        ...

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a host, IPv4 and IPv6. Raises RecordsUnavailable."""
        ...

    def names(self, address: str) -> tuple[str, ...]:
        """Return the names of an address (PTR), in lower case. Raises RecordsUnavailable."""
        ...


class LiveRecords:
    """Asks the resolver of this machine."""

    def __init__(self, lifetime_s: float = LIFETIME_S) -> None:
        """Have each question answered within `lifetime_s`."""
        self._lifetime_s = lifetime_s

    def texts(self, name: str) -> tuple[str, ...]:
        """Ask for texts."""
        return _texts(self._ask(name, "TXT"))

    def takes_mail(self, name: str) -> bool:
        """Ask for a mail server, or an address that stands for one."""
        return any(self._ask(name, kind) for kind in ("MX", "A", "AAAA"))

    def addresses(self, name: str) -> tuple[str, ...]:
        """Ask for addresses."""
        return tuple(each.to_text() for kind in ("A", "AAAA") for each in self._ask(name, kind))

    def names(self, address: str) -> tuple[str, ...]:
        """Ask for names."""
        return _names(self._ask(dns.reversename.from_address(address).to_text(), "PTR"))

    def _ask(self, name: str, kind: str) -> list[Rdata]:
        try:
            return list(dns.resolver.resolve(name, kind, lifetime=self._lifetime_s))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise RecordsUnavailable(f"DNS gives no answer for {name}: {error}") from error


class FileRecords:
    """Reads records from a file, as zone files and `flask dkim` write them; what is not in it is not in DNS."""

    def __init__(self, path: Path) -> None:
        """Read `path`. Raises InputRefused where it is no zone file."""
        try:
            read = dns.zonefile.read_rrsets(
                path.read_text(encoding="utf-8"), origin=dns.name.root, relativize=False, default_ttl=300, rdclass=None
            )
        except (OSError, UnicodeDecodeError, dns.exception.DNSException) as error:
            raise InputRefused(f"{path} cannot be read as DNS records: {error}") from error
        self._read = {(rrset.name.to_text(omit_final_dot=True).lower(), rrset.rdtype): list(rrset) for rrset in read}

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of the file."""
        return _texts(self._read.get((name.lower(), dns.rdatatype.TXT), []))

    def takes_mail(self, name: str) -> bool:
        """Return whether the file has a mail server or an address for it."""
        kinds = (dns.rdatatype.MX, dns.rdatatype.A, dns.rdatatype.AAAA)
        return any((name.lower(), kind) in self._read for kind in kinds)

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return the addresses of the file."""
        kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
        return tuple(each.to_text() for kind in kinds for each in self._read.get((name.lower(), kind), []))

    def names(self, address: str) -> tuple[str, ...]:
        """Return the names of the file. Raises RecordsUnavailable where it has none at all: they are another zone's."""
        if not any(kind == dns.rdatatype.PTR for _, kind in self._read):
            raise RecordsUnavailable(f"the file has no PTR records, which would name {address}")
        reverse = dns.reversename.from_address(address).to_text(omit_final_dot=True)
        return _names(self._read.get((reverse.lower(), dns.rdatatype.PTR), []))


def _names(records: Sequence[Rdata]) -> tuple[str, ...]:
    return tuple(each.target.to_text(omit_final_dot=True).lower() for each in records if isinstance(each, PTR))


def _texts(records: Sequence[Rdata]) -> tuple[str, ...]:
    texts = (record for record in records if isinstance(record, TXT))
    return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in texts)
