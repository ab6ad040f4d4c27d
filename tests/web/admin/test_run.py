"""The page of a run: reasons with their readers, what stops it, and trying again."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.clock import now
from app.delivery.models import DeliveryState
from app.delivery.route import note_route
from app.editions.audience import finish_editions, pause_edition
from app.editions.models import Edition, EditionStatus
from app.editions.records import EditionEvent
from app.mail.pacing import PauseReason
from app.mail.transport import Fault, Outcome, OutcomeKind
from app.product import Product
from tests import make
from tests.web import desk
from tests.web.admin.test_sending import second_look

WRONG = Outcome(OutcomeKind.DEFERRED, 535, "5.7.8", "5.7.8 <b>wrong</b> password", Fault.AUTHENTICATION)


@pytest.fixture
def run(admin: FlaskClient, product: Product) -> int:
    """An edition under way to 60 readers, most of whom do not exist."""
    draft = desk.make_draft(product, articles=2, readers=60)
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    settle(product, DeliveryState.REJECTED, 55)
    settle(product, DeliveryState.UNCERTAIN, 2)
    return draft


def settle(product: Product, state: DeliveryState, number: int, *, after: timedelta = timedelta(0)) -> None:
    with product.database.transaction() as session:
        make.settle_copies(session, state, number, now=now() + after)


def stop_sender(product: Product) -> None:
    with product.database.transaction() as session:
        note_route(session, name="here, editions", fault=WRONG, next_try_at=now() + timedelta(minutes=2), now=now())


def test_the_page_of_a_run_says_why_and_leads_to_the_readers(admin: FlaskClient, run: int) -> None:
    page = admin.get(f"/admin/editions/{run}").text
    assert "The address does not exist." in page
    assert "550 no such user" in page
    link = f"/admin/editions/{run}/copies?state=rejected&amp;meaning=NO_SUCH_ADDRESS"
    assert link in page
    listed = admin.get(link.replace("&amp;", "&")).text
    assert listed.count("@reader.example</a>") == 50
    assert "/admin/readers/" in listed
    older = listed.partition('class="older"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert admin.get(older).text.count("@reader.example</a>") == 5


def test_nothing_is_said_to_stand_still_before_a_minute_is_over(admin: FlaskClient, product: Product) -> None:
    draft = desk.make_draft(product)
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    page = admin.get(f"/admin/editions/{draft}").text
    assert "The sending has just begun" in page
    assert "Nothing has moved" not in page
    with product.database.transaction() as session:
        session.get_one(Edition, draft).started_at = now() - timedelta(minutes=2)
    assert "Nothing has moved for a minute" in admin.get(f"/admin/editions/{draft}").text


def test_reasons_that_nobody_knows_list_all(admin: FlaskClient, run: int) -> None:
    page = admin.get(f"/admin/editions/{run}/copies?state=accepted&meaning=nonsense&before=x").text
    assert page.count("@reader.example</a>") == 50


def test_a_refused_sign_in_shows_on_the_first_page_and_on_that_of_the_run(
    admin: FlaskClient, product: Product, run: int
) -> None:
    assert "refuses our sign-in" not in admin.get("/admin/").text
    stop_sender(product)
    for path in ("/admin/", f"/admin/editions/{run}", f"/admin/editions/{run}/progress"):
        page = admin.get(path).text
        assert "The mail server refuses our sign-in" in page, path
        assert "535 5.7.8 &lt;b&gt;wrong&lt;/b&gt; password" in page


def test_an_edition_that_paused_by_itself_says_why(admin: FlaskClient, product: Product, run: int) -> None:
    with product.database.transaction() as session:
        pause_edition(session, edition_id=run, actor=None, reason=PauseReason.DEAD_ADDRESSES, now=now())
    page = admin.get(f"/admin/editions/{run}").text
    assert "The edition paused by itself" in page
    assert "Too many of the first addresses" in page
    admin.post(f"/admin/editions/{run}/resume")
    page = admin.get(f"/admin/editions/{run}").text
    assert "The edition paused by itself" not in page
    assert "Resumed" in page
    assert desk.EMAIL in page.partition("What was done")[2]


def test_the_uncertain_are_tried_again_after_a_second_look(admin: FlaskClient, product: Product, run: int) -> None:
    settle(product, DeliveryState.ACCEPTED, 3)
    settle(product, DeliveryState.UNCERTAIN, 2, after=timedelta(hours=1))
    with product.database.transaction() as session:
        assert finish_editions(session, now=now()) == [run]
    path = f"/admin/editions/{run}/retry/uncertain"
    assert path in admin.get(f"/admin/editions/{run}").text
    page = admin.get(path).text
    assert "second time" in page
    assert "Send 2 copies again" in page
    assert admin.post(path).status_code == 422
    assert desk.edition(product, run).status is EditionStatus.SENT
    assert admin.post(path, data={"confirmed": "yes"}).location.startswith(f"/admin/editions/{run}")
    assert desk.edition(product, run).status is EditionStatus.SENDING
    assert admin.post(path, data={"confirmed": "yes"}).status_code == 409
    with product.database.reading() as session:
        [event] = session.scalars(sa.select(EditionEvent)).all()
    assert (event.actor, event.copies) == (desk.EMAIL, 2)
    public_id = desk.edition(product, run).public_id
    assert admin.get(f"/fr/archive/{public_id}").status_code == 200, "its letters lead there"


def test_dead_addresses_are_not_offered_for_another_try(admin: FlaskClient, run: int) -> None:
    assert "retry/rejected" not in admin.get(f"/admin/editions/{run}").text
    assert "nothing to try again" in admin.get(f"/admin/editions/{run}/retry/rejected").text
    assert admin.post(f"/admin/editions/{run}/retry/rejected", data={"confirmed": "yes"}).status_code == 409


def test_the_command_tells_the_same(app: Flask, product: Product, run: int) -> None:
    stop_sender(product)
    told = json.loads(app.test_cli_runner().invoke(args=["editions", "status", str(run), "--json"]).output)
    assert (told["rejected"], told["uncertain"], told["queued"]) == (55, 2, 3)
    assert set(DeliveryState) <= set(told)
    assert told["per_minute"] > 0
    assert told["ends_at"] > now().isoformat()
    assert told["causes"][0] == {
        "state": "rejected", "meaning": "no-such-address", "fault": "address", "copies": 55,
        "explanation": "The address does not exist.", "sample": "550 no such user",
    }  # fmt: skip
    assert told["stopped_senders"][0]["fault"] == "authentication"
    assert "no-such-address" in app.test_cli_runner().invoke(args=["editions", "status", str(run)]).output


def test_the_command_tries_again_when_it_is_told_which(app: Flask, product: Product, run: int) -> None:
    settle(product, DeliveryState.UNCERTAIN, 2, after=timedelta(hours=1))
    runner = app.test_cli_runner()
    assert runner.invoke(args=["editions", "retry", str(run)]).exit_code == 2
    assert runner.invoke(args=["editions", "retry", str(run), "--uncertain"], input="n\n").exit_code == 1
    assert runner.invoke(args=["editions", "retry", str(run), "--rejected", "--yes"]).exit_code == 1
    done = runner.invoke(args=["editions", "retry", str(run), "--uncertain", "--yes"])
    assert done.exit_code == 0
    assert "Queued: 2 copies." in done.output


def test_the_second_look_says_what_of_an_earlier_edition_is_given_up(
    admin: FlaskClient, product: Product, run: int
) -> None:
    draft = desk.make_draft(product, articles=2, readers=1, tag="next")
    assert "5 copies of earlier editions are still waiting" in admin.get(f"/admin/editions/{draft}/send").text
