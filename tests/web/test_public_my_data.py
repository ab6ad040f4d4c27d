"""The form that mails a data link, and the page that it opens."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from app.clock import now
from app.editions.counting import count_opening, reading_value
from app.editions.models import EditionStatus
from app.editions.records import Reading
from app.newsletters.models import ConsentWording, WordingPurpose
from app.product import Product
from app.subscriptions.counting import allow_counting
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.suppression import suppress
from tests import make
from tests.conftest import NOW
from tests.editions.press import make_draft
from tests.web import desk
from tests.web.reader import EMAIL, data_path, links_in, make_reader, open_mailbox
from tests.web.visitor import Page, counts


@pytest.fixture(autouse=True)
def _at_now() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def block(product: Product, reason: SuppressionReason) -> None:
    with product.database.transaction() as session:
        suppress(
            session, email_key=EMAIL, suppression_key=product.config.suppression_key, reason=reason,
            source="test", now=now(),
        )  # fmt: skip


def test_the_answer_is_the_same_whatever_is_known_of_the_address(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    block(product, SuppressionReason.COMPLAINT)
    answers = set()
    for email in (EMAIL, EMAIL, "nobody@reader.example", "bob@reader.example"):
        response = client.post("/fr/my-data", data={"email": email})
        followed = client.get(response.headers["Location"])
        answers.add((response.status_code, response.headers["Location"], followed.data))
    assert len(answers) == 1
    assert answers.pop()[:2] == (303, "/fr/my-data?sent=")
    assert client.post("/fr/my-data", data={"email": EMAIL, "subject": "x"}).status_code == 303


@pytest.mark.parametrize(
    ("reason", "arrives"),
    [(None, True)] + [(reason, reason is not SuppressionReason.HARD_BOUNCE) for reason in SuppressionReason],
)
def test_the_letter_goes_to_whoever_asks_but_never_to_a_dead_mailbox(
    client: FlaskClient, product: Product, reason: SuppressionReason | None, arrives: bool
) -> None:
    make_reader(product, status=SubscriptionStatus.UNSUBSCRIBED)
    if reason:
        block(product, reason)
    client.post("/en/my-data", data={"email": EMAIL.upper()})
    recipient, text = open_mailbox(product)["data-link"]
    assert recipient == (EMAIL if arrives else "")
    if arrives:
        assert "unsubscribe" in links_in(product, text)
        page = client.get(links_in(product, text)["my-data"])
        assert page.status_code == 200
        assert EMAIL in page.text


def test_a_letter_that_comes_too_late_is_not_sent(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    client.post("/fr/my-data", data={"email": EMAIL})
    with time_machine.travel(NOW + timedelta(minutes=60), tick=False):
        assert open_mailbox(product)["data-link"] == ("", "its link would be over")


@pytest.mark.parametrize("email", ["", "alice", "a@b@c", "alice@reader.example\0"])
def test_what_is_no_address_is_asked_for_again(client: FlaskClient, email: str) -> None:
    response = client.post("/fr/my-data", data={"email": email})
    assert response.status_code == 422
    field = next(each for each in Page(response.text).all("input") if each.get("id") == "email")
    assert field["aria-invalid"] == "true"
    assert "problem" in field["aria-describedby"]


def test_the_page_of_preferences_mails_the_link_to_the_reader_alone(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    with product.database.reading() as session:
        public_id = session.query(Subscriber).one().subscriptions[0].public_id
    path = "/fr/preferences/" + product.link_tokens.sign("preferences", public_id)
    assert f"{path}/data-link" in {each.get("action") for each in Page(client.get(path).text).all("form")}
    response = client.post(f"{path}/data-link")
    assert response.headers["Location"] == "/fr/my-data?sent="
    assert EMAIL not in client.get(response.headers["Location"]).text
    assert open_mailbox(product)["data-link"][0] == EMAIL


def test_looking_and_downloading_change_nothing(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    path = data_path(product)
    before = desk.everything(product.database)
    for each in ("", "/download", "/address", "/objection", "/erasure"):
        for method in ("GET", "HEAD"):
            assert client.open(path + each, method=method).status_code == 200
    assert desk.everything(product.database) == before


def test_the_file_holds_what_the_page_shows_and_no_secret(client: FlaskClient, product: Product) -> None:
    reader_id = make_reader(product)
    make_reader(product, email="bob@other.example")
    path = data_path(product)
    response = client.get(path + "/download")
    assert response.mimetype == "application/json"
    assert response.headers["Content-Disposition"].startswith("attachment")
    held = json.loads(response.text)
    assert held["held"]["profile"][0]["email"] == EMAIL
    assert held["held"]["consents"][0]["text_shown"]["statement"]
    assert held["held"]["letters"][0]["kind"] == "data-link"
    assert held["kept_for"]["proof_years"] == 3
    page = client.get(path).text
    with product.database.reading() as session:
        reader = session.get_one(Subscriber, reader_id)
        secrets = [reader.chain_salt, reader.public_id, reader.data_id, product.config.suppression_key]
        assert not [each for each in secrets if each and each in response.text]
        assert reader.chain_salt not in page
    assert "bob@other.example" not in page + response.text


def test_a_day_that_a_list_brought_shows_no_hour(client: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email=EMAIL, at=datetime(2026, 3, 1, tzinfo=UTC))
    assert client.get(data_path(product)).text.count('"2026-03-01T00:00:00+00:00">1er\u00a0mars\u00a02026</time>') == 2


def test_an_admin_is_named_to_no_reader(client: FlaskClient, product: Product) -> None:
    from app.mail.address import parse_address
    from app.subscriptions.signup import add_subscriber

    with product.database.transaction() as session:
        add_subscriber(
            session, address=parse_address(EMAIL), language="fr", newsletter_id=make.newsletter(session).id,
            actor="ada@desk.example", suppression_key=product.config.suppression_key, now=now(),
        )  # fmt: skip
    path = data_path(product)
    for each in (path, path + "/download"):
        assert "ada@desk" not in client.get(each).text


def test_the_file_says_of_each_act_who_did_it(client: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=EMAIL)
        for number, method in enumerate(ConsentMethod):
            actor = "ada@desk.example" if method is ConsentMethod.ADMIN else None
            act = Act(ConsentKind.LANGUAGE_CHANGED, method, NOW + timedelta(seconds=number), "fr", actor=actor)
            record_act(session, subscription, act)
    held = json.loads(client.get(data_path(product) + "/download").text)["held"]
    by = {each["method"]: each["by"] for each in held["consents"]}
    assert [method for method, who in by.items() if who != "reader"] == ["admin", "clock", "restore", "bounce"]
    assert (by["admin"], by["clock"]) == ("admin", None)


def test_a_text_without_a_button_is_shown_without_one(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    with product.database.transaction() as session:
        wording = session.query(ConsentWording).filter_by(purpose=WordingPurpose.MEASUREMENT, language="fr").one()
        public_id = session.query(Subscription).one().public_id
        allow_counting(session, public_id=public_id, wording_id=wording.id, policy_id=1, now=now())
    page = client.get(data_path(product)).text
    assert "[]" not in page
    assert "<strong></strong>" not in page


def test_a_link_that_is_over_offers_a_new_one_and_one_that_names_nobody_says_so(
    client: FlaskClient, product: Product
) -> None:
    make_reader(product)
    path = data_path(product)
    with time_machine.travel(NOW + timedelta(minutes=61), tick=False):
        over = client.get(path)
    forged = client.get("/fr/my-data/x.y.z")
    assert (over.status_code, forged.status_code) == (400, 400)
    assert Page(over.text).text == Page(forged.text).text
    assert 'action="/fr/my-data"' in over.text
    nobody = "/fr/my-data/" + product.link_tokens.sign("data", "n" * 22, at=now())
    for path in (nobody, nobody + "/download", nobody + "/erasure"):
        assert client.get(path).status_code == 200
        assert "Rien n’est gardé sous ce lien" in client.get(path).text


def test_a_token_of_another_purpose_opens_nothing(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    data_path(product)
    with product.database.reading() as session:
        reader = session.query(Subscriber).one()
        ids = [reader.data_id, reader.public_id, reader.subscriptions[0].public_id]
    before = counts(product)
    for value in ids:
        for purpose in ("preferences", "unsubscribe", "view", "confirm", "address", "address-undo", "undo", "erasure"):
            token = product.link_tokens.sign(purpose, value or "")
            for act in ("", "/download", "/erasure", "/restriction"):
                page = client.open(f"/fr/my-data/{token}{act}", method="POST" if act == "/restriction" else "GET")
                assert page.status_code == 400
                assert "alice" not in page.text
    assert counts(product) == before


def test_what_was_counted_of_ones_reading_is_shown_and_stops_with_a_restriction(
    client: FlaskClient, product: Product
) -> None:
    make_reader(product)
    with product.database.transaction() as session:
        edition, subscription = make_draft(session), session.query(Subscription).one()
        edition.status, subscription.is_counted = EditionStatus.SENT, True
        value = reading_value(subscription.public_id, edition.public_id)
        count_opening(session, value=value, now=now())
    path = data_path(product)
    assert "ouverte le 17\u00a0mars\u00a02026" in client.get(path).text
    assert json.loads(client.get(path + "/download").text)["held"]["readings"][0]["opened_on"] == "2026-03-17"
    client.post(path + "/restriction")
    with product.database.transaction() as session:
        session.query(Reading).delete()
        count_opening(session, value=value, now=now())
        assert session.query(Reading).count() == 0
