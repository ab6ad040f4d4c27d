"""Which counts balance."""

import pytest

from app.demo.balance import balance

READERS = ["a@example.org", "b@example.org", "c@example.org"]
ONCE = [(reader, f"<{reader}>") for reader in READERS]


def faults(received: list[tuple[str, str]], *, uncertain: int = 1, unsettled: int = 0, bound: int = 8) -> list[str]:
    return balance(READERS, received, uncertain=uncertain, unsettled=unsettled, bound=bound).faults


def test_one_letter_each_balances() -> None:
    assert faults(ONCE) == []


def test_a_repeated_letter_balances_where_it_was_uncertain() -> None:
    assert faults([*ONCE, ONCE[0]]) == []
    assert faults([*ONCE, ONCE[0], ONCE[1]]) == ["received twice is more than uncertain"]


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        (ONCE[1:], "1 readers received nothing"),
        ([*ONCE, ONCE[0], ONCE[0]], "1 readers received more than two"),
        ([*ONCE, (READERS[0], "<another>")], "1 readers received more than two"),
        ([*ONCE, ("d@example.org", "<d>")], "1 recipients are no readers"),
    ],
)
def test_what_arrived_wrongly_does_not_balance(received: list[tuple[str, str]], fault: str) -> None:
    [found] = faults(received)
    assert found.startswith(fault)


def test_more_uncertain_than_the_kills_allow_does_not_balance() -> None:
    assert faults(ONCE, uncertain=9) == ["uncertain is more than the bound"]


def test_what_the_ledger_does_not_know_does_not_balance() -> None:
    assert faults(ONCE, unsettled=1) == ["1 copies are not accepted in the ledger"]
