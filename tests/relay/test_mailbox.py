"""Returned mail in a mailbox, over a real Dovecot."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from app.clock import now
from app.db import Database
from app.errors import MailboxUnavailable
from app.feedback.intake import Intake, Taken, make_intake
from app.feedback.mailbox import DONE, SET_ASIDE, poll
from app.product import Product
from app.settings.feedback import ReturnSettings
from app.subscriptions.kinds import SuppressionReason
from tests.end_to_end.house import free_port
from tests.feedback.house import reader_with_copy, suppression_of
from tests.feedback.mails import dsn, reply
from tests.relay.authority import Authority
from tests.relay.dovecot import PASSWORD, USER, Dovecot, is_installed

pytestmark = pytest.mark.slow

POISON = b"Subject: poison\r\n\r\nboom\r\n"


@dataclass(frozen=True)
class Fragile(Intake):
    """An intake with a fault that one mail brings out."""

    def take(self, data: bytes, **rest: object) -> Taken:  # type: ignore[override]
        if b"poison" in data:
            raise RecursionError("too deep")
        return super().take(data, **rest)  # type: ignore[arg-type]


@pytest.fixture
def dovecot(open_folder: Path, authority: Authority) -> Iterator[Dovecot]:
    if not is_installed():
        pytest.skip("Dovecot not found: apt-get install dovecot-imapd")
    if os.geteuid() != 0:
        pytest.skip("only root can start Dovecot")
    folder = open_folder / f"dovecot-{free_port()}"
    folder.mkdir()
    with Dovecot(folder, authority) as running:
        yield running


@pytest.fixture
def settings(dovecot: Dovecot, authority: Authority) -> ReturnSettings:
    return ReturnSettings(
        imap_host="127.0.0.1", imap_port=dovecot.port, imap_user=USER, imap_password=PASSWORD.replace(" ", "_"),
        imap_ca_file=str(authority.ca_file),
    )  # fmt: skip


def test_what_is_taken_in_moves_and_nothing_is_deleted(
    product: Product, dovecot: Dovecot, settings: ReturnSettings
) -> None:
    intake = make_intake(product)
    bounce = intake.envelope.bounce_address(reader_with_copy(product, at=now()))
    dovecot.deliver(dsn(to=bounce), reply(to=bounce), b"", b"\xff\0\r\n" * 10)
    assert poll(intake, settings, now=now()) == Counter({DONE: 4})
    assert (len(dovecot.names("")), len(dovecot.names(f".Vigie.{DONE}"))) == (0, 4)
    assert poll(intake, settings, now=now()) == Counter()
    with product.database.reading() as session:
        assert suppression_of(session).reason is SuppressionReason.HARD_BOUNCE  # type: ignore[union-attr]


def test_a_mail_that_cannot_be_read_is_set_aside_after_two_tries_and_stops_none(
    product: Product, dovecot: Dovecot, settings: ReturnSettings
) -> None:
    wired = make_intake(product)
    intake = Fragile(wired.database, wired.envelope, wired.rules, wired.suppression_key, wired.newsroom)
    dovecot.deliver(POISON, reply(to="a@newsletter.example"))
    assert poll(intake, settings, now=now()) == Counter({DONE: 1})
    assert len(dovecot.names("")) == 1
    assert poll(intake, settings, now=now()) == Counter({SET_ASIDE: 1})
    assert len(dovecot.names(f".Vigie.{SET_ASIDE}")) == 1


def test_a_mail_that_ended_the_process_twice_is_not_read_again(
    product: Product, dovecot: Dovecot, settings: ReturnSettings
) -> None:
    class Killed(BaseException):
        pass

    @dataclass(frozen=True)
    class Deadly(Intake):
        def take(self, data: bytes, **rest: object) -> Taken:  # type: ignore[override]
            raise Killed

    wired = make_intake(product)
    dovecot.deliver(POISON)
    for _ in range(2):
        with pytest.raises(Killed):
            poll(
                Deadly(wired.database, wired.envelope, wired.rules, wired.suppression_key, wired.newsroom),
                settings,
                now=now(),
            )
    assert poll(wired, settings, now=now()) == Counter({SET_ASIDE: 1})


def test_while_the_database_is_away_nothing_moves_and_nothing_counts_as_a_try(
    product: Product, dovecot: Dovecot, settings: ReturnSettings
) -> None:
    intake = make_intake(product)
    dovecot.deliver(dsn(to=intake.envelope.bounce_address(reader_with_copy(product, at=now()))))
    away = Database(f"postgresql+psycopg://vigie@127.0.0.1:{free_port()}/vigie?connect_timeout=1")
    for _ in range(3):
        with pytest.raises(OperationalError):
            poll(replace(intake, database=away), settings, now=now())
    assert poll(intake, settings, now=now()) == Counter({DONE: 1})


@pytest.mark.parametrize("wrong", ["imap_password", "imap_ca_file", "imap_port", "imap_token_file"])
def test_a_mailbox_that_cannot_be_read_says_so(
    product: Product, settings: ReturnSettings, wrong: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("expired")
    values = {"imap_password": "wrong", "imap_ca_file": "", "imap_port": free_port(),
              "imap_token_file": str(tmp_path / "token")}  # fmt: skip
    with pytest.raises(MailboxUnavailable):
        poll(make_intake(product), replace(settings, **{wrong: values[wrong]}), now=now())
