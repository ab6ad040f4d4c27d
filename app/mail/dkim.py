"""DKIM (RFC 6376): signatures with RSA and Ed25519 (RFC 8463) keys, and the keys' files; asks no name server.

A signature covers the bytes as they go on the wire, so signing comes last. All of the body is signed, and nothing that
relays rewrite in passing: relaxed/relaxed.
"""

import base64
import hashlib
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app.errors import HeaderInvalid, InputRefused
from app.mail.headers import LINE_PREFERRED

RSA_BITS = 2048
#: Every verifier takes keys up to this length (RFC 8301 §3.2).
RSA_MAX_BITS = 4096
LIFE = timedelta(days=14)
#: Mail may wait this long on its way (RFC 5321 §4.5.4.1 says four to five days), and is looked at after it arrived.
LIFE_MIN = timedelta(days=7)
#: The most octets in one string of a TXT record (RFC 1035 §3.3).
TXT_STRING_MAX = 255

#: Signed where present, as is every List-* field (RFC 6376 §5.4.1, RFC 8058 §4).
_SIGNED = frozenset(
    {b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type",
     b"content-transfer-encoding", b"content-language", b"feedback-id", b"auto-submitted"}
)  # fmt: skip
#: Listed once more than present, so that one added on the way breaks the signature (RFC 6376 §8.15).
_OVERSIGNED = (b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"message-id", b"content-type")
#: A name of other characters could end the list that is to hold it.
_LIST_FIELD = re.compile(rb"list-[a-z-]+")
_BLANKS = re.compile(rb"[ \t]+")
_BLANKS_AT_LINE_END = re.compile(rb"[ \t]+\r\n")
_LABELS = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
#: With "b=" or a blank before it, a line of base64 is no longer than is preferred.
_BASE64_LINE = LINE_PREFERRED - len(" b=")


class Algorithm(StrEnum):
    """The kinds of keys, as `k=` in DNS and `a=` in a signature have them."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True)
class SigningKey:
    """A private key, and the selector under which DNS has its public half; raises InputRefused for an odd selector."""

    selector: str
    private_key: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(_LABELS, self.selector):
            raise InputRefused(f"a DKIM selector is a lower-case name like 2026-11, not {self.selector!r}")

    @property
    def algorithm(self) -> Algorithm:
        """Its kind."""
        return Algorithm.RSA if isinstance(self.private_key, RSAPrivateKey) else Algorithm.ED25519

    @property
    def record(self) -> str:
        """What the TXT record says (RFC 6376 §3.6.1, RFC 8463 §4)."""
        public_key = self.private_key.public_key()
        if self.algorithm is Algorithm.RSA:
            octets = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            octets = public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={self.algorithm}; p={base64.b64encode(octets).decode()}"

    def record_name(self, domain: str) -> str:
        """Return the name of the TXT record (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{domain}"

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 digest; the same digest gives the same octets (RFC 8017 §8.2, RFC 8032)."""
        if isinstance(self.private_key, RSAPrivateKey):
            return self.private_key.sign(digest, PKCS1v15(), Prehashed(SHA256()))
        return self.private_key.sign(digest)


class Signer:
    """Signs for one domain with all of `keys`; threads may share it, and RSA releases the interpreter's lock meanwhile.

    A signature holds for `life` from the letter's date. Raises InputRefused where no key is RSA, since most verifiers
    know nothing else (RFC 8463 §5), where two keys share a selector, and for a life under a week.
    """

    def __init__(self, domain: str, keys: Sequence[SigningKey], *, life: timedelta = LIFE) -> None:
        if not re.fullmatch(_LABELS, domain.lower()):
            raise InputRefused(f"DKIM signs for a domain name in ASCII, not {domain!r}")
        if Algorithm.RSA not in {key.algorithm for key in keys}:
            raise InputRefused("DKIM needs an RSA key; Ed25519 only ever stands beside one")
        if len({key.selector for key in keys}) < len(keys):
            raise InputRefused("each DKIM key needs a selector of its own")
        if life < LIFE_MIN:
            raise InputRefused(f"a DKIM signature must hold {LIFE_MIN.days} days or more")
        self.domain = domain.lower()
        self.keys = tuple(keys)
        self.life = life

    def sign(self, headers: bytes, body: bytes, *, at: datetime) -> bytes:
        """Return the DKIM-Signature fields to put before `headers`, one per key, CRLF-ended.

        `headers` is the header block with CRLFs, without the empty line, and `body` is what follows that line. The
        same arguments give the same bytes. Raises HeaderInvalid for what is no header block with one From.
        """
        fields = canonical_fields(headers)
        names = names_to_sign(tuple(name for name, _ in fields))
        content = fields_covered(fields, names)
        body_hash = base64.b64encode(hashlib.sha256(canonical_body(body)).digest()).decode()
        begun = int(at.timestamp())
        until = begun + int(self.life.total_seconds())
        tags = f" t={begun}; x={until};\r\n{_names_tag(names)}\r\n bh={body_hash};\r\n b="
        return b"".join(self._signature(key, tags, content) for key in self.keys)

    def _signature(self, key: SigningKey, tags: str, content: bytes) -> bytes:
        unsigned = (
            f"DKIM-Signature: v=1; a={key.algorithm}-sha256; c=relaxed/relaxed;\r\n"
            f" d={self.domain};\r\n s={key.selector};\r\n{tags}"
        ).encode()
        signature = base64.b64encode(key.sign(digest_to_sign(content, unsigned)))
        lines = [signature[at : at + _BASE64_LINE] for at in range(0, len(signature), _BASE64_LINE)]
        return unsigned + b"\r\n ".join(lines) + b"\r\n"


def canonical_body(body: bytes) -> bytes:
    """Return `body` in relaxed form (RFC 6376 §3.4.4)."""
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    # Quoted-printable has nothing to relax, as a rule; three plain searches show it seven times faster than a pattern.
    if b"\t" in body or b"  " in body or b" \r\n" in body:
        body = _BLANKS.sub(b" ", _BLANKS_AT_LINE_END.sub(b"\r\n", body))
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[: end + 2] if end else b""


def canonical_fields(headers: bytes) -> list[tuple[bytes, bytes]]:
    """Return the lower-case name and the relaxed form, CRLF-ended, of each field (RFC 6376 §3.4.2), in their order.

    Raises HeaderInvalid for a line that is neither a field nor the rest of one.
    """
    unfolded = _BLANKS.sub(b" ", headers.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" "))
    fields = []
    for line in unfolded.removesuffix(b"\r\n").split(b"\r\n"):
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" ").lower()
        if not colon or not name or b" " in name:
            raise HeaderInvalid("DKIM signs a block of header fields only")
        fields.append((name, name + b":" + value.strip(b" ") + b"\r\n"))
    return fields


@lru_cache(maxsize=64)
def names_to_sign(present: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return what `h=` lists for a header of these fields.

    Raises HeaderInvalid unless there is one From (RFC 6376 §5.4).
    """
    if present.count(b"from") != 1:
        raise HeaderInvalid("DKIM signs letters with one From")
    wanted = [name for name in dict.fromkeys(present) if name in _SIGNED or _LIST_FIELD.fullmatch(name)]
    wanted += [name for name in _OVERSIGNED if name not in present]
    return tuple(name for name in wanted for _ in range(present.count(name) + (name in _OVERSIGNED)))


def fields_covered(fields: Iterable[tuple[bytes, bytes]], names: Iterable[bytes]) -> bytes:
    """Return the fields that `names` list, of equal ones the lowest first, of absent ones nothing (RFC 6376 §5.4.2)."""
    waiting: dict[bytes, list[bytes]] = {}
    for name, line in fields:
        waiting.setdefault(name, []).append(line)
    return b"".join(waiting[name].pop() for name in names if waiting.get(name))


def digest_to_sign(content: bytes, unsigned: bytes) -> bytes:
    """Return the SHA-256 digest of the covered fields and of the signature field up to `b=` (RFC 6376 §3.7)."""
    [(_, line)] = canonical_fields(unsigned)
    return hashlib.sha256(content + line.removesuffix(b"\r\n")).digest()


def load_keys(folder: Path, selectors: Collection[str] = ()) -> tuple[SigningKey, ...]:
    """Return the keys to sign with, RSA first: those named by `selectors`, else the newest of each kind, if any.

    The newest has the last name, numbers counted as such: selectors are dates. To change keys: name those in use in
    `selectors`, make new ones, publish them, and once DNS shows them name them instead. The old public keys stay in DNS
    for the 7 days or more that letters on their way need, then are published with an empty `p=` (RFC 6376 §3.6.1), and
    their files go. Raises InputRefused for a selector without a key, or a file that is no key.
    """
    paths = _key_paths(folder)
    missing = set(selectors) - {_selector_of(path) for path in paths}
    if missing:
        raise InputRefused(f"no DKIM key in {folder} for the selector {', '.join(sorted(missing))}")
    if selectors:
        return tuple(_read_key(path) for path in paths if _selector_of(path) in selectors)
    newest = {path.suffixes[-2]: path for path in paths}
    return tuple(_read_key(path) for path in newest.values())


def stored_keys(folder: Path) -> list[SigningKey]:
    """Return all keys in `folder`, RSA first, oldest first; raises InputRefused for a file that is no key."""
    return [_read_key(path) for path in _key_paths(folder)]


def create_keys(folder: Path, selectors: Mapping[Algorithm, str]) -> list[SigningKey]:
    """Make a key per algorithm under its selector and keep it in `folder`, readable by the owner only.

    Raises InputRefused where a selector has a key: letters on their way need it still.
    """
    taken = {_selector_of(path) for path in _key_paths(folder)} & set(selectors.values())
    if taken:
        raise InputRefused(f"there is a DKIM key for the selector {', '.join(sorted(taken))} already")
    keys = [SigningKey(selector, _generate(algorithm)) for algorithm, selector in selectors.items()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for key in keys:
        data = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        descriptor = os.open(key_path(folder, key), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    return keys


def key_path(folder: Path, key: SigningKey) -> Path:
    """Return where `folder` keeps `key`."""
    return folder / f"{key.selector}.{key.algorithm}.pem"


def split_record(record: str) -> list[str]:
    """Return a TXT record's text as strings of 255 octets or less; who reads it joins them (RFC 6376 §3.6.2.2)."""
    return [record[at : at + TXT_STRING_MAX] for at in range(0, len(record), TXT_STRING_MAX)]


def _generate(algorithm: Algorithm) -> RSAPrivateKey | Ed25519PrivateKey:
    return generate_private_key(65537, RSA_BITS) if algorithm is Algorithm.RSA else Ed25519PrivateKey.generate()


def _key_paths(folder: Path) -> list[Path]:
    return [
        path
        for algorithm in Algorithm
        for path in sorted(folder.glob(f"*.{algorithm}.pem"), key=lambda path: _by_number(_selector_of(path)))
    ]


def _selector_of(path: Path) -> str:
    return path.name.removesuffix("".join(path.suffixes[-2:]))


def _by_number(selector: str) -> list[str | int]:
    """Return what puts 2026-9 before 2026-10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", selector)]


def _read_key(path: Path) -> SigningKey:
    try:
        private_key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise InputRefused(f"{path} cannot be read as a private key: {error}") from error
    if not isinstance(private_key, RSAPrivateKey | Ed25519PrivateKey):
        raise InputRefused(f"{path} holds neither an RSA nor an Ed25519 key")
    if isinstance(private_key, RSAPrivateKey) and not RSA_BITS <= private_key.key_size <= RSA_MAX_BITS:
        raise InputRefused(f"{path} must have {RSA_BITS} to {RSA_MAX_BITS} bits (RFC 8301 §3.2)")
    key = SigningKey(_selector_of(path), private_key)
    if key_path(path.parent, key) != path:
        raise InputRefused(f"{path} holds a key of another kind than its name says")
    return key


@lru_cache(maxsize=64)
def _names_tag(names: tuple[bytes, ...]) -> str:
    lines = [" h="]
    for piece in re.findall("[^:]+[:;]", b":".join(names).decode() + ";"):
        if len(lines[-1]) + len(piece) > LINE_PREFERRED:
            lines.append(" ")
        lines[-1] += piece
    return "\r\n".join(lines)
