"""What a reader does from their data page, what takes it back, and what a forwarded letter cannot do."""

import json
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.delivery.models import Chunk
from app.delivery.queue import enqueue
from app.product import Product
from app.subscriptions.form.counters import SignupCounter
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent, Suppression
from app.subscriptions.suppression import close_address
from tests import make
from tests.conftest import NOW
from tests.web import desk
from tests.web.reader import EMAIL, data_path, links_in, make_reader, open_mailbox
from tests.web.visitor import Page, counts, only

NEW = "alice@elsewhere.example"
#: Anybody can type an address into the form: no page promises that nothing ever comes.
EXCEPTION = "sauf si quelqu’un le demande sur notre formulaire, et alors seulement pour"


@pytest.fixture(autouse=True)
def _at_now() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def kinds(product: Product) -> list[str]:
    with product.database.reading() as session:
        return [kind.value for kind in session.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.id))]


def press(client: FlaskClient, page_path: str, act: str) -> str:
    """Press the button of a page that leads to `act`, and return the page after it."""
    forms = [each["action"] for each in Page(client.get(page_path).text).all("form")]
    [action] = [each for each in forms if each.endswith(act)]
    response = client.post(action)
    assert response.status_code == 303
    return client.get(response.headers["Location"]).text


def test_the_use_of_data_is_restricted_and_allowed_again(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    path = data_path(product)
    assert "Aucune lettre ne part" in press(client, path, "/restriction")
    with product.database.reading() as session:
        assert only(session).is_withheld
    assert "vos lettres viennent comme avant" in press(client, path, "/lifting")
    with product.database.reading() as session:
        assert not only(session).is_withheld
    assert kinds(product) == ["requested", "restricted", "restriction-lifted"]


def test_an_objection_is_honoured_without_a_reason(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    path = data_path(product)
    page = press(client, path + "/objection", "/objection")
    assert f"Votre opposition est prise en compte. Nous ne vous écrivons plus, {EXCEPTION}" in page
    assert path + "/objection" not in page
    with product.database.reading() as session:
        assert only(session).status is SubscriptionStatus.UNSUBSCRIBED
        assert session.scalars(select(Suppression.reason)).one().value == "objection"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_reader_has_a_signed_receipt_of_their_consent(client: FlaskClient, product: Product, language: str) -> None:
    make_reader(product)
    path = data_path(product).replace("/fr/", f"/{language}/")
    assert f"{path}/receipt" in client.get(path).text
    page = client.get(f"{path}/receipt").text
    file = json.loads(client.get(f"{path}/receipt/download").text)
    assert product.proof_keys.fault_of(file) is None
    assert file["reader"]["email"] == EMAIL
    assert file["chain"]["hash"] in page
    assert client.get(f"/{language}/my-data/x/receipt").status_code == 400


def test_an_erasure_leads_to_a_proof_that_names_nobody_and_a_second_press_finds_nothing(
    client: FlaskClient, product: Product
) -> None:
    make_reader(product)
    path = data_path(product)
    assert EXCEPTION in client.get(path + "/erasure").text
    first = client.post(path + "/erasure")
    proof = client.get(first.headers["Location"])
    assert proof.text.count(EXCEPTION) == 2
    assert "alice" not in proof.text
    file = json.loads(client.get(first.headers["Location"] + "/download").text)
    with product.database.reading() as session:
        last = session.scalars(select(ConsentEvent).order_by(ConsentEvent.seq.desc()).limit(1)).one()
    assert file["chain"] == {"chain_id": last.chain_id, "seq": last.seq, "hash": last.hash}
    assert [each["law"] for each in file["kept"]] == ["GDPR art. 21(3)", "GDPR art. 17(3)(e)", "GDPR recital 26"]
    assert "RGPD, considérant 26" in proof.text
    assert "GDPR" not in proof.text
    assert product.proof_keys.fault_of(file) is None
    assert last.hash in proof.text
    assert counts(product)["subscribers"] == 0
    for again in (client.post(path + "/erasure"), client.get(path), client.post(path + "/restriction")):
        assert again.status_code == 200
        assert "Rien n’est gardé sous ce lien" in again.text


def test_an_address_is_changed_by_letters_to_both(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    path = data_path(product)
    open_mailbox(product)
    answer = client.post(path + "/address", data={"email": NEW})
    assert "une fois son lien confirmé" in client.get(answer.headers["Location"]).text
    letters = open_mailbox(product)
    assert {kind: to for kind, (to, _) in letters.items()} == {"address-change": NEW, "address-notice": EMAIL}
    assert "alice.liddell" not in letters["address-change"][1]
    assert NEW not in letters["address-notice"][1]
    confirm = links_in(product, letters["address-change"][1])["address"]
    undo = links_in(product, letters["address-notice"][1])["address-undo"]
    before = desk.everything(product.database)
    assert (client.get(confirm).status_code, client.get(undo).status_code) == (200, 200)
    assert desk.everything(product.database) == before
    for _ in range(2):
        assert "Vos lettres viennent désormais à la nouvelle adresse" in client.post(confirm).text
    assert "Rien n’est gardé" in client.get(path).text, "a link mailed to the former address opens nothing any more"
    with product.database.reading() as session:
        assert session.scalars(select(Subscriber.email)).one() == NEW
    assert "Vos lettres viennent à cette adresse comme avant." in client.post(undo).text
    with product.database.reading() as session:
        assert session.scalars(select(Subscriber.email)).one() == EMAIL
    assert client.post(confirm).status_code == client.get(confirm).status_code == 400


def test_whoever_has_left_is_promised_no_letters(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    path = data_path(product)
    client.post(path + "/address", data={"email": NEW})
    letters = open_mailbox(product)
    with product.database.reading() as session:
        leave = "/fr/unsubscribe/" + product.link_tokens.sign("unsubscribe", only(session).public_id)
    client.post(leave)
    client.post(path + "/restriction")
    pages = [
        client.get(client.post(path + "/lifting").headers["Location"]),
        client.post(links_in(product, letters["address-change"][1])["address"]),
        client.post(links_in(product, letters["address-notice"][1])["address-undo"]),
    ]
    said = [
        "Vos données peuvent servir de nouveau.",
        "Nous vous connaissons désormais",
        "Nous vous connaissons à cette",
    ]
    for page, words in zip(pages, said, strict=True):
        assert words in page.text
        assert "os lettres viennent" not in page.text


def test_the_same_address_typed_anew_is_no_correction(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    path = data_path(product)
    for email, said in [(EMAIL, "rien n’a changé"), (EMAIL.title(), "Votre adresse est corrigée")]:
        answer = client.post(path + "/address", data={"email": email})
        assert said in client.get(answer.headers["Location"]).text
    assert kinds(product) == ["requested", "address-changed"]


@pytest.mark.parametrize("kind", ["free", "taken", "closed", "restricted"])
def test_what_is_known_of_the_new_address_shows_only_in_its_mailbox(
    client: FlaskClient, product: Product, kind: str
) -> None:
    make_reader(product)
    if kind != "free":
        other = data_path(product, email=NEW) if make_reader(product, email=NEW) else ""
    if kind == "closed":
        client.post(other + "/erasure")
    if kind == "restricted":
        client.post(other + "/restriction")
    path = data_path(product)
    open_mailbox(product)
    answer = client.post(path + "/address", data={"email": NEW})
    assert answer.headers["Location"] == f"{path}?done=address-move"
    to, text = open_mailbox(product)["address-change"]
    assert to == (NEW if kind in {"free", "taken"} else "")
    assert ("address" in links_in(product, text)) is (kind == "free")


def letters_of_changes(product: Product) -> list[str]:
    """The kinds of letter that changes of address have queued, in order."""
    with product.database.reading() as session:
        return [kind for kind in session.scalars(select(Chunk.kind).order_by(Chunk.id)) if kind.startswith("address-")]


def test_no_reader_can_have_letters_sent_to_a_mailbox_more_often_than_the_form_does(
    client: FlaskClient, product: Product
) -> None:
    new, answers = "victim{}@other.example", []
    for number in range(3):
        email = f"reader{number}@reader.example"
        make_reader(product, email=email)
        path = data_path(product, email=email)
        answer = client.post(f"{path}/address", data={"email": new.format(f"+{number}")})
        answers.append((answer.status_code, answer.headers["Location"].partition("?")[2]))
    assert answers == [(303, "done=address-move")] * 3
    assert letters_of_changes(product) == ["address-change", *["address-notice"] * 3]
    make_reader(product)
    path = data_path(product)
    with product.database.transaction() as session:
        session.execute(delete(SignupCounter))
        session.execute(delete(Chunk))
    client.post(f"{path}/address", data={"email": new.format("")})
    confirm = links_in(product, open_mailbox(product)["address-change"][1])["address"]
    assert client.post(confirm).status_code == 200
    with product.database.reading() as session:
        assert [name for name in session.scalars(select(SignupCounter.name)) if not name.endswith("-hour")] == []


def test_a_likely_slip_is_asked_about_once_and_never_corrected(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    path = data_path(product) + "/address"
    page = client.post(path, data={"email": "alice@gmial.com"})
    assert page.status_code == 422
    assert "alice@gmail.com" in page.text
    assert counts(product)["address_changes"] == 0
    assert client.post(path, data={"email": "alice@gmial.com", "asked_about": "alice@gmial.com"}).status_code == 303
    assert client.post(path, data={"email": ""}).status_code == 422
    for _ in range(2):
        client.post(path, data={"email": NEW})
    assert "C’est assez pour aujourd’hui" in client.post(path, data={"email": NEW}).text


@pytest.mark.parametrize("act", ["erasure", "objection", "restriction", "lifting", "address"])
def test_a_link_that_is_over_does_nothing(client: FlaskClient, product: Product, act: str) -> None:
    make_reader(product)
    path = data_path(product)
    before = desk.everything(product.database)
    with time_machine.travel(NOW + timedelta(minutes=61), tick=False):
        assert client.post(f"{path}/{act}", data={"email": NEW}).status_code == 400
    assert client.post(f"{path}/{act}", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert desk.everything(product.database) == before


def test_a_departure_by_the_button_can_be_taken_back_for_ten_minutes(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    with product.database.reading() as session:
        leave = "/fr/unsubscribe/" + product.link_tokens.sign("unsubscribe", only(session).public_id)
    assert not Page(client.post(leave).text).all("form"), "a mail program gets no button"
    page = client.post(leave, data={"by": "button"})
    undo = Page(page.text).all("form")[0]["action"]
    with time_machine.travel(NOW + timedelta(minutes=10, seconds=1), tick=False):
        late = client.post(undo)
    assert (late.status_code, late.headers.get("Location")) == (409, None)
    assert "pendant 10 minutes" in late.text
    assert client.post(undo[:-1]).status_code == 400, "a link that was cut says so, as others do"
    with product.database.reading() as session:
        assert only(session).status is SubscriptionStatus.UNSUBSCRIBED
    back = client.post(undo)
    assert "Vous êtes abonné comme avant" in client.get(back.headers["Location"]).text
    with product.database.reading() as session:
        assert (only(session).status, only(session).unsubscribed_at) == (SubscriptionStatus.CONFIRMED, None)
    assert kinds(product)[-2:] == ["unsubscribed", "departure-undone"]
    assert client.post(undo).status_code == 303


def test_nobody_is_revived_by_an_undo_who_was_not_subscribed_or_has_objected(
    client: FlaskClient, product: Product
) -> None:
    make_reader(product)
    path = data_path(product)
    with product.database.reading() as session:
        public_id = only(session).public_id
    undo = "/fr/undo/" + product.link_tokens.sign("undo", public_id)
    client.post(path + "/objection")
    assert "Nous n’écrivons plus à cette adresse" in client.post(undo).text
    with product.database.transaction() as session:
        subscription = session.scalars(select(Subscription)).one()
        subscription.is_withheld = False
        subscription.request(NOW + timedelta(seconds=1), "fr")
        subscription.unsubscribe(NOW + timedelta(seconds=2))
    assert client.post(undo).status_code == 409
    with product.database.reading() as session:
        assert only(session).status is SubscriptionStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    ("act", "said", "way"),
    [
        ("restriction", "Vous avez limité", "/fr/my-data"),
        ("erasure", "vos données sont effacées", "/fr/"),
        ("objection", "vous vous êtes opposé à nos lettres", "/fr/"),
    ],
)
def test_whoever_wants_back_too_late_is_told_why_not_and_what_to_do(
    client: FlaskClient, product: Product, act: str, said: str, way: str
) -> None:
    make_reader(product)
    path = data_path(product)
    with product.database.reading() as session:
        leave = "/fr/unsubscribe/" + product.link_tokens.sign("unsubscribe", only(session).public_id)
    undo = Page(client.post(leave, data={"by": "button"}).text).all("form")[0]["action"]
    client.post(f"{path}/{act}")
    page = Page(client.post(undo).text)
    assert "Votre départ est maintenu" in page.text
    assert said in page.text
    assert [each["href"] for each in page.all("a") if "button" in each.get("class", "")] == [way]


def test_whom_an_admin_closed_out_is_told_to_write_and_to_nothing_else(client: FlaskClient, product: Product) -> None:
    make_reader(product)
    with product.database.transaction() as session:
        place, key = only(session), product.config.suppression_key
        undo = "/fr/undo/" + product.link_tokens.sign("undo", place.public_id)
        close_address(session, email_key=EMAIL, suppression_key=key, actor=desk.EMAIL, note="x", now=NOW)
        unsubscribe(session, public_id=place.public_id, method=ConsentMethod.UNSUBSCRIBE_PAGE, now=NOW)
    page = Page(client.post(undo).text)
    assert "on nous a demandé d’arrêter" in page.text
    assert not [each for each in page.all("a") if "button" in each.get("class", "")]


def test_every_link_of_a_forwarded_letter_shows_no_more_than_a_masked_address(
    client: FlaskClient, product: Product
) -> None:
    """Followed by whoever got it, and every form behind it sent as it stands, save those that end something."""
    reader_id = make_reader(product)
    with product.database.transaction() as session:
        newsletter_id = make.newsletter(session).id
        for kind in ("welcome", "already-subscribed"):
            enqueue(session, kind=kind, language="fr", newsletter_id=newsletter_id, subscriber_id=reader_id, now=NOW)
    client.post("/fr/my-data", data={"email": "other@reader.example"})
    seen = ""
    for _, text in open_mailbox(product).values():
        for path in links_in(product, text).values():
            page = client.get(path)
            seen += page.text
            for form in Page(page.text).all("form"):
                if form.get("method") == "post" and "unsubscribe" not in form.get("action", path):
                    answer = client.post(form.get("action", path), data={"letters_language": "fr", "span": "week"})
                    seen += answer.text + client.get(answer.headers.get("Location", "/fr/")).text
    assert "a…l@reader.example" in seen
    assert "alice" not in seen
    assert [to for to, _ in open_mailbox(product).values()] == [EMAIL], "the data link goes to the reader"
