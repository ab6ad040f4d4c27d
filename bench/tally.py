"""Reading what sinks wrote down: did every reader get one letter, and only one."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path


def tally_faults(tallies: Sequence[Path], readers: AbstractSet[str]) -> list[str]:
    """Return in words what is wrong; nothing where each of the `readers`, and nobody else, got one letter."""
    lines = [line.split("\t") for tally in tallies for line in tally.read_text(encoding="utf-8").splitlines()]
    by_recipient = Counter(recipient for recipient, _ in lines)
    message_ids = {message_id for _, message_id in lines}
    faults = []
    if missing := len(readers - by_recipient.keys()):
        faults.append(f"{missing} readers got no letter")
    if several := sum(count > 1 for count in by_recipient.values()):
        faults.append(f"{several} readers got more than one letter")
    if strangers := len(by_recipient.keys() - readers):
        faults.append(f"{strangers} recipients are no readers")
    if "" in message_ids:
        faults.append("a letter has no Message-ID")
    if len(message_ids) != len(by_recipient):
        faults.append(f"{len(message_ids)} Message-IDs for {len(by_recipient)} recipients")
    return faults
