"""Proof of work: what is taken, and that nothing is taken twice."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from altcha import Challenge, Payload, solve_challenge

from app.product import Product
from app.subscriptions.form.proofs import CHALLENGE_LIFE, make_challenge, read_proof, spend_proof
from tests.conftest import KEY, NOW


def solved(secret_key: str = KEY) -> dict[str, object]:
    """A challenge of NOW with its solution, as a form brings it."""
    challenge = Challenge.from_dict(json.loads(make_challenge(secret_key, now=NOW)))
    solution = solve_challenge(challenge)
    assert solution
    return Payload(challenge, solution).to_dict()


def encoded(payload: object) -> str:
    return base64.b64encode(json.dumps(payload).encode()).decode()


@time_machine.travel(NOW, tick=False)
def test_a_solved_challenge_counts_once(product: Product) -> None:
    proof = read_proof(encoded(solved()), KEY)
    assert proof is not None
    assert proof.expires_at == NOW + CHALLENGE_LIFE
    spent = []
    for _ in range(2):
        with product.database.transaction() as session:
            spent.append(spend_proof(session, proof))
    assert spent == [True, False]


def test_a_challenge_has_its_time() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        text = encoded(solved())
        clock.move_to(NOW + CHALLENGE_LIFE)
        assert read_proof(text, KEY) is not None
        clock.shift(timedelta(seconds=1))
        assert read_proof(text, KEY) is None


def easier(payload: dict[str, dict[str, dict[str, object]]]) -> None:
    payload["challenge"]["parameters"]["keyPrefix"] = ""


def longer(payload: dict[str, dict[str, dict[str, object]]]) -> None:
    payload["challenge"]["parameters"]["expiresAt"] = 4_000_000_000


def unsigned(payload: dict[str, dict[str, object]]) -> None:
    del payload["challenge"]["signature"]


def guessed(payload: dict[str, dict[str, object]]) -> None:
    payload["solution"]["counter"] = 7


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("forge", [easier, longer, unsigned, guessed])
def test_what_was_changed_is_not_taken(forge: Callable[[object], None]) -> None:
    payload = solved()
    forge(payload)
    assert read_proof(encoded(payload), KEY) is None


@pytest.mark.parametrize("text", ["", "x", "e30=", "é", "[" * 1500, encoded([]), encoded({"challenge": 1}), "A" * 9000])
def test_what_is_no_proof_is_none(text: str) -> None:
    assert read_proof(text, KEY) is None


@time_machine.travel(NOW, tick=False)
def test_a_challenge_of_another_key_is_not_taken() -> None:
    assert read_proof(encoded(solved(KEY + "-other")), KEY) is None
