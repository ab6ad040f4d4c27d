"""Tells addresses of the open internet from those that point inward: at this machine, its network, its cloud."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from app.errors import FetchRefused, HostAway

#: Not global although Python says so, or global addresses that carry an inward one inside (RFC 6052, 3056, 7526, 4291).
_REFUSED = tuple(
    map(
        ip_network,
        ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23", "::/96", "fec0::/10", "5f00::/16",
         "192.88.99.0/24", "192.0.0.0/24", "100.64.0.0/10"),
    )
)  # fmt: skip


def is_inward(address: IPv4Address | IPv6Address) -> bool:
    """Say whether `address` is not a unicast address of the open internet (RFC 6890)."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return True
    return not address.is_global or address.is_multicast or any(address in network for network in _REFUSED)


def refuse_inward(host: str, port: int) -> None:
    """Raise FetchRefused unless every address of `host` is one of the open internet, HostAway if it has none.

    All of them, because which one is used is not ours to say. The system's resolver also reads the odd spellings
    (`127.1`, `0x7f000001`), so that what is checked here is what would be connected to.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostAway(f"the host {host} is not known") from error
    for *_, address in found:
        refuse_inward_address(str(address[0]))


def refuse_inward_address(address: str) -> None:
    """Raise FetchRefused unless `address`, an IP address in text, is one of the open internet."""
    if is_inward(ip_address(address.partition("%")[0])):
        raise FetchRefused("the address points inside this network, where feeds are not fetched")
