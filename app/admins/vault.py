"""What we must be able to read again is stored encrypted, with keys outside the database: a copy of it opens nothing.

Keys are derived from the settings' (HKDF, RFC 5869) and are a list, oldest first: the last locks, all unlock.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"vigie.authenticator"


class Vault:
    """Locks and unlocks short texts; `keys` are at least 32 characters each, oldest first."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._box = MultiFernet([Fernet(_derived(key)) for key in reversed(keys)])

    def lock(self, text: str) -> bytes:
        """Return `text` encrypted and authenticated, as URL-safe ASCII."""
        return self._box.encrypt(text.encode())

    def unlock(self, locked: bytes, *, max_age_s: int | None = None) -> str | None:
        """Return what was locked, or None where it was not, is older than `max_age_s`, or its key is gone."""
        try:
            return self._box.decrypt(locked, ttl=max_age_s).decode()
        except InvalidToken:
            return None


def _derived(key: str) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.encode()))
