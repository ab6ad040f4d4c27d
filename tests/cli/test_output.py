"""How commands print: tables fit into a terminal, are whole lines elsewhere, and show data as it is."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import click
import pytest
import sqlalchemy as sa

from app.cli.output import FITTED_ROWS, Row, print_rows, refusals_in_words
from app.product import Product

MARKUP = "Closing [/quote] tag [video] [bold]x"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


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
