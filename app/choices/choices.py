"""Choices as values: checked, in one form each, so that equal ones are the same row. Knows no table's session."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from app.choices.models import Cadence
from app.clock import zones
from app.errors import InputRefused
from app.i18n import LANGUAGES

#: Topics one reader may name; more would make everybody's digest a rendering of its own.
TOPICS_MAX = 60
#: Days of a month that every month has.
MONTHDAYS = range(1, 29)


@dataclass(frozen=True)
class Interests:
    """What to read: articles in which languages beside that of the letters, topics followed and muted.

    `also_reads` may name the language of the letters too: then a reader of two languages who has the letters come in
    the other one goes on reading both. With nothing followed, all but what is muted is read. What is mainly about
    something muted is not read, whatever else is followed.
    """

    also_reads: tuple[str, ...] = ()
    followed: frozenset[str] = frozenset()
    muted: frozenset[str] = frozenset()

    @classmethod
    def checked(
        cls, *, also_reads: Collection[str], followed: Collection[str], muted: Collection[str], known: Collection[str]
    ) -> "Interests":
        """Return choices that can be. Raises InputRefused for a language or topic there is not, or too many topics."""
        if not set(also_reads) <= set(LANGUAGES):
            raise InputRefused("there are no articles in such a language")
        if unknown := {*followed, *muted} - set(known):
            raise InputRefused(f"there is no topic {min(unknown)!r}")
        if len({*followed, *muted}) > TOPICS_MAX:
            raise InputRefused(f"at most {TOPICS_MAX} topics can be chosen")
        return cls(tuple(dict.fromkeys(also_reads)), frozenset(followed) - frozenset(muted), frozenset(muted))

    def among(self, known: Collection[str]) -> "Interests":
        """Return what is left of them where only the topics in `known` are still there.

        Who followed nothing but topics that are gone reads everything, and not nothing.
        """
        return Interests(self.also_reads, self.followed & frozenset(known), self.muted & frozenset(known))

    @cached_property
    def digest(self) -> str:
        """The SHA-256, in hex, of the one form in which equal choices are written."""
        written = json.dumps([list(self.also_reads), sorted(self.followed), sorted(self.muted)])
        return hashlib.sha256(written.encode()).hexdigest()

    def wants(self, topics: frozenset[str], *, mainly: frozenset[str]) -> bool:
        """Whether a story with these topics, and `mainly` about some of them, is to be read.

        To follow a topic is to hear of it wherever it comes up; to mute one is not to read what is about it.
        """
        return not mainly & self.muted and (not self.followed or bool(topics & self.followed))


@dataclass(frozen=True)
class Timing:
    """When to read: how often, at which full hour, on which day, on whose clocks."""

    cadence: Cadence
    hour: int
    day: int
    timezone: str

    @classmethod
    def checked(cls, *, cadence: Cadence, hour: int, day: int, timezone: str) -> "Timing":
        """Return a timing that can be; `day` is of the week from 0, Monday, or of the month from 1, else 0.

        Raises InputRefused for an hour, a day or a zone there is not.
        """
        days = {Cadence.WEEKLY: range(7), Cadence.MONTHLY: MONTHDAYS}.get(cadence, range(1))
        if hour not in range(24) or day not in days:
            raise InputRefused("there is no such hour or day")
        if timezone not in zones():
            raise InputRefused(f"there is no time zone {timezone!r}")
        return cls(cadence, hour, day, timezone)

    @property
    def cron(self) -> str:
        """The line of cron that says the same; its weeks begin with Sunday, 0."""
        match self.cadence:
            case Cadence.WEEKLY:
                return f"0 {self.hour} * * {(self.day + 1) % 7}"
            case Cadence.MONTHLY:
                return f"0 {self.hour} {self.day} * *"
        return f"0 {self.hour} * * *"
