"""Signed documents: JSON with an Ed25519 signature in it (RFC 8032), which anyone with the public key can check.

What is signed is the document without its `signature`, in the canonical form of RFC 8785. Documents hold texts, whole
numbers, lists and objects with ASCII names, for which sorted keys and no blanks are that form.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Document = dict[str, object]

ALGORITHM = "Ed25519"
_PURPOSE = b"vigie.proof.ed25519"
_KEY_ID_LENGTH = 16


@dataclass(frozen=True)
class PublicKey:
    """What others check signatures with; `key_id` begins the SHA-256, in hex, of the key's 32 bytes."""

    key_id: str
    pem: str


class ProofKeys:
    """Signs with the newest of `keys` (secrets of at least 32 characters, oldest first), checks with all."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        private = [Ed25519PrivateKey.from_private_bytes(_derived(key)) for key in keys]
        self._signer = private[-1]
        self._known = {_key_id(key.public_key()): key.public_key() for key in private}
        self.key_id = _key_id(self._signer.public_key())

    @property
    def public_keys(self) -> list[PublicKey]:
        """The public keys, oldest first."""
        form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return [PublicKey(key_id, key.public_bytes(*form).decode()) for key_id, key in self._known.items()]

    def sign(self, document: Mapping[str, object]) -> Document:
        """Return `document` with its signature."""
        value = base64.b64encode(self._signer.sign(canonical(document))).decode()
        return {**document, "signature": {"algorithm": ALGORITHM, "key_id": self.key_id, "value": value}}

    def fault_of(self, document: Mapping[str, object]) -> str | None:
        """Return what is wrong with the signature of `document`, or None where it is one of ours."""
        signature = document.get("signature")
        if not isinstance(signature, Mapping) or signature.get("algorithm") != ALGORITHM:
            return "it has no signature"
        key = self._known.get(str(signature.get("key_id")))
        if key is None:
            return "it is signed with a key that is not ours"
        signed = {name: value for name, value in document.items() if name != "signature"}
        try:
            key.verify(base64.b64decode(str(signature.get("value")), validate=True), canonical(signed))
        except (InvalidSignature, ValueError):
            return "its signature is not that of what it says"
        return None


def canonical(document: Mapping[str, object]) -> bytes:
    """Return the canonical form of a document (RFC 8785)."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _derived(key: str) -> bytes:
    """Return the private key that a secret stands for: secrets can be rotated as the other keys are."""
    return hmac.digest(key.encode(), _PURPOSE, "sha256")


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:_KEY_ID_LENGTH]
