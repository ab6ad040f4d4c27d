"""The feeds at the desk: added, changed, stopped, removed, and what is wrong with them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.admins.models import AuditAct, AuditEntry
from app.articles.models import Source
from app.articles.sources import Reading, record_fetch
from app.product import Product
from tests import make
from tests.conftest import NOW
from tests.web import desk


@pytest.fixture
def source_id(product: Product) -> int:
    with product.database.transaction() as session:
        return make.make_source(session, location="https://wire.example/feed").id


def read(product: Product, source_id: int) -> Source:
    with product.database.reading() as session:
        return session.get_one(Source, source_id)


def test_a_source_is_added_by_its_address(admin: FlaskClient, product: Product) -> None:
    data = {"location": " https://wire.example/feed.xml ", "name": "The Wire", "language": "en", "is_active": "0"}
    answer = admin.post("/admin/sources", data={**data, "kind": "file", "failure": "invented"})
    assert answer.location == "/admin/sources?note=source"
    with product.database.reading() as session:
        source = session.scalars(sa.select(Source)).one()
    assert (source.location, source.kind.value, source.language) == ("https://wire.example/feed.xml", "url", "en")
    assert source.is_active
    assert source.failure is None
    assert "The Wire" in admin.get("/admin/sources").text


@pytest.mark.parametrize(
    "location",
    ["", "/etc/passwd", "file:///etc/passwd", "keys/secret_key", "gopher://wire.example/", "https://", "http://[",
     "javascript:alert(1)", "https://wire.example/\0", "https://wire.example/" + "x" * 3000],
)  # fmt: skip
def test_files_of_the_server_and_what_is_no_web_address_are_refused(
    admin: FlaskClient, product: Product, location: str
) -> None:
    page = admin.post("/admin/sources", data={"location": location})
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    with product.database.reading() as session:
        assert session.scalars(sa.select(Source)).all() == []


def test_a_broken_source_is_shown_with_its_reason_first(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_source(session, location="https://a.example/feed")
        broken = make.make_source(session, location="https://z.example/feed")
        broken.failure, broken.failures = "<b>not a feed</b>", 3
    page = admin.get("/admin/sources").text
    assert "&lt;b&gt;not a feed&lt;/b&gt;" in page
    assert "Failed 3 times" in page
    assert page.index("z.example") < page.index("a.example/feed")
    assert "not a feed" in admin.get("/admin/").text


@pytest.mark.parametrize("path", ["/admin/", "/admin/sources", "/admin/sources/1"])
def test_why_a_source_fails_is_told_in_the_desks_language(client: FlaskClient, product: Product, path: str) -> None:
    desk.make_admin(product, language="fr")
    desk.sign_in(client)
    with product.database.transaction() as session:
        make.make_source(session, location="https://z.example/feed").failure = "the host z.example is not known"
    assert "le serveur z.example est introuvable" in client.get(path).text


def test_a_source_is_changed(admin: FlaskClient, product: Product, source_id: int) -> None:
    page = admin.post(f"/admin/sources/{source_id}", data={"name": " Le Fil ", "language": "en", "full_text": "yes"})
    assert page.location == f"/admin/sources/{source_id}?note=source-changed"
    source = read(product, source_id)
    assert (source.name, source.language, source.takes_full_text) == ("Le Fil", "en", True)
    assert "Le Fil" in admin.get("/admin/sources").text


@pytest.mark.parametrize(
    ("name", "language", "field"),
    [("", "fr", "name"), ("x" * 201, "fr", "name"), ("a\0b", "fr", "name"), ("Le Fil", "xx", "language")],
)
def test_what_a_source_cannot_be_is_refused_and_stays_in_the_form(
    admin: FlaskClient, product: Product, source_id: int, name: str, language: str, field: str
) -> None:
    before = read(product, source_id)
    page = admin.post(f"/admin/sources/{source_id}", data={"name": name, "language": language})
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert page.text.count('aria-invalid="true"') == 1
    after = read(product, source_id)
    assert (after.name, after.language) == (before.name, before.language)


def test_a_source_in_a_language_of_no_newsletter_keeps_it(admin: FlaskClient, product: Product, source_id: int) -> None:
    with product.database.transaction() as session:
        session.get_one(Source, source_id).language = "de"
    assert '<option value="de" selected>' in admin.get(f"/admin/sources/{source_id}").text
    admin.post(f"/admin/sources/{source_id}", data={"name": "Der Draht", "language": "de"})
    assert read(product, source_id).language == "de"


def test_a_stopped_source_stays_so_until_it_is_taken_up_again(
    admin: FlaskClient, product: Product, source_id: int
) -> None:
    path = f"/admin/sources/{source_id}"
    assert admin.post(f"{path}/stop").location == f"{path}?note=source-stopped"
    assert admin.post(f"{path}/stop").status_code == 409
    with product.database.transaction() as session:  # a fetch that was on its way
        record_fetch(session, source_id=source_id, reading=Reading(), interval=timedelta(minutes=30), now=NOW)
    assert not read(product, source_id).is_active
    assert "Off" in admin.get("/admin/sources").text
    assert admin.post(f"{path}/resume").location == f"{path}?note=source-resumed"
    assert admin.post(f"{path}/resume").status_code == 409
    assert read(product, source_id).is_active


def test_a_source_that_brought_nothing_is_removed(admin: FlaskClient, product: Product, source_id: int) -> None:
    path = f"/admin/sources/{source_id}"
    assert f'action="{path}/removal"' in admin.get(path).text
    assert admin.post(f"{path}/removal").location == "/admin/sources?note=source-removed"
    assert admin.get(path).status_code == 404
    with product.database.reading() as session:
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == AuditAct.SOURCE_REMOVED)).one()
    assert (entry.target, entry.detail) == (f"source:{source_id}", "https://wire.example/feed")


def test_a_source_of_articles_is_not_removed(admin: FlaskClient, product: Product, source_id: int) -> None:
    path = f"/admin/sources/{source_id}"
    with product.database.transaction() as session:
        make.make_article(session, source=session.get_one(Source, source_id))
    assert f'action="{path}/removal"' not in admin.get(path).text
    assert admin.post(f"{path}/removal").status_code == 409
    assert read(product, source_id).is_active


def test_a_source_shows_what_it_brought_last(admin: FlaskClient, product: Product, source_id: int) -> None:
    path = f"/admin/sources/{source_id}"
    assert "Nothing yet." in admin.get(path).text
    with product.database.transaction() as session:
        for number in range(7):
            link = f"https://wire.example/{number}"
            make.make_article(session, source=session.get_one(Source, source_id), title=f"Titre {number}", link=link)
        make.make_article(session, title="D’ailleurs", link="https://wire.example/by-hand")
    page = admin.get(path).text
    assert [f"Titre {number}" in page for number in range(7)] == [False, False, True, True, True, True, True]
    assert page.index("Titre 6") < page.index("Titre 2")
    assert "D’ailleurs" not in page
    assert f'href="/admin/articles?source={source_id}"' in page


def test_of_what_came_at_once_the_newest_is_shown_first(admin: FlaskClient, product: Product, source_id: int) -> None:
    """Feeds tell the newest first, so it is stored first."""
    with product.database.transaction() as session:
        source = session.get_one(Source, source_id)
        for days in range(7):
            link = f"https://wire.example/{days}"
            made = make.make_article(session, source=source, title=f"Il y a {days} jours", link=link, added_at=NOW)
            made.published_at = NOW - timedelta(days=days)
    page = admin.get(f"/admin/sources/{source_id}").text
    assert [f"Il y a {days} jours" in page for days in range(7)] == [True, True, True, True, True, False, False]
    assert page.index("Il y a 0 jours") < page.index("Il y a 4 jours")


@pytest.mark.parametrize("act", ["", "/stop", "/resume", "/removal"])
def test_a_source_that_is_none_is_not_found(admin: FlaskClient, act: str) -> None:
    assert admin.post(f"/admin/sources/77{act}", data={"name": "x", "language": "fr"}).status_code == 404
