"""Two newsletters side by side in public: each has its form, its readers, its archive and its feeds."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.clock import now
from app.delivery.composing import Composed
from app.delivery.models import Delivery, DeliveryState
from app.digests.newsletters import close_newsletter
from app.editions.audience import finish_editions
from app.editions.compile import compile_edition
from app.editions.models import Edition
from app.newsletters.models import ConsentWording, Newsletter
from app.product import Product
from app.subscriptions.kinds import ConsentKind, SubscriptionStatus
from app.subscriptions.letters import signup_letters
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.questions.asking import ask
from app.subscriptions.questions.models import QuestionKind
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.receipts import make_receipt
from app.subscriptions.signup import WELCOME
from tests import make
from tests.conftest import NOW
from tests.editions.press import start
from tests.make import make_subscription, settle_copies
from tests.web.reader import data_path
from tests.web.visitor import form_token, send_form

NORTH = "/fr/newsletters/north"


@pytest.fixture
def second_id(product: Product) -> int:
    with product.database.transaction() as session:
        return make.add_second(session, product.config).id


def subscribe(client: FlaskClient, product: Product, *, north: bool) -> TestResponse:
    """Sign up to one of the two and confirm."""
    here = NORTH if north else "/fr"
    assert send_form(client, path=f"{here}/", target=f"{here}/subscribe").status_code == 303
    with product.database.reading() as session:
        slug = "north" if north else "vigie"
        query = select(Subscription).join(Newsletter, Newsletter.id == Subscription.newsletter_id)
        asked = session.scalars(query.where(Newsletter.slug == slug)).one()
    assert asked.confirmation_id is not None
    link = product.links.confirm("fr", asked.confirmation_id, requested_at=NOW)
    with time_machine.travel(NOW, tick=False):
        return client.post(link.removeprefix(product.config.public_url))


def stands(product: Product) -> dict[str, SubscriptionStatus]:
    with product.database.reading() as session:
        query = select(Newsletter.slug, Subscription.status).join(Subscription)
        return dict(session.execute(query.order_by(Newsletter.id)).all())


def send_edition(product: Product, newsletter_id: int) -> Edition:
    """An edition of a newsletter, sent to whoever reads it."""
    with product.database.transaction() as session:
        newsletter = session.get_one(Newsletter, newsletter_id)
        compiled = compile_edition(session, newsletter=newsletter, language="fr", until=NOW, now=NOW)
        edition = session.get_one(Edition, compiled.edition_id)
        edition.subject = f"Le numéro de {newsletter.in_language('fr').name}"
        start(session, product, edition)
        settle_copies(session, DeliveryState.ACCEPTED)
        assert finish_editions(session, now=NOW) == [edition.id]
        return edition


def test_one_reader_signs_up_to_both_leaves_one_and_keeps_the_other(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    for north in (False, True):
        assert "/preferences/" in subscribe(client, product, north=north).location
    with product.database.reading() as session:
        reader = session.scalars(select(Subscriber)).one()
        of_north = session.scalars(select(Subscription).where(Subscription.newsletter_id == second_id)).one()
    assert reader.id == of_north.subscriber_id
    link = product.links.unsubscribe("fr", of_north.public_id).removeprefix(product.config.public_url)
    assert "Cap Nord" in client.get(link).text
    left = client.post(link, data={"by": "button"}).text
    assert "Cap Nord" in left
    assert f'href="{NORTH}/"' in left
    assert stands(product) == {"vigie": SubscriptionStatus.CONFIRMED, "north": SubscriptionStatus.UNSUBSCRIBED}


def test_the_proof_names_the_newsletter_its_words_and_its_page(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    subscribe(client, product, north=True)
    with product.database.reading() as session:
        events = session.scalars(select(ConsentEvent).order_by(ConsentEvent.seq)).all()
        assert [each.kind for each in events] == [ConsentKind.REQUESTED, ConsentKind.CONFIRMED]
        assert {each.newsletter_id for each in events} == {second_id}
        assert events[0].form_url == f"{product.config.public_url}{NORTH}/"
        wordings = {session.get_one(ConsentWording, each.wording_id) for each in events}
        assert {each.newsletter_id for each in wordings} == {second_id}
        receipt = make_receipt(session, session.scalars(select(Subscriber)).one(), product=product, now=NOW)
    assert [each.newsletter for each in receipt.shown] == ["Cap Nord", "Cap Nord"]
    assert "Cap Nord" in receipt.wordings[0].statement


@time_machine.travel(NOW, tick=False)
def test_a_receipt_says_where_its_reader_stands_with_each_newsletter(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    for north in (False, True):
        subscribe(client, product, north=north)
    page = client.get(f"{data_path(product, email='alice@reader.example')}/receipt").text
    assert re.findall(r"<dt>([^<]+)</dt><dd>Abonné<", page) == ["Vigie", "Cap Nord"]
    assert re.findall(r"<dt>Lettre</dt><dd>([^<]+)<", page) == ["Vigie (FR)"] * 2 + ["Cap Nord (FR)"] * 2


@time_machine.travel(NOW, tick=False)
def test_what_is_held_of_two_newsletters_says_to_which_each_act_belongs(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    acts = re.compile(r'<p class="held-title">((?:Demande|Confirmation)[^<]*)<')
    subscribe(client, product, north=False)
    page = client.get(data_path(product, email="alice@reader.example")).text
    assert acts.findall(page) == ["Demande", "Confirmation"]
    subscribe(client, product, north=True)
    page = client.get(data_path(product, email="alice@reader.example")).text
    assert acts.findall(page) == [
        "Demande · Vigie", "Confirmation · Vigie", "Demande · Cap Nord", "Confirmation · Cap Nord",
    ]  # fmt: skip


def test_a_form_signs_up_to_the_newsletter_that_it_showed_wherever_it_is_sent(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    send_form(client, path=f"{NORTH}/embed", target="/fr/subscribe?embedded")
    assert stands(product) == {"north": SubscriptionStatus.PENDING}


def test_the_letters_speak_of_their_newsletter(client: FlaskClient, product: Product, second_id: int) -> None:
    subscribe(client, product, north=True)
    with product.database.transaction() as session:
        copies = [copy for copy in make.copies(session) if copy.chunk.kind == WELCOME]
        [made] = signup_letters(product.config, product.links)[WELCOME](session, copies)
        assert isinstance(made, Composed)
        letter = made.letter
    assert letter.list_id.startswith("fr.north.")
    assert letter.help_url == f"{product.config.public_url}{NORTH}/"
    assert f"{product.config.public_url}{NORTH}/archive" in letter.text
    assert "Cap Nord" in letter.text


def test_pages_name_the_sender_that_readers_are_to_look_for(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    with product.database.transaction() as session:
        session.get_one(Newsletter, second_id).sender = "north@newsletter.example"
    ours = product.config.mail.sender
    assert "arrive de north@newsletter.example" in client.get(f"{NORTH}/check-your-mail").text.replace("\xa0", " ")
    assert ours in client.get("/fr/check-your-mail").text
    assert f"from {ours} or north@newsletter.example." in client.get("/en/my-data?sent").text
    assert client.get("/fr/newsletters/south/check-your-mail").status_code == 404


def test_an_edition_goes_to_its_own_readers_and_into_its_own_archive_and_feeds(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    with product.database.transaction() as session:
        ours = {
            key: make_subscription(session, email=f"reader{key}@reader.example", newsletter_id=key).subscriber_id
            for key in (1, second_id)
        }
        make.make_article(session, link="https://wire.example/1")
    editions = {key: send_edition(product, key) for key in ours}
    with product.database.reading() as session:
        went = select(Delivery.edition_id, Delivery.subscriber_id)
        assert set(session.execute(went).all()) == {(editions[key].id, ours[key]) for key in ours}
    for here, mine, other in (("/fr", 1, second_id), (NORTH, second_id, 1)):
        for page in ("archive", "feed.atom", "feed.json"):
            shown = client.get(f"{here}/{page}").text
            assert editions[mine].public_id in shown, page
            assert editions[other].public_id not in shown, page
    assert f'href="{NORTH}/archive"' in client.get(f"/fr/archive/{editions[second_id].public_id}").text


def test_each_front_page_shows_the_way_to_the_other(client: FlaskClient, second_id: int) -> None:
    assert f'href="{NORTH}/"' in client.get("/fr/").text
    page = client.get(f"{NORTH}/").text
    assert f'action="{NORTH}/subscribe"' in page
    assert 'href="/en/newsletters/north/"' in page
    assert f'href="{NORTH}/feed.atom"' in page
    assert NORTH in client.get("/sitemap.xml").text
    assert client.get("/fr/newsletters/south/").status_code == 404


def test_one_that_is_alone_names_no_other(client: FlaskClient) -> None:
    assert "/newsletters/" not in client.get("/fr/").text


def test_a_closed_newsletter_takes_nobody_new(client: FlaskClient, product: Product, second_id: int) -> None:
    with time_machine.travel(NOW, tick=False):
        token = form_token(client, path=f"{NORTH}/")
    with product.database.transaction() as session:
        close_newsletter(session, newsletter_id=second_id, now=NOW)
    assert "<form" not in re.sub(r"(?s).*<main", "", client.get(f"{NORTH}/").text)
    assert f'href="{NORTH}/"' not in client.get("/fr/").text
    with time_machine.travel(NOW.replace(minute=NOW.minute + 1), tick=False):
        answer = client.post(f"{NORTH}/subscribe", data={"email": "alice@reader.example", "token": token})
    assert answer.status_code == 422
    assert stands(product) == {}


def test_an_old_link_brings_the_form_of_its_own_newsletter(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    subscribe(client, product, north=True)
    with product.database.reading() as session:
        used = session.scalars(select(Subscription)).one()
    link = product.links.confirm("fr", used.confirmation_id or "", requested_at=NOW)
    with time_machine.travel(NOW.replace(year=NOW.year), tick=False):
        page = client.get(link.removeprefix(product.config.public_url))
    assert page.status_code == 400
    assert f'action="{NORTH}/subscribe"' in page.text


def test_a_leave_link_of_no_subscription_names_no_newsletter(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    with product.database.transaction() as session:
        pending = make_subscription(session, status=SubscriptionStatus.PENDING, newsletter_id=second_id)
    link = product.links.unsubscribe("fr", pending.public_id).removeprefix(product.config.public_url)
    assert "Cap Nord" in client.post(link, data={"by": "button"}).text
    name = product.config.identity.publication
    for page in (client.get(link).text, client.post(link, data={"by": "button"}).text):
        main = re.sub(r"(?s).*<main", "", page)
        assert f"«\u00a0{name}" not in main
        assert "Cap Nord" not in main
        assert "ces lettres" in main


def test_a_late_undo_leads_to_the_newsletter_that_was_left(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    with product.database.transaction() as session:
        left = make_subscription(session, status=SubscriptionStatus.UNSUBSCRIBED, newsletter_id=second_id)
    late = product.link_tokens.sign("undo", left.public_id, at=now() - timedelta(hours=1))
    assert f'class="button" href="{NORTH}/"' in client.post(f"/fr/undo/{late}").text


def test_a_question_names_its_newsletter_and_leads_back_to_it(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    at = now()
    with product.database.transaction() as session:
        asked = make_subscription(session, newsletter_id=second_id)
        question = ask(session, asked, kind=QuestionKind.STAY, answer_until=at + timedelta(days=30), now=at)
    link = product.links.stay("fr", question.public_id, asked_at=at).removeprefix(product.config.public_url)
    page = client.get(link).text
    assert "Cap Nord" in page
    assert f'href="{NORTH}/archive"' in page
    client.post(product.links.unsubscribe("fr", asked.public_id).removeprefix(product.config.public_url))
    for answer in (client.get(link), client.post(link)):
        assert f'class="button button-quiet" href="{NORTH}/"' in answer.text


def test_the_frames_of_confirming_and_leaving_lead_to_the_newsletter(
    client: FlaskClient, product: Product, second_id: int
) -> None:
    with product.database.transaction() as session:
        pending = make_subscription(session, status=SubscriptionStatus.PENDING, newsletter_id=second_id, at=now())
    assert pending.confirmation_id
    for link in (
        product.links.confirm("fr", pending.confirmation_id, requested_at=now()),
        product.links.unsubscribe("fr", pending.public_id),
    ):
        assert f'href="{NORTH}/archive"' in client.get(link.removeprefix(product.config.public_url)).text, link
