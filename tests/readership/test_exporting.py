"""Readers as a list: every one once, in pieces, guarded, and with what our own import wants to know."""

import csv
from datetime import timedelta

import pytest

from app.mail.address import parse_address
from app.product import Product
from app.readership import exporting
from app.readership.exporting import HEADER, export_readers
from app.readership.filters import ReaderFilter
from app.subscriptions.newcomers.columns import Column, guess_places
from app.subscriptions.newcomers.imports import Newcomer, Provenance, import_readers
from tests import make
from tests.conftest import NOW


def exported(product: Product) -> list[dict[str, str]]:
    text = "".join(export_readers(product.database, ReaderFilter()))
    return list(csv.DictReader(text.splitlines()))


def test_every_reader_stands_in_it_once(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "BATCH", 3)
    with product.database.transaction() as session:
        for number in range(6):
            make.make_subscription(session, email=f"r{number}@reader.example")
    assert [row["email"] for row in exported(product)] == [f"r{number}@reader.example" for number in range(6)]


def test_it_says_where_consent_came_from(product: Product) -> None:
    proof = Provenance("=salon, 2025", NOW - timedelta(days=400))
    with product.database.transaction() as session:
        newcomers = [
            Newcomer(parse_address("a@reader.example"), "fr", proof),
            Newcomer(parse_address("b@reader.example"), "en", None),
        ]
        import_readers(session, newcomers, newsletter_id=1, actor="ada", suppression_key="k", now=NOW)
        make.make_request(session, make.make_subscription(session, email="c@reader.example"))
    rows = {row["email"]: (row["status"], row["source"], row["consented_on"]) for row in exported(product)}
    assert rows == {
        "a@reader.example": ("confirmed", "'=salon, 2025", "2025-02-10"),
        "b@reader.example": ("held", "", ""),
        "c@reader.example": ("confirmed", "form", "2026-03-16"),
    }


def test_our_own_import_knows_its_columns() -> None:
    assert guess_places(HEADER) == {column: HEADER.index(column.value) for column in Column}
