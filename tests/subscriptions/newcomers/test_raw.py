"""Raw rows of lists: a quotation mark that is never closed costs the line on which it stands, and no other."""

from pathlib import Path

import pytest

from app.subscriptions.newcomers.lists import BadRow, RowFault
from app.subscriptions.newcomers.raw import ROW_MAX_BYTES, ROW_MAX_LINES, ListReader, read_layout


def rows_of(tmp_path: Path, lines: list[str]) -> list[list[str] | BadRow]:
    path = tmp_path / "list.csv"
    path.write_text("\n".join(lines) + "\n")
    with ListReader(path, read_layout(path)) as rows:
        return [*rows][1:]


@pytest.mark.parametrize(
    ("header", "stray", "close"),
    [
        ("email,note", 'a@reader.example,"Le Petit', None),
        ("email,note", '"a@reader.example,x', None),
        ("email,note", 'a@reader.example,"x', 'b@reader.example,"x'),
        ("email,note", 'a@reader.example,"x', 'b@reader.example,x"'),
        ("email,note", '"a@reader.example,x', 'b@reader.example,x"'),
        ("email,note,by", 'a@reader.example,"x,y', None),
        ("email", '"a@reader.example', 'b@reader.example"'),
    ],
)
def test_a_stray_quotation_mark_costs_its_own_line_only(
    tmp_path: Path, header: str, stray: str, close: str | None
) -> None:
    others = [f"r{number}@reader.example" + ",x" * header.count(",") for number in range(40)]
    lines = [header, *others[:3], stray, *others[3:30], *([close] if close else []), *others[30:]]
    rows = rows_of(tmp_path, lines)
    assert [row for row in rows if isinstance(row, BadRow) and row.line < 30] == [BadRow(5, None, RowFault.UNREADABLE)]
    assert [row for row in rows if row in [other.split(",") for other in others]] == [
        other.split(",") for other in others
    ]


def test_a_cell_may_have_line_breaks(tmp_path: Path) -> None:
    note = "\n".join(["one, two", "bob@reader.example told us, by phone", *["and on"] * (ROW_MAX_LINES - 2)])
    rows = rows_of(tmp_path, ["email,note", f'a@reader.example,"{note}"', "b@reader.example,"])
    assert rows == [["a@reader.example", note], ["b@reader.example", ""]]


@pytest.mark.parametrize("goes_on", [["on"] * ROW_MAX_LINES, ["x" * ROW_MAX_BYTES]])
def test_how_far_a_cell_may_span_is_bounded(tmp_path: Path, goes_on: list[str]) -> None:
    rows = rows_of(tmp_path, ["email,note", 'a@reader.example,"on', *goes_on, 'on"', "b@reader.example,"])
    assert rows[0] == BadRow(2, None, RowFault.UNREADABLE)
    assert rows[1:-1] == [*([each] for each in goes_on), ['on"']]
    assert rows[-1] == ["b@reader.example", ""]


def test_marks_within_a_cell_that_nobody_doubled_are_let_pass(tmp_path: Path) -> None:
    assert rows_of(tmp_path, ["note,email", '"Jean "Jo" D",a@reader.example']) == [['Jean Jo" D"', "a@reader.example"]]
