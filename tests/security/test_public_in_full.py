"""Every payload against every public page that takes a text: in all its fields at once, and in single ones."""

import pytest

from tests.conftest import ON_SQLITE
from tests.security.findings import Judge
from tests.security.payloads import payloads
from tests.security.walk import Walker, open_to_strangers


@pytest.mark.slow
@pytest.mark.timeout(900)
@ON_SQLITE
def test_no_payload_does_anything(walker: Walker) -> None:
    judge = Judge(walker, [place for place in open_to_strangers(walker) if place.texts or walker.names[place]])
    judge.attack(payloads())
    assert not judge.found
