"""The warm-up at the desk: what it shows, what starts and stops it."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock import now
from app.delivery.models import Delivery, DeliveryState
from app.delivery.senders import WarmUpDay, WarmUpPlan, WarmUpShare
from app.delivery.warm_ups import day_of, next_opening
from app.i18n import day
from app.jobs.schedule import count_warming_readers
from app.mail.warm_up import Held
from app.product import Product
from tests import make
from tests.web import desk
from tests.web.admin.test_sending import second_look

PAGE = "/admin/newsletters/1/warm-up"


def start(admin: FlaskClient, on: str | None = None) -> int:
    return admin.post(PAGE, data={"on": day_of(now()).isoformat() if on is None else on}).status_code


def plan_of(product: Product) -> WarmUpPlan | None:
    with product.database.reading() as session:
        return session.get(WarmUpPlan, 1)


def live(product: Product) -> None:
    """Two days of a warm-up that three good ones would end: one that was held, and today."""
    today = day_of(now())
    with product.database.transaction() as session:
        for number in range(201):
            make.make_subscription(session, email=f"r{number}@orange.fr")
        session.get_one(WarmUpPlan, 1).starts_on = today - timedelta(days=3)
        held = WarmUpDay(newsletter_id=1, day=today - timedelta(days=3), doublings=0, drawn=200, deferred=31)
        held.held = Held.DEFERRED
        session.add_all([held, WarmUpDay(newsletter_id=1, day=today, doublings=0, drawn=123, deferred=2)])
        session.add(WarmUpShare(newsletter_id=1, day=today, provider="orange.fr", drawn=49))
    count_warming_readers(product)


def test_by_default_there_is_none(admin: FlaskClient, product: Product) -> None:
    page = admin.get(PAGE).text
    assert "There is no warm-up: nothing is slowed." in page
    assert "Start the warm-up" in page
    assert "Start one" in admin.get("/admin/").text
    assert plan_of(product) is None
    assert admin.get("/admin/newsletters/77/warm-up").status_code == 404


def test_it_is_started_and_stopped_by_a_second_word(admin: FlaskClient, product: Product) -> None:
    assert start(admin) == 303
    assert (plan := plan_of(product)) is not None
    assert (plan.starts_on, plan.ended_at) == (day_of(now()), None)
    assert start(admin) == 409
    refused = admin.post(f"{PAGE}/end")
    assert refused.status_code == 422
    assert re.search(r'role="alert"[^>]*>Tick the box', refused.text)
    assert admin.post(f"{PAGE}/end", data={"confirmed": "yes"}).status_code == 303
    assert (plan := plan_of(product)) is not None
    assert plan.ended_at is not None
    assert "The last one ended on" in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/end", data={"confirmed": "yes"}).status_code == 409


@pytest.mark.parametrize("on", ["", "tomorrow", "2020-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_that_is_none_or_past_is_refused(admin: FlaskClient, product: Product, on: str) -> None:
    refused = admin.post(PAGE, data={"on": on})
    assert refused.status_code == 422
    assert f'value="{on}"' in refused.text
    assert plan_of(product) is None


def test_the_page_tells_day_allowance_use_end_and_what_was_held(admin: FlaskClient, product: Product) -> None:
    start(admin)
    live(product)
    page = " ".join(admin.get(PAGE).text.split())
    end = " ".join(day("en", day_of(now()) + timedelta(days=3)).split())
    for said in (
        "Day 4", "123 / 200", "123 of 200", "<dd>50</dd>", f"<dd>{end}</dd>", "3 days so far have not led to more",
        "On 2 of them there was nothing to send", "not doubled: 5% or more were put off, or refused", "orange.fr",
    ):  # fmt: skip
        assert said in page, said
    assert "A warm-up is under way" in admin.get("/admin/").text


def test_it_speaks_french(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product, language="fr")
    desk.sign_in(client)
    start(client)
    live(product)
    page = client.get(PAGE).text
    for said in ("Montée en charge", "Fin prévue le", day("fr", day_of(now()) + timedelta(days=3)), "non doublé"):
        assert said in page, said
    assert "Warm-up" not in page


def test_what_is_planned_ahead_says_so(admin: FlaskClient) -> None:
    first = day_of(now()) + timedelta(days=3)
    start(admin, first.isoformat())
    page = admin.get(PAGE).text
    assert f"It starts on {day('en', first)}." in page
    assert "Letters today" not in page


def test_the_second_look_says_how_many_go_today(admin: FlaskClient, product: Product) -> None:
    draft = desk.make_draft(product, readers=4)
    assert "warms up" not in admin.get(f"/admin/editions/{draft}/send").text
    start(admin)
    live(product)
    with product.database.transaction() as session:
        session.get_one(WarmUpDay, (1, day_of(now()))).drawn = 198
    assert "at most 2 of these letters go today" in admin.get(f"/admin/editions/{draft}/send").text


def test_readers_who_came_after_the_plan_count_at_the_second_look_and_on_its_page(
    admin: FlaskClient, product: Product
) -> None:
    start(admin)
    draft = desk.make_draft(product, readers=201)
    assert "at most 200 of these letters go today" in admin.get(f"/admin/editions/{draft}/send").text
    count_warming_readers(product)
    page = admin.get(PAGE).text
    assert "0 of 200" in page
    assert "holds all readers" not in page


def test_the_page_of_a_run_says_what_waits_and_later_why_it_was_given_up(admin: FlaskClient, product: Product) -> None:
    draft = desk.make_draft(product, readers=4)
    start(admin)
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.ACCEPTED, 1, now=now())
        for copy in session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)):
            copy.next_attempt_at = next_opening(now())
    for path in (f"/admin/editions/{draft}", f"/admin/editions/{draft}/progress"):
        page = admin.get(path).text
        assert "3 copies wait for the warm-up of the newsletter" in page
        assert PAGE in page
