"""Schedules at the desk: when digests leave, as it is shown and as it is set."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admins.models import Role
from app.choices.choices import Interests, Timing
from app.choices.choosing import choose
from app.choices.models import Cadence
from app.clock import now
from app.digests.schedule import ensure_schedules
from app.editions.lines import Schedule
from app.product import Product
from tests import make
from tests.conftest import NOW
from tests.web import desk

FORM = {"every": "week", "time": "07:30", "weekday": "1", "monthday": "1", "cron": ""}


@pytest.fixture
def admin(client: FlaskClient, product: Product) -> FlaskClient:
    desk.make_admin(product, role=Role.PUBLISHER)
    desk.sign_in(client)
    return client


def crons(product: Product) -> list[tuple[str, str, bool]]:
    with product.database.reading() as session:
        rows = session.scalars(select(Schedule).order_by(Schedule.id)).all()
    return [(each.language, each.cron, each.is_active) for each in rows]


def seen(page: str) -> str:
    return page.partition('name="seen" value="')[2].partition('"')[0]


def tag(page: str, name: str) -> str:
    found = re.search(rf'<(?:input|select) id="{name}"[^>]*>', page)
    assert found, name
    return found[0]


def test_one_is_added_for_each_language_and_no_more(admin: FlaskClient, product: Product) -> None:
    assert "every edition is sent by hand" in admin.get("/admin/schedules").text
    for language in ("fr", "en"):
        answer = admin.post("/admin/schedules", data=FORM | {"line": f"1-{language}"}, follow_redirects=True)
        assert "The schedule is set." in answer.text
        assert "every Tuesday at 07:30" in answer.text
    page = admin.get("/admin/schedules").text
    assert "Add a schedule" not in page
    assert page.count("every Tuesday at 07:30") == 4  # in a column, and below the name on a phone
    assert admin.post("/admin/schedules", data=FORM | {"line": "1-fr"}).status_code == 422
    assert admin.post("/admin/schedules", data=FORM | {"line": "x"}).status_code == 422
    assert crons(product) == [("fr", "30 7 * * 2", True), ("en", "30 7 * * 2", True)]


def test_the_first_of_the_month_is_called_so(admin: FlaskClient, product: Product) -> None:
    desk.make_schedule(product, cron="0 7 1 * *")
    desk.make_schedule(product, language="en", cron="0 7 11 * *")
    page = admin.get("/admin/schedules").text
    assert "on the first of the month at 07:00" in page
    assert "on day 11 of the month at 07:00" in page


def test_a_refused_form_keeps_all_that_was_typed(admin: FlaskClient, product: Product) -> None:
    path = f"/admin/schedules/{desk.make_schedule(product)}"
    sent = FORM | {"every": "line", "cron": "*/5 * * * *", "seen": seen(admin.get(path).text)}
    answer = admin.post(path, data=sent)
    assert answer.status_code == 422
    assert "Digests leave an hour apart at least" in answer.text
    assert 'value="*/5 * * * *"' in tag(answer.text, "cron")
    assert 'aria-invalid="true"' in tag(answer.text, "cron")
    assert '<option value="line" selected>' in answer.text


def test_who_is_late_sees_both_and_saves_again(admin: FlaskClient, product: Product) -> None:
    path = f"/admin/schedules/{desk.make_schedule(product)}"
    before = seen(admin.get(path).text)
    assert admin.post(path, data=FORM | {"seen": before, "time": "08:00"}).status_code == 303
    late = admin.post(path, data=FORM | {"seen": before, "time": "09:15"})
    assert late.status_code == 409
    assert "every Tuesday at 08:00" in late.text
    assert 'value="09:15"' in tag(late.text, "time")
    assert admin.post(path, data=FORM | {"seen": seen(late.text), "time": "09:15"}).status_code == 303
    assert crons(product) == [("fr", "15 9 * * 2", True)]


def test_it_is_stopped_and_taken_up_again(admin: FlaskClient, product: Product) -> None:
    path = f"/admin/schedules/{desk.make_schedule(product)}"
    assert "No digest leaves by itself any more." in admin.post(f"{path}/stop", follow_redirects=True).text
    assert crons(product) == [("fr", "30 7 * * 2", False)]
    late = admin.post(f"{path}/stop")
    assert late.status_code == 409
    assert "The page shows what holds now." in late.text
    assert "What you typed" not in late.text
    assert ">Stopped<" in admin.get("/admin/schedules").text
    assert admin.post(f"{path}/resume").status_code == 303
    assert crons(product) == [("fr", "30 7 * * 2", True)]


def test_the_next_digest_is_shown_and_nothing_is_stored(admin: FlaskClient, product: Product) -> None:
    path = f"/admin/schedules/{desk.make_schedule(product)}/digest"
    assert "no digest would leave" in admin.get(path).text
    with product.database.transaction() as session:
        make.make_article(session, title="Un phare", link="https://wire.example/1", added_at=now())
    before = desk.everything(product.database)
    assert "Un phare" in admin.get(path).text
    assert desk.everything(product.database) == before


def test_rows_of_what_readers_chose_differ(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for name, cadence in (("a", Cadence.DAILY), ("b", Cadence.REAL_TIME)):
            reader, timing = make.make_subscription(session, email=f"{name}@x.example"), Timing(cadence, 7, 0, "UTC")
            choose(session, public_id=reader.public_id, interests=Interests(), timing=timing, since=NOW, now=NOW)
            ensure_schedules(session, reader, NOW)
    rows = re.findall(r"every day at 07:00<span.*?</th>", admin.get("/admin/schedules").text)
    assert len(rows) == 4, "one in each language"
    assert sorted("urgent news at once" in row for row in rows) == [False, False, True, True]
