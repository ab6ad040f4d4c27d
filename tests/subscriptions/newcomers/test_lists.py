"""Lists of readers in CSV files: what can be read is, and each row that cannot is named."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import InputRefused
from app.subscriptions.newcomers.imports import Newcomer, Provenance
from app.subscriptions.newcomers.lists import BadRow, ListDefaults, read_list
from tests.conftest import NOW

DEFAULTS = ListDefaults("fr", frozenset({"fr", "en"}), None)


def read(tmp_path: Path, content: str | bytes, defaults: ListDefaults = DEFAULTS) -> list[Newcomer | BadRow]:
    path = tmp_path / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_list(path, defaults, now=NOW))


def test_columns_are_found_by_their_names_in_either_language(tmp_path: Path) -> None:
    [row] = read(tmp_path, "Nom;Courriel;Langue;Origine;Date\nZoé;zoe@reader.example;EN;salon;2025-03-01\n")
    assert isinstance(row, Newcomer)
    assert (row.address.key, row.language) == ("zoe@reader.example", "en")
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
    ("row", "reason"),
    [("no address,fr", "@-sign"), ("a@reader.example", "1 fields"), ("a@reader.example,fr,x", "3 fields"),
     ("a@reader.example,de", "no newsletter in 'de'"), ("a\0@reader.example,fr", "control character"),
     ("a@reader.example,=1+1", "no newsletter in '=1+1'"), (f"{'x' * 1025}@reader.example,fr", "longer than"),
     ("a@reader.example b@reader.example,fr", "@-sign"), ("\u202ea@reader.example,fr", "control character"),
     (f'"{"x" * 200_000}",fr', "field larger")],
)  # fmt: skip
def test_each_bad_row_is_named_and_the_others_are_read(tmp_path: Path, row: str, reason: str) -> None:
    rows = read(tmp_path, f"email,language\nfirst@reader.example,fr\n{row}\n\nlast@reader.example,fr\n")
    bad = [each for each in rows if isinstance(each, BadRow)]
    assert [each.line for each in bad] == [3]
    assert reason in bad[0].reason
    assert len(rows) == 3


def test_the_apostrophe_of_an_export_is_taken_off(tmp_path: Path) -> None:
    [row] = read(tmp_path, "email\n'+a@reader.example\n")
    assert isinstance(row, Newcomer)
    assert row.address.display == "+a@reader.example"


NO_LISTS = [
    "", "name,age\nx,1\n", "a@reader.example\n", b"PK\x03\x04\x00\x00",
    f'"{"x" * 200_000}",email\nx,a@reader.example\n',
    "email,address\na@reader.example,1 rue de l'Exemple\n",
]  # fmt: skip


@pytest.mark.parametrize("day", ["2025-12-31junk", "20251231", "2025-W01-1", "31/12/2025", "2025-02-30", "2025-12-311"])
def test_a_day_that_has_to_be_guessed_proves_nothing(tmp_path: Path, day: str) -> None:
    [row] = read(tmp_path, f"email,source,date\na@reader.example,fair,{day}\n")
    assert isinstance(row, BadRow)


@pytest.mark.parametrize("day", ["2025-12-31", "2025-12-31 23:59:59.5", "2025-12-31T23:59:59+02:00"])
def test_a_day_may_have_a_time(tmp_path: Path, day: str) -> None:
    [row] = read(tmp_path, f"email,source,date\na@reader.example,fair,{day}\n")
    assert isinstance(row, Newcomer)
    assert row.provenance == Provenance("fair", datetime(2025, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize("content", NO_LISTS)
def test_a_file_without_one_email_column_is_refused(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(InputRefused):
        read(tmp_path, content)
