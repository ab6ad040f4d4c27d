"""Newsletters at the desk: what is shown to whom, and that a refused form loses nothing."""

import re

from flask.testing import FlaskClient
from sqlalchemy import delete

from app.admins.models import Role
from app.newsletters.models import NewsletterLanguage, newsletter_by_slug
from app.product import Product
from tests import make
from tests.web import desk

PAGE = "/admin/newsletters/1"
FACE = {"face": "en", "name": "The Jetty", "description": "What comes in by sea.", "list_label": "en.vigie"}


def seen(page: str) -> str:
    return page.partition('name="seen" value="')[2].partition('"')[0]


def field(page: str, name: str) -> str:
    """The tag of a form's field."""
    found = re.search(rf'<input id="{name}"[^>]*>', page)
    assert found, name
    return found[0]


def test_a_viewer_reads_and_an_admin_changes(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product, role=Role.VIEWER)
    desk.sign_in(client)
    assert "fr.vigie" in client.get(PAGE).text
    assert "<form" not in client.get(PAGE).text.partition('id="main"')[2]
    assert product.config.mail.sender in client.get(PAGE).text
    assert 'href="/admin/newsletters/1"' in client.get("/admin/newsletters").text
    assert client.get("/admin/newsletters/77").status_code == 404


def test_a_changed_name_is_shown_and_said(admin: FlaskClient, product: Product) -> None:
    answer = admin.post(f"{PAGE}/languages", data=FACE, follow_redirects=True)
    assert "The newsletter is changed." in answer.text
    assert 'value="The Jetty"' in field(answer.text, "name-en")
    with product.database.reading() as session:
        assert make.newsletter(session).in_language("en").name == "The Jetty"


def test_french_is_typed_with_the_spaces_that_it_is_set_with(admin: FlaskClient, product: Product) -> None:
    said = "L’essentiel\u00a0: la mer, les ports\u202f; chaque matin"
    typed = FACE | {"face": "fr", "list_label": "fr.vigie", "name": "«\u00a0La Jetée\u00a0»", "description": said}
    assert admin.post(f"{PAGE}/languages", data=typed).status_code == 303
    with product.database.reading() as session:
        assert make.newsletter(session).in_language("fr").description == said
    for path, data in (
        ("readers/filters", {"name": "Confirmés\u00a0: tous", "status": "confirmed"}),
        ("suppressions", {"address": "bob@reader.example", "note": "Par courrier\u00a0: demande du 5\u00a0mars"}),
        ("sources", {"location": "https://wire.example/feed", "name": "Le\u00a0Fil"}),
        ("sources/1", {"name": "Le\u00a0Fil\u00a0!", "language": "fr"}),
    ):
        assert admin.post(f"/admin/{path}", data=data).status_code == 303, path


def test_a_refused_form_keeps_what_was_typed_with_the_error_at_its_field(admin: FlaskClient) -> None:
    answer = admin.post(f"{PAGE}/languages", data=FACE | {"name": "", "list_label": "En Vigie"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in field(answer.text, "name-en")
    assert 'value="En Vigie"' in field(answer.text, "label-en")
    assert 'aria-invalid="true"' not in field(answer.text, "name-fr")
    answer = admin.post(PAGE, data={"timezone": "Paris"})
    assert answer.status_code == 422
    assert 'value="Paris"' in field(answer.text, "timezone")
    assert 'name="welcome" value="yes">' in answer.text


def test_its_own_addresses_are_saved_or_refused_at_their_fields(admin: FlaskClient, product: Product) -> None:
    typed = {"timezone": "Europe/Paris", "sender": "north@elsewhere.example", "reply_to": "desk"}
    refused = admin.post(PAGE, data=typed)
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in field(refused.text, "sender")
    assert 'value="desk"' in field(refused.text, "reply_to")
    assert "Write an address that ends with @newsletter.example" in refused.text
    good = typed | {"sender": "north@newsletter.example", "reply_to": "desk@elsewhere.example"}
    assert admin.post(PAGE, data=good).status_code == 303
    page = admin.get(PAGE).text
    assert 'value="north@newsletter.example"' in field(page, "sender")
    assert "From: north@newsletter.example, Reply-To: desk@elsewhere.example" in admin.get("/admin/audit").text
    with product.database.transaction() as session:
        make.newsletter(session).sender = "north@left-behind.example"
    assert "north@left-behind.example, is not used" in admin.get(PAGE).text


def test_one_is_added_with_its_own_sender(admin: FlaskClient, product: Product) -> None:
    added = {"slug": "north", "sender": "north@elsewhere.example"}
    for code in ("fr", "en"):
        added |= {f"name-{code}": "North", f"description-{code}": "Far."}
    refused = admin.post("/admin/newsletters", data=added)
    assert refused.status_code == 422
    assert 'value="north@elsewhere.example"' in field(refused.text, "sender")
    assert admin.post("/admin/newsletters", data=added | {"sender": "north@newsletter.example"}).status_code == 303
    with product.database.reading() as session:
        assert session.scalars(newsletter_by_slug("north")).one().sender == "north@newsletter.example"


def test_who_is_late_sees_both_and_saves_again(admin: FlaskClient, product: Product) -> None:
    before = seen(admin.get(PAGE).text)
    assert admin.post(PAGE, data={"seen": before, "timezone": "Europe/Brussels"}).status_code == 303
    late = admin.post(f"{PAGE}/languages", data=FACE | {"seen": before})
    assert late.status_code == 409
    assert "Somebody changed this meanwhile" in late.text
    assert 'value="The Jetty"' in field(late.text, "name-en")
    assert admin.post(f"{PAGE}/languages", data=FACE | {"seen": seen(late.text)}).status_code == 303


def test_a_label_under_which_letters_left_is_said_and_not_asked_for(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, language="en")
    page = admin.get(PAGE).text
    assert 'id="label-fr"' in page
    assert 'id="label-en"' not in page
    answer = admin.post(f"{PAGE}/languages", data=FACE | {"list_label": "en.other"})
    assert answer.status_code == 422
    assert "It can change no more" in answer.text


def test_approval_is_required_and_no_longer(admin: FlaskClient, product: Product) -> None:
    for answer, is_needed in (("needed", True), ("not-needed", False)):
        admin.post(f"{PAGE}/approval", data={"answer": answer})
        with product.database.reading() as session:
            assert make.newsletter(session).needs_approval is is_needed


def test_a_language_that_a_newsletter_lacks_is_added_on_its_page(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        session.execute(delete(NewsletterLanguage).where(NewsletterLanguage.language == "en"))
    page = admin.get(PAGE)
    assert "Add: English" in page.text
    added = admin.post(f"{PAGE}/languages", data=FACE | {"seen": seen(page.text)}, follow_redirects=True)
    assert 'value="The Jetty"' in field(added.text, "name-en")
    assert "Add: English" not in added.text
