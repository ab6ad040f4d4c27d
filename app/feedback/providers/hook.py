"""A hook: one request in which a mail provider reports what became of copies. Knows no provider and no Flask."""

import base64
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Protocol

from app.errors import HookRefused
from app.feedback.notices import Notice

#: How far the time that was signed may be from ours: a signature that was overheard is soon worth nothing.
WINDOW = timedelta(minutes=5)


@dataclass(frozen=True)
class Hook:
    """One request as it came: header names in lower case, the raw body, the address it came from."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    address: str = ""


class Provider(Protocol):
    """What we need of a mail provider."""

    @property
    def name(self) -> str:
        """How its address and its notices are named."""
        ...

    def verify(self, hook: Hook, *, now: datetime) -> None:
        """Raise HookRefused unless the provider itself sent this, just now."""
        ...

    def confirm(self, hook: Hook) -> None:
        """Say yes to a verified hook that asks whether reports are wanted; most providers never ask."""
        ...

    def read(self, hook: Hook, *, now: datetime) -> list[Notice]:
        """Return what a verified hook tells; raises HookRefused where that cannot be read."""
        ...


@dataclass(frozen=True)
class Password:
    """What a provider shows that does not sign: HTTP Basic (RFC 7617), any user name; from `networks`, where given."""

    password: str = field(repr=False)
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def verify(self, hook: Hook) -> None:
        """Raise HookRefused unless the password is right and the address may send."""
        if self.networks and not _is_within(hook.address, self.networks):
            raise HookRefused("it comes from a network that is not in HOOK_NETWORKS")
        scheme, _, encoded = hook.headers.get("authorization", "").partition(" ")
        _, _, given = decoded(encoded).partition(b":")
        if scheme.lower() != "basic" or not hmac.compare_digest(given, self.password.encode()):
            raise HookRefused("the password is missing or wrong")


def _is_within(address: str, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    try:
        return any(ip_address(address) in network for network in networks)
    except ValueError:
        return False


def decoded(text: str) -> bytes:
    """Return what a text of base64 (RFC 4648) holds. Raises HookRefused where it is none."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError as error:
        raise HookRefused("what should be base64 is not") from error


def refuse_old(signed_at: str, *, now: datetime) -> None:
    """Raise HookRefused unless `signed_at`, in Unix seconds or ISO 8601, is within the window around `now`."""
    try:
        at = datetime.fromtimestamp(int(signed_at), UTC) if signed_at.isdigit() else datetime.fromisoformat(signed_at)
        is_old = abs(now - at) > WINDOW
    except (ValueError, OverflowError, OSError, TypeError) as error:
        raise HookRefused("the time that was signed is none") from error
    if is_old:
        raise HookRefused("it was signed too long ago, or by another clock")
