"""Tokens: one purpose each, opaque, rotating keys, an age limit where the purpose has one."""

import base64

import pytest
import time_machine

from app.db import new_public_id
from app.errors import TokenExpired, TokenInvalid
from app.tokens import TIMED, UNTIMED, Tokens

OLD, NEW = "o" * 40, "n" * 40
HOURS_72 = 72 * 3600


def test_a_token_opens_for_its_own_purpose_only() -> None:
    tokens = Tokens((NEW,))
    for purpose in UNTIMED:
        token = tokens.sign(purpose, "abc")
        assert tokens.read(purpose, token) == "abc"
        for other in UNTIMED - {purpose}:
            with pytest.raises(TokenInvalid):
                tokens.read(other, token)
        for other in TIMED:
            with pytest.raises(TokenInvalid):
                tokens.read(other, token, max_age_s=HOURS_72)


def test_rotation_keeps_the_links_of_letters_already_sent() -> None:
    token = Tokens((OLD,)).sign("unsubscribe", "abc")
    assert Tokens((OLD, NEW)).read("unsubscribe", token) == "abc"
    assert Tokens((NEW,)).read("unsubscribe", Tokens((OLD, NEW)).sign("unsubscribe", "abc")) == "abc"
    with pytest.raises(TokenInvalid):
        Tokens((NEW,)).read("unsubscribe", token)


def test_a_confirm_token_expires_and_an_unsubscribe_token_never_does() -> None:
    tokens = Tokens((NEW,))
    with time_machine.travel("2016-01-01T00:00:00Z", tick=False):
        confirm, unsubscribe = tokens.sign("confirm", "abc"), tokens.sign("unsubscribe", "abc")
    with time_machine.travel("2016-01-03T23:59:00Z", tick=False):
        assert tokens.read("confirm", confirm, max_age_s=HOURS_72) == "abc"
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        assert tokens.read("unsubscribe", unsubscribe) == "abc"
        with pytest.raises(TokenExpired):
            tokens.read("confirm", confirm, max_age_s=HOURS_72)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: "x" + t, lambda t: "", lambda t: "é", lambda t: t + "."]
)
def test_forged_and_truncated_tokens_are_refused(change: object) -> None:
    tokens = Tokens((NEW,))
    with pytest.raises(TokenInvalid):
        tokens.read("unsubscribe", change(tokens.sign("unsubscribe", "abc")))  # type: ignore[operator]


def test_a_public_id_has_128_random_bits_and_no_dot() -> None:
    ids = {new_public_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(base64.urlsafe_b64decode(each + "==")) == 16 and "." not in each for each in ids)
