"""Payloads against every page of the desk, from an admin's browser: what an editor pastes must do nothing either."""

import pytest

from tests.conftest import ON_SQLITE
from tests.security.findings import Judge
from tests.security.payloads import payloads
from tests.security.walk import Place, Walker

SAMPLE = 360
#: Each test takes its share of the pages.
PARTS = 4


def desk_places(walker: Walker) -> list[Place]:
    """The pages of the desk and of the mail catcher."""
    return [place for place in walker.places if place.rule.rule.startswith(("/admin/", "/mailbox/"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)  # which is the stricter one
@pytest.mark.parametrize("part", range(PARTS))
def test_a_sample_of_payloads_does_nothing(walker: Walker, part: int) -> None:
    found = payloads()
    judge = Judge(walker, desk_places(walker)[part::PARTS], is_storing=True)
    judge.attack(found, every=SAMPLE)
    assert not judge.found


@pytest.mark.slow
@ON_SQLITE
@pytest.mark.parametrize(("endpoint", "every"), [("admin.readers", 3), ("admin.texts_submit", 9)])
def test_payloads_typed_into_a_text_do_nothing(walker: Walker, endpoint: str, every: int) -> None:
    found = payloads()
    judge = Judge(walker, [place for place in walker.places if place.rule.endpoint == endpoint], is_storing=True)
    judge.attack(found, every=every)
    assert not judge.found
