"""How commands print: tables fit into a terminal, are whole lines elsewhere, and show data as it is."""

import errno
import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskCliRunner

from app.cli.output import FITTED_ROWS, Row, print_rows, refusals_in_words
from app.product import Product
from config import Config

MARKUP = "Closing [/quote] tag [video] [bold]x"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """A shell."""
    return app.test_cli_runner()


def shown(rows: Sequence[Row]) -> str:
    """What a person sees."""
    with redirect_stdout(Terminal()) as terminal:
        print_rows(rows, as_json=False)
    return terminal.getvalue()


def test_what_looks_like_markup_is_data_on_a_terminal() -> None:
    assert MARKUP in shown([{"title": MARKUP}])


def test_a_table_is_fitted_into_a_terminal_while_it_is_short() -> None:
    rows = [{"one": "x" * 60, "two": "y" * 60}]
    assert len(shown(rows).splitlines()[1]) <= 80
    assert "x" * 60 + "  " + "y" * 60 in shown(rows * (FITTED_ROWS + 1))


def test_elsewhere_each_row_is_one_line_with_all_that_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(
        [{"title": f"{MARKUP}\n{'x' * 200}", "n": None, "id": 7}, {"title": "é", "n": 1, "id": 8}], as_json=False
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [f"{MARKUP} {'x' * 200}     7", "é" + " " * (len(MARKUP) + 200) + "  1  8"]


@pytest.mark.parametrize(
    ("content", "words", "is_hinted"),
    [(b"", "no such table", True), (b"no database " * 100, "file is not a database", False)],
)
def test_a_database_that_cannot_answer_is_told_in_one_line(
    tmp_path: Path, content: bytes, words: str, is_hinted: bool
) -> None:
    (tmp_path / "vigie.db").write_bytes(content)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'vigie.db'}")
    with pytest.raises(click.ClickException) as told, refusals_in_words(), engine.connect() as connection:
        connection.execute(sa.text("SELECT * FROM newsletters"))
    engine.dispose()
    assert (words in told.value.message, "flask db upgrade" in told.value.message) == (True, is_hinted)


def test_either_database_is_said_to_be_behind_where_a_table_is_missing(product: Product) -> None:
    with pytest.raises(click.ClickException) as told, refusals_in_words(), product.database.reading() as session:
        session.execute(sa.text("SELECT * FROM nowhere"))
    assert "flask db upgrade" in told.value.message


def test_a_revision_that_is_not_known_is_told_in_one_line(app: Flask, runner: FlaskCliRunner) -> None:
    """As where a newer version migrated the database, and the one before is back."""
    for command in ("upgrade", "downgrade"):
        with app.app_context():
            told = runner.invoke(args=["db", command, "revision-to-come"])
        assert (told.exit_code, told.stderr) == (
            1,
            "Error: the database cannot be migrated (Can't locate revision identified by 'revision-to-come');"
            " does a newer version know it?\n",
        )


def test_what_the_machine_refuses_is_told_in_one_line(runner: FlaskCliRunner, config: Config) -> None:
    config.data_dir.mkdir(exist_ok=True)
    config.dkim_dir.write_text("not a folder")
    told = runner.invoke(args=["dkim", "generate", "2026-11"])
    assert (told.exit_code, told.stderr) == (1, f"Error: {config.dkim_dir}: File exists\n")
    with pytest.raises(click.ClickException) as full, refusals_in_words():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full.value.message == "No space left on device"
    with pytest.raises(BrokenPipeError), refusals_in_words():
        raise BrokenPipeError
