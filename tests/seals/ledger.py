"""A small ledger of three sealed days, and ways to tamper with it behind the product's back."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import AuditAct
from app.db import Base
from app.product import Product
from app.seals.making import make_due_seals
from app.seals.models import ConsentSeal
from app.seals.problems import Report
from app.seals.verifying import SealFile, verify_ledger
from app.subscriptions.confirming import confirm_subscription
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.preferences import change_language
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.erasure import erase_reader
from tests.conftest import NOW
from tests.subscriptions.test_signup import ask

DAY = timedelta(days=1)
VERIFIED_AT = NOW + 3 * DAY


def place_of(session: Session, name: str) -> Subscription:
    query = select(Subscription).join(Subscriber).where(Subscriber.email_key == f"{name}@reader.example")
    return session.scalars(query).one()


def chain_of(product: Product, name: str) -> str:
    with product.database.reading() as session:
        return place_of(session, name).subscriber.chain_id


def build(product: Product) -> None:
    """Alice changes language, Bob leaves and asks anew, Carol is erased, Dave never confirms; each day is sealed."""
    with product.database.transaction() as session:
        for name in ("alice", "bob", "carol", "dave"):
            ask(session, product, email=f"{name}@reader.example")
            if name != "dave":
                request = str(place_of(session, name).confirmation_id)
                confirm_subscription(
                    session,
                    confirmation_id=request,
                    suppression_key=product.config.suppression_key,
                    now=NOW + timedelta(hours=1),
                )
        record_audit(session, actor="ada@desk.example", act=AuditAct.READER_SHOWN, now=NOW)
    seal(product, NOW + DAY)
    with product.database.transaction() as session:
        at = NOW + DAY
        change_language(session, public_id=place_of(session, "alice").public_id, language="en", now=at)
        unsubscribe(session, public_id=place_of(session, "bob").public_id, method=ConsentMethod.ONE_CLICK, now=at)
        unsubscribe(session, public_id=place_of(session, "dave").public_id, method=ConsentMethod.ONE_CLICK, now=at)
        for _ in range(3):
            record_audit(session, actor="ada@desk.example", act=AuditAct.READER_SHOWN, now=at)
    seal(product, NOW + 2 * DAY)
    with product.database.transaction() as session:
        at = NOW + 2 * DAY
        ask(session, product, email="bob@reader.example", at=at)
        carol = place_of(session, "carol").subscriber_id
        erase_reader(session, subscriber_id=carol, method=ConsentMethod.ADMIN, suppression_key="k", now=at)
    seal(product, NOW + 3 * DAY)


def seal(product: Product, at: datetime) -> list[ConsentSeal]:
    return make_due_seals(product.database, keys=product.proof_keys, now=at)


def verify(
    product: Product,
    files: tuple[SealFile, ...] = (),
    *,
    at: datetime = VERIFIED_AT,
    kept_since: datetime = NOW - 1000 * DAY,
) -> Report:
    keys = product.proof_keys
    return verify_ledger(product.database, keys=keys, now=at, kept_since=kept_since, log_months=6, files=files)


def found(product: Product, files: tuple[SealFile, ...] = ()) -> list[str]:
    return [str(problem) for problem in verify(product, files).problems]


def raw(table: type[Base]) -> sa.Table:
    """The table without its types' checks: whoever tampers writes what they like."""
    kinds = {sa.Enum: sa.String()}
    columns = (sa.Column(c.name, kinds.get(type(c.type), c.type)) for c in table.__table__.c)
    return sa.Table(table.__tablename__, sa.MetaData(), *columns)


def tamper(product: Product, *statements: sa.Executable) -> None:
    with product.database.transaction() as session:
        for statement in statements:
            assert session.execute(statement).rowcount, statement


def events_of(product: Product, chain_id: str) -> list[ConsentEvent]:
    with product.database.reading() as session:
        query = select(ConsentEvent).where(ConsentEvent.chain_id == chain_id).order_by(ConsentEvent.seq)
        return list(session.scalars(query))
