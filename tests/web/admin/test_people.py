"""The page of people: inviting, roles, sessions, factors, removal; each with words for what was refused."""

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.admins.models import Admin, AuditEntry, Role
from app.delivery.models import Delivery
from app.product import Product
from tests.conftest import ON_SQLITE
from tests.web import desk

#: One kind of database is enough here: no rule and no query is tested.
pytestmark = ON_SQLITE


@pytest.fixture
def ada(client: FlaskClient, product: Product) -> FlaskClient:
    desk.make_admin(product)
    desk.sign_in(client)
    return client


@pytest.fixture
def ben(product: Product) -> int:
    return desk.make_admin(product, email="ben@desk.example", role=Role.EDITOR)


def acts(product: Product) -> list[str]:
    with product.database.reading() as session:
        return list(session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)))


def test_an_invitation_goes_through_the_queue_and_into_the_log(ada: FlaskClient, product: Product) -> None:
    form = {"email": " Eve@desk.example ", "role": "publisher", "their_language": "fr"}
    assert ada.post("/admin/people", data=form).location == "/admin/people?note=invited"
    with product.database.reading() as session:
        eve = session.scalars(sa.select(Admin).where(Admin.email_key == "eve@desk.example")).one()
        delivery = session.scalars(sa.select(Delivery)).one()
    assert (eve.role, eve.language, delivery.address) == (Role.PUBLISHER, "fr", "Eve@desk.example")
    assert acts(product)[-1] == "admin-invited"
    page = ada.get("/admin/people").text
    assert "Eve@desk.example" in page
    assert "never yet" in page


@pytest.mark.parametrize(
    ("email", "status", "words"), [(desk.EMAIL, 409, "is at the desk already"), ("x", 422, "not an address")]
)
def test_a_refused_invitation_says_why_at_its_field(ada: FlaskClient, email: str, status: int, words: str) -> None:
    page = ada.post("/admin/people", data={"email": email, "role": "editor"})
    assert (page.status_code, words in page.text, 'aria-invalid="true"' in page.text) == (status, True, True)


def test_a_refused_invitation_keeps_the_language_that_was_chosen(ada: FlaskClient) -> None:
    page = ada.post("/admin/people", data={"email": "x", "role": "editor", "their_language": "fr"}).text
    assert '<option value="fr" lang="fr" selected>' in page
    assert '<option value="en" lang="en">' in page


def test_a_role_is_changed(ada: FlaskClient, product: Product, ben: int) -> None:
    ada.post(f"/admin/people/{ben}/role", data={"role": "publisher"})
    with product.database.reading() as session:
        assert session.get_one(Admin, ben).role is Role.PUBLISHER
    assert ada.post(f"/admin/people/{ben}/role", data={"role": "emperor"}).status_code == 422
    assert ada.post("/admin/people/77/role", data={"role": "editor"}).status_code == 404


def test_the_last_admin_stays(ada: FlaskClient, product: Product, ben: int) -> None:
    [own] = {1, 2} - {ben}
    for path, data in (("role", {"role": "editor"}), ("removal", {"email": desk.EMAIL})):
        page = ada.post(f"/admin/people/{own}/{path}", data=data)
        assert (page.status_code, "the only person who may let others in" in page.text) == (409, True)
    assert ada.get("/admin/people").status_code == 200


def test_who_is_removed_is_out_and_must_have_been_meant(
    app: Flask, ada: FlaskClient, product: Product, ben: int
) -> None:
    browser = app.test_client()
    desk.sign_in(browser, email="ben@desk.example")
    assert ada.post(f"/admin/people/{ben}/removal", data={"email": "bob@desk.example"}).status_code == 422
    assert browser.get("/admin/").status_code == 200
    removed = ada.post(f"/admin/people/{ben}/removal", data={"email": "Ben@desk.example"})
    assert removed.location == "/admin/people?note=removed-admin"
    assert browser.get("/admin/").status_code == 302
    assert acts(product)[-1] == "admin-removed"
    assert "ben@desk.example" in ada.get("/admin/audit").text


def test_sessions_and_factors_of_others_end(app: Flask, ada: FlaskClient, product: Product, ben: int) -> None:
    browser = app.test_client()
    for path, act in (("sessions/end", "sessions-ended"), ("factors/reset", "factors-reset")):
        desk.sign_in(browser, email="ben@desk.example")
        assert ada.post(f"/admin/people/{ben}/{path}").status_code == 303
        assert browser.get("/admin/").status_code == 302
        assert acts(product)[-1] == act


def test_who_can_come_in_is_not_invited_again(ada: FlaskClient, ben: int) -> None:
    assert ada.post(f"/admin/people/{ben}/invitation").status_code == 409


def test_what_a_person_is_called_is_shown_escaped(ada: FlaskClient) -> None:
    page = ada.post("/admin/people", data={"email": '"><script>alert(1)</script>', "role": "x"})
    assert "<script>alert" not in page.text
