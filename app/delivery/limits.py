"""What one sender knows of the limits that all share: which domains have one, and how far it may go at once.

Where nothing and nobody asked for a limit, the database is asked nothing but, now and then, whether that is still so.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app.delivery import allowances
from app.delivery.allowances import Asking, Draw
from app.delivery.claims import Copy
from app.delivery.composing import Made
from app.delivery.endings import Settlement, Unsent, Withheld
from app.delivery.paces import domain_paces, draw, draw_for_relay, learn_from
from app.delivery.warm_ups import warming_newsletters
from app.mail.pacing import Pace, teaches
from app.mail.providers import provider_of
from app.mail.transport import Outcome, OutcomeKind

#: Limits that other senders met are known here at most this much later.
LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Rates:
    """What the settings allow, in letters a minute: over the whole relay (None: no limit), and by provider."""

    relay: float | None = None
    providers: Mapping[str, float] = field(default_factory=dict)


class Limits:
    """The limits as one engine knows them.

    `domains` have one, by the settings or by what their replies taught; the newsletters `warming` have one of each day.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._learned: dict[str, Pace] = {}
        self._looked_at: float | None = None
        self.domains: AbstractSet[str] = rates.providers.keys()
        self.warming: AbstractSet[int] = frozenset()

    @property
    def relay_block(self) -> int | None:
        """How many tokens of the whole relay one sender keeps at hand, a second's worth; None where it has no limit."""
        return None if self._rates.relay is None else math.ceil(self._rates.relay / 60)

    @property
    def has_looked(self) -> bool:
        """Whether the limits were ever read: nothing may go before that."""
        return self._looked_at is not None

    @property
    def is_stale(self) -> bool:
        """Whether it is time to look again."""
        return self._looked_at is None or time.monotonic() - self._looked_at > LOOK_EVERY_S

    def look(self, session: Session) -> set[str]:
        """Read the limits; return the domains that have become stricter since."""
        known = self._learned
        rows = {row.domain: row.pace for row in session.scalars(domain_paces())}
        self._learned = {domain: pace for domain, pace in rows.items() if pace.has_lesson}
        self.warming = frozenset(session.scalars(warming_newsletters()))
        self._looked_at = time.monotonic()
        self.domains = self._rates.providers.keys() | self._learned.keys()
        return {domain for domain, pace in self._learned.items() if _is_stricter(pace, known.get(domain, Pace()))}

    def lessons(self, went_to: Mapping[int, str], settlements: Iterable[Settlement]) -> Iterator[tuple[str, Outcome]]:
        """Yield, with their domains, the outcomes of a claim that teach something, given where its copies went.

        Clean deliveries do only where a domain has learned a limit, to grow out of it.
        """
        for copy, ending in settlements:
            if isinstance(ending, Outcome) and self._may_teach(ending):
                domain = went_to.get(copy.id)
                if domain is not None and (ending.kind is not OutcomeKind.ACCEPTED or domain in self._learned):
                    yield domain, ending

    def learn(self, session: Session, lessons: Iterable[tuple[str, Outcome]], *, now: datetime) -> set[str]:
        """Keep what outcomes taught; return the domains that have become stricter by it."""
        by_domain: defaultdict[str, list[Outcome]] = defaultdict(list)
        for domain, outcome in lessons:
            by_domain[domain].append(outcome)
        if not by_domain:
            return set()
        learn_from(session, by_domain, ceilings=self._rates.providers, now=now)
        return self.look(session)

    def draw(
        self,
        session: Session,
        copies: Sequence[Copy],
        made: list[Made],
        *,
        domains: AbstractSet[str],
        is_waiting: Callable[[int], bool],
        now: datetime,
    ) -> None:
        """Draw tokens for those copies of a claim that go to `domains` and still wait; date those that get none."""
        asking: defaultdict[str, list[Copy]] = defaultdict(list)
        places: dict[int, int] = {}
        for place, copy in enumerate(copies):
            domain = _domain_of(made[place])
            if domain in domains and domain is not None and is_waiting(copy.id):
                asking[domain].append(copy)
                places[copy.id] = place
        for domain in sorted(asking):
            ceiling = self._rates.providers.get(domain)
            for key, until in draw(session, domain, copies=asking[domain], ceiling=ceiling, now=now).items():
                made[places[key]] = Unsent(until)

    def draw_from_days(
        self, session: Session, copies: Sequence[Copy], made: list[Made], *, now: datetime
    ) -> dict[int, Draw]:
        """Draw for the first tries of newsletters that warm up; date those that get nothing, return the draws."""
        asking: defaultdict[int, list[Asking]] = defaultdict(list)
        places: dict[int, int] = {}
        for place, copy in enumerate(copies if self.warming else ()):
            newsletter_id, provider = copy.chunk.newsletter_id, _domain_of(made[place])
            if copy.attempt == 1 and newsletter_id in self.warming and newsletter_id and provider is not None:
                asking[newsletter_id].append(Asking(copy, provider))
                places[copy.id] = place
        drawn: dict[int, Draw] = {}
        for newsletter_id in sorted(asking):
            granted, waiting = allowances.draw(session, newsletter_id, asking=asking[newsletter_id], now=now)
            drawn |= granted
            for key, until in waiting.items():
                made[places[key]] = Unsent(until)
        return drawn

    def draw_for_relay(self, session: Session, wanted: int, *, is_urgent: bool, now: datetime) -> int:
        """Draw tokens of the whole relay; return how many there were."""
        assert self._rates.relay is not None
        return draw_for_relay(session, wanted, per_minute=self._rates.relay, is_urgent=is_urgent, now=now)

    def _may_teach(self, outcome: Outcome) -> bool:
        return bool(self._learned) if outcome.kind is OutcomeKind.ACCEPTED else teaches(outcome)


def _domain_of(made: Made) -> str | None:
    return None if isinstance(made, (Outcome, Withheld, Unsent)) else provider_of(made.recipient)


def _is_stricter(pace: Pace, known: Pace) -> bool:
    is_slower = pace.per_minute is not None and (known.per_minute is None or pace.per_minute < known.per_minute)
    return is_slower or (pace.open_until is not None and known.open_until is None)
