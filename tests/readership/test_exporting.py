"""Readers as a list: every one once, in pieces, guarded, and with what our own import wants to know."""

import csv
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.mail.address import parse_address
from app.product import Product
from app.readership import exporting
from app.readership.exporting import HEADER, WITHHELD, export_readers
from app.readership.filters import ReaderFilter
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act
from app.subscriptions.models import Subscription
from app.subscriptions.newcomers.columns import Column, guess_places
from app.subscriptions.newcomers.imports import Newcomer, Provenance, import_readers
from app.subscriptions.newcomers.lists import BadRow, ListDefaults, RowFault, RowReader
from app.subscriptions.suppression import close_address
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


def test_who_was_imported_and_confirmed_later_consented_then(product: Product) -> None:
    proof = Provenance("salon", NOW - timedelta(days=400))
    with product.database.transaction() as session:
        newcomers = [
            Newcomer(parse_address("held@reader.example"), "fr", None),
            Newcomer(parse_address("back@reader.example"), "fr", proof),
        ]
        import_readers(session, newcomers, newsletter_id=1, actor="ada", suppression_key="k", now=NOW)
        for subscription in session.scalars(select(Subscription)):
            if subscription.status is SubscriptionStatus.CONFIRMED:
                subscription.unsubscribe(NOW)
            subscription.request(NOW, "fr")
            subscription.confirm(NOW)
            make.make_event(session, subscription, Act(ConsentKind.CONFIRMED, ConsentMethod.CONFIRM_PAGE, NOW, "fr"))
    assert {(row["source"], row["consented_on"]) for row in exported(product)} == {("confirm-page", "2026-03-17")}


def test_who_gets_no_letters_is_not_called_confirmed(product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email="a@reader.example")
        make.make_subscription(session, email="b@reader.example")
        make.make_subscription(session, email="c@reader.example", status=SubscriptionStatus.UNSUBSCRIBED)
        for address in ("b@reader.example", "c@reader.example"):
            close_address(session, email_key=address, suppression_key="k", actor="ada", note="asked by phone", now=NOW)
    assert [row["status"] for row in exported(product)] == ["confirmed", "withheld", "unsubscribed"]


def test_our_own_import_takes_nobody_in_who_gets_no_letters() -> None:
    reader = RowReader({Column.EMAIL: 0, Column.STATUS: 1}, 2, ListDefaults("fr", frozenset({"fr"}), None), now=NOW)
    assert reader.read(2, ["b@reader.example", WITHHELD]) == BadRow(2, Column.STATUS, RowFault.STATUS)


def test_our_own_import_knows_its_columns() -> None:
    assert guess_places(HEADER) == {column: HEADER.index(column.value) for column in Column}
