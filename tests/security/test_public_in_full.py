"""Every payload against public pages that take a text: in all their fields at once, and in single ones."""

import pytest

from tests.conftest import ON_SQLITE
from tests.security.findings import Judge
from tests.security.payloads import payloads
from tests.security.walk import Walker, open_to_strangers

#: Each page is sent one payload of so many, and each payload to one page of so many, in turn: all took four minutes.
SHARE = 8


@pytest.mark.slow
@pytest.mark.timeout(900)
@ON_SQLITE
def test_no_payload_does_anything(walker: Walker) -> None:
    judge = Judge(walker, [place for place in open_to_strangers(walker) if place.texts or walker.names[place]])
    judge.attack(payloads(), every=SHARE)
    assert not judge.found
