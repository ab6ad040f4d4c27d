"""`flask articles classify` and `flask topics check`: without any database."""

import json
import secrets
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app import create_app
from config import Config


@pytest.fixture
def runner(tmp_path: Path) -> FlaskCliRunner:
    """A shell where no database answers."""
    environ = {"VIGIE_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    keys = {name: secrets.token_hex(32) for name in ("SECRET_KEY", "LINK_KEYS", "SUPPRESSION_KEY", "PROOF_KEYS")}
    app: Flask = create_app(Config.from_env(environ | keys))
    return app.test_cli_runner()


def test_an_article_is_told_with_its_reasons(runner: FlaskCliRunner, tmp_path: Path) -> None:
    file = tmp_path / "piece.md"
    file.write_text(
        "# Mali : une cyberattaque\n\nBamako accuse. Un diplomate suisse parle de sanctions.\n", encoding="utf-8"
    )
    told = runner.invoke(args=["articles", "classify", str(file), "--language", "fr", "--json"])
    assert told.exit_code == 0, told.output
    [line] = told.output.splitlines()
    found = json.loads(line)
    assert (found["file"], found["title"], found["language"]) == (str(file), "Mali : une cyberattaque", "fr")
    place = found["places"][0]
    assert (place["topic"], place["fr"], place["en"], place["rank"]) == ("place:ML", "Mali", "Mali", "primary")
    assert {(word["word"], word["where"]) for word in place["words"]} == {("Mali", "title"), ("Bamako", "lead")}
    assert {each["topic"] for each in found["themes"]} == {"theme:cybercrime", "theme:diplomacy"}
    assert found["regions"] == ["region:africa", "region:europe", "region:sahel"]


def test_people_get_a_table(runner: FlaskCliRunner, tmp_path: Path) -> None:
    (tmp_path / "piece.txt").write_text("Les hackeurs du GRU, à Moscou.\n", encoding="utf-8")
    told = runner.invoke(args=["articles", "classify", str(tmp_path / "piece.txt")])
    assert "place:RU" in told.output
    assert "GRU (lead, 1)" in told.output


def test_what_holds_no_article_is_refused(runner: FlaskCliRunner, tmp_path: Path) -> None:
    (tmp_path / "piece.pdf").write_bytes(b"%PDF")
    told = runner.invoke(args=["articles", "classify", str(tmp_path / "piece.pdf")])
    assert (told.exit_code, "files are not read" in told.output) == (1, True)


def test_our_taxonomy_is_well(runner: FlaskCliRunner) -> None:
    told = runner.invoke(args=["topics", "check", "--json"])
    found = json.loads(told.output)
    assert (found["themes"], found["places"]) == (13, 250)


def test_each_problem_of_a_taxonomy_is_a_line(runner: FlaskCliRunner, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("[themes.War]\n[topics]\n", encoding="utf-8")
    told = runner.invoke(args=["topics", "check", str(file)])
    assert told.exit_code == 1
    assert [line for line in told.output.splitlines() if line.startswith("[")] == [
        "[topics] is no section",
        "[themes.War]: a key is 2 to 30 small letters, digits and hyphens",
        '[themes.War]: label = { fr = "…", en = "…" }, each of 1 to 60 characters, is missing',
    ]
