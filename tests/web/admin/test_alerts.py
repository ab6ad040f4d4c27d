"""The desk tells what about the sign-up form needs a look, while it is news."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from app.product import Product
from app.subscriptions.form.alerts import raise_alert
from app.subscriptions.form.counters import AlertKind
from tests.conftest import NOW
from tests.web import desk


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "One connection signed up many addresses in a day."),
        ("fr", "a inscrit beaucoup d’adresses en un jour."),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_today_shows_what_needs_a_look(client: FlaskClient, product: Product, language: str, words: str) -> None:
    desk.make_admin(product, language=language)
    desk.sign_in(client)
    assert words not in client.get("/admin/").text
    for hours, kind in ((70, AlertKind.SURGE), (3, AlertKind.NETWORK), (0, AlertKind.NETWORK)):
        with product.database.transaction() as session:
            raise_alert(session, kind, now=NOW - timedelta(hours=hours))
    page = client.get("/admin/").text
    assert page.count(words) == 1, "of each kind the latest"
    assert "10:00" in page.partition(words)[2][:80]
    assert "plus de cinq" not in page.lower()
    assert "five times" not in page


@time_machine.travel(NOW, tick=False)
def test_every_kind_has_its_words(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    with product.database.transaction() as session:
        for kind in AlertKind:
            raise_alert(session, kind, now=NOW)
    page = client.get("/admin/").text
    assert page.count('class="todo ') == len(AlertKind)
    assert f"{len(AlertKind)} things wait for you" in page
