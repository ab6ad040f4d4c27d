"""What names one copy on its way: the envelope sender (VERP) that its bounces come back to, and its Message-ID.

Both carry the delivery's id sealed: opaque to others, authentic to us, the same on every try: greylists key
on the sender (RFC 6647).
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

_MAC_OCTETS = 10
_ID_OCTETS = 8
_VERP_PREFIX = "b-"


@dataclass(frozen=True)
class Envelope:
    """Names copies under our two domains; `keys` are oldest first: the last seals, all open."""

    keys: tuple[str, ...] = field(repr=False)
    sender_domain: str
    bounce_domain: str

    def bounce_address(self, delivery_id: int) -> str:
        """Return the MAIL FROM address of one copy: lower-case, a local part under 64 octets (RFC 5321 §4.5.3.1.1)."""
        return f"{_VERP_PREFIX}{_seal(self.keys[-1], 'bounce', delivery_id)}@{self.bounce_domain}"

    def read_bounce_address(self, address: str) -> int | None:
        """Return the delivery id that a bounce address of ours names, or None if it is not one."""
        local, _, domain = address.lower().rpartition("@")
        if domain != self.bounce_domain.lower() or not local.startswith(_VERP_PREFIX):
            return None
        return self._opened("bounce", local.removeprefix(_VERP_PREFIX))

    def message_id(self, delivery_id: int) -> str:
        """Return the Message-ID of one copy, in angle brackets (RFC 5322 §3.6.4)."""
        return f"<{_seal(self.keys[-1], 'message-id', delivery_id)}@{self.sender_domain}>"

    def read_message_id(self, message_id: str) -> int | None:
        """Return the delivery id that a Message-ID of ours names, or None if it is not one."""
        local, _, domain = message_id.strip("<> ").rpartition("@")
        return self._opened("message-id", local) if domain.lower() == self.sender_domain.lower() else None

    def _opened(self, purpose: str, sealed: str) -> int | None:
        opened = (_open(key, purpose, sealed) for key in reversed(self.keys))
        return next((delivery_id for delivery_id in opened if delivery_id is not None), None)


def _seal(key: str, purpose: str, delivery_id: int) -> str:
    """Return MAC and masked id, 29 characters: the MAC serves as the mask's nonce, as in SIV (RFC 5297)."""
    plain = delivery_id.to_bytes(_ID_OCTETS, "big")
    mac = _digest(key, f"{purpose}.mac", plain)[:_MAC_OCTETS]
    return base64.b32encode(mac + _masked(key, purpose, mac, plain)).decode("ascii").rstrip("=").lower()


def _open(key: str, purpose: str, sealed: str) -> int | None:
    try:
        data = base64.b32decode(sealed.upper() + "=" * (-len(sealed) % 8))
    except ValueError:
        return None
    mac, masked = data[:_MAC_OCTETS], data[_MAC_OCTETS:]
    if len(masked) != _ID_OCTETS:
        return None
    plain = _masked(key, purpose, mac, masked)
    is_ours = hmac.compare_digest(mac, _digest(key, f"{purpose}.mac", plain)[:_MAC_OCTETS])
    return int.from_bytes(plain, "big") if is_ours else None


def _masked(key: str, purpose: str, mac: bytes, data: bytes) -> bytes:
    mask = _digest(key, f"{purpose}.mask", mac)
    return bytes(a ^ b for a, b in zip(data, mask, strict=False))


def _digest(key: str, purpose: str, data: bytes) -> bytes:
    return hmac.digest(key.encode(), f"vigie.{purpose}:".encode() + data, hashlib.sha256)
