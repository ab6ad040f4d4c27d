"""Some days of the week of real feeds, with three of its readers: nothing comes twice, and nothing is left out."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.editions.models import EditionKind
from bench.week import run_week
from bench.week_feeds import CORPORA, FIRST_DAY, Wire, read_wires
from bench.week_readers import READERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are to lie beside the repository: ../shared/corpora"),
]

FROM, UNTIL = FIRST_DAY + timedelta(days=2), FIRST_DAY + timedelta(days=3, hours=17)
CHOSEN = [reader for reader in READERS if reader.name in {"chloe", "dan", "farid"}]


def last_of_each_day(wire: Wire) -> Wire:
    """A feed as it was at the end of each day, which takes less time to read."""
    by_day = {at.date(): (at, document) for at, document in wire.documents}
    return replace(wire, documents=tuple(by_day.values()))


def test_three_readers_get_each_story_once_and_all_they_want(tmp_path: Path) -> None:
    wires = [last_of_each_day(wire) for wire in read_wires()]
    accounts = run_week(wires, CHOSEN, tmp_path, since=FROM, until=UNTIL)
    assert [account.repeated for account in accounts] == [[], [], []]
    assert [account.missed for account in accounts] == [[], [], []]
    chloe, dan, farid = ([len(stories) for stories in account.stories] for account in accounts)
    assert sum(chloe) > sum(farid) > 0
    assert max(dan) == 30
    assert EditionKind.FLASH in {letter.kind for letter in accounts[1].letters}
