"""Bounce addresses and Message-IDs: opaque, authentic, the same on every try."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.address import parse_address
from app.mail.envelope import Envelope

OURS = Envelope(("old" * 11, "new" * 11), "newsletter.example", "bounces.newsletter.example")
BEFORE = Envelope(("old" * 11,), "newsletter.example", "bounces.newsletter.example")
OTHERS = Envelope(("x" * 32,), "newsletter.example", "bounces.newsletter.example")


@given(st.integers(1, 2**63 - 1))
def test_what_is_sealed_is_read_back(delivery_id: int) -> None:
    assert OURS.read_bounce_address(OURS.bounce_address(delivery_id)) == delivery_id
    assert OURS.read_message_id(OURS.message_id(delivery_id)) == delivery_id


def test_a_bounce_address_is_one_that_any_server_takes() -> None:
    address = OURS.bounce_address(123_456)
    local, _, domain = address.partition("@")
    assert re.fullmatch(r"b-[0-9a-f]{36}", local)
    assert domain == "bounces.newsletter.example"
    assert parse_address(address).ascii == address


def test_the_same_copy_has_the_same_names_and_another_has_others() -> None:
    assert OURS.bounce_address(7) == OURS.bounce_address(7)
    assert OURS.message_id(7) == OURS.message_id(7)
    assert len({OURS.message_id(number) for number in range(1, 1000)}) == 999


def test_neighbours_have_nothing_in_common() -> None:
    one, two = OURS.message_id(1), OURS.message_id(2)
    assert sum(a == b for a, b in zip(one[1:30], two[1:30], strict=True)) < 10
    assert OURS.message_id(1)[1:37] != OURS.bounce_address(1)[2:38]


def test_case_does_not_matter_on_the_way_back() -> None:
    assert OURS.read_bounce_address(OURS.bounce_address(7).upper()) == 7
    assert OURS.read_message_id(OURS.message_id(7).upper()) == 7


def test_names_given_before_a_change_of_keys_are_still_read() -> None:
    assert OURS.read_bounce_address(BEFORE.bounce_address(7)) == 7
    assert BEFORE.read_bounce_address(OURS.bounce_address(7)) is None


@pytest.mark.parametrize(
    "address",
    [
        OTHERS.bounce_address(7),
        OURS.bounce_address(7).replace("bounces.", "other."),
        OURS.bounce_address(7)[1:],
        "b-" + "a" * 36 + "@bounces.newsletter.example",
        "b-@bounces.newsletter.example",
        "b-é1!@bounces.newsletter.example",
        OURS.message_id(7).strip("<>").replace("newsletter", "bounces.newsletter"),
        "",
    ],
)
def test_forged_and_foreign_addresses_name_nothing(address: str) -> None:
    assert OURS.read_bounce_address(address) is None


@given(st.one_of(st.text(), st.text("0123456789abcdefABCDEF +-_x\n٣", min_size=34, max_size=38)))
def test_garbage_names_nothing(garbage: str) -> None:
    assert OURS.read_bounce_address(f"b-{garbage}@bounces.newsletter.example") is None
    assert OURS.read_message_id(f"<{garbage}@newsletter.example>") is None


def test_every_changed_character_is_noticed() -> None:
    local, at, domain = OURS.bounce_address(7).partition("@")
    for place in range(2, len(local)):
        changed = local[:place] + ("a" if local[place] != "a" else "b") + local[place + 1 :]
        assert OURS.read_bounce_address(changed + at + domain) is None


def test_keys_stay_out_of_logs() -> None:
    assert "new" * 11 not in repr(OURS)


def test_a_leave_address_is_of_its_own_purpose() -> None:
    envelope = Envelope(("k" * 32,), "newsletter.example", "bounces.newsletter.example")
    leave = envelope.leave_address(7)
    assert envelope.read_leave_address(leave.upper()) == 7
    assert envelope.read_bounce_address(leave.replace("leave-", "b-")) is None
    assert len(leave.partition("@")[0]) <= 64


def test_a_copy_header_repeats_the_seal_of_the_message_id() -> None:
    ours = replace(OURS, copy_header="X-MJ-CustomID")
    name, _, value = ours.copy_field(ours.message_id(7)).decode().partition(": ")
    assert name == "X-MJ-CustomID"
    assert re.fullmatch(r"[0-9a-f]{36}\r\n", value)
    assert ours.read_copy_value(value.upper()) == 7
    for other in ("", "7", OTHERS.message_id(7)[1:37], ours.bounce_address(7)[2:38], ours.message_id(7)):
        assert ours.read_copy_value(other) is None
