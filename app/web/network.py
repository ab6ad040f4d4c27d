"""Where a request comes from. `remote_addr` is the client's as far as the trusted proxies tell (`TRUSTED_PROXIES`)."""

from ipaddress import ip_address, ip_network

from flask import request

UNKNOWN = "unknown"


def network() -> str:
    """Return the block of addresses that the request comes from: one IPv4 address, or the /64 that an IPv6 line has."""
    return block_of(request.remote_addr or "")


def block_of(text: str) -> str:
    """Return the block that an address is in; an IPv4 address that is written as IPv6 is what it is inside."""
    try:
        address = ip_address(text)
    except ValueError:
        return UNKNOWN
    inner = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network((inner, 32 if inner.version == 4 else 64), strict=False))
