"""The form in which readers choose what to read and when."""

import re
from collections.abc import Mapping
from datetime import datetime

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.choices.choices import TOPICS_MAX, Interests, Timing
from app.choices.choosing import Chosen, chosen_by
from app.choices.models import Cadence
from app.editions.lines import FIRST_WINDOW, Schedule
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.topics.taxonomy import load
from app.web.public.choice_form import place_names
from tests import make
from tests.conftest import NOW
from tests.web.reader import data_path, make_reader
from tests.web.visitor import Page, counts, only

EVERYTHING = Chosen(Interests(), None)


def reader(product: Product, status: SubscriptionStatus = SubscriptionStatus.CONFIRMED, language: str = "fr") -> str:
    """The path of a reader's page."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, status=status)
    return product.links.preferences(language, subscription.public_id).removeprefix(product.config.public_url)


def choose(client: FlaskClient, path: str, **fields: str | list[str]) -> TestResponse:
    """Send the form with some fields changed from what the page offers."""
    offered = {"cadence": "newsletter", "hour": "7", "weekday": "0", "monthday": "1", "timezone": "Europe/Paris"}
    return client.post(f"{path}/choices", data={**offered, **fields})


def chosen(product: Product) -> Chosen:
    with product.database.reading() as session:
        return chosen_by(session, only(session))


def ticked(page: Page) -> Mapping[str, list[str]]:
    """What is ticked in the form of choices, by field."""
    boxes = [
        each for each in page.all("input") if "checked" in each and each["name"] not in {"letters_language", "span"}
    ]
    return {
        name: [each["value"] for each in boxes if each["name"] == name] for name in {each["name"] for each in boxes}
    }


def test_the_page_says_what_everybody_gets_and_looking_changes_nothing(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    before = counts(product)
    page = Page(client.get(path).text)
    assert "La lettre vous arrive à son propre rythme. Vous y lisez des articles en français sur tous les sujets." in (
        " ".join(page.text.split())
    )
    assert ticked(page) == {"cadence": ["newsletter"]}
    assert [each["value"] for each in page.all("input") if each.get("name") == "timezone"] == ["Europe/Paris"]
    assert counts(product) == before


def test_who_chose_is_told_of_what_goes_to_everybody_all_the_same(client: FlaskClient, product: Product) -> None:
    path, told = reader(product), "elle part à tous les lecteurs, quels que soient leurs choix"
    assert told not in client.get(path).text, "who chose nothing gets all anyway"
    choose(client, path, cadence="weekly")
    assert told in client.get(path).text


def test_what_is_chosen_is_stored_said_in_words_and_shown_in_the_form(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    response = choose(
        client, path, also_reads="yes", followed=["theme:espionage", "region:caucasus"], muted="theme:industry",
        follow_more="azerbaidjan; Israel", mute_more="États-Unis", cadence="weekly", weekday="2", hour="18",
        timezone="Asia/Baku",
    )  # fmt: skip
    assert response.status_code == 303
    followed = frozenset({"theme:espionage", "region:caucasus", "place:AZ", "place:IL"})
    interests = Interests(("fr", "en"), followed, frozenset({"theme:industry", "place:US"}))
    assert chosen(product) == Chosen(interests, Timing(Cadence.WEEKLY, 18, 2, "Asia/Baku"))
    page = Page(client.get(response.headers["Location"]).text)
    words = " ".join(page.text.replace("\u00a0", " ").split())
    assert "Vous recevez une lettre par semaine, le mercredi à 18:00 (Asia/Baku)." in words
    assert (
        "des articles en français et en anglais qui portent sur un au moins de ces sujets : Azerbaïdjan, Caucase,"
        in words
    )
    assert "en est absent : États-Unis, Industrie et jeunes pousses." in words
    assert ticked(page) == {
        "also_reads": ["yes"], "followed": ["theme:espionage", "region:caucasus", "place:AZ", "place:IL"],
        "muted": ["theme:industry", "place:US"], "cadence": ["weekly"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "timing", "words"),
    [({"cadence": "real-time"}, (Cadence.REAL_TIME, 7, 0), "Urgent news comes at once"),
     ({"cadence": "daily", "hour": "23", "weekday": "5"}, (Cadence.DAILY, 23, 0), "one letter a day, at 23:00"),
     ({"cadence": "monthly", "monthday": "28"}, (Cadence.MONTHLY, 7, 28), "on day 28 at 07:00"),
     ({"cadence": "monthly"}, (Cadence.MONTHLY, 7, 1), "on the first at 07:00")],
)  # fmt: skip
def test_each_cadence_is_stored_and_said(
    client: FlaskClient, product: Product, fields: dict[str, str], timing: tuple[Cadence, int, int], words: str
) -> None:
    path = reader(product, language="en")
    page = client.get(choose(client, path, **fields).headers["Location"]).text
    assert chosen(product) == Chosen(Interests(), Timing(*timing, "Europe/Paris"))
    assert words in page


@pytest.mark.parametrize(
    ("written", "zone"),
    [("paris", "Europe/Paris"), ("Montréal", "America/Montreal"), ("new york", "America/New_York"),
     ("Londres", "Europe/London"), ("europe/BERLIN", "Europe/Berlin"), ("UTC", "UTC"), ("Etc/GMT+3", "Etc/GMT+3")],
)  # fmt: skip
def test_a_zone_is_known_by_its_city_too(client: FlaskClient, product: Product, written: str, zone: str) -> None:
    choose(client, reader(product), cadence="daily", timezone=written)
    timing = chosen(product).timing
    assert timing
    assert timing.timezone == zone


def test_a_rhythm_has_a_schedule_and_goes_on_where_the_newsletter_had_come_to(
    client: FlaskClient, product: Product
) -> None:
    with time_machine.travel(NOW, tick=False):
        choose(client, reader(product), cadence="weekly", weekday="1", hour="18", timezone="Asia/Baku")
    with product.database.reading() as session:
        subscription = only(session)
        schedules = session.scalars(select(Schedule).where(Schedule.rhythm_id == subscription.rhythm_id)).all()
        assert {each.language for each in schedules} == {"fr", "en"}
        assert {each.next_run_at for each in schedules} == {datetime(2026, 3, 17, 14, tzinfo=NOW.tzinfo)}
        assert subscription.covered_until == NOW - FIRST_WINDOW


def test_what_is_followed_and_left_out_is_asked_about(client: FlaskClient, product: Product) -> None:
    """Stored as it was sent, it would be left out, and with nothing else followed all the rest would come."""
    path = reader(product)
    response = choose(client, path, followed="place:AM", mute_more="Arménie", muted="theme:ai")
    assert response.status_code == 422
    assert "Vous suivez «\u00a0Arménie\u00a0» et le laissez de côté" in Page(response.text).text
    assert re.search('<details class="fold" id="left-out" open>', response.text)
    assert chosen(product) == EVERYTHING
    choose(client, path, followed="place:AM", muted="theme:ai")
    assert chosen(product).interests == Interests((), frozenset({"place:AM"}), frozenset({"theme:ai"}))


def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_lost(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    response = choose(
        client, path, followed="theme:ai", follow_more="Frence, Israël", mute_more="Atlantis <b>", cadence="monthly",
        monthday="9", hour="5", timezone="Europe/Pariss",
    )  # fmt: skip
    assert response.status_code == 422
    page = Page(response.text)
    assert "<title>Erreur\u00a0: Vos préférences" in response.text
    assert chosen(product) == EVERYTHING
    assert "Vouliez-vous dire France\u00a0?" in page.text
    assert "Vouliez-vous dire Europe/Paris\u00a0?" in page.text
    fields = {each["id"]: each for each in page.all("input") if each.get("aria-invalid")}
    assert {id_: each["value"] for id_, each in fields.items()} == {
        "follow-more": "Frence, Israël", "mute-more": "Atlantis <b>", "timezone": "Europe/Pariss",
    }  # fmt: skip
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert all(set(each["aria-describedby"].split()) <= ids for each in fields.values())
    assert {each["href"] for each in page.all("a") if each.get("href", "").startswith("#")} >= {
        f"#{id_}" for id_ in fields
    }
    assert ticked(page) == {"followed": ["theme:ai"], "cadence": ["monthly"]}
    assert {each["value"] for each in page.all("option") if "selected" in each if "value" in each} == {"0", "5"}


def test_a_place_is_known_by_what_texts_call_it_too(client: FlaskClient, product: Product) -> None:
    """Few type a country as its label has it: "USA" was unknown, and "England" taken for a slip of "Greenland"."""
    path = reader(product)
    written = "usa, UK; Birmanie\nRépublique tchèque, U.E., Turkey"
    assert choose(client, path, follow_more=written, mute_more="Palestine, palestine").status_code == 303
    followed = {"place:US", "place:GB", "place:MM", "place:CZ", "region:eu", "place:TR"}
    assert chosen(product).interests == Interests((), frozenset(followed), frozenset({"place:PS"}))


@pytest.mark.parametrize("written", ["espionnage", "Congo", "Lazarus", "Géorgie et Jordanie"])
def test_a_word_that_does_not_surely_mean_a_place_is_none(client: FlaskClient, product: Product, written: str) -> None:
    assert choose(client, reader(product), follow_more=written).status_code == 422
    assert chosen(product) == EVERYTHING


def test_a_zone_is_asked_for_only_where_it_counts(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    assert choose(client, path, timezone="").status_code == 303
    response = choose(client, path, cadence="daily", timezone="")
    assert response.status_code == 422
    assert "Choisissez un fuseau horaire" in response.text


def test_too_many_topics_are_too_many(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    names = list(dict.fromkeys(place_names(load()).values()))
    response = choose(client, path, followed=names[:30], muted=names[30 : TOPICS_MAX + 1])
    assert (response.status_code, chosen(product)) == (422, EVERYTHING)
    assert f"choisissez-en {TOPICS_MAX} au plus" in response.text
    assert choose(client, path, followed=names[:30], muted=names[30:TOPICS_MAX]).status_code == 303


@pytest.mark.parametrize(
    "fields",
    [{"followed": "theme:none"}, {"muted": "actor:nso-group"}, {"cadence": "hourly"}, {"cadence": ""},
     {"cadence": "daily", "hour": "24"}, {"cadence": "weekly", "weekday": "-1"}, {"cadence": "daily", "hour": "²"},
     {"cadence": "monthly", "monthday": "31"}],
)  # fmt: skip
def test_what_no_page_offers_is_refused(client: FlaskClient, product: Product, fields: dict[str, str]) -> None:
    assert choose(client, reader(product), **fields).status_code == 422
    assert chosen(product) == EVERYTHING


def test_one_button_leads_back_to_everything(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    assert 'name="everything"' not in client.get(path).text
    choose(client, path, followed="theme:ai", cadence="real-time")
    assert 'name="everything"' in client.get(path).text
    choose(client, path, followed="theme:ai", cadence="real-time", follow_more="Frence", everything="yes")
    assert chosen(product) == EVERYTHING
    with product.database.reading() as session:
        assert not only(session).gets_flashes


def test_who_reads_both_languages_does_so_whichever_the_letters_are_in(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    choose(client, path, also_reads="yes")
    page = client.get(client.post(path, data={"letters_language": "en"}).headers["Location"]).text
    assert "You read articles in English and in French on all topics." in page
    choose(client, path)
    assert chosen(product) == EVERYTHING


def test_whoever_is_not_subscribed_chooses_nothing(client: FlaskClient, product: Product) -> None:
    path = reader(product, SubscriptionStatus.UNSUBSCRIBED)
    assert choose(client, path, followed="theme:ai").status_code == 303
    assert "Aucun abonnement ici" in choose(client, path, follow_more="Frence").text
    assert chosen(product) == EVERYTHING


def test_a_reload_of_the_refused_form_leads_back(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    assert client.get(f"{path}/choices").headers["Location"] == path
    assert client.post("/fr/preferences/x/choices").status_code == 400


def test_a_reader_sees_what_they_chose_among_their_data_and_the_receipt_does_not_tell(
    client: FlaskClient, product: Product
) -> None:
    with time_machine.travel(NOW, tick=False):
        make_reader(product)
        with product.database.reading() as session:
            public_id = only(session).public_id
        choose(client, f"/fr/preferences/{product.link_tokens.sign('preferences', public_id)}", muted="theme:conflict")
        path = data_path(product)
        held = client.get(path).text
        file = client.get(f"{path}/download").get_json()
        receipt = client.get(f"{path}/receipt").text
    assert re.search(r"en est absent\s*:\s*Conflits armés et défense", held)
    assert "Changement de ce qui est lu, ou quand" in held
    assert file["held"]["choices"][0]["left_out"] == [{"topic": "theme:conflict", "name": "Conflits armés et défense"}]
    assert "Changement de ce qui est lu, ou quand" in receipt
    assert "Conflits armés" not in receipt
