"""Wordings and policies at the desk: every version to read, new ones to write, none to change."""

import re

from flask.testing import FlaskClient

from app.admins.models import Role
from app.newsletters.models import current_policy, current_wording
from app.product import Product
from app.readership.models import Agreement, ShownText
from tests.web import desk

FORM = "/admin/wordings/form/fr"
TEXT = {"seen": "1", "heading": "Restez au fait", "statement": "Voyez notre [politique].", "button": "Je m’abonne"}


def in_force(product: Product) -> tuple[int, str]:
    with product.database.reading() as session:
        found = session.scalars(current_wording(1, "fr")).one()
        return found.version, found.button


def test_versions_are_listed_with_who_agreed(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        wording = session.scalars(current_wording(1, "fr")).one()
        session.add(Agreement(text=ShownText.WORDING, text_id=wording.id, number=1234))
    page = admin.get("/admin/wordings").text
    assert "1,234" in page
    assert f'href="{FORM}/1"' in page
    assert 'href="/admin/newsletters/1/renewal"' in page


def test_a_viewer_reads_and_writes_none(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product, role=Role.VIEWER)
    desk.sign_in(client)
    page = client.get(f"{FORM}/1").text
    assert "<u>politique de confidentialité</u>" in page
    assert "Write a new version" not in page
    assert client.get(f"{FORM}/2").status_code == 404
    assert client.get("/admin/wordings/policy/eo/1").status_code == 404


def test_a_new_version_is_shown_to_readers_at_once(admin: FlaskClient, product: Product) -> None:
    answer = admin.post(FORM, data=TEXT, follow_redirects=True)
    assert "The new version is in force" in answer.text
    assert in_force(product) == (2, "Je m’abonne")
    assert "Je m’abonne" in admin.get("/fr/").text
    assert "Version 2 is in force" in admin.get(f"{FORM}/1").text


def test_a_preview_saves_nothing_and_keeps_the_form(admin: FlaskClient, product: Product) -> None:
    page = admin.post(FORM, data=TEXT | {"preview": "yes"}).text
    assert "Voyez notre <u>politique</u>." in page.partition('id="shown"')[2]
    assert 'value="Je m’abonne"' in page
    live = admin.post(f"{FORM}/preview", data=TEXT | {"statement": "<b>sans lien"}).text
    assert "&lt;b&gt;sans lien" in live
    assert in_force(product)[0] == 1


def test_a_refused_form_loses_nothing(admin: FlaskClient, product: Product) -> None:
    answer = admin.post(FORM, data=TEXT | {"statement": "Sans lien."})
    assert answer.status_code == 422
    assert "between square brackets" in answer.text
    assert ">\nSans lien.</textarea>" in answer.text
    assert admin.post(FORM, data=TEXT).status_code == 303
    late = admin.post(FORM, data=TEXT | {"button": "Oui"})
    assert late.status_code == 409
    assert 'value="Oui"' in late.text
    assert 'name="seen" value="2"' in late.text
    assert admin.post(FORM, data=TEXT | {"button": "Oui", "seen": "2"}).status_code == 303


def test_a_policy_is_cleaned_before_anybody_sees_it(admin: FlaskClient, product: Product) -> None:
    sent = {"seen": "1", "body": "<h2>Vos données</h2><script>x()</script><p>Deux ans.</p>"}
    assert "<script>x()" not in admin.post("/admin/wordings/policy/fr/preview", data=sent).text
    assert admin.post("/admin/wordings/policy/fr", data=sent).status_code == 303
    with product.database.reading() as session:
        assert session.scalars(current_policy("fr")).one().body == "<h2>Vos données</h2><p>Deux ans.</p>"
    assert "Deux ans." in admin.get("/fr/privacy").text
    assert "Deux ans." not in admin.get("/admin/wordings/policy/fr/1").text.partition("<form")[0]


def test_a_policy_may_be_as_long_as_its_field(admin: FlaskClient) -> None:
    page = admin.get("/admin/wordings/policy/fr/1").text
    [kind] = re.findall(r'action="/admin/wordings/policy/fr[^"]*" enctype="([^"]+)"', page)
    body = "<p>" + "L’été à la rédaction. " * 2727
    assert 'maxlength="60000"' in page
    assert len(body) == 59_997
    sent = {"seen": "1", "body": body}
    assert admin.post("/admin/wordings/policy/fr", data=sent, content_type=kind).status_code == 303
