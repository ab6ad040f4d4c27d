"""`flask admins`: people are let in, and out of a lost device."""

from urllib.parse import urlsplit

from flask import Flask

from app.admins.factors import make_codes, read_factors
from app.admins.models import Admin, AuditAct, AuditEntry, Authenticator, Role
from app.product import Product
from tests.conftest import NOW
from tests.web import desk


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    ran = app.test_cli_runner().invoke(args=["admins", *arguments])
    return ran.exit_code, ran.output


def test_an_admin_is_added_with_a_role_and_keeps_it(app: Flask, product: Product) -> None:
    code, link = run(app, "add", "eve@desk.example", "--role", "editor", "--language", "en")
    assert (code, "/admin/sign-in/" in link) == (0, True)
    assert run(app, "add", "eve@desk.example")[0] == 0
    with product.database.reading() as session:
        assert session.query(Admin).one().role is Role.EDITOR
    assert run(app, "add", "bob@desk.example", "--role", "emperor")[0] == 2


def test_who_forgot_their_password_comes_in_by_link_and_chooses_another(app: Flask, product: Product) -> None:
    desk.make_admin(product)
    desk.sign_in(browser := app.test_client())
    code, output = run(app, "password", "reset", desk.EMAIL.upper())
    assert code == 0
    assert browser.get("/admin/").status_code == 302
    assert desk.sign_in(browser).status_code == 403
    browser.post(urlsplit(output.split()[-1]).path)
    chosen = browser.post("/admin/account/password", data={"new": "canal brume 19 tilleul"})
    assert chosen.location == "/admin/account?note=password"
    assert run(app, "password", "reset", "nobody@desk.example")[0] == 1
    with product.database.reading() as session:
        told = session.query(AuditEntry).filter(AuditEntry.actor.startswith("cli:")).one()
    assert (told.act, told.target, told.detail) == (AuditAct.PASSWORD_CHANGED, "admin:1", "forgotten")


def test_lost_factors_are_reset_and_that_is_on_record(app: Flask, product: Product) -> None:
    run(app, "add", "eve@desk.example")
    with product.database.transaction() as session:
        eve = session.query(Admin).one()
        session.add(Authenticator(admin_id=eve.id, locked_secret=b"x", last_step=0, created_at=NOW))
        make_codes(session, admin=eve, now=NOW)
    assert run(app, "factors", "reset", "EVE@desk.example")[0] == 0
    assert run(app, "factors", "reset", "nobody@desk.example")[0] == 1
    with product.database.reading() as session:
        assert read_factors(session, eve.id).number == 0
        last = session.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    assert (last.act, last.target, last.detail) == (AuditAct.FACTORS_RESET, f"admin:{eve.id}", "factors 1")
