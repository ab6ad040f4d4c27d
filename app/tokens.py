"""Sign and read purpose-bound tokens: `<id>.<signature>`, nothing personal inside.

One derived key per purpose, so that a token of one purpose never opens another. Keys are a list, oldest first: the
last signs, all verify, so a rotation keeps the links of letters already sent.
"""

import hmac
from datetime import datetime
from functools import cache
from hashlib import blake2s

from itsdangerous import BadSignature, SignatureExpired, Signer, TimestampSigner
from itsdangerous.encoding import base64_encode, int_to_bytes, want_bytes
from itsdangerous.signer import SigningAlgorithm

from app.errors import TokenExpired, TokenInvalid

#: Their tokens never expire: a letter may be opened years later (CAN-SPAM and CASL set floors of 30 and 60 days).
UNTIMED = frozenset({"unsubscribe", "preferences", "view", "message-id", "go", "reading", "erasure"})
#: Purposes whose tokens carry the time of their signing.
TIMED = frozenset(
    {"confirm", "form", "sign-in", "data", "address", "address-undo", "undo", "wait", "stay", "renew", "invite"}
    | {"sign-in-mail"}
)


class Tokens:
    """Signs and reads opaque ids; `keys` are at least 32 characters each, oldest first."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = list(keys)
        self._untimed = cache(self._make_untimed)
        self._timed = cache(self._make_timed)

    def sign(self, purpose: str, value: str, *, at: datetime | None = None) -> str:
        """Return the URL-safe token of `value` (itself URL-safe, without dots) for `purpose`.

        A timed token's age counts from `at`, or from now: a letter that is sent again must hold the same link.
        """
        if at is None:
            return self._signer(purpose).sign(value).decode("ascii")
        dated = value.encode() + b"." + base64_encode(int_to_bytes(int(at.timestamp())))
        return (dated + b"." + self._timed(purpose).get_signature(dated)).decode("ascii")

    def read(self, purpose: str, token: str, *, max_age_s: int | None = None) -> str:
        """Return the value inside `token`.

        `max_age_s` is required for a timed purpose and refused for an untimed one.
        Raises TokenExpired past that age, TokenInvalid for anything that is not our token of this purpose.
        """
        try:
            if purpose in TIMED:
                if max_age_s is None:
                    raise ValueError(f"{purpose} tokens need an age limit")
                return self._timed(purpose).unsign(token, max_age=max_age_s).decode("ascii")
            return self._untimed(purpose).unsign(token).decode("ascii")
        except SignatureExpired as error:
            raise TokenExpired(purpose) from error
        except (BadSignature, UnicodeError) as error:
            raise TokenInvalid(purpose) from error

    def age_s(self, purpose: str, token: str, *, now_s: float) -> float:
        """Return the seconds since a timed `token` was signed. Raises TokenInvalid."""
        try:
            _, signed_at = self._timed(purpose).unsign(token, return_timestamp=True)
        except (BadSignature, UnicodeError) as error:
            raise TokenInvalid(purpose) from error
        return now_s - signed_at.timestamp()

    def _signer(self, purpose: str) -> Signer:
        return self._timed(purpose) if purpose in TIMED else self._untimed(purpose)

    def _make_untimed(self, purpose: str) -> Signer:
        if purpose not in UNTIMED:
            raise ValueError(f"unknown purpose {purpose}")
        return _PreparedSigner(self._derived_keys(purpose), key_derivation="none", algorithm=_KeyedBlake2s())

    def _make_timed(self, purpose: str) -> TimestampSigner:
        return TimestampSigner(self._derived_keys(purpose), key_derivation="none", algorithm=_KeyedBlake2s())

    def _derived_keys(self, purpose: str) -> list[bytes]:
        """Return the keys of one purpose: derived here once, where the library would do it for every token."""
        return [hmac.digest(key.encode(), f"vigie.{purpose}".encode(), "sha256") for key in self._keys]


class _KeyedBlake2s(SigningAlgorithm):
    """Keyed BLAKE2s (RFC 7693 §2.9): half the time of the library's HMAC, and every letter holds two tokens."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return blake2s(value, key=key).digest()


class _PreparedSigner(Signer):
    """Signs as the library does, with its last key taken in once instead of for every letter."""

    def __init__(self, keys: list[bytes], *, key_derivation: str, algorithm: _KeyedBlake2s) -> None:
        super().__init__(keys, key_derivation=key_derivation, algorithm=algorithm)
        self._keyed = blake2s(key=keys[-1])

    def get_signature(self, value: str | bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(want_bytes(value))
        return base64_encode(keyed.digest())
