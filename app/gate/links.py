"""Checks of where a letter's links lead, as far as an address tells it by itself."""

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from app.gate.findings import Finding, What
from app.gate.form import links_of
from app.gate.markup import Element

#: Hosts and words that stand where somebody meant to put an address (RFC 2606 has the hosts).
_PLACEHOLDER_HOSTS = frozenset({"example.com", "example.net", "example.org"})
_PLACEHOLDER = re.compile(
    r"\{\{|\}\}|%7B%7B|\[\w+\]|^#|^(https?:)?//(xxx|todo|link|url)(?![\w.-])|^https?:/?/?$|^(todo|xxx)\b", re.I
)
_INWARD_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def check_links(page: Element, *, public_url: str, is_trial: bool) -> Iterator[Finding]:
    """Yield links that lead nowhere, or where no reader may be led. `is_trial`: our own pages are on this machine."""
    addresses = links_of(page)
    for address in dict.fromkeys(addresses):
        if leads_home(address, public_url):
            if is_trial:
                continue
        elif found := _fault_of(address):
            yield Finding(found, address)
    if is_trial and any(leads_home(address, public_url) for address in addresses):
        yield Finding(What.LINK_TRIAL, public_url)
    yield from _check_images(page)


def leads_home(address: str, public_url: str) -> bool:
    """Return whether a link leads to one of our own pages."""
    return address == public_url or address.startswith(tuple(public_url + sign for sign in "/?#"))


def check_repeats(addresses: list[tuple[str, str]]) -> Iterator[Finding]:
    """Yield articles, given by title and address, that lead where one before them led."""
    seen: dict[str, str] = {}
    for title, address in addresses:
        if address in seen:
            yield Finding(What.LINK_TWICE, address, names=(seen[address], title))
        seen.setdefault(address, title)


def _fault_of(address: str) -> What | None:
    if not address:
        return What.LINK_EMPTY
    if _PLACEHOLDER.search(address):
        return What.LINK_PLACEHOLDER
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
    except ValueError:
        return What.LINK_PLACEHOLDER
    if parts.scheme == "mailto":
        return None if "@" in parts.path else What.LINK_EMPTY
    if parts.scheme not in {"http", "https"}:
        return What.LINK_SCHEME
    if not host or host.removeprefix("www.") in _PLACEHOLDER_HOSTS:
        return What.LINK_PLACEHOLDER
    if _is_inward(host):
        return What.LINK_INWARD
    return What.LINK_IN_CLEAR if parts.scheme == "http" else None


def _is_inward(host: str) -> bool:
    if host == "localhost" or host.endswith(_INWARD_ENDINGS) or ("." not in host and ":" not in host):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _check_images(page: Element) -> Iterator[Finding]:
    for element in page.walk():
        if element.tag == "img" and not element.attributes.get("src", "").startswith(("https://", "data:")):
            yield Finding(What.LINK_SCHEME, element.attributes.get("src", "") or "<img>")
