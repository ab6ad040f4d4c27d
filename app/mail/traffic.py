"""What the lanes of one run share: where letters come from, what became of them, and how many lanes there are."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from app.mail.commands import find_unfit
from app.mail.transport import Outcome, Outgoing

#: How long a relay that would not have a further connection is left with those it has.
REDIAL_AFTER_S = 60.0


class Traffic:
    """The letters of one run. Every one that `draw` returns is settled or taken back by who drew it.

    `lanes` is the number of connections that take letters, `dial_at` when there may be more of them.
    """

    def __init__(self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]) -> None:
        self._messages = iter(messages)
        self._returned: deque[Outgoing] = deque()
        self._is_ended = False
        self.on_start = on_start
        self.outcomes: list[tuple[int, Outcome]] = []
        self.is_flowing = False
        self.lanes = 0
        self.dial_at = 0.0

    @property
    def is_over(self) -> bool:
        """Whether there is no letter to come, unless a lane takes one back."""
        return self._is_ended and not self._returned

    @property
    def has_waiting(self) -> bool:
        """Whether a letter that was pulled waits for a lane."""
        return bool(self._returned)

    def draw(self) -> Outgoing | None:
        """Return the next letter that may go, or None if there is none at this moment."""
        if self._returned:
            return self._returned.popleft()
        while not self._is_ended:
            try:
                letter = next(self._messages)
            except StopIteration:
                self._is_ended = True
                break
            if letter is None:
                break
            refusal = find_unfit(letter)
            if refusal is None:
                self.is_flowing = True
                return letter
            self.settle(letter, refusal)
        self.is_flowing = False
        return None

    def settle(self, letter: Outgoing, outcome: Outcome) -> None:
        """Note what became of a letter."""
        self.outcomes.append((letter.key, outcome))

    def take_outcomes(self) -> list[tuple[int, Outcome]]:
        """Return the outcomes since the last call."""
        outcomes, self.outcomes = self.outcomes, []
        return outcomes

    def take_back(self, letter: Outgoing) -> None:
        """Put a letter whose content never began in front of all others."""
        self._returned.appendleft(letter)

    def settle_waiting(self, outcome: Outcome) -> None:
        """Note the same outcome for each letter that waits: no lane can be had."""
        while self._returned:
            self.settle(self._returned.popleft(), outcome)

    def put_off_dialling(self) -> None:
        """Leave the relay with the lanes that there are."""
        self.dial_at = time.monotonic() + REDIAL_AFTER_S
