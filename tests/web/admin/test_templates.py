"""Letter templates at the desk: tried, saved, put in force, compared and given up."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from app.newsletters.models import Newsletter
from app.newsletters.templates import product_template
from app.product import Product
from tests.conftest import ON_SQLITE
from tests.web import desk

#: One kind of database is enough here.
pytestmark = ON_SQLITE

PAGE = "/admin/newsletters/1/template"
GREEN = product_template().replace("#a3171f", "#105020")


@pytest.fixture
def admin(client: FlaskClient, product: Product) -> FlaskClient:
    desk.make_admin(product, language="fr")
    desk.sign_in(client)
    return client


def save(admin: FlaskClient, source: str, note: str = "") -> tuple[int, str]:
    answer = admin.post(PAGE, data={"mjml": source.replace("\n", "\r\n"), "note": note})
    return answer.status_code, unescape(answer.text)


def in_force(product: Product) -> int | None:
    with product.database.reading() as session:
        return session.get_one(Newsletter, 1).template_version


def test_a_version_is_saved_and_then_put_in_force_and_given_up(admin: FlaskClient, product: Product) -> None:
    assert "pas encore son propre modèle" in unescape(admin.get(PAGE).text)
    assert save(admin, GREEN, "Le vert <b>")[0] == 303
    assert in_force(product) is None
    assert "Le vert &lt;b&gt;" in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/choice", data={"version": "1"}).status_code == 303
    assert in_force(product) == 1
    assert "#105020" in admin.get(f"{PAGE}/editor?version=1").text
    assert f'href="{PAGE}"' in admin.get("/admin/newsletters/1").text
    edition_id = desk.make_draft(product)
    assert "#105020" in admin.get(f"/admin/editions/{edition_id}/letter").text
    assert admin.post(f"{PAGE}/choice", data={"version": ""}).status_code == 303
    assert in_force(product) is None
    assert "#105020" not in admin.get(f"/admin/editions/{edition_id}/letter").text


def test_what_is_refused_stays_in_the_editor_with_its_line(admin: FlaskClient) -> None:
    status, page = save(admin, product_template().replace("{{ reason }}", "{{ reasno }}"), "ma note")
    assert status == 422
    assert "Ligne 137\u00a0: il n’y a pas de variable «\u00a0reasno\u00a0»" in page
    assert '<code class="template-line"><p style="margin:0 0 6px;">{{ reasno }}</p></code>' in page
    assert 'value="ma note"' in page
    assert page.count("{{ reasno }}") == 2
    status, page = save(admin, product_template().replace('line-height="1.6" color="#565a61"', 'color="#fdfdfd"'))
    assert (status, "Le contrôle retiendrait" in page) == (422, True)
    assert save(admin, "")[0] == save(admin, product_template(), "n" * 201)[0] == 422
    assert "pas encore son propre modèle" in unescape(admin.get(PAGE).text)


def test_what_is_refused_is_said_in_french(admin: FlaskClient) -> None:
    save(admin, GREEN)
    assert "C’est la dernière version, telle quelle." in save(admin, GREEN)[1]
    page = save(admin, product_template(), "n" * 201)[1]
    assert re.search(r'<input id="note"[^>]*aria-invalid="true"[^>]*aria-describedby="problem"', page)
    assert not re.search(r'<textarea[^>]*id="source"[^>]*aria-invalid', page)
    story = product_template().index("{{ story.title }}")
    long = product_template()[:story] + "x" * 15_000 + product_template()[story:]
    assert "Elle est trop longue pour une seule lettre" in save(admin, long)[1]


def test_the_letter_is_shown_while_it_is_written_and_nothing_is_kept(admin: FlaskClient, product: Product) -> None:
    desk.make_draft(product)
    for on, said in [
        ("specimen-fr", "Le port rouvre"),
        ("last-fr", "Article"),
        ("last-en", "The port reopens"),
        ("", "port"),
    ]:
        shown = admin.post(f"{PAGE}/letter", data={"mjml": GREEN, "on": on})
        assert (shown.status_code, shown.mimetype) == (200, "text/html")
        assert "#105020" in shown.text
        assert said in unescape(shown.text), on
        assert "sandbox allow-popups" in shown.headers["Content-Security-Policy"]
        assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    without = admin.post(f"{PAGE}/letter", data={"mjml": desk.with_logo(product), "pictures": "off"})
    assert "img-src 'none'" in without.headers["Content-Security-Policy"]
    assert f'alt="{desk.LOGO}"' in without.text
    wrong = admin.post(f"{PAGE}/letter", data={"mjml": "<mjml><script>alert(1)</script></mjml>"})
    assert (wrong.status_code, wrong.mimetype) == (422, "text/plain")
    assert wrong.text == "Ligne 1\u00a0: <script> n’a pas sa place dans une lettre"
    assert "#a3171f" in admin.get(f"{PAGE}/letter").text
    assert admin.get(f"{PAGE}/letter?version=1").status_code == 404


def test_two_versions_are_compared_line_by_line(admin: FlaskClient) -> None:
    save(admin, GREEN)
    save(admin, GREEN.replace("{{ period }}", "<b>{{ period }}</b>"))
    page = admin.get(f"{PAGE}/difference?old=1&new=2").text
    assert page.count("<ins>") == page.count("<del>") == 2
    assert "&lt;b&gt;" in page
    assert "#105020" in admin.get(f"{PAGE}/difference?old=&new=1").text
    assert "identiques" in admin.get(f"{PAGE}/difference?old=1&new=1").text


@pytest.mark.parametrize("version", ["x", "9", "-1", "²", "99999999999"])
def test_a_version_that_is_none_is_not_found(admin: FlaskClient, version: str) -> None:
    assert admin.get(f"{PAGE}/editor", query_string={"version": version}).status_code == 404
    assert admin.post(f"{PAGE}/choice", data={"version": version}).status_code == 404
    assert admin.get(f"/admin/newsletters/{version}/template").status_code == 404
