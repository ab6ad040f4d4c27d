"""Cells that a spreadsheet would take for formulas leave guarded, and come back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.subscriptions.newcomers.cells import FORMULA_SIGNS, guard, unguard

PAYLOADS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "＝1", "＋1", "－1", "＠x", "'=1", "''+1"]


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_cell_begins_a_formula(text: str) -> None:
    assert guard(text).startswith("'")
    assert unguard(guard(text)) == text


@pytest.mark.parametrize("text", ["", "a@reader.example", "'tis", "2025-12-31", "salon"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert guard(text) == text


@given(st.text(alphabet=[*FORMULA_SIGNS, "'", "a", " "], max_size=6))
def test_every_cell_comes_back_as_it_left(text: str) -> None:
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(FORMULA_SIGNS)
