"""`flask bounces ingest`: what a mail server's pipe calls, and what its exit code tells that server."""

import os
import signal
import smtplib
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.feedback.intake import make_intake
from app.product import Product
from app.subscriptions.kinds import SuppressionReason
from tests.conftest import make_config
from tests.end_to_end.house import House, free_port, wait_until
from tests.feedback.house import reader_with_copy, suppression_of
from tests.feedback.mails import dsn, reply


def test_a_bounce_from_a_pipe_is_applied(app: Flask, product: Product) -> None:
    bounce = make_intake(product).envelope.bounce_address(reader_with_copy(product))
    ran = app.test_cli_runner().invoke(args=["bounces", "ingest", "--recipient", bounce, "-"], input=dsn())
    assert (ran.exit_code, ran.output) == (0, "-: new\n")
    with product.database.reading() as session:
        assert suppression_of(session).reason is SuppressionReason.HARD_BOUNCE  # type: ignore[union-attr]


def test_mail_that_is_no_bounce_is_taken_without_complaint(app: Flask, tmp_path: Path) -> None:
    for name, data in (("a", reply(to="x@bounces.newsletter.example")), ("b", b""), ("c", b"\xff\0" * 1_000)):
        (tmp_path / name).write_bytes(data)
    files = [str(tmp_path / name) for name in "abc"]
    ran = app.test_cli_runner().invoke(args=["bounces", "ingest", *files])
    assert ran.exit_code == 0
    assert ran.output.count("no-report") == 3


@pytest.mark.parametrize("is_there", [True, False])
def test_a_database_that_cannot_answer_has_the_mail_come_again(tmp_path: Path, is_there: bool) -> None:
    away = f"postgresql://vigie@127.0.0.1:{free_port()}/vigie"
    app = create_app(make_config(f"sqlite:///{tmp_path / 'empty.db'}" if is_there else away, tmp_path))
    (tmp_path / "mail").write_bytes(dsn())
    ran = app.test_cli_runner().invoke(args=["bounces", "ingest", str(tmp_path / "mail")])
    assert ran.exit_code == os.EX_TEMPFAIL
    app.extensions["vigie"].database.dispose()


@pytest.mark.slow
def test_the_listener_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port = free_port()
    house = House(tmp_path, 1, BOUNCE_PORT=str(port))
    house.flask("db", "upgrade")
    is_up = lambda: "Listening" in house.output.read_text()  # noqa: E731
    with house.process("flask", "bounces", "listen", is_up=is_up) as running:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            assert client.verify("lettre")[0] == 252
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 0
    wait_until(lambda: "Traceback" not in house.output.read_text(), "a clean end")
