"""The link by mail: the owner comes in while a bot keeps guessing, and a bot that asks for links bars nothing."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa
import time_machine

from app.admins import signin
from app.admins.letters import admin_letters
from app.admins.mailing import MAILED_LINK, mail_signin_link
from app.admins.models import Admin, AuditEntry, Role, SigninLink
from app.delivery.claims import claim
from app.delivery.endings import Withheld
from app.delivery.models import Chunk
from app.errors import SigninRefused, SigninThrottled
from app.product import Product
from tests.conftest import NOW

EMAIL, PASSWORD, KEY = "ada@desk.example", "lanterne plouf orage 7", "throttle-key-of-the-tests"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def ada(product: Product) -> Iterator[Admin]:
    with time_machine.travel(NOW, tick=False), product.database.transaction() as session:
        admin = signin.create_admin(session, email=EMAIL, language="en", role=Role.ADMIN, now=NOW)
        signin.set_password(session, admin=admin, password=PASSWORD, kept_secret=None, now=NOW)
    return admin


def enter(
    product: Product, password: str = PASSWORD, *, at: datetime, network: str = "192.0.2.7", browser: str | None = None
) -> str | None:
    return signin.sign_in(
        product.database, email=EMAIL, password=password, network=network, browser=browser, agent="", key=KEY, now=at
    ).browser


def guess(product: Product, at: datetime) -> None:
    """What the bot does, from a network that it never used before."""
    with pytest.raises(SigninRefused):
        enter(product, "wrong wrong wrong", at=at, network=f"2001:db8::{at.timestamp():.0f}")


def ask(product: Product, email: str = EMAIL, *, at: datetime = NOW, network: str = "192.0.2.7") -> None:
    mail_signin_link(product.database, email=email, network=network, key=KEY, links=product.links, now=at)


def secrets(product: Product, at: datetime) -> list[str]:
    """What the letters hold that wait for Ada, as the sender makes them."""
    compose = admin_letters(product.config, product.links)[MAILED_LINK]
    with time_machine.travel(at, tick=False), product.database.transaction() as session:
        made = compose(session, claim(session, owner="w", kinds=[MAILED_LINK], now=at, limit=10))
    written = [b"\r\n".join(each.write("<x@news.example>", None)) for each in made if not isinstance(each, Withheld)]
    letters = [message_from_bytes(raw, policy=policy.default) for raw in written]
    assert {letter["To"] for letter in letters} == {EMAIL}
    return [re.search(r"/admin/sign-in/(\S+)", letter.get_content())[1] for letter in letters]


def use(product: Product, secret: str, at: datetime) -> signin.SignedIn:
    with product.database.transaction() as session:
        return signin.use_signin_link(session, secret=secret, agent="", now=at)


def test_the_owner_comes_in_by_mail_while_a_bot_goes_on(product: Product) -> None:
    at = NOW
    for _ in range(12):
        guess(product, at)
        at += 61 * SECOND
    guess(product, at)
    with pytest.raises(SigninThrottled):
        enter(product, at=at + SECOND)
    ask(product, at=at + SECOND)
    [secret] = secrets(product, at + SECOND)
    entered = use(product, secret, at + 2 * SECOND)
    with pytest.raises(SigninThrottled):
        enter(product, "wrong wrong wrong", at=at + 3 * SECOND, network="192.0.2.9")
    assert enter(product, at=at + 3 * SECOND, browser=entered.browser), "from now on this browser is known"


def test_who_asks_without_end_leaves_a_good_link_in_the_mailbox(product: Product) -> None:
    with product.database.transaction() as session:
        invitation = signin.make_signin_link(
            session, admin=session.scalars(sa.select(Admin)).one(), now=NOW, life=timedelta(hours=1)
        )
    for number in range(16):
        ask(product, at=NOW + number * MINUTE, network=f"198.51.100.{number}")
    mailed = secrets(product, NOW + 15 * MINUTE)
    assert len(mailed) == 2, "of the four, two are over"
    for secret in (*mailed, invitation):
        assert use(product, secret, NOW + 15 * MINUTE)


def test_an_address_that_is_nobodys_gets_nothing(product: Product) -> None:
    for email in ("eve@desk.example", "nobody", ""):
        ask(product, email)
    with product.database.reading() as session:
        assert session.scalars(sa.select(SigninLink.id)).all() == []
        assert session.scalars(sa.select(Chunk.id)).all() == []
        assert set(session.scalars(sa.select(AuditEntry.target))) == {None}
        assert "ok" not in set(session.scalars(sa.select(AuditEntry.result)))


def test_a_network_that_asks_for_many_has_to_wait(product: Product) -> None:
    for number in range(6):
        ask(product, f"a{number}@desk.example")
    with pytest.raises(SigninThrottled):
        ask(product)
    ask(product, network="198.51.100.9")
