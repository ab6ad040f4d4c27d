"""What the desk's tests share: an admin, a draft, and every route of the desk with an address that leads to it."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import selectinload
from werkzeug.test import TestResponse

from app.admins import signin
from app.admins.models import Role
from app.clock import now
from app.db import Base, Database
from app.digests.scheduling import add_schedule
from app.editions.compile import compile_edition
from app.editions.models import Edition
from app.newsletters.templates import add_version, product_template, put_in_force
from app.product import Product
from app.subscriptions.newcomers.columns import Column
from app.subscriptions.newcomers.planning import Plan, add_import, start_check
from app.subscriptions.newcomers.raw import Layout
from tests import make

EMAIL = "ada@desk.example"
PASSWORD = "lanterne plouf orage 7"
#: The alternative text of the picture in `with_logo`.
LOGO = "Le phare de la maison"
#: Routes that strangers may see.
OPEN = {
    "admin.sign_in", "admin.sign_in_submit", "admin.sign_in_link", "admin.sign_in_link_submit", "admin.second_step",
    "admin.second_step_submit", "admin.sign_in_mail_submit", "admin.challenge_submit",
}  # fmt: skip


@dataclass(frozen=True)
class Route:
    """One method of one route, with an address that leads to it."""

    endpoint: str
    method: str
    path: str


def make_admin(
    product: Product, *, email: str = EMAIL, password: str | None = PASSWORD, language: str = "en",
    role: Role = Role.ADMIN,
) -> int:  # fmt: skip
    with product.database.transaction() as session:
        admin = signin.create_admin(session, email=email, language=language, role=role, now=now())
        if password:
            signin.set_password(session, admin=admin, password=password, kept_secret=None, now=now())
        return admin.id


def make_link(product: Product, admin_id: int) -> str:
    with product.database.transaction() as session:
        admin = session.get_one(signin.Admin, admin_id)
        return signin.make_signin_link(session, admin=admin, now=now())


def sign_in(client: FlaskClient, *, email: str = EMAIL, password: str = PASSWORD, **data: str) -> TestResponse:
    return client.post("/admin/sign-in", data={"email": email, "password": password, **data})


def make_draft(product: Product, *, articles: int = 3, readers: int = 2, language: str = "fr", tag: str = "") -> int:
    """A draft with some articles and, confirmed in its language, some readers."""
    with product.database.transaction() as session:
        for number in range(articles):
            link = f"https://wire.example/{tag}{language}/{number}"
            make.make_article(session, title=f"Article {tag}{number}", link=link, language=language, added_at=now())
        for number in range(readers):
            make.make_subscription(session, email=f"reader{tag}{number}@reader.example", language=language)
        compiled = compile_edition(
            session, newsletter=make.newsletter(session), language=language, until=now(), now=now()
        )
    assert compiled.edition_id is not None
    return compiled.edition_id


def with_logo(product: Product) -> str:
    """The product's template with a picture."""
    text = '<mj-text css-class="name"'
    logo = f'<mj-image src="https://{product.config.mail.sender_domain}/logo.png" alt="{LOGO}" width="200px" />'
    assert text in product_template()
    return product_template().replace(text, logo + text, 1)


def put_template_in_force(product: Product, source: str) -> None:
    """Letters are set from a template of the newsletter's own."""
    with product.database.transaction() as session:
        made = add_version(session, newsletter_id=1, source=source, note="", author=EMAIL, now=now())
        put_in_force(session, newsletter_id=1, version=made.version)


def make_import(product: Product) -> int:
    """A list of readers that waits to be looked through."""
    layout = Layout("utf-8", ",", ("email", "name"))
    with product.database.transaction() as session:
        added = add_import(
            session, newsletter_id=1, name="readers.csv", size_bytes=100, layout=layout, language="fr", actor=EMAIL,
            reported_in="en", now=now(),
        )  # fmt: skip
        start_check(session, added, Plan({Column.EMAIL: 0}, "fr", None), now=now())
        return added.id


def make_schedule(product: Product, *, language: str = "fr", cron: str = "30 7 * * 2") -> int:
    """A usual schedule."""
    with product.database.transaction() as session:
        return add_schedule(session, newsletter_id=1, language=language, cron=cron, now=now()).id


def edition(product: Product, edition_id: int) -> Edition:
    with product.database.reading() as session:
        return session.get_one(Edition, edition_id, options=[selectinload(Edition.items)])


def routes(app: Flask, *, edition_id: int, public_id: str) -> Iterator[Route]:
    """Every method of every route of the desk."""
    values = {
        "edition_id": edition_id,
        "public_id": public_id,
        "secret": "x" * 43,
        "which": "uncertain",
        "newsletter_id": 1,
        "request_id": 1,
        "article_id": 1,
        "extra": "flash",
        "story_id": 1,
        "source_id": 1,
        "flood_id": 1,
        "schedule_id": 1,
        "text_kind": "form",
        "text_language": "fr",
        "version": 1,
        "import_id": 1,
        "filter_id": 1,
        "admin_id": 1,
        "session_id": 77,
        "passkey_id": 1,
    }
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.endpoint.startswith("admin."):
                _, path = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
                for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                    yield Route(rule.endpoint, method, path)


def everything(database: Database, *, but: Set[str] = frozenset()) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, or of all `but` some."""
    with database.reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(sa.select(table))), key=repr)
            for table in Base.metadata.sorted_tables
            if table.name not in but
        }
