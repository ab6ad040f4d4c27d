"""Each act on people of the desk, and on one's own factors and sessions, is in the audit log.

They want a second person and a second factor, so they stand apart from `test_audit`, which counts on them by name.
"""

import re
from collections.abc import Callable

import pyotp
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.admins.models import Admin, AdminSession, AuditEntry, Passkey, Role
from app.clock import now
from app.product import Product
from tests.conftest import ON_SQLITE
from tests.web import desk

#: One kind of database is enough here: no rule and no query is tested.
pytestmark = ON_SQLITE

FACTORS = "/admin/account/factors"
BEN, EVE = "ben@desk.example", "eve@desk.example"
Form = tuple[str, dict[str, object]]


def id_of(product: Product, email: str) -> int:
    with product.database.reading() as session:
        return session.scalars(sa.select(Admin.id).where(Admin.email_key == email)).one()


def on(whom: str, act: str, **fields: object) -> Callable[[Product, FlaskClient], Form]:
    return lambda product, _: (f"/admin/people/{id_of(product, whom)}/{act}", fields)


def authenticator(_: Product, client: FlaskClient) -> Form:
    page = client.get(FACTORS).text
    secret = re.search(r'class="key">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    return f"{FACTORS}/authenticator", {"token": token, "code": pyotp.TOTP(secret).at(now())}


def codes_file(_: Product, client: FlaskClient) -> Form:
    return f"{FACTORS}/codes/file", {"code": re.findall(r"<code>([\w-]+)</code>", client.post(f"{FACTORS}/codes").text)}


def passkey_removal(product: Product, _: FlaskClient) -> Form:
    with product.database.transaction() as session:
        key = Passkey(
            admin_id=id_of(product, desk.EMAIL), credential_id=b"x", public_key=b"x", name="x", sign_count=0,
            created_at=now(),
        )  # fmt: skip
        session.add(key)
        session.flush()
        return f"{FACTORS}/passkeys/{key.id}/removal", {}


def other_session(product: Product, _: FlaskClient) -> Form:
    with product.database.reading() as session:
        number = session.scalars(sa.select(AdminSession.id).order_by(AdminSession.id.desc()).limit(1)).one()
    return f"/admin/account/sessions/{number}/end", {}


STEPS: dict[str, Callable[[Product, FlaskClient], Form]] = {
    "again_submit": lambda *_: ("/admin/again", {"password": desk.PASSWORD, "next": "/admin/people"}),
    "invitation_submit": lambda *_: ("/admin/people", {"email": EVE, "role": "editor", "their_language": "fr"}),
    "invitation_again_submit": on(EVE, "invitation"),
    "role_submit": on(BEN, "role", role="publisher"),
    "member_sessions_submit": on(BEN, "sessions/end"),
    "member_factors_submit": on(BEN, "factors/reset"),
    "member_removal_submit": on(BEN, "removal", email=BEN),
    "session_end_submit": other_session,
    "sessions_end_submit": lambda *_: ("/admin/account/sessions/end", {}),
    "authenticator_submit": authenticator,
    "codes_submit": lambda *_: (f"{FACTORS}/codes", {}),
    "codes_file_submit": codes_file,
    "passkey_removal_submit": passkey_removal,
    "authenticator_removal_submit": lambda *_: (f"{FACTORS}/authenticator/removal", {}),
}


def test_every_act_on_people_leaves_an_entry(client: FlaskClient, app: Flask, product: Product) -> None:
    desk.make_admin(product)
    desk.make_admin(product, email=BEN, role=Role.EDITOR)
    desk.sign_in(client)
    desk.sign_in(app.test_client())
    for endpoint, form in STEPS.items():
        path, fields = form(product, client)
        before = count(product)
        answer = client.post(path, data=fields)
        assert count(product) > before, (endpoint, answer.status_code, answer.text[-1500:])


def count(product: Product) -> int:
    with product.database.reading() as session:
        return session.scalars(sa.select(sa.func.count(AuditEntry.id))).one()
