"""A newsletter in French alone at the desk: how it is added, and that nothing is offered or done in English."""

import re
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock import now
from app.editions.compile import compile_edition
from app.editions.lines import Schedule
from app.editions.models import Edition
from app.jobs.importing import work_on_imports
from app.newsletters.models import ConsentWording, Newsletter, newsletter_by_slug
from app.product import Product
from app.subscriptions.models import Subscription
from app.subscriptions.newcomers.models import Import
from tests import make
from tests.web.admin.test_newsletters import field

FRENCH = {"slug": "north", "name-fr": "Cap Nord", "description-fr": "L’Arctique."}
EMPTY = {"name-en": " ", "description-en": ""}


@pytest.fixture
def north(product: Product) -> int:
    with product.database.transaction() as session:
        return make.add_french(session, product.config).id


def draft(product: Product, newsletter_id: int) -> int:
    with product.database.transaction() as session:
        make.make_article(session, link="https://wire.example/1", added_at=now())
        newsletter = session.get_one(Newsletter, newsletter_id)
        edition_id = compile_edition(session, newsletter=newsletter, language="fr", until=now(), now=now()).edition_id
    assert edition_id is not None
    return edition_id


def test_a_language_that_is_left_empty_is_not_there(admin: FlaskClient, product: Product) -> None:
    assert "Leave both fields of a language empty" in admin.get("/admin/newsletters").text
    assert admin.post("/admin/newsletters", data=FRENCH | EMPTY).status_code == 303
    with product.database.reading() as session:
        added = session.scalars(newsletter_by_slug("north")).one()
        assert added.language_codes == ("fr",)
        of_added = [
            select(table.language).where(table.newsletter_id == added.id) for table in (ConsentWording, Schedule)
        ]
        assert [set(session.scalars(each)) for each in of_added] == [{"fr"}, {"fr"}]
    assert "/en/newsletters/north" not in (page := admin.get(f"/admin/newsletters/{added.id}").text)
    assert "Add: English" in page


def test_half_a_language_is_a_fault_of_the_other_field_and_none_at_all_one_of_the_form(admin: FlaskClient) -> None:
    half = admin.post("/admin/newsletters", data=FRENCH | {"description-en": "Far."})
    assert half.status_code == 422
    wrong = [name for name in ("name-fr", "name-en", "description-en") if "aria-invalid" in field(half.text, name)]
    assert wrong == ["name-en"]
    none = admin.post("/admin/newsletters", data={"slug": "north"} | EMPTY)
    assert (none.status_code, "in one language at least." in none.text) == (422, True)
    assert 'value="north"' in field(none.text, "slug")


def test_only_its_language_is_offered_and_compiled(admin: FlaskClient, product: Product, north: int) -> None:
    offered = re.findall(r'name="language" value="(\w+)" checked', admin.get("/admin/editions?newsletter=north").text)
    assert offered == ["fr"]
    refused = admin.post("/admin/editions", data={"newsletter": "north", "language": "en"})
    assert refused.status_code == 422
    line = {"every": "day", "time": "07:30"}
    assert admin.post("/admin/schedules", data={"line": f"{north}-en", **line}).status_code == 422
    assert f'value="{north}-en"' not in admin.get("/admin/schedules").text
    with product.database.reading() as session:
        assert session.scalars(select(Edition)).all() == []


def test_an_edition_has_no_twin_to_be_missed(admin: FlaskClient, product: Product, north: int) -> None:
    edition_id = draft(product, north)
    assert admin.get(f"/admin/editions/{edition_id}/twin").location == f"/admin/editions/{edition_id}"
    for page in ("", "/send", "/preview"):
        shown = admin.get(f"/admin/editions/{edition_id}{page}")
        assert shown.status_code == 200
        assert "/twin" not in shown.text
        assert "edition in English" not in shown.text


def test_nothing_is_agreed_to_in_english(admin: FlaskClient, north: int) -> None:
    page = admin.get("/admin/wordings?newsletter=north").text
    assert 'id="form-fr"' in page
    assert 'id="form-en"' not in page
    assert 'id="policy-en"' in page
    words = {"seen": "0", "heading": "North", "statement": "You agree: [policy].", "button": "Yes"}
    assert admin.post("/admin/wordings/form/en", data={"newsletter": "north", **words}).status_code == 404
    assert admin.get("/admin/wordings/form/en/1?newsletter=north").status_code == 404


def test_readers_come_and_stay_in_french(admin: FlaskClient, product: Product, north: int) -> None:
    page = admin.get("/admin/readers/new?newsletter=north").text
    assert re.findall(r'name="letters_language" value="(\w+)"', page) == ["fr"]
    new = {"newsletter": "north", "email": "a@reader.example", "letters_language": "en"}
    reader = admin.post("/admin/readers/new", data=new).location.partition("?")[0]
    assert "Correct the language" not in admin.get(reader).text
    assert admin.post(f"{reader}/rights/language", data={"letters_language": "en"}).status_code == 422
    with product.database.reading() as session:
        assert session.scalars(select(Subscription.language)).all() == ["fr"]


def test_a_reader_of_two_has_the_language_corrected_where_it_is(
    admin: FlaskClient, product: Product, north: int
) -> None:
    with product.database.transaction() as session:
        first = make.make_subscription(session)
        second = make.make_subscription(session, email="b@reader.example", newsletter_id=north)
        second.subscriber_id = first.subscriber_id
        reader = f"/admin/readers/{first.subscriber.public_id}"
    assert "Correct the language" in admin.get(reader).text
    assert admin.post(f"{reader}/rights/language", data={"letters_language": "en"}).status_code == 303
    with product.database.reading() as session:
        spoken = session.execute(select(Subscription.newsletter_id, Subscription.language)).all()
    assert dict(spoken) == {1: "en", north: "fr"}


def test_a_list_brings_readers_in_french_and_names_the_others(admin: FlaskClient, product: Product, north: int) -> None:
    content = b"email,language\na@reader.example,\nb@reader.example,en\nc@reader.example,fr\n"
    upload = {"newsletter": "north", "list": (BytesIO(content), "readers.csv")}
    page = admin.post("/admin/readers/imports", data=upload).location
    assert re.findall(r'name="letters_language" value="(\w+)" checked', admin.get(page).text) == ["fr"]
    plan = {"column-email": "0", "column-language": "1", "letters_language": "en"}
    assert admin.post(f"{page}/check", data=plan).status_code == 303
    work_on_imports(product)
    assert "A language is fr or en, or its name in either, and one that the newsletter has." in admin.get(page).text
    assert admin.post(f"{page}/start").status_code == 303
    work_on_imports(product)
    with product.database.reading() as session:
        assert session.scalars(select(Import.language)).all() == ["fr"]
        assert session.scalars(select(Subscription.language)).all() == ["fr", "fr"]
