"""A newsletter in French alone, in public: nothing of it is in English but what a reader’s own links open."""

import re
from collections import deque

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.clock import now
from app.digests.newsletters import Face, change_mark, put_face
from app.editions.lines import Schedule
from app.editions.models import Edition
from app.newsletters.models import Newsletter, NewsletterLanguage
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription
from app.subscriptions.questions.asking import ask
from app.subscriptions.questions.models import QuestionKind
from tests import make
from tests.conftest import NOW
from tests.web.test_several_newsletters import NORTH, send_edition, stands
from tests.web.visitor import Page, form_token, only, send_form

#: How its pages would be called if they were there.
MISSING = "/en/newsletters/north"
OWN_PAGES = ("/", "/embed", "/check-your-mail", "/archive", "/feed.atom", "/feed.json")


@pytest.fixture
def north(product: Product) -> int:
    with product.database.transaction() as session:
        return make.add_french(session, product.config).id


def reader(
    product: Product, newsletter_id: int, *, status: SubscriptionStatus = SubscriptionStatus.CONFIRMED
) -> Subscription:
    with product.database.transaction() as session:
        email = f"{status}@reader.example"
        return make.make_subscription(session, email=email, newsletter_id=newsletter_id, status=status, at=now())


def path(product: Product, url: str) -> str:
    return url.removeprefix(product.config.public_url)


def add_english(product: Product, newsletter_id: int) -> None:
    with product.database.transaction() as session:
        seen = change_mark(session.get_one(Newsletter, newsletter_id).changed_at)
        put_face(
            session, newsletter_id=newsletter_id, seen=seen, language="en", face=Face("North Cape", "Far.", "en.north"),
            config=product.config, actor="ada@desk.example", now=NOW,
        )  # fmt: skip


@pytest.mark.parametrize("page", OWN_PAGES)
def test_its_pages_in_english_lead_to_the_french_ones(client: FlaskClient, north: int, page: str) -> None:
    answer = client.get(f"{MISSING}{page}")
    assert (answer.status_code, answer.location) == (302, f"{NORTH}{page}")
    assert client.get(answer.location).status_code == 200


def test_a_frame_stays_a_frame(client: FlaskClient, north: int) -> None:
    assert client.get(f"{MISSING}/check-your-mail?embedded").location == f"{NORTH}/check-your-mail?embedded="
    assert client.post(f"{MISSING}/subscribe?embedded").location == f"{NORTH}/embed"


def test_a_post_in_english_signs_nobody_up(client: FlaskClient, product: Product, north: int) -> None:
    answer = send_form(client, path=f"{NORTH}/", target=f"{MISSING}/subscribe")
    assert (answer.status_code, answer.location) == (303, f"{NORTH}/")
    assert stands(product) == {}
    assert send_form(client, path=f"{NORTH}/", target=f"{NORTH}/subscribe").status_code == 303
    with product.database.reading() as session:
        assert (only(session).newsletter_id, only(session).language) == (north, "fr")


def test_a_form_in_a_language_that_is_gone_signs_nobody_up(client: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config).id
    with time_machine.travel(NOW, tick=False):
        token = form_token(client, path=f"{MISSING}/")
    of_second = NewsletterLanguage.newsletter_id == second
    with product.database.transaction() as session:
        session.execute(delete(NewsletterLanguage).where(of_second, NewsletterLanguage.language == "en"))
    with time_machine.travel(NOW.replace(minute=1), tick=False):
        for target in (f"{MISSING}/subscribe", "/en/subscribe"):
            client.post(target, data={"email": "alice@reader.example", "token": token})
    assert stands(product) == {}


def test_the_english_front_page_names_it_in_french_and_leads_there(client: FlaskClient, north: int) -> None:
    page = client.get("/en/").text
    assert f'<dt lang="fr"><a href="{NORTH}/" hreflang="fr">Cap Nord</a></dt>' in page
    assert '<dd lang="fr">L’Arctique, chaque semaine.</dd>' in page
    assert f'<dt><a href="{NORTH}/">Cap Nord</a></dt>' in client.get("/fr/").text


def test_nothing_tells_search_engines_and_feed_readers_of_english(client: FlaskClient, north: int) -> None:
    sitemap = client.get("/sitemap.xml").text
    assert f"{NORTH}/archive</loc>" in sitemap
    assert MISSING not in sitemap
    for page in ("/", "/archive"):
        shown = client.get(f"{NORTH}{page}").text
        assert 'rel="canonical"' in shown
        assert "hreflang" not in shown
        assert f'href="{NORTH}/feed.atom"' in shown


def test_its_editions_are_in_french_alone(client: FlaskClient, product: Product, north: int) -> None:
    reader(product, north)
    with product.database.transaction() as session:
        make.make_article(session, link="https://wire.example/1")
    edition = send_edition(product, north)
    here = f"/fr/archive/{edition.public_id}"
    assert client.get(f"/en/archive/{edition.public_id}").location == here
    page = client.get(here).text
    assert f'href="{NORTH}/archive"' in page
    assert f"/en/archive/{edition.public_id}" not in page
    with product.database.transaction() as session:
        session.get_one(Edition, edition.id).cleared_at = now()
    cleared = client.get(path(product, product.links.view("en", edition.public_id))).text
    assert f'href="{NORTH}/archive"' in cleared
    assert MISSING not in cleared


def test_whatever_an_address_asks_is_led_on(client: FlaskClient, north: int) -> None:
    assert client.get(f"{MISSING}/archive?before=a%26b").location == f"{NORTH}/archive?before=a%26b"


def test_preferences_are_read_in_english_and_offer_no_other_language(
    client: FlaskClient, product: Product, north: int
) -> None:
    counted = reader(product, north)
    with product.database.transaction() as session:
        session.get_one(Subscription, counted.id).is_counted = True
    token = product.link_tokens.sign("preferences", counted.public_id)
    page = client.get(f"/en/preferences/{token}").text
    assert '<html lang="en">' in page
    assert f'href="/fr/preferences/{token}"' in page
    assert "letters_language" not in page
    assert '<span lang="fr">J’accepte' in page
    assert f'href="{NORTH}/archive"' in page
    assert client.post(f"/en/preferences/{token}", data={"letters_language": "en"}).status_code == 422
    with product.database.reading() as session:
        assert only(session).language == "fr"


def test_what_a_reader_of_another_language_agrees_to_is_shown_in_french(
    client: FlaskClient, product: Product, north: int
) -> None:
    with time_machine.travel(NOW, tick=False):
        asked = reader(product, north, status=SubscriptionStatus.PENDING)
        link = path(product, product.links.confirm("en", asked.confirmation_id or "", requested_at=NOW))
        in_french = link.replace("/en/", "/fr/")
        assert client.get(link).location == in_french
        shown = client.get(in_french).text
        assert 'href="/en/confirm' not in shown
        token = re.findall(r'name="token" value="([^"]+)"', shown)[0]
        assert client.post(link).location == in_french, "nothing was shown in English"
        assert "/preferences/" in client.post(in_french, data={"token": token}).location
        over = client.get(link)
    assert (over.status_code, over.location) == (302, in_french)


def test_once_english_is_added_it_is_there(client: FlaskClient, product: Product, north: int) -> None:
    add_english(product, north)
    assert send_form(client, path=f"{MISSING}/", target=f"{MISSING}/subscribe").status_code == 303
    with product.database.reading() as session:
        assert only(session).language == "en"
    assert MISSING in client.get("/sitemap.xml").text
    assert f'href="{MISSING}/"' in client.get(f"{NORTH}/").text


def test_a_rhythm_that_was_chosen_before_english_came_goes_on_in_english(
    client: FlaskClient, product: Product, north: int
) -> None:
    token = product.link_tokens.sign("preferences", reader(product, north).public_id)
    daily = {"cadence": "daily", "hour": "6", "timezone": "Europe/Paris"}
    assert client.post(f"/fr/preferences/{token}/choices", data=daily).status_code == 303
    add_english(product, north)
    assert client.post(f"/fr/preferences/{token}", data={"letters_language": "en"}).status_code == 303
    with product.database.reading() as session:
        of_reader = select(Schedule.language).where(Schedule.rhythm_id == only(session).rhythm_id)
        assert set(session.scalars(of_reader)) == {"fr", "en"}


def ways_in(product: Product, north: int) -> list[str]:
    """Where a visitor and a reader begin, in both languages."""
    at = now()
    with product.database.transaction() as session:
        make.make_article(session, link="https://wire.example/1")
    confirmed, pending, left = (
        reader(product, north, status=status)
        for status in (SubscriptionStatus.CONFIRMED, SubscriptionStatus.PENDING, SubscriptionStatus.UNSUBSCRIBED)
    )
    edition = send_edition(product, north)
    with product.database.transaction() as session:
        known = session.get_one(Subscription, confirmed.id)
        question = ask(session, known, kind=QuestionKind.STAY, answer_until=NOW.replace(year=NOW.year + 1), now=at)
    links = product.links
    of_language = [
        (
            links.confirm(code, pending.confirmation_id or "", requested_at=at),
            *(
                link(code, each.public_id)
                for each in (confirmed, left)
                for link in (links.preferences, links.unsubscribe)
            ),
            links.stay(code, question.public_id, asked_at=at),
            links.view(code, edition.public_id),
            links.archived_edition(code, edition.public_id),
            links.home(code),
        )
        for code in ("fr", "en")
    ]
    return [f"{NORTH}{page}" for page in OWN_PAGES] + [path(product, url) for urls in of_language for url in urls]


def test_no_page_leads_to_an_english_one_that_is_not_there(client: FlaskClient, product: Product, north: int) -> None:
    waiting = deque(ways_in(product, north))
    seen = set(waiting)
    while waiting:
        here = waiting.popleft()
        answer = client.get(here)
        assert answer.status_code in {200, 302}, here
        assert MISSING not in answer.text, here
        assert re.search(r"/en/archive/\w", answer.text) is None, here
        tags = Page(answer.text).tags if answer.mimetype == "text/html" else []
        hrefs = [path(product, tag["href"]) for _, tag in tags if "href" in tag]
        found = {href.partition("#")[0] for href in [*hrefs, answer.location or ""]} - seen
        inner = sorted(href for href in found if re.match(r"/(fr|en)/", href))
        seen.update(inner)
        waiting.extend(inner)
    assert len(seen) > 40
