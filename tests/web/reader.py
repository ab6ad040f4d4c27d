"""What the tests of readers' rights share: a reader who has asked for a data link, and the letters in their mailbox."""

import re
from email import message_from_bytes
from email.policy import default as policy

from sqlalchemy import select

from app.clock import now
from app.delivery.composing import Composed
from app.delivery.endings import Withheld
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.letters import signup_letters
from app.subscriptions.models import Subscriber
from app.subscriptions.rights.data_link import request_data_link
from app.subscriptions.rights.letters import rights_letters
from tests import make

EMAIL = "alice.liddell@reader.example"
URL = re.compile(r"https?://[^\s<>\"]+")


def make_reader(
    product: Product, *, email: str = EMAIL, status: SubscriptionStatus = SubscriptionStatus.CONFIRMED
) -> int:
    """A reader with the proof of their request; returns the subscriber's id."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=email, status=status, at=now())
        make.make_request(session, subscription)
        return subscription.subscriber_id


def data_path(product: Product, *, email: str = EMAIL, language: str = "fr") -> str:
    """The path of the page that a data link asked for now opens."""
    with product.database.transaction() as session:
        request_data_link(session, address=parse_address(email), language=language, now=now())
        data_id = session.scalars(select(Subscriber.data_id).where(Subscriber.email == email)).one()
    assert data_id
    return f"/{language}/my-data/{product.link_tokens.sign('data', data_id, at=now())}"


def open_mailbox(product: Product) -> dict[str, tuple[str, str]]:
    """Compose all that is due, and return by kind of letter to whom it goes and what its text says."""
    composers = {**signup_letters(product.config, product.links), **rights_letters(product.config, product.links)}
    found: dict[str, tuple[str, str]] = {}
    with product.database.transaction() as session:
        for copy in make.copies(session, now=now()):
            [made] = composers[copy.chunk.kind](session, [copy])
            assert isinstance(made, (Composed, Withheld))
            found[copy.chunk.kind] = ("", made.reason) if isinstance(made, Withheld) else (made.recipient, _text(made))
    return found


def links_in(product: Product, text: str) -> dict[str, str]:
    """The paths of all links of a letter, by the word after the language."""
    paths = [url.removeprefix(product.config.public_url) for url in URL.findall(text)]
    return {path.strip("/").split("/")[1]: path for path in paths if path.count("/") > 1}


def _text(made: Composed) -> str:
    message = message_from_bytes(make.write(made), policy=policy)
    body = message.get_body(("plain",))  # type: ignore[attr-defined]
    assert body is not None
    return str(body.get_content())
