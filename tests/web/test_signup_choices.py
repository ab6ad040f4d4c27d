"""What may be chosen with a sign-up: it waits with the request, and only a confirmation puts it in force."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.choices.choices import Interests, Timing
from app.choices.choosing import Chosen, choose, chosen_by
from app.choices.models import Cadence, Profile, Rhythm
from app.editions.lines import Schedule
from app.keeping.unchosen import drop_unchosen
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription, gets_letters
from app.subscriptions.records import ConsentEvent
from app.subscriptions.retention import purge_unconfirmed
from tests import make
from tests.conftest import NOW
from tests.web.visitor import Page, counts, only, send_form

EVERYTHING = Chosen(Interests(), None)
OFFERED = {"cadence": "newsletter", "hour": "7", "weekday": "0", "monthday": "1", "timezone": "Europe/Paris",
           "follow_more": "", "mute_more": ""}  # fmt: skip
WISHED = {**OFFERED, "followed": "theme:espionage", "follow_more": "Azerbaïdjan", "cadence": "real-time", "hour": "6"}
CHOSEN = Chosen(
    Interests(followed=frozenset({"theme:espionage", "place:AZ"})), Timing(Cadence.REAL_TIME, 6, 0, "Europe/Paris")
)


def confirm_path(product: Product) -> str:
    with product.database.reading() as session:
        confirmation_id = only(session).confirmation_id
    assert confirmation_id
    url = product.links.confirm("fr", confirmation_id, requested_at=NOW)
    return url.removeprefix(product.config.public_url)


def press(client: FlaskClient, product: Product) -> TestResponse:
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        return client.post(confirm_path(product))


def chosen(product: Product) -> Chosen:
    with product.database.reading() as session:
        return chosen_by(session, only(session))


def test_it_waits_with_the_request_and_is_in_force_once_that_is_confirmed(
    client: FlaskClient, product: Product
) -> None:
    assert send_form(client, **WISHED).status_code == 303
    with product.database.reading() as session:
        due = select(Subscription.id).where(Subscription.gets_flashes, gets_letters(NOW))
        assert session.scalars(due).all() == session.scalars(select(Schedule)).all() == []
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        said = " ".join(Page(client.get(confirm_path(product)).text).text.split())
    assert "L’urgent vous parvient aussitôt, le reste dans une lettre par jour, à 06:00" in said
    assert "Azerbaïdjan, Espionnage" in said
    assert press(client, product).status_code == 303
    assert chosen(product) == CHOSEN
    with product.database.reading() as session:
        subscription = only(session)
        assert (subscription.status, subscription.gets_flashes) == (SubscriptionStatus.CONFIRMED, True)
        schedules = session.scalars(select(Schedule.language).where(Schedule.rhythm_id == subscription.rhythm_id))
        assert set(schedules) == {"fr", "en"}
        proof = " ".join(f"{event.detail} {event.form_url}" for event in session.scalars(select(ConsentEvent)))
        assert "espionage" not in proof


def test_the_form_as_it_is_offered_chooses_nothing(client: FlaskClient, product: Product) -> None:
    assert send_form(client, **OFFERED).status_code == 303
    assert "Ce que vous lisez" not in client.get(confirm_path(product)).text
    press(client, product)
    assert chosen(product) == EVERYTHING
    with product.database.reading() as session:
        assert session.scalars(select(Profile)).all() == session.scalars(select(Rhythm)).all() == []


@pytest.mark.parametrize("mine", [CHOSEN, EVERYTHING])
def test_somebodys_address_changes_nothing_of_what_they_chose(
    client: FlaskClient, product: Product, mine: Chosen
) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email="alice@reader.example", at=NOW - timedelta(days=3))
        choose(
            session, public_id=subscription.public_id, interests=mine.interests, timing=mine.timing, since=NOW, now=NOW
        )
        before = {column.name: getattr(subscription, column.name) for column in Subscription.__table__.columns}
    assert send_form(client, **{**WISHED, "followed": "theme:industry", "cadence": "monthly"}).status_code == 303
    assert chosen(product) == mine
    with product.database.reading() as session:
        assert before == {column.name: getattr(only(session), column.name) for column in Subscription.__table__.columns}


def test_of_two_requests_the_newer_one_counts(client: FlaskClient, product: Product) -> None:
    send_form(client, **WISHED)
    send_form(client, after=timedelta(hours=20))
    press(client, product)
    assert chosen(product) == EVERYTHING


def test_what_was_chosen_goes_with_a_request_that_nobody_confirms(client: FlaskClient, product: Product) -> None:
    send_form(client, **WISHED)
    with product.database.transaction() as session:
        assert purge_unconfirmed(session, now=NOW + timedelta(days=15), pending_days=14) == 1
    assert drop_unchosen(product.database) == 2
    assert (counts(product)["profiles"], counts(product)["rhythms"]) == (0, 0)


def test_who_left_and_does_not_confirm_the_new_request_has_left_without_a_choice(
    client: FlaskClient, product: Product
) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, status=SubscriptionStatus.UNSUBSCRIBED, at=NOW - timedelta(days=3))
    send_form(client, **WISHED)
    assert chosen(product) == CHOSEN
    with product.database.transaction() as session:
        purge_unconfirmed(session, now=NOW + timedelta(days=15), pending_days=14)
        assert only(session).status is SubscriptionStatus.UNSUBSCRIBED
    assert chosen(product) == EVERYTHING


def test_what_cannot_be_chosen_brings_the_form_back_with_all_that_stood_in_it(
    client: FlaskClient, product: Product
) -> None:
    before = counts(product)
    response = send_form(client, **{**WISHED, "follow_more": "Atlantis", "timezone": "Europe/Pariss"})
    assert (response.status_code, counts(product)) == (422, before)
    page = Page(response.text)
    assert "Nous ne connaissons pas de lieu nommé" in page.text
    assert "Vouliez-vous dire Europe/Paris\u00a0?" in page.text
    kept = {each.get("id"): each["value"] for each in page.all("input") if "value" in each}
    assert (kept["email"], kept["follow-more"], kept["timezone"]) == (
        "alice@reader.example", "Atlantis", "Europe/Pariss",
    )  # fmt: skip
    ticked = {each["value"] for each in page.all("input") if "checked" in each}
    assert ticked == {"theme:espionage", "real-time"}
    assert any("open" in each for each in page.all("details") if "signup-choices" in each["class"])
    assert [each["id"] for each in page.all("input") if "autofocus" in each] == ["follow-more"]
    links = {each["href"] for each in page.all("a") if each["href"].startswith("#")}
    assert {"#follow-more", "#timezone"} <= links <= {f"#{each['id']}" for _, each in page.tags if "id" in each}


def test_another_reason_to_come_back_keeps_them_too(client: FlaskClient) -> None:
    page = Page(send_form(client, "alice@gmial.com", **WISHED).text)
    assert {"theme:espionage", "real-time"} <= {each["value"] for each in page.all("input") if "checked" in each}
    assert any("open" in each for each in page.all("details") if "signup-choices" in each["class"])


@pytest.mark.parametrize("fields", [{"cadence": "hourly"}, {"cadence": "daily", "hour": "24"}, {"followed": "theme:x"}])
def test_what_no_page_offers_is_refused(client: FlaskClient, product: Product, fields: dict[str, str]) -> None:
    before = counts(product)
    assert send_form(client, **{**OFFERED, **fields}).status_code == 422
    assert counts(product) == before


def test_the_small_form_offers_no_choices(client: FlaskClient, product: Product) -> None:
    for path in ("/fr/embed", "/fr/confirm/x"):
        assert 'name="cadence"' not in client.get(path).text
    send_form(client, path="/fr/embed", target="/fr/subscribe?embedded")
    press(client, product)
    assert chosen(product) == EVERYTHING
