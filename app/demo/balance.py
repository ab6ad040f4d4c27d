"""What a drill came to: who received what, held against who was to receive it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Balance:
    """Counts of readers, and of copies that were uncertain once; `bound` is how many of those the kills allow.

    `excess`: readers who received more than two letters, or two with different Message-IDs. `strangers`: recipients who
    are no readers. `unsettled`: copies that the ledger does not call accepted.
    """

    readers: int
    received_once: int
    received_twice: int
    excess: int
    strangers: int
    uncertain: int
    lost: int
    unsettled: int
    bound: int

    @property
    def faults(self) -> list[str]:
        """What does not balance, in words."""
        checks = {
            f"{self.lost} readers received nothing": self.lost == 0,
            f"{self.excess} readers received more than two letters, or two that differ": self.excess == 0,
            f"{self.strangers} recipients are no readers": self.strangers == 0,
            f"{self.unsettled} copies are not accepted in the ledger": self.unsettled == 0,
            "received twice is more than uncertain": self.received_twice <= self.uncertain,
            "uncertain is more than the bound": self.uncertain <= self.bound,
            "received once and twice do not make up the readers": (
                self.received_once + self.received_twice + self.excess + self.lost == self.readers
            ),
        }
        return [fault for fault, holds in checks.items() if not holds]


def balance(
    readers: Sequence[str], received: Iterable[tuple[str, str]], *, uncertain: int, unsettled: int, bound: int
) -> Balance:
    """Hold what was `received`, recipients with Message-IDs, against the addresses of `readers`."""
    message_ids: defaultdict[str, list[str]] = defaultdict(list)
    for recipient, message_id in received:
        message_ids[recipient].append(message_id)
    strangers = message_ids.keys() - set(readers)
    theirs = [message_ids.get(reader, []) for reader in readers]
    twice = sum(len(ids) == 2 and ids[0] == ids[1] != "" for ids in theirs)
    once = sum(len(ids) == 1 for ids in theirs)
    lost = sum(not ids for ids in theirs)
    return Balance(
        readers=len(readers),
        received_once=once,
        received_twice=twice,
        excess=len(readers) - once - twice - lost,
        strangers=len(strangers),
        uncertain=uncertain,
        lost=lost,
        unsettled=unsettled,
        bound=bound,
    )
