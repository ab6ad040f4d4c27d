"""What somebody wishes who asks for a subscription. Knows only that it is rows which all who wish the same share."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Wish:
    """The rows of what to read and when that a request chose; without them, the newsletter as it comes."""

    profile_id: int | None = None
    rhythm_id: int | None = None
    gets_flashes: bool = False


NO_WISH = Wish()
#: Makes or finds the rows, once the reader's own row is held.
FindWish = Callable[[Session], Wish]


def wish_for_all(_: Session) -> Wish:
    """Return the wish of those who chose nothing."""
    return NO_WISH
