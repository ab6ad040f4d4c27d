"""Two newsletters at the desk: one is looked at, the choice is kept, and what is done is done for that one."""

import re
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock import now
from app.digests.newsletters import close_newsletter
from app.editions.models import Edition
from app.newsletters.models import ConsentWording, WordingPurpose, current_wording
from app.product import Product
from app.readership.exporting import export_readers
from app.readership.filters import ReaderFilter
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.models import Import, ImportStatus
from app.web.admin.listing import PAGE_LENGTH
from tests import make
from tests.conftest import ON_SQLITE
from tests.statements import statements
from tests.web import desk

pytestmark = ON_SQLITE

PAGES = ("", "editions", "readers", "readers/new", "readers/imports", "wordings")


@pytest.fixture
def second_id(product: Product) -> int:
    with product.database.transaction() as session:
        return make.add_second(session, product.config).id


def test_one_newsletter_is_never_named(admin: FlaskClient, product: Product) -> None:
    shown = [
        page
        for page in PAGES
        if 'name="newsletter"' in (text := admin.get(f"/admin/{page}").text) or "?newsletter=" in text
    ]
    assert shown == []


@pytest.mark.usefixtures("second_id")
def test_all_newsletters_are_feminine_in_french(admin: FlaskClient) -> None:
    admin.post("/admin/account/language", data={"language": "fr"})
    choice = admin.get("/admin/readers").text.partition('name="newsletter"')[2].partition("</select>")[0]
    assert '<option value="">Toutes</option>' in choice


def test_a_choice_is_kept_until_the_next_one(admin: FlaskClient, second_id: int) -> None:
    for slug, name in (("north", "North Cape"), ("vigie", "Vigie")):
        assert admin.get(f"/admin/editions?newsletter={slug}").status_code == 200
        for page in ("", "editions", "readers/new", "readers/imports", "wordings"):
            assert f'<strong aria-current="true">{name}</strong>' in admin.get(f"/admin/{page}").text, page
    assert admin.get("/admin/editions?newsletter=south").status_code == 404
    assert '<strong aria-current="true">Vigie</strong>' in admin.get("/admin/editions").text


def test_a_twin_is_compiled_for_the_newsletter_of_the_edition(
    admin: FlaskClient, product: Product, second_id: int
) -> None:
    edition_id = desk.make_draft(product)
    admin.get("/admin/?newsletter=north")
    page = admin.get(f"/admin/editions/{edition_id}/twin").text
    assert (
        '<input type="hidden" name="newsletter" value="vigie"><button class="button button-quiet" name="language"'
        in page
    )


def test_a_form_acts_on_the_newsletter_that_it_showed(admin: FlaskClient, product: Product, second_id: int) -> None:
    admin.get("/admin/?newsletter=vigie")  # chosen meanwhile in another window
    with product.database.transaction() as session:
        make.make_article(session, link="https://wire.example/1", added_at=now())
    admin.post("/admin/editions", data={"newsletter": "north", "language": "fr"})
    admin.post(
        "/admin/readers/new", data={"newsletter": "north", "email": "a@reader.example", "letters_language": "fr"}
    )
    upload = {"newsletter": "north", "list": (BytesIO(b"email\nx@reader.example\n"), "readers.csv")}
    admin.post("/admin/readers/imports", data=upload)
    with product.database.reading() as session:
        for table in (Edition, Subscription, Import):
            assert session.scalars(select(table.newsletter_id)).all() == [second_id], table
    assert "/admin/editions/1" not in admin.get("/admin/editions?newsletter=vigie").text
    assert "/admin/editions/1" in admin.get("/admin/editions?newsletter=north").text
    assert "Cap Nord · " in admin.get("/admin/editions/1").text


def test_a_closed_newsletter_takes_nobody_new_at_the_desk_either(admin: FlaskClient, product: Product) -> None:
    import_id = desk.make_import(product)
    with product.database.transaction() as session:
        session.get_one(Import, import_id).status = ImportStatus.CHECKED
        close_newsletter(session, newsletter_id=1, now=now())
    upload = {"list": (BytesIO(b"email\nx@reader.example\n"), "readers.csv")}
    for answer in (
        admin.post("/admin/readers/new", data={"email": "a@reader.example", "letters_language": "fr"}),
        admin.post("/admin/readers/imports", data=upload),
        admin.post(f"/admin/readers/imports/{import_id}/start"),
    ):
        assert (answer.status_code, "closed to new readers" in answer.text) == (422, True)
    with product.database.reading() as session:
        assert session.scalars(select(Subscription)).all() == []
        assert session.scalars(select(Import.status)).all() == [ImportStatus.CHECKED]


def test_a_wording_is_written_for_the_newsletter_that_is_shown(
    admin: FlaskClient, product: Product, second_id: int
) -> None:
    page = admin.get("/admin/wordings/form/en/1?newsletter=north").text
    assert "North Cape" in page
    words = {
        "newsletter": "north",
        "seen": "1",
        "heading": "North",
        "statement": "You agree: [policy].",
        "button": "Yes",
    }
    answer = admin.post("/admin/wordings/form/en", data=words)
    assert answer.location.startswith("/admin/wordings/form/en/2?newsletter=north")
    with product.database.reading() as session:
        assert session.scalars(current_wording(second_id, "en")).one().heading == "North"
        wanted = select(ConsentWording.version).where(
            ConsentWording.newsletter_id == 1, ConsentWording.purpose == WordingPurpose.NEWSLETTER
        )
        assert set(session.scalars(wanted)) == {1}


def test_readers_are_filtered_by_newsletter_and_shown_with_theirs(
    admin: FlaskClient, product: Product, second_id: int
) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email="south@reader.example")
        north = make.make_subscription(session, email="north@reader.example", newsletter_id=second_id)
        public_id = north.subscriber.public_id
    page = admin.get("/admin/readers?newsletter=north").text
    assert "north@reader.example" in page
    assert "south@reader.example" not in page
    assert '<option value=""></option>' not in page
    assert "Subscription · North Cape" in admin.get(f"/admin/readers/{public_id}").text
    taken_out = "".join(export_readers(product.database, ReaderFilter(newsletter="north")))
    assert "north@reader.example" in taken_out
    assert "south@reader.example" not in taken_out


def test_pages_ask_no_more_for_two(admin: FlaskClient, product: Product, second_id: int) -> None:
    for page in PAGES:
        with statements(product.database) as asked:
            assert admin.get(f"/admin/{page}?newsletter=north").status_code == 200
        assert len(asked) <= 12, page


def test_a_second_subscription_is_not_lost_where_a_page_ends(
    admin: FlaskClient, product: Product, second_id: int
) -> None:
    with product.database.transaction() as session:
        for number in range(PAGE_LENGTH + 5):
            first = make.make_subscription(session, email=f"a{number:02}@reader.example")
        for reader in session.scalars(select(Subscriber).where(Subscriber.email_key >= "a49")).all():
            session.add(Subscription(newsletter_id=second_id, subscriber=reader, language="fr", status=first.status,
                                     requested_at=first.requested_at))  # fmt: skip
    page = admin.get("/admin/readers?q=a").text
    [after] = re.findall(r"after=(\d+)", page)
    rest = admin.get(f"/admin/readers?q=a&after={after}").text
    assert [len(re.findall(r"\ba\d\d@reader", text)) for text in (page, rest)] == [PAGE_LENGTH, 11]
