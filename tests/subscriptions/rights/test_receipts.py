"""Receipts: all that was agreed to, signed; checked later, even once the reader is gone."""

import hashlib
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.errors import InputRefused
from app.newsletters.wordings import store_wording
from app.product import Product
from app.signing import Document
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber
from app.subscriptions.preferences import change_language
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.rights.receipt_checks import ReceiptCheck, check_receipt
from app.subscriptions.rights.receipts import FORM, make_erasure_receipt, make_receipt
from tests.conftest import NOW
from tests.subscriptions.test_ledger import join
from tests.subscriptions.test_signup import only


def receipt(product: Product) -> Document:
    with product.database.reading() as session:
        made = make_receipt(session, session.scalars(sa.select(Subscriber)).one(), product=product, now=NOW)
    return json.loads(json.dumps(made.document))


def check(product: Product, document: Document) -> ReceiptCheck:
    with product.database.reading() as session:
        return check_receipt(session, document, keys=product.proof_keys)


def erase(product: Product) -> Document:
    with product.database.transaction() as session:
        reader_id = session.scalars(sa.select(Subscriber.id)).one()
        last = erase_reader(session, subscriber_id=reader_id, method=ConsentMethod.ADMIN, suppression_key="k", now=NOW)
        return make_erasure_receipt(last, product=product, now=NOW).document


def test_it_holds_texts_times_ways_and_all_that_came_later(product: Product) -> None:
    with product.database.transaction() as session:
        public_id = join(session, product).public_id
        store_wording(session, newsletter_id=1, language="fr", heading="H", statement="[x]", button="B", now=NOW)
        change_language(session, public_id=public_id, language="en", now=NOW + timedelta(hours=2))
        unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW + timedelta(hours=3))
    said = receipt(product)
    done = [(each["kind"], each["method"], each["at"]) for each in said["events"]]
    assert done == [
        ("requested", "form", "2026-03-17T09:00:00.000000+00:00"),
        ("confirmed", "confirm-page", "2026-03-17T10:00:00.000000+00:00"),
        ("language-changed", "preferences-page", "2026-03-17T11:00:00.000000+00:00"),
        ("unsubscribed", "one-click", "2026-03-17T12:00:00.000000+00:00"),
    ]
    [wording] = said["wordings"]
    assert (wording["language"], wording["version"]) == ("fr", 1)
    assert "vous acceptez de recevoir" in wording["statement"]
    parts = [str(wording["version"]), wording["heading"], wording["statement"], wording["button"]]
    assert hashlib.sha256("\0".join(parts).encode()).hexdigest() == wording["sha256"]
    [policy] = said["policies"]
    assert policy["url"].endswith("/fr/privacy/1")
    assert said["subscriptions"][0]["status"] == "unsubscribed"
    assert said["chain"] == {"chain_id": said["chain"]["chain_id"], "seq": 4, "hash": said["events"][-1]["hash"]}
    assert said["issuer"]["publisher"] == product.config.identity.publisher


def test_it_names_no_admin(product: Product) -> None:
    with product.database.transaction() as session:
        join(session, product)
        session.execute(sa.update(ConsentEvent).values(actor="ada@desk.example"))
    assert "ada@desk" not in json.dumps(receipt(product))
    assert receipt(product)["events"][0]["by_admin"] is True


def test_its_holder_can_prove_whose_it_is_after_the_erasure(product: Product) -> None:
    with product.database.transaction() as session:
        join(session, product)
    said = receipt(product)
    assert check(product, said) == ReceiptCheck([], 0, False)
    gone = erase(product)
    assert check(product, said) == ReceiptCheck([], 1, False)
    assert check(product, gone) == ReceiptCheck([], 0, False)
    with product.database.transaction() as session:
        kept = session.scalars(sa.select(ConsentEvent.address_hash).limit(1)).one()
    reader = said["reader"]
    assert hashlib.sha256(f"{reader['salt']}\0{reader['email_key']}".encode()).hexdigest() == kept
    text = json.dumps(gone)
    assert "reader.example" not in text
    assert reader["salt"] not in text
    assert kept not in text


def test_of_a_forgotten_request_the_place_is_still_known(product: Product) -> None:
    from tests.subscriptions.test_signup import ask

    with product.database.transaction() as session:
        ask(session, product)
    said = receipt(product)
    with product.database.transaction() as session:
        unsubscribe(session, public_id=only(session).public_id, method=ConsentMethod.ONE_CLICK, now=NOW)
    assert check(product, said) == ReceiptCheck([], 0, True)


def test_a_receipt_that_was_changed_or_made_up_shows(product: Product) -> None:
    with product.database.transaction() as session:
        join(session, product)
    said = receipt(product)
    unsigned = {name: value for name, value in said.items() if name != "signature"}
    for change, faults in [
        ({"issued_at": "2020-01-01"}, 1),
        ({"reader": {**said["reader"], "email_key": "eve@reader.example"}}, 2),
        ({"chain": {**said["chain"], "hash": "0" * 64}}, 2),
        ({"chain": {**said["chain"], "chain_id": "x" * 22}}, 2),
    ]:
        assert len(check(product, {**said, **change}).faults) == faults, change
        resigned = product.proof_keys.sign({**unsigned, **change})
        assert len(check(product, resigned).faults) == faults - 1, change


def test_a_deleted_chain_shows(product: Product) -> None:
    with product.database.transaction() as session:
        join(session, product)
    said = receipt(product)
    with product.database.transaction() as session:
        session.execute(sa.delete(ConsentEvent))
    assert check(product, said).faults == ["its chain is not in the ledger"]


NO_CHAINS: list[object] = [
    None, {"chain_id": 1}, {"chain_id": "a", "seq": 10**30, "hash": "x"}, {"chain_id": "a", "seq": -1, "hash": "x"},
    {"chain_id": "a\0b", "seq": 1, "hash": "x"}, {"chain_id": "\ud800", "seq": 1, "hash": "x"},
]  # fmt: skip


@pytest.mark.parametrize(
    "document", [{}, {"form": []}, *({"form": "vigie.receipt.1", "chain": chain} for chain in NO_CHAINS)]
)
def test_what_is_no_receipt_is_refused(product: Product, document: Document) -> None:
    with pytest.raises(InputRefused):
        check(product, document)


@pytest.mark.parametrize("forged", [{"seq": 2**70}, {"seq": -1}, {"chain_id": "a\0b"}])
def test_a_forged_place_in_a_chain_is_refused_and_no_fault_of_ours(product: Product, forged: dict[str, object]) -> None:
    chain = {"chain_id": "c" * 22, "seq": 1, "hash": "h", **forged}
    with product.database.reading() as session, pytest.raises(InputRefused):
        check_receipt(session, {"form": FORM, "chain": chain}, keys=product.proof_keys)
