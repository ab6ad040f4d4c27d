"""`flask bounces classify`: what mails are, without any database."""

import json
import secrets
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app import create_app
from config import Config
from tests.mail.reports.mails import READER, delivery_report, group, letter


@pytest.fixture
def runner(tmp_path: Path) -> FlaskCliRunner:
    """A shell where no database answers."""
    environ = {"VIGIE_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    keys = {name: secrets.token_hex(32) for name in ("SECRET_KEY", "LINK_KEYS", "SUPPRESSION_KEY", "PROOF_KEYS")}
    app: Flask = create_app(Config.from_env(environ | keys))
    return app.test_cli_runner()


def test_one_line_for_each_file(runner: FlaskCliRunner, tmp_path: Path) -> None:
    bounce, other = tmp_path / "bounce.eml", tmp_path / "other.eml"
    bounce.write_bytes(delivery_report(group(diagnostic="smtp; 550 5.1.1 User unknown")))
    other.write_bytes(letter("Bonjour", sender="lea@inbox.example", subject="Merci"))
    told = runner.invoke(args=["bounces", "classify", str(bounce), str(other), "--json"])
    assert told.exit_code == 0, told.output
    first, second = map(json.loads, told.output.splitlines())
    assert first == {
        "file": str(bounce),
        "verdict": "hard",
        "recipients": [READER],
        "status": "5.1.1",
        "diagnostic": "550 5.1.1 User unknown",
    }
    assert (second["verdict"], second["recipients"], second["status"]) == ("not-a-bounce", [], None)


def test_a_mail_may_come_from_stdin(runner: FlaskCliRunner) -> None:
    mail = delivery_report(group(status="5.2.2"))
    told = runner.invoke(args=["bounces", "classify", "-", "--json"], input=mail)
    assert json.loads(told.output)["verdict"] == "soft"


def test_people_get_a_table(runner: FlaskCliRunner, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(delivery_report(group()))
    told = runner.invoke(args=["bounces", "classify", str(tmp_path / "b")])
    assert "verdict" in told.output
    assert "hard" in told.output


def test_a_file_that_is_missing_is_told(runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["bounces", "classify", "/nowhere.eml"]).exit_code == 2
