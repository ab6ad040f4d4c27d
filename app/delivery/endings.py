"""Endings: how the try of one copy may end, and who hears of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.delivery.claims import Copy
from app.mail.transport import Outcome


@dataclass(frozen=True, slots=True)
class Withheld:
    """A copy that must not go, because consent ended or the address is suppressed since it was queued."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """A claimed copy of which nothing left the house: it is as if it had never been claimed, save that it may wait."""

    until: datetime | None = None


Ending = Outcome | Withheld | Unsent


class Settlement(NamedTuple):
    """How the try of one copy ended."""

    copy: Copy
    ending: Ending


#: Called inside the settling transaction with how one owner's copies ended, in their order. Where all were accepted,
#: the last one stands for all: what nearly every letter ends in must cost nothing.
OnSettled = Callable[[Session, Sequence[Settlement], datetime], None]
