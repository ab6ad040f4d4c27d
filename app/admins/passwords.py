"""Passwords of the desk: what is too weak, argon2id hashing, and changing one. Knows no page.

Length is what counts: there is no rule of composition and no forced change. What a guesser tries first is refused.
"""

import re
from enum import StrEnum
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from app.admins.models import Admin
from app.errors import PasswordRefused

MIN_LENGTH = 12
MAX_LENGTH = 128
#: How many different characters must be left once everything a guesser tries first is taken away.
MIN_UNGUESSED = 7
COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt")

#: OWASP's least costly recommended setting: 19 MiB, two passes, one lane; salted per password by the library.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


class Weakness(StrEnum):
    """Why a password is refused."""

    SHORT = "short"
    LONG = "long"
    EASY = "easy"


def weakness(password: str, *, about: tuple[str, ...] = ()) -> Weakness | None:
    """Return why `password` may not be used, or None. `about` holds texts it must not be made of: address, names."""
    if len(password) < MIN_LENGTH:
        return Weakness.SHORT
    if len(password) > MAX_LENGTH:
        return Weakness.LONG
    return Weakness.EASY if _is_easy(password, about) else None


def hash_password(password: str) -> str:
    """Return the argon2id hash of `password`, salt and parameters included."""
    return HASHER.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Say whether `password` is the one that was hashed.

    Without a hash (an unknown admin, or one without a password) the same work is done for the same time, in vain.
    """
    try:
        return HASHER.verify(password_hash or _nobodys_hash(), password[:MAX_LENGTH]) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Say whether `password_hash` was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


def choose_password(admin: Admin, password: str) -> str:
    """Return the hash of a new password of `admin`, to be stored. Raises PasswordRefused, holding the weakness."""
    problem = weakness(password, about=(admin.email, "vigie"))
    if problem is not None:
        raise PasswordRefused(problem)
    return hash_password(password)


def _is_easy(password: str, about: tuple[str, ...]) -> bool:
    """Take common passwords, the admin's own names and repeats away; what is left must still be hard to guess."""
    left = password.casefold().translate(_LOOKALIKES)
    own = {word for text in about for word in re.findall(r"\w{3,}", text.casefold())}
    for word in sorted(own | _common_passwords(), key=lambda word: (-len(word), word)):
        left = left.replace(word.translate(_LOOKALIKES), " ")
    left = re.sub(r"(.)\1{2,}", " ", left)
    return len(set(left) - {" "}) < MIN_UNGUESSED


#: One spelling for a letter and the signs that stand in for it, so that "P@ssw0rd" is "password".
_LOOKALIKES = str.maketrans("@4301!5$7", "aaeoiisst")


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(COMMON_PASSWORDS.read_text(encoding="ascii").split())


@cache
def _nobodys_hash() -> str:
    return hash_password("no admin has this password")
