"""The listener over real sockets: what it takes, what it refuses, and what it does while the database is away."""

import smtplib
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.db import Database
from app.feedback.intake import Intake, make_intake
from app.feedback.listener import listening
from app.product import Product
from app.settings.feedback import ReturnSettings
from app.subscriptions.kinds import SuppressionReason
from tests.end_to_end.house import free_port
from tests.feedback.house import reader_with_copy, suppression_of
from tests.feedback.mails import arf, dsn


@pytest.fixture
def intake(product: Product) -> Intake:
    return make_intake(product)


@pytest.fixture(params=["smtp", "lmtp"])
def client(request: pytest.FixtureRequest, intake: Intake) -> Iterator[smtplib.SMTP]:
    is_lmtp = request.param == "lmtp"
    settings = ReturnSettings(port=free_port(), is_lmtp=is_lmtp, addresses=frozenset({"fbl@newsletter.example"}))
    with listening(intake, settings):
        connection = (smtplib.LMTP if is_lmtp else smtplib.SMTP)("127.0.0.1", settings.port, timeout=20)
        with connection:
            yield connection


def test_a_bounce_from_nobody_is_taken_and_applied(product: Product, intake: Intake, client: smtplib.SMTP) -> None:
    copy = reader_with_copy(product)
    assert client.sendmail("", [intake.envelope.bounce_address(copy).upper()], dsn()) == {}
    with product.database.reading() as session:
        assert suppression_of(session).reason is SuppressionReason.HARD_BOUNCE  # type: ignore[union-attr]


def test_only_sealed_and_named_addresses_are_taken(product: Product, intake: Intake, client: smtplib.SMTP) -> None:
    sealed = intake.envelope.bounce_address(reader_with_copy(product))
    client.ehlo_or_helo_if_needed()
    client.mail("")
    elsewhere = sealed.partition("@")[0] + "@elsewhere.example"
    for stranger in ("postmaster@bounces.newsletter.example", f"b-{'0' * 36}@bounces.newsletter.example", elsewhere):
        assert client.rcpt(stranger)[0] == 550
    assert client.rcpt("FBL@newsletter.example")[0] == 250
    assert client.rcpt(sealed)[0] == 452
    assert client.data(arf())[0] == 250


def test_a_mail_that_is_too_large_is_refused_before_it_is_sent(
    product: Product, intake: Intake, client: smtplib.SMTP
) -> None:
    sealed = intake.envelope.bounce_address(reader_with_copy(product))
    client.ehlo_or_helo_if_needed()
    assert client.esmtp_features["size"] == "5000000"
    assert client.mail("", ["SIZE=5000001"])[0] == 552
    for expected, lines in ((250, 3), (552, 75_000)):
        client.rset()
        client.mail("")
        client.rcpt(sealed)
        assert (
            client.data(dsn() + (b"x" * 2_000 + b"\r\n") * (lines // 3) + (b"x" * 70 + b"\r\n") * lines)[0] == expected
        )


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_while_the_database_is_away_the_mail_is_to_come_again(product: Product, intake: Intake) -> None:
    copy = reader_with_copy(product)
    away = Database(f"postgresql+psycopg://vigie@127.0.0.1:{free_port()}/vigie?connect_timeout=1")
    settings = ReturnSettings(port=free_port())
    with (
        listening(replace(intake, database=away), settings),
        smtplib.SMTP("127.0.0.1", settings.port, timeout=20) as client,
        pytest.raises(smtplib.SMTPDataError) as refused,
    ):
        client.sendmail("", [intake.envelope.bounce_address(copy)], dsn())
    assert refused.value.smtp_code == 451
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", settings.port)) != 0
