"""Receipts at the desk, and the public keys: what a regulator is given."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask import Flask, render_template
from flask.testing import FlaskClient
from sqlalchemy import select

from app import templating
from app.admins.models import AuditEntry
from app.mail.address import parse_address
from app.newsletters.models import Newsletter
from app.product import Product
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.imports import Newcomer, Provenance, import_readers
from app.subscriptions.preferences import pause
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.rights.receipts import make_erasure_receipt
from app.subscriptions.suppression import close_address
from tests.conftest import NOW
from tests.subscriptions.test_ledger import join
from tests.web import desk


@pytest.fixture
def reader_id(product: Product) -> str:
    with product.database.transaction() as session:
        return join(session, product).subscriber.public_id


@pytest.fixture
def admin(app: Flask, product: Product) -> FlaskClient:
    client = app.test_client()
    desk.make_admin(product, language="en")
    desk.sign_in(client)
    return client


def test_the_page_shows_each_text_in_the_language_it_was_shown_in(admin: FlaskClient, reader_id: str) -> None:
    page = admin.get(f"/admin/readers/{reader_id}/receipt")
    assert page.status_code == 200
    assert '<html lang="fr">' in page.text
    assert "Reçu de votre consentement" in page.text
    assert '<blockquote lang="fr">' in page.text
    assert "vous acceptez de recevoir par courriel" in page.text
    assert "alice@reader.example" in page.text
    assert "/fr/privacy/1" in page.text


@pytest.fixture
def erin_id(product: Product) -> str:
    """Erin agreed at a fair, pauses, and is not to be mailed any more."""
    erin, key = parse_address("erin@reader.example"), product.config.suppression_key
    with product.database.transaction() as session:
        newsletter_id = session.scalars(select(Newsletter.id)).one()
        comer = Newcomer(erin, "fr", Provenance("Salon du livre, stand 12", NOW - timedelta(days=300)))
        import_readers(session, [comer], newsletter_id=newsletter_id, actor=desk.EMAIL, suppression_key=key, now=NOW)
        place = session.scalars(select(Subscription)).one()
        pause(session, public_id=place.public_id, until=NOW.date() + timedelta(days=9), now=NOW)
        close_address(session, email_key=erin.key, suppression_key=key, actor=desk.EMAIL, note="x", now=NOW)
        return place.subscriber.public_id


def test_the_page_says_where_consent_was_given_before_and_no_word_in_code(admin: FlaskClient, erin_id: str) -> None:
    told = admin.get(f"/admin/readers/{erin_id}/receipt").text
    for words in (
        "Abonné",
        "21\u00a0mai\u00a02025\u00a0: Salon du livre",
        "Pause des envois",
        "jusqu’au 26\u00a0mars\u00a02026",
    ):
        assert words in told, words
    assert "until" not in told
    assert "Mettre en pause" not in told


def test_the_file_is_signed_and_who_took_it_is_known(admin: FlaskClient, product: Product, reader_id: str) -> None:
    answer = admin.get(f"/admin/readers/{reader_id}/receipt.json")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert product.proof_keys.fault_of(json.loads(answer.data)) is None
    with product.database.reading() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        salt = session.scalars(select(Subscriber.chain_salt)).one()
    assert (last.actor, last.act.value, last.target) == (desk.EMAIL, "receipt-made", f"reader:{reader_id}")
    assert salt in answer.text


def test_a_receipt_is_for_the_desk_only(client: FlaskClient, admin: FlaskClient, reader_id: str) -> None:
    assert client.get(f"/admin/readers/{reader_id}/receipt.json").status_code == 302
    assert admin.get("/admin/readers/nobody/receipt").status_code == 404


def test_anyone_gets_the_public_keys(client: FlaskClient, product: Product) -> None:
    [told] = client.get("/proof-keys").get_json()
    assert (told["key_id"], told["algorithm"], told["in_use"]) == (product.proof_keys.key_id, "Ed25519", True)
    pem = client.get("/proof-keys.pem")
    assert pem.text == f"# {told['key_id']}\n{told['pem']}"
    load_pem_public_key(pem.data)


@pytest.mark.parametrize(("language", "title"), [("fr", "Reçu de l’effacement"), ("en", "Receipt of the erasure")])
def test_the_receipt_of_an_erasure_holds_no_address(
    app: Flask, product: Product, reader_id: str, language: str, title: str
) -> None:
    with product.database.transaction() as session:
        subscriber_id = session.scalars(select(Subscriber.id)).one()
        last = erase_reader(
            session, subscriber_id=subscriber_id, method=ConsentMethod.ADMIN, suppression_key="k", now=NOW
        )
        made = make_erasure_receipt(last, product=product, now=NOW)
    with app.test_request_context(f"/{language}/"):
        page = render_template("public/erasure_receipt.html", receipt=made, **templating.words(language))
    assert title in page
    assert last.hash in page
    assert "reader.example" not in page
    assert product.proof_keys.fault_of(made.document) is None
