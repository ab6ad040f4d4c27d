"""A day of attack: nobody gets more letters than the limits say, and every reader gets through."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from app.settings.form import SignupLimits
from bench.bombing import ATTACKS, DAY, Attack, Side, play
from config import Config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LIMITS = SignupLimits()


def sized(attack: Attack, config: Config, *, on_sqlite: int = 1, elsewhere: int) -> Attack:
    """The attack at a share of its size, which is smaller where the same statements take longer: on PostgreSQL."""
    share = on_sqlite if config.database_url.startswith("sqlite") else elsewhere
    return replace(
        attack, tries=attack.tries // share, networks=attack.networks // share, readers=attack.readers // share
    )


def check_readers(readers: Side) -> None:
    """Every reader got one letter, asked for proof or not, and none was told to wait."""
    assert readers.answers[303] == readers.tries
    assert readers.answers[429] == 0
    assert (readers.sent, readers.most_within(DAY)) == (readers.tries, 1)


def test_fifty_victims_get_what_the_limits_allow_and_readers_pass(app: Flask, config: Config) -> None:
    attack = sized(ATTACKS[0], config, on_sqlite=4, elsewhere=10)
    attackers, readers = play(app, attack)
    assert attackers.tries == attack.tries
    assert attackers.answers[429] > 0
    assert len(attackers.letters) <= (attack.victims or 0), "all spellings of a victim are one mailbox"
    assert attackers.most_within(DAY) == LIMITS.per_mailbox_daily
    assert attackers.most_within(timedelta(minutes=LIMITS.pause_minutes)) == 1
    check_readers(readers)


def test_strangers_are_spared_by_the_breaker_and_readers_pass(app: Flask, config: Config) -> None:
    attack = sized(replace(ATTACKS[1], tries=5_000, networks=250, readers=60), config, elsewhere=10)
    attackers, readers = play(app, attack)
    assert attackers.sent <= 24 * LIMITS.breaker_floor
    assert attackers.sent <= attackers.answers[303]
    if config.database_url.startswith("sqlite"):
        assert attackers.answers[503] > attack.tries / 3
        assert readers.answers[503] > 10, "readers met the breaker, and passed"
    check_readers(readers)
