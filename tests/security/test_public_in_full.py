"""Every payload against every public page that takes a text: in all its fields at once, and in single ones."""

import pytest

from tests.conftest import ON_SQLITE
from tests.security.findings import Judge
from tests.security.payloads import payloads
from tests.security.walk import Walker, open_to_strangers

#: Each test takes its share of the payloads.
PARTS = 3


@pytest.mark.slow
@pytest.mark.timeout(400)
@ON_SQLITE
@pytest.mark.parametrize("part", range(PARTS))
def test_no_payload_does_anything(walker: Walker, part: int) -> None:
    mine = payloads()[part::PARTS]
    judge = Judge(walker, [place for place in open_to_strangers(walker) if place.texts or walker.names[place]])
    judge.attack(mine)
    assert not judge.found
