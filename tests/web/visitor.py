"""What the tests of the public pages share: a visitor who reads the form, waits, and sends it."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.db import Base
from app.product import Product
from app.subscriptions.models import Subscription
from tests.conftest import NOW


def form_token(client: FlaskClient, *, path: str = "/fr/") -> str:
    """The mark of a form opened now."""
    match = re.search(r'name="token" value="([^"]+)"', client.get(path).text)
    assert match
    return match.group(1)


def send_form(
    client: FlaskClient,
    email: str = "alice@reader.example",
    *,
    path: str = "/fr/",
    target: str = "/fr/subscribe",
    after: timedelta = timedelta(seconds=8),
    network: str = "192.0.2.1",
    **fields: str,
) -> TestResponse:
    """Open the form at NOW, send it `after` a while."""
    with time_machine.travel(NOW, tick=False):
        token = form_token(client, path=path)
    with time_machine.travel(NOW + after, tick=False):
        data = {"email": email, "token": token, **fields}
        return client.post(target, data=data, environ_overrides={"REMOTE_ADDR": network})


def only(session: Session) -> Subscription:
    """The one subscription there is."""
    return session.scalars(select(Subscription)).one()


def counts(product: Product) -> dict[str, int]:
    """How many rows each table has."""
    with product.database.reading() as session:
        tables = Base.metadata.sorted_tables
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


class Page(HTMLParser):
    """The start tags of a page, in order, with their attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    def position(self, tag: str, **attributes: str) -> int:
        """Return where the first tag with these attributes stands among all."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return next(
            index for index, (name, has) in enumerate(self.tags) if name == tag and wanted.items() <= has.items()
        )
