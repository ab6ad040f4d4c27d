"""Payloads in lists of readers: each row is taken or named, and reaches terminals, pages and letters as text only."""

import csv
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.delivery.endings import Withheld
from app.editions.copies import edition_letters
from app.product import Product
from app.subscriptions.models import Subscriber
from app.subscriptions.newcomers.columns import guess_places
from app.subscriptions.newcomers.imports import Newcomer, import_readers
from app.subscriptions.newcomers.lists import BadRow, ListDefaults, RowReader
from app.subscriptions.newcomers.raw import ListReader, read_layout
from tests import letter_rules
from tests.conftest import NOW
from tests.editions.press import make_draft, start
from tests.make import copies, newsletter, write
from tests.security.payloads import encodable, payloads
from tests.security.shapes import Shape
from tests.web import desk

GOOD = {"email": "r{}@reader.example", "language": "fr", "source": "salon", "consented_on": "2025-03-01"}


def hostile_list(path: Path, every: int = 1) -> list[Newcomer | BadRow]:
    """The rows of a file that has every `every`th payload in each column, and before an @-sign."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, list(GOOD))
        rows.writeheader()
        for number, payload in enumerate(map(encodable, payloads()[::every])):
            good = {**GOOD, "email": GOOD["email"].format(number)}
            rows.writerows({**good, column: payload} for column in GOOD)
            rows.writerow({**good, "email": f"{payload}@reader.example"})
    layout = read_layout(path)
    defaults = ListDefaults("fr", frozenset({"fr", "en"}), None)
    reader = RowReader(guess_places(layout.header), len(layout.header), defaults, now=NOW)
    with ListReader(path, layout) as raw:
        next(raw)
        found = [reader.read(raw.line, row) for row in raw]
    return [row for row in found if row is not None]


def test_every_row_is_taken_or_named_in_words_fit_for_a_terminal(tmp_path: Path) -> None:
    rows = hostile_list(tmp_path / "list.csv")
    assert len(rows) == 5 * len(payloads())
    refused = [row.fault.sentence for row in rows if isinstance(row, BadRow)]
    assert len(refused) > len(rows) / 2
    assert [reason for reason in refused if not reason.isprintable()] == []


@pytest.fixture
def imported(product: Product, tmp_path: Path) -> list[str]:
    """The public ids of the readers that came out of such a file."""
    newcomers = [row for row in hostile_list(tmp_path / "list.csv", every=11) if isinstance(row, Newcomer)]
    with product.database.transaction() as session:
        import_readers(
            session, newcomers, newsletter_id=newsletter(session).id, actor="desk@newsletter.example",
            suppression_key=product.config.suppression_key, now=NOW,
        )  # fmt: skip
        return list(session.scalars(select(Subscriber.public_id)))


def test_imported_payloads_stay_text_at_the_desk(product: Product, client: FlaskClient, imported: list[str]) -> None:
    desk.make_admin(product)
    assert desk.sign_in(client).status_code == 303
    assert len(imported) > 50
    tags = set()
    for path in ("/admin/readers", *(f"/admin/readers/{public_id}" for public_id in imported)):
        answer = client.get(path)
        shape = Shape(answer.text)
        assert (answer.status_code, shape.active) == (200, []), path
        tags |= {tag for tag, _ in shape.tags}
    assert not tags & {"b", "font", "img", "iframe", "marquee", "object", "style", "video", "x"}


@pytest.mark.usefixtures("imported")
def test_letters_to_imported_readers_keep_every_rule(product: Product) -> None:
    with product.database.transaction() as session:
        start(session, product, make_draft(session))
        claimed = copies(session)
        made = edition_letters(product.config, product.links)[claimed[0].chunk.kind](session, claimed)
        assert len(made) > 50
        for each in made:
            assert not isinstance(each, Withheld)
            if each.recipient.isascii():  # the others get fields in UTF-8 (RFC 6532), which these rules are not for
                letter_rules.check(write(each), recipient=each.recipient, domain="newsletter.example")
