"""Where a request comes from. `remote_addr` is the client's as far as the trusted proxies tell (`TRUSTED_PROXIES`)."""

import re
from ipaddress import ip_address, ip_network

from flask import request

UNKNOWN = "unknown"
#: Some proxies add the port; without the address all their visitors would be one network.
_WITH_PORT = re.compile(r"\[(.+)\](?::\d+)?|([\d.]+):\d+")


def network() -> str:
    """Return the block of addresses that the request comes from: one IPv4 address, or the /64 that an IPv6 line has."""
    return block_of(request.remote_addr or "")


def block_of(text: str) -> str:
    """Return the block that an address is in; an IPv4 address that is written as IPv6 is what it is inside."""
    found = _WITH_PORT.fullmatch(text.strip())
    try:
        address = ip_address((found[1] or found[2]) if found else text.strip())
    except ValueError:
        return UNKNOWN
    inner = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network((inner, 32 if inner.version == 4 else 64), strict=False))
