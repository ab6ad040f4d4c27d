"""Consent asked anew, at the desk: the count is typed before anybody is asked."""

import re
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from app.clock import now
from app.newsletters.models import Newsletter
from app.product import Product
from app.subscriptions.questions.models import Renewal
from app.subscriptions.questions.renewal import open_renewal
from tests import make
from tests.web import desk

PAGE = "/admin/newsletters/1/renewal"


def start(admin: FlaskClient, *, readers: str = "2", days: int = 30) -> int:
    until = (now() + timedelta(days=days)).date().isoformat()
    return admin.post(PAGE, data={"until": until, "readers": readers}).status_code


def under_way(product: Product) -> Renewal | None:
    with product.database.reading() as session:
        return open_renewal(session, 1)


def test_the_number_of_readers_is_typed_and_the_date_leaves_time(admin: FlaskClient, product: Product) -> None:
    assert "Every reader has agreed" in admin.get(PAGE).text
    with product.database.transaction() as session:
        for number in range(2):
            make.make_subscription(session, email=f"r{number}@reader.example")
    assert "2 readers have not agreed to the wording in force" in admin.get(PAGE).text
    assert [start(admin, readers="3"), start(admin, readers="two"), start(admin, days=3)] == [422] * 3
    assert under_way(product) is None
    assert start(admin) == 303
    renewal = under_way(product)
    assert renewal is not None
    assert (renewal.readers, renewal.started_by) == (2, desk.EMAIL)
    assert "0 of 2" in admin.get(PAGE).text
    assert start(admin) == 422


@pytest.mark.parametrize("typed", ["0,001", "0 001", "0\u00a0001", "0\u202f001"])
def test_the_number_is_typed_in_groups_as_a_page_writes_it(admin: FlaskClient, product: Product, typed: str) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session)
    assert start(admin, readers=typed) == 303


def test_what_is_refused_is_marked_where_it_was_typed_and_the_rest_is_kept(
    admin: FlaskClient, product: Product
) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session)
    refused = admin.post(PAGE, data={"until": "2099-01-01", "readers": "one"}).text
    assert re.search(r'id="until"[^>]* value="2099-01-01"', refused)
    assert not re.search(r'id="until"[^>]*aria-invalid', refused)
    assert re.search(r'id="readers"[^>]* value="one"[^>]*aria-invalid', refused)
    refused = admin.post(PAGE, data={"until": "", "readers": "1"}).text
    assert re.search(r'id="until"[^>]*aria-invalid', refused)


def test_the_last_day_ends_where_the_newsletter_is_at_home(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session)
        session.get_one(Newsletter, 1).timezone = "America/New_York"
    start(admin, readers="1")
    renewal = under_way(product)
    assert renewal is not None
    assert renewal.until.astimezone(ZoneInfo("America/New_York")).time() == time(23, 59, 59)


def test_stopping_wants_a_tick(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session)
    start(admin, readers="1")
    assert admin.post(f"{PAGE}/end").status_code == 422
    assert under_way(product) is not None
    assert admin.post(f"{PAGE}/end", data={"confirmed": "yes"}).status_code == 303
    assert under_way(product) is None
    assert admin.get("/admin/newsletters/9/renewal").status_code == 404
