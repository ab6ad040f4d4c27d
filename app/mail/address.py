"""E-mail addresses: parse, compare, show. Syntax only; no look-up of any kind.

An address has three forms. `display` is for people: the local part as typed, the domain in Unicode. `ascii` is for the
wire: the domain as A-labels. `key` tells whether two are the same: case matters in transport, not to people
(RFC 5321 §2.4).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import email_validator
from email_validator import EmailNotValidError, validate_email

from app.errors import AddressInvalid

#: Octets, RFC 5321 §4.5.3.1: a path of 256 with its two brackets.
ADDRESS_MAX_OCTETS = 254
LOCAL_PART_MAX_OCTETS = 64

#: The providers most readers have, likeliest first. `suggest` proposes these, and is silent for them.
PROVIDERS = (
    "gmail.com", "hotmail.com", "hotmail.fr", "yahoo.com", "yahoo.fr", "outlook.com", "outlook.fr", "orange.fr",
    "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr", "live.fr", "live.com", "icloud.com", "bbox.fr", "neuf.fr",
    "protonmail.com", "proton.me", "googlemail.com", "gmx.com", "gmx.fr", "gmx.de", "gmx.net", "hotmail.co.uk",
    "hotmail.be", "hotmail.de", "hotmail.es", "hotmail.it", "yahoo.co.uk", "yahoo.de", "yahoo.es", "yahoo.it",
    "yahoo.ca", "aol.com", "msn.com", "me.com", "mac.com", "mail.com", "email.com", "ymail.com", "rocketmail.com",
    "fastmail.com",
)  # fmt: skip
#: Where dots in the local part mean nothing, and both names one mailbox.
GMAIL_DOMAINS = frozenset({"gmail.com", "googlemail.com"})
#: Endings of real countries that are nearly always a `com` with a letter missing.
SHORTENED_COM = frozenset({"co", "om", "cm"})
#: Endings that do not exist and are near `com` on a keyboard.
MISTYPED_COM = frozenset({"con", "cmo", "ocm", "vom", "xom", "cim", "cpm", "comm", "copm", "c0m"})

#: A local part as nearly all are: a dot-atom (RFC 5322 §3.2.3) in ASCII, which needs no further look.
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")

# Reserved for tests (RFC 6761 §6.2), so right for trials of the product; the library refuses it while it is listed.
if "test" in email_validator.SPECIAL_USE_DOMAIN_NAMES:
    email_validator.SPECIAL_USE_DOMAIN_NAMES.remove("test")


@dataclass(frozen=True)
class Address:
    """One mailbox in its three forms; all are in Unicode form NFC."""

    display: str
    ascii: str
    key: str

    def __str__(self) -> str:
        return self.display


def parse_address(text: str) -> Address:
    """Return the address that `text` is; blanks around it are the caller's to strip.

    Raises AddressInvalid, with a sentence in English, for anything else (RFC 5321 §4.1.2 and §4.5.3.1, RFC 6531 §3.3),
    also for quoted local parts, address literals and display names, which no reader of ours has.
    """
    local, _, domain_text = text.rpartition("@")
    if _DOT_ATOM.fullmatch(local):
        domain, ascii_domain = _parse_domain(domain_text)
    else:
        local, domain, ascii_domain = _parse(text)
    display, ascii_form = f"{local}@{domain}", f"{local}@{ascii_domain}"
    _check_length(local, display, ascii_form)
    return Address(display=display, ascii=ascii_form, key=unicodedata.normalize("NFC", ascii_form.lower()))


@lru_cache(maxsize=16_384)
def _parse_domain(text: str) -> tuple[str, str]:
    """Return a domain in Unicode and as A-labels. A list has far fewer domains than addresses."""
    return _parse(f"a@{text}")[1:]


def _parse(text: str) -> tuple[str, str, str]:
    if "\ufffd" in text:  # stands for octets that were no text: nobody has such an address
        raise AddressInvalid("The address holds a character that could not be read.")
    try:
        valid = validate_email(text, check_deliverability=False, test_environment=False)
    except EmailNotValidError as error:
        raise AddressInvalid(str(error)) from error
    return valid.local_part, valid.domain, str(valid.ascii_domain)


def mailbox_of(key: str) -> str:
    """Return the mailbox that an address (`Address.key`) most likely ends in: without `+tag`, at Gmail without dots.

    A guess that is good for counting only; a letter always goes to the address as it was given.
    """
    local, _, domain = key.rpartition("@")
    base = local.partition("+")[0] or local
    if domain in GMAIL_DOMAINS:
        return f"{base.replace('.', '') or base}@gmail.com"
    return f"{base}@{domain}"


def needs_smtputf8(address: str) -> bool:
    """Whether an envelope with this wire form needs the SMTPUTF8 extension (RFC 6531 §3.2)."""
    return not address.isascii()


def mask(address: str) -> str:
    """Return the address for logs and pages that must not show it: `a…e@example.org`."""
    local, _, domain = address.rpartition("@")
    last = local[-1] if len(local) > 2 else ""
    return f"{local[:1]}…{last}@{domain}"


def suggest(address: str) -> str | None:
    """Return the address that was probably meant where the domain looks like a slip in a big provider's, else None."""
    local, at, domain = address.strip().lower().rpartition("@")
    if not at or not local or "." not in domain or domain in PROVIDERS:
        return None
    meant = _provider_meant(domain) or _with_mended_ending(domain)
    return f"{address.strip().rpartition('@')[0]}@{meant}" if meant else None


@lru_cache(maxsize=4096)
def _provider_meant(domain: str) -> str | None:
    name, _, ending = domain.partition(".")
    candidates = []
    for provider in PROVIDERS:
        provider_name, _, provider_ending = provider.partition(".")
        name_slips = _slips(name, provider_name)
        ending_slips = _slips(ending, provider_ending)
        if name == "gmail" or (
            name_slips <= _name_slips_allowed(provider_name)
            and ending_slips <= _ending_slips_allowed(ending, provider_ending)
        ):
            candidates.append((name_slips + ending_slips, provider))
    return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def _with_mended_ending(domain: str) -> str | None:
    name, _, ending = domain.partition(".")
    return f"{name}.com" if ending in MISTYPED_COM else None


def _name_slips_allowed(name: str) -> int:
    """Short names lie close to other real ones, long ones do not."""
    return 0 if len(name) < 5 else 2 if name.endswith("mail") and len(name) > 6 else 1


def _ending_slips_allowed(typed: str, meant: str) -> int:
    """Two letters are nearly always a real country's ending, where the provider may well be too."""
    if len(typed) == 2 and typed not in SHORTENED_COM:
        return 0
    return min(2, len(meant) - 1)


def _slips(typed: str, meant: str) -> int:
    """Count the keys missed, doubled, mistaken or swapped (optimal string alignment distance)."""
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, a in enumerate(typed):
        older, before, row = before, row, [i + 1]
        for j, b in enumerate(meant):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (a != b))
            if i and j and a == meant[j - 1] and typed[i - 1] == b:
                cost = min(cost, older[j - 1] + 1)
            row.append(cost)
    return row[-1]


def _check_length(local: str, *forms: str) -> None:
    if len(local.encode()) > LOCAL_PART_MAX_OCTETS:
        raise AddressInvalid("The part before the @-sign is too long.")
    if any(len(form.encode()) > ADDRESS_MAX_OCTETS for form in forms):
        raise AddressInvalid("The address is too long.")
