"""Lists of readers in CSV files: what can be read is, and each row that cannot is named."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import InputRefused
from app.subscriptions.newcomers.columns import Column, guess_places
from app.subscriptions.newcomers.imports import Newcomer, Provenance
from app.subscriptions.newcomers.lists import BadRow, ListDefaults, RowFault, RowReader
from app.subscriptions.newcomers.raw import ListReader, read_layout
from tests.conftest import NOW

DEFAULTS = ListDefaults("fr", frozenset({"fr", "en"}), None)


def write(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(tmp_path: Path, content: str | bytes, defaults: ListDefaults = DEFAULTS) -> list[Newcomer | BadRow]:
    """All rows but the header and empty lines, as an import reads them."""
    path = write(tmp_path, content)
    layout = read_layout(path)
    reader = RowReader(guess_places(layout.header), len(layout.header), defaults, now=NOW)
    with ListReader(path, layout) as rows:
        next(rows)
        return [made for row in rows if (made := reader.read(rows.line, row)) is not None]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_columns_are_found_by_their_names_in_either_language(tmp_path: Path, sign: str) -> None:
    lines = (["Nom", "Adresse électronique", "Langue", "Origine", "Date d’inscription", "Statut"],
             ["Zoé", "zoe@reader.example", "EN", "salon", "2025-03-01", "Abonné"])  # fmt: skip
    [row] = read(tmp_path, "".join(sign.join(cells) + "\r\n" for cells in lines))
    assert isinstance(row, Newcomer)
    assert (row.address.key, row.language, row.line) == ("zoe@reader.example", "en", 2)
    assert row.provenance == Provenance("salon", datetime(2025, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, encoding: str) -> None:
    content = 'email,source,date\r\n"a@reader.example","Fête, l’Humanité",2025-03-01\r\n'.encode(encoding)
    [row] = read(tmp_path, content)
    assert isinstance(row, Newcomer)
    assert row.provenance is not None
    assert row.provenance.source == "Fête, l’Humanité"


@pytest.mark.parametrize(("source", "day"), [("fair", ""), ("", "2025-03-01")])
def test_half_a_proof_is_none(tmp_path: Path, source: str, day: str) -> None:
    whole = ListDefaults("fr", frozenset({"fr"}), Provenance("old list", NOW - timedelta(days=9)))
    rows = read(tmp_path, f"email,source,date\na@reader.example,{source},{day}\nb@reader.example,,\n", whole)
    assert [row.provenance for row in rows if isinstance(row, Newcomer)] == [None, whole.provenance]


@pytest.mark.parametrize(
    ("written", "language"),
    [("fr", "fr"), ("FR", "fr"), ("français", "fr"), ("Francais", "fr"), ("FRENCH", "fr"), ("franc\u0327ais", "fr"),
     ("En", "en"), ("anglais", "en"), ("English", "en"), ("", "fr")],
)  # fmt: skip
def test_a_language_is_written_as_its_code_or_by_its_name(tmp_path: Path, written: str, language: str) -> None:
    [row] = read(tmp_path, f"email,language\na@reader.example,{written}\n")
    assert isinstance(row, Newcomer)
    assert row.language == language


@pytest.mark.parametrize(
    ("row", "column", "fault"),
    [
        ("no address,fr,", Column.EMAIL, RowFault.ADDRESS),
        ("a@reader.example", None, RowFault.WIDTH),
        ("a@reader.example,fr,,x", None, RowFault.WIDTH),
        ("a@reader.example,de,", Column.LANGUAGE, RowFault.LANGUAGE),
        ("a\0@reader.example,fr,", Column.EMAIL, RowFault.CONTROL),
        ("\u202ea@reader.example,fr,", Column.EMAIL, RowFault.CONTROL),
        ("a@reader.example,=1+1,", Column.LANGUAGE, RowFault.LANGUAGE),
        (f"{'x' * 1025}@reader.example,fr,", Column.EMAIL, RowFault.TOO_LONG),
        ("a@reader.example b@reader.example,fr,", Column.EMAIL, RowFault.ADDRESS),
        ("a@reader.example,fr,unsubscribed", Column.STATUS, RowFault.STATUS),
        (f'"{"x" * 200_000}",fr,', None, RowFault.UNREADABLE),
        ("x" * 600_000, None, RowFault.LINE_TOO_LONG),
    ],
)
def test_each_bad_row_is_named_and_the_others_are_read(
    tmp_path: Path, row: str, column: Column | None, fault: RowFault
) -> None:
    rows = read(tmp_path, f"email,language,status\nfirst@reader.example,fr,\n{row}\n\nlast@reader.example,fr,\n")
    assert [each for each in rows if isinstance(each, BadRow)] == [BadRow(3, column, fault)]
    assert [each.line for each in rows if isinstance(each, Newcomer)] == [2, 5]


def test_a_source_is_told_with_the_no_break_spaces_that_french_has(tmp_path: Path) -> None:
    source = "Formulaire «\N{NO-BREAK SPACE}Cap\N{NO-BREAK SPACE}»"
    [row] = read(tmp_path, f"email,source,consented on\na@reader.example,{source},2025-01-01\n")
    assert isinstance(row, Newcomer)
    assert row.provenance is not None
    assert row.provenance.source == source


@pytest.mark.parametrize("status", ["", "Subscribed", "ACTIVE", "opted in", "Oui", "abonne"])
def test_a_row_that_says_yes_is_taken(tmp_path: Path, status: str) -> None:
    [row] = read(tmp_path, f"email,status\na@reader.example,{status}\n")
    assert isinstance(row, Newcomer)


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "pending", "0", "1", "no", "désabonné"])
def test_a_row_that_does_not_is_refused(tmp_path: Path, status: str) -> None:
    assert read(tmp_path, f"email,status\na@reader.example,{status}\n") == [BadRow(2, Column.STATUS, RowFault.STATUS)]


def test_the_apostrophe_of_an_export_is_taken_off(tmp_path: Path) -> None:
    [row] = read(tmp_path, "email\n'+a@reader.example\n")
    assert isinstance(row, Newcomer)
    assert row.address.display == "+a@reader.example"


@pytest.mark.parametrize(
    "day",
    ["2025-12-31junk", "20251231", "2025-W01-1", "31/12/2025", "2025-02-30", "2025-12-311", "2026-03-18",
     "2025-12-31T25:99", "2025-12-31 noon", "2025-12-31T10:00+", "1850-01-01", "2025-12-31 +0000 UTC",
     "2025-12-31 10:00 UTC", "2025-12-31 10:00 +0000 in UTC"],
)  # fmt: skip
def test_a_day_that_has_to_be_guessed_or_is_to_come_proves_nothing(tmp_path: Path, day: str) -> None:
    assert read(tmp_path, f"email,source,date\na@reader.example,fair,{day}\n") == [
        BadRow(2, Column.CONSENTED_ON, RowFault.DAY)
    ]


@pytest.mark.parametrize(
    "day",
    ["2025-12-31", "2025-12-31 23:59:59.5", "2025-12-31T23:59:59+02:00", "2025-12-31 10:12:13 +0000 UTC",
     "2025-12-31 10:12:13.040506 +0000 +0000", "2025-12-31 10:12:13 +0100 CET"],
)  # fmt: skip
def test_a_day_may_have_a_time(tmp_path: Path, day: str) -> None:
    [row] = read(tmp_path, f"email,source,date\na@reader.example,fair,{day}\n")
    assert isinstance(row, Newcomer)
    assert row.provenance == Provenance("fair", datetime(2025, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    "content",
    [
        "", "\n", ";;\n", b"PK\x03\x04\x00\x00", b"\x1f\x8b\x08email\n", "email\n".encode("utf-16"),
        f'"{"x" * 200_000}",email\nx,a@reader.example\n', "email," * 300 + "x\n",
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(InputRefused):
        read_layout(write(tmp_path, content))


@pytest.mark.parametrize("content", ["name,age\n", "a@reader.example\n", "mail,address\n"])
def test_a_column_that_is_not_there_or_could_be_two_is_not_guessed(tmp_path: Path, content: str) -> None:
    assert Column.EMAIL not in guess_places(read_layout(write(tmp_path, content)).header)


def test_reading_goes_on_where_it_stood(tmp_path: Path) -> None:
    lines = ["email;source", *(f'r{number}@reader.example;"two\nlines ž"' for number in range(9))]
    path = write(tmp_path, "\ufeff" + "\n".join(lines) + "\n")
    layout = read_layout(path)
    with ListReader(path, layout) as rows:
        everything = [(row, rows.line) for row in rows]
    for stop in range(len(everything)):
        with ListReader(path, layout) as rows:
            first = [(next(rows), rows.line) for _ in range(stop)]
            position, line = rows.position, rows.line
        with ListReader(path, layout, position=position, line=line) as rows:
            assert first + [(row, rows.line) for row in rows] == everything


@pytest.mark.parametrize("day", ["0000-00-00", "0001-01-01T00:00:00", "1900-01-01", "1970-01-01 00:00:00"])
def test_what_programs_write_for_no_date_proves_no_consent(day: str) -> None:
    reader = RowReader(
        {Column.EMAIL: 0, Column.SOURCE: 1, Column.CONSENTED_ON: 2}, 3, ListDefaults("fr", frozenset({"fr"}), None),
        now=NOW,
    )  # fmt: skip
    read = reader.read(2, ["a@reader.example", "salon", day])
    assert isinstance(read, Newcomer)
    assert read.provenance is None


def test_an_octet_that_is_no_character_is_refused_and_not_mailed(tmp_path: Path) -> None:
    assert read(tmp_path, b"email\nren\xe9@reader.example\nren\x81@reader.example\n")[1:] == [
        BadRow(3, Column.EMAIL, RowFault.ENCODING)
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_row_in_another_encoding_does_not_garble_the_others(tmp_path: Path, mark: str) -> None:
    start, end = f"{mark}email,source,date\na@reader.example,Fête,2025-03-01\n", "é@reader.example,Noël,2025-03-01\n"
    other = "b@reader.example,Fête,2025-03-01\n".encode("cp1252")
    first, damaged, last = read(tmp_path, start.encode() + other + end.encode())
    assert damaged == BadRow(3, Column.SOURCE, RowFault.ENCODING)
    assert [row.provenance.source for row in (first, last) if isinstance(row, Newcomer) and row.provenance] == [
        "Fête", "Noël",
    ]  # fmt: skip
