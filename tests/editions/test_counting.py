"""What is counted of reading: nothing by default, totals of nobody, and readers who agreed, until they say no."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app
from app.db import Database
from app.delivery.endings import Withheld
from app.editions.copies import edition_letters
from app.editions.counting import read_clicks
from app.editions.models import Edition
from app.editions.records import ClickTotal, Reading
from app.newsletters.defaults import install_defaults
from app.product import Product
from app.settings.publication import Measurement
from app.subscriptions.kinds import ConsentKind
from app.subscriptions.models import Subscription
from app.subscriptions.records import ConsentEvent
from config import Config
from tests import letter_rules
from tests.conftest import NOW, ON_SQLITE
from tests.editions.press import make_draft, make_sent, start
from tests.make import copies, make_article, make_subscription, write
from tests.web.visitor import Page

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
EMAILS = ("alice@reader.example", "bob@reader.example")
LINK = "https://strait.example/fr/0?a=1&b=2"
MACHINES = [
    {"User-Agent": ""}, {"User-Agent": "Mozilla/5.0"}, {"User-Agent": "curl/8.5.0"},
    {"User-Agent": "Mozilla/5.0 (compatible; Examplebot/2.1)"}, {"User-Agent": "facebookexternalhit/1.1"},
    {"User-Agent": "WhatsApp/2.24.1.0 A"}, {"User-Agent": "Apache-HttpClient/4.5.14 (Java/17.0.9)"},
    {**BROWSER, "Sec-Purpose": "prefetch;prerender"}, {**BROWSER, "Purpose": "prefetch"},
    {**BROWSER, "X-Moz": "prefetch"}, {**BROWSER, "X-Purpose": "preview"},
]  # fmt: skip


@pytest.fixture
def make_product(config: Config) -> Iterator[Callable[[Measurement], tuple[Flask, Product]]]:
    """The app under a setting."""
    made: list[Product] = []

    def make(measurement: Measurement) -> tuple[Flask, Product]:
        app = create_app(replace(config, measurement=measurement))
        product: Product = app.extensions["vigie"]
        with product.database.transaction() as session:
            install_defaults(session, product.config, NOW)
        made.append(product)
        return app, product

    yield make
    for product in made:
        product.database.dispose()


@pytest.fixture
def counting(make_product: Callable[[Measurement], tuple[Flask, Product]]) -> tuple[FlaskClient, Product]:
    """A newsroom that counts those who agree, and an edition for Alice, who did, and Bob, who did not."""
    app, product = make_product(Measurement.CONSENT)
    with product.database.transaction() as session:
        prepare(session, product)
    return app.test_client(), product


def prepare(session: Session, product: Product) -> None:
    for email in EMAILS:
        make_subscription(session, email=email).is_counted = email == EMAILS[0]
    start(session, product, make_draft(session))


def letters(product: Product) -> dict[str, bytes]:
    """The letters of the edition, as they leave, by recipient."""
    compose = edition_letters(product.config, product.links)["edition"]
    with product.database.transaction() as session:
        claimed = copies(session)
        made = compose(session, claimed)
        return {each.recipient: write(each) for each in made if not isinstance(each, Withheld)}  # type: ignore[attr-defined]


def paths(raw: bytes, product: Product, pattern: str) -> list[str]:
    """The paths of our own in the HTML of a letter that match."""
    html = letter_rules.parse(raw).get_body(("html",)).get_content()
    found = re.findall(rf'(?:href|src)="{re.escape(product.config.public_url)}(/[^"]*)"', html)
    return [path for path in found if re.search(pattern, path)]


def test_by_default_links_lead_straight_to_articles_and_nothing_is_loaded(
    make_product: Callable[[Measurement], tuple[Flask, Product]],
) -> None:
    _, product = make_product(Measurement.OFF)
    with product.database.transaction() as session:
        prepare(session, product)
    for raw in letters(product).values():
        assert paths(raw, product, "/(go|reading)/") == []
        html = letter_rules.parse(raw).get_body(("html",)).get_content()
        assert "<img" not in html
        assert LINK.replace("&", "&amp;") in html


def test_who_did_not_agree_gets_the_same_links_as_everybody(counting: tuple[FlaskClient, Product]) -> None:
    client, product = counting
    with product.database.transaction() as session:
        make_subscription(session, email="carol@reader.example")
    sent = letters(product)
    [alice, bob] = [sent[email] for email in EMAILS]
    assert paths(bob, product, "/reading/") == []
    shared = paths(bob, product, "/go/")
    assert len(shared) == 3, "the first article's two links and the second's"
    assert "<img" not in letter_rules.parse(bob).get_body(("html",)).get_content()
    assert client.get(shared[0], headers=BROWSER).headers["Location"] == LINK
    assert paths(alice, product, "/go/") == []
    for email, raw in sent.items():
        message = letter_rules.check(raw, recipient=email, domain="newsletter.example")
        html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))
        letter_rules.check_same_links(html, text)


def test_who_agreed_is_counted_once_for_each_article_and_the_day_of_opening(
    counting: tuple[FlaskClient, Product],
) -> None:
    client, product = counting
    alice = letters(product)[EMAILS[0]]
    [image] = paths(alice, product, "image.gif")
    first, again, second = [path for path in paths(alice, product, "/reading/") if path != image]
    assert first == again
    for seconds, path in ((0, image), (5, first), (20, first), (40, second)):
        with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
            answer = client.get(path, headers=BROWSER)
        assert answer.status_code in {200, 302}
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
    with product.database.reading() as session:
        reading = session.scalars(select(Reading)).one()
        clicks = read_clicks(session, session.scalars(select(Edition.id)).one())
    assert (reading.clicks, reading.opened_on) == (2, NOW.date())
    assert [article.clicks for article in clicks.articles] == [2, 1, 0]
    assert (clicks.counted_openings, clicks.counted_clickers) == (1, 1)


def test_an_edition_and_its_variants_are_counted_as_one(product: Product) -> None:
    with product.database.transaction() as session:
        alice, bob = (make_subscription(session, email=email) for email in EMAILS)
        whole = make_draft(session)
        titles = [item.article.title for item in whole.items]
        only_here = make_article(session, title="Ailleurs", language="fr")
        variant = make_sent(session, [only_here, whole.items[1].article])
        variant.variant_of = whole.id
        make_sent(session, [only_here])
        for edition, place, clicks in ((whole, 1, 5), (whole, 2, 3), (variant, 1, 2), (variant, 2, 10)):
            session.add(ClickTotal(edition_id=edition.id, place=place, clicks=clicks))
        session.add(Reading(subscription_id=alice.id, edition_id=whole.id, opened_on=NOW.date(), clicks=1))
        session.add(Reading(subscription_id=bob.id, edition_id=variant.id, opened_on=NOW.date()))
    with product.database.reading() as session:
        clicks = read_clicks(session, whole.id)
    assert [(article.title, article.clicks) for article in clicks.articles] == list(
        zip([*titles, "Ailleurs"], [5, 13, 0, 2], strict=True)
    )
    assert (clicks.counted_openings, clicks.counted_clickers) == (2, 1)


def test_links_followed_faster_than_anybody_reads_count_for_nothing(counting: tuple[FlaskClient, Product]) -> None:
    client, product = counting
    ways = paths(letters(product)[EMAILS[0]], product, r"/reading/.*/\d+$")
    with time_machine.travel(NOW, tick=False):
        for way in ways:
            client.get(way, headers=BROWSER)
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        client.get(ways[0], headers=BROWSER)
    with product.database.reading() as session:
        clicks = read_clicks(session, session.scalars(select(Edition.id)).one())
        assert session.scalars(select(Reading.clicks)).one() == 0
    assert (clicks.counted_openings, clicks.counted_clickers) == (0, 0)


@pytest.mark.parametrize("headers", MACHINES)
def test_machines_are_led_on_and_not_counted(counting: tuple[FlaskClient, Product], headers: dict[str, str]) -> None:
    client, product = counting
    sent = letters(product)
    for path in paths(sent[EMAILS[0]], product, "/reading/") + paths(sent[EMAILS[1]], product, "/go/"):
        assert client.get(path, headers=headers).status_code in {200, 302}
        assert client.head(path, headers=BROWSER).status_code in {200, 302}
    with product.database.reading() as session:
        assert session.scalars(select(Reading)).all() == session.scalars(select(ClickTotal)).all() == []


def test_taking_consent_back_stops_letters_already_sent_and_deletes_what_was_counted(
    counting: tuple[FlaskClient, Product],
) -> None:
    client, product = counting
    ways = paths(letters(product)[EMAILS[0]], product, "/reading/")
    with time_machine.travel(NOW, tick=False):
        client.get(ways[0], headers=BROWSER)
        with product.database.reading() as session:
            assert session.scalars(select(Reading)).one().clicks == 1
            alice = session.scalars(select(Subscription).order_by(Subscription.id)).first()
        assert alice is not None
        page = product.links.preferences("fr", alice.public_id).removeprefix(product.config.public_url)
        assert client.post(f"{page}/counting").status_code == 303
        for way in ways:
            client.get(way, headers=BROWSER)
    with product.database.reading() as session:
        assert session.scalars(select(Reading)).all() == []
        assert [event.kind for event in session.scalars(select(ConsentEvent))] == [ConsentKind.COUNTING_ENDED]


def test_the_box_is_apart_unticked_and_its_words_are_kept(counting: tuple[FlaskClient, Product]) -> None:
    client, product = counting
    with product.database.reading() as session:
        bob = session.scalars(select(Subscription).order_by(Subscription.id.desc())).first()
    assert bob is not None
    path = product.links.preferences("fr", bob.public_id).removeprefix(product.config.public_url)
    with time_machine.travel(NOW, tick=False):
        page = Page(client.get(path).text)
        [box] = [each for each in page.all("input") if each.get("name") == "counting"]
        assert "checked" not in box
        [mark] = [each["value"] for each in page.all("input") if each.get("name") == "token"]
        assert client.post(f"{path}/counting", data={"counting": "yes", "token": mark}).status_code == 303
        answer = client.post(f"{path}/counting", data={"counting": "yes"})
        assert "ouverte depuis longtemps" in client.get(answer.headers["Location"]).text
        page = Page(client.get(path).text)
    assert any("checked" in each for each in page.all("input") if each.get("name") == "counting")
    with product.database.reading() as session:
        event = session.scalars(select(ConsentEvent)).one()
    assert event.kind is ConsentKind.COUNTING_ALLOWED
    assert (event.wording_id, event.policy_id) != (None, None)


@pytest.mark.parametrize("measurement", Measurement)
def test_the_front_page_promises_no_more_than_is_kept(
    make_product: Callable[[Measurement], tuple[Flask, Product]], measurement: Measurement
) -> None:
    app, _ = make_product(measurement)
    assert ("ni mouchard de lecture" in app.test_client().get("/fr/").text) is (measurement is Measurement.OFF)


@pytest.mark.parametrize("measurement", [Measurement.OFF, Measurement.TOTALS])
def test_where_nobody_is_counted_nobody_is_asked(
    make_product: Callable[[Measurement], tuple[Flask, Product]], measurement: Measurement
) -> None:
    app, product = make_product(measurement)
    with product.database.transaction() as session:
        prepare(session, product)
        public_id = session.scalars(select(Subscription.public_id).order_by(Subscription.id.desc())).first()
    assert public_id is not None
    path = product.links.preferences("fr", public_id).removeprefix(product.config.public_url)
    assert 'name="counting"' not in app.test_client().get(path).text
    assert all(paths(raw, product, "/reading/") == [] for raw in letters(product).values())


def counted(product: Product) -> tuple[int, int]:
    """How many readings and totals there are."""
    with product.database.reading() as session:
        return len(session.scalars(select(Reading)).all()), len(session.scalars(select(ClickTotal)).all())


@pytest.mark.parametrize(("later", "left"), [(Measurement.OFF, (0, 0)), (Measurement.TOTALS, (0, 2))])
def test_what_the_newsroom_counts_no_longer_is_not_counted_from_letters_already_sent(
    counting: tuple[FlaskClient, Product], config: Config, later: Measurement, left: tuple[int, int]
) -> None:
    _, product = counting
    changed = create_app(replace(config, measurement=later))
    client, sent = changed.test_client(), letters(product)
    for path in [*paths(sent[EMAILS[0]], product, "/reading/"), *paths(sent[EMAILS[1]], product, "/go/")]:
        assert client.get(path, headers=BROWSER).status_code in {200, 302}
    assert counted(product) == left
    with product.database.reading() as session:
        alice = session.scalars(select(Subscription).order_by(Subscription.id)).first()
        assert alice is not None
    page = product.links.preferences("fr", alice.public_id).removeprefix(product.config.public_url)
    assert 'name="counting" value="yes" checked' in client.get(page).text
    assert client.post(f"{page}/counting").status_code == 303
    assert 'name="counting"' not in client.get(page).text
    changed.extensions["vigie"].database.dispose()


def test_who_has_left_is_not_counted_and_counts_anew_only_by_saying_so(counting: tuple[FlaskClient, Product]) -> None:
    client, product = counting
    ways = paths(letters(product)[EMAILS[0]], product, "/reading/")
    with product.database.transaction() as session:
        alice = session.scalars(select(Subscription).order_by(Subscription.id)).first()
        assert alice is not None
        alice.unsubscribe(NOW)
    for way in ways:
        assert client.get(way, headers=BROWSER).status_code in {200, 302}
    assert counted(product) == (0, 2)
    alice.request(NOW, "fr")
    alice.confirm(NOW)
    assert not alice.is_counted


@ON_SQLITE
def test_who_reads_on_does_not_depend_on_the_count(
    counting: tuple[FlaskClient, Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process writes for longer than SQLite waits, which has one writer at a time."""
    client, product = counting
    monkeypatch.setattr("app.db.SQLITE_BUSY_TIMEOUT_MS", 10)
    sent = letters(product)
    product.database.dispose()
    with Database(product.config.database_url).transaction():
        for path in [*paths(sent[EMAILS[0]], product, "/reading/"), *paths(sent[EMAILS[1]], product, "/go/")]:
            assert client.get(path, headers=BROWSER).status_code in {200, 302}
    assert counted(product) == (0, 0)


@pytest.mark.parametrize("place", ["0", "3", "999", "1000", "-1", "x"])
def test_a_way_that_leads_nowhere_is_not_found(counting: tuple[FlaskClient, Product], place: str) -> None:
    client, product = counting
    [way, *_] = paths(letters(product)[EMAILS[1]], product, "/go/")
    assert client.get(f"{way.rpartition('/')[0]}/{place}", headers=BROWSER).status_code == 404
    assert client.get(way.replace("/go/", "/reading/"), headers=BROWSER).status_code == 400
