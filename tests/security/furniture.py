"""A house with everything in it that links of letters can name, so that each page is reached beyond its first check."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import now
from app.db import new_public_id
from app.editions.counting import reading_value
from app.mail.address import parse_address
from app.newsletters.wordings import texts_in_force
from app.product import Product
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus
from app.subscriptions.models import Subscription
from app.subscriptions.questions.asking import ask
from app.subscriptions.questions.models import QuestionKind
from app.subscriptions.rights.address_change import AddressChange, request_address_change
from app.subscriptions.rights.erasure import erase_reader
from tests import make
from tests.web.test_archive import send_edition

#: Pages that a token opens, by the purpose of the token: each purpose has a reader of its own.
PREFERENCES = ("preferences", "pause", "resume", "own_data_link", "counting", "choices")
DATA = ("data", "data_download", "data_receipt", "data_receipt_file", "data_address", "restriction", "lifting")
#: What ends the reader: no other page has the same one.
ENDS = ("objection", "erasure")


def furnish(product: Product) -> dict[str, str]:
    """Fill the house; return what texts addresses may hold, by the name of the route or of the part."""
    sent, sign = send_edition(product), product.link_tokens.sign
    with product.database.transaction() as session:
        texts = {
            **dict.fromkeys(PREFERENCES, sign("preferences", _reader(session).public_id)),
            **{page: sign("data", _named(session)) for page in ENDS},
            **dict.fromkeys(DATA, sign("data", _named(session))),
            **dict.fromkeys(("erased", "erased_download"), sign("erasure", _erased(session, product))),
            **{kind: sign(kind, _question(session, kind)) for kind in ("stay", "renew")},
            **{page: sign(page.replace("_", "-"), _change(session)) for page in ("address", "address_undo")},
            "confirm": sign("confirm", _asking(session).confirmation_id or ""),
            "unsubscribe": sign("unsubscribe", _reader(session).public_id),
            "undo": sign("undo", _left(session).public_id),
            "go": sign("go", sent),
            "view": sign("view", sent),
            "archived_edition": sent,
            "public_id": _reader(session).subscriber.public_id,
            "reader_erasure": _reader(session).subscriber.public_id,
            "static": "css/base.css",
        }
        counted = _reader(session)
        counted.is_counted = True
        reading = sign("reading", reading_value(counted.public_id, sent))
    of_topic = dict.fromkeys(("topic", "topic_atom", "topic_json"), "UA")
    return {**texts, "reading": reading, "reading_image": reading, **of_topic}


def _reader(session: Session, status: SubscriptionStatus = SubscriptionStatus.CONFIRMED) -> Subscription:
    email = f"walked-{new_public_id().lower()}@reader.example"
    subscription = make.make_subscription(session, email=email, status=status, at=now())
    make.make_request(session, subscription)
    return subscription


def _asking(session: Session) -> Subscription:
    return _reader(session, SubscriptionStatus.PENDING)


def _left(session: Session) -> Subscription:
    return _reader(session, SubscriptionStatus.UNSUBSCRIBED)


def _named(session: Session) -> str:
    """The name that the data link of a reader has."""
    data_id = _reader(session).subscriber.data_id = new_public_id()
    session.flush()
    return data_id


def _erased(session: Session, product: Product) -> str:
    """The chain that an erasure left."""
    last = erase_reader(
        session,
        subscriber_id=_reader(session).subscriber_id,
        method=ConsentMethod.DATA_PAGE,
        suppression_key=product.config.suppression_key,
        now=now(),
    )
    return last.chain_id


def _question(session: Session, page: str) -> str:
    kind = QuestionKind.STAY if page == "stay" else QuestionKind.RENEWAL
    shown = texts_in_force(session, 1, "fr") if kind is QuestionKind.RENEWAL else None
    until = now() + timedelta(days=30)
    return ask(session, _reader(session), kind=kind, answer_until=until, now=now(), shown=shown).public_id


def _change(session: Session) -> str:
    """A change of address that nobody has confirmed."""
    reader = _reader(session)
    address = parse_address(f"new-{reader.public_id.lower()}@reader.example")
    request_address_change(
        session, subscriber_id=reader.subscriber_id, address=address, method=ConsentMethod.DATA_PAGE, now=now()
    )
    query = select(AddressChange.public_id).where(AddressChange.subscriber_id == reader.subscriber_id)
    return session.scalars(query).one()
