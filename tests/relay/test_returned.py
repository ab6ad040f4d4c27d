"""The whole loop: an edition through a real Postfix, refusals behind it, its bounces to our listener, and the desk."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock import now
from app.feedback.intake import make_intake
from app.feedback.listener import listening
from app.feedback.models import FeedbackEvent
from app.feedback.notices import NoticeKind
from app.product import Product
from app.settings.feedback import ReturnSettings
from app.subscriptions.models import Subscriber, Subscription
from config import Config
from tests.editions.press import make_draft, start
from tests.end_to_end.house import House, free_port, wait_until
from tests.feedback.house import suppression_of
from tests.make import make_subscription
from tests.relay.authority import Authority
from tests.relay.postfix import Postfix, missing_programs
from tests.web import desk

pytestmark = pytest.mark.slow

#: What the readers' server says of each, and what it comes to; Postfix repeats it in its bounce.
REFUSALS = {
    "unknown@reader.example": ("550 5.1.1 <unknown@reader.example>: User unknown", NoticeKind.HARD),
    "full@reader.example": ("552 5.2.2 Mailbox full", NoticeKind.SOFT),
    "blocked@reader.example": ("550 5.7.1 Message refused by local policy", NoticeKind.SENDER_FAULT),
}
GOOD = "good@reader.example"


class ReadersServer:
    """Takes mail for some, and refuses it for others."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in REFUSALS:
            return REFUSALS[address][0]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken += envelope.rcpt_tos
        return "250 2.0.0 taken"


@contextmanager
def serving(handler: ReadersServer) -> Iterator[int]:
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), ready_timeout=30)
    controller.start()
    yield int(controller.port)
    controller.stop()


@pytest.fixture
def bounce_port() -> int:
    return free_port()


@pytest.fixture
def readers_server() -> ReadersServer:
    return ReadersServer()


@pytest.fixture
def relay(
    open_folder: Path, authority: Authority, readers_server: ReadersServer, bounce_port: int, tmp_path: Path
) -> Iterator[Postfix]:
    if missing := missing_programs():
        pytest.skip(f"{', '.join(missing)} not found: apt-get install postfix sasl2-bin libsasl2-modules")
    folder = open_folder / f"returned-{bounce_port}"
    folder.mkdir()
    with (
        serving(readers_server) as port,
        Postfix(folder, authority, port, transports={"bounces.newsletter.example": bounce_port}) as postfix,
    ):
        yield postfix


def start_edition(product: Product) -> None:
    at = now()
    with product.database.transaction() as session:
        for email in (GOOD, *REFUSALS):
            make_subscription(session, email=email, at=at - timedelta(days=1))
        start(session, product, make_draft(session, now=at), now=at)


def told(product: Product) -> dict[str, NoticeKind]:
    query = select(Subscriber.email_key, FeedbackEvent.kind).join(
        FeedbackEvent, FeedbackEvent.subscriber_id == Subscriber.id
    )
    with product.database.reading() as session:
        return dict(map(tuple, session.execute(query)))


def house_on(config: Config, folder: Path, relay: Postfix) -> House:
    keys = {"SECRET_KEY": config.secret_keys[0], "LINK_KEYS": config.link_keys[0], "PROOF_KEYS": config.proof_keys[0]}
    port, key = str(relay.ports["inward"]), config.suppression_key
    return House(folder, 1, DATABASE_URL=config.database_url, SUPPRESSION_KEY=key, MAIL_PORT=port, **keys)


def test_a_real_bounce_reaches_the_readers_page(
    app: Flask, product: Product, client: FlaskClient, config: Config, relay: Postfix, readers_server: ReadersServer,
    bounce_port: int, tmp_path: Path,
) -> None:  # fmt: skip
    start_edition(product)
    expected = {email: kind for email, (_, kind) in REFUSALS.items()}
    (tmp_path / "house").mkdir()
    with listening(make_intake(product), ReturnSettings(port=bounce_port)):
        with house_on(config, tmp_path / "house", relay).process("flask", "worker"):
            wait_until(lambda: readers_server.taken == [GOOD], "the letter that arrives", seconds=60)
        wait_until(lambda: told(product) == expected, "the bounces", seconds=60)
    with product.database.reading() as session:
        assert {email for email in (GOOD, *REFUSALS) if suppression_of(session, email)} == {"unknown@reader.example"}
        withheld = select(Subscriber).join(Subscription).where(Subscription.is_withheld)
        dead = session.scalars(withheld).one()
    desk.make_admin(product)
    desk.sign_in(client)
    page = client.get(f"/admin/readers/{dead.public_id}").text
    for words in ("Address dead", "User unknown", "The address is dead", "a delivery report"):
        assert words in page
