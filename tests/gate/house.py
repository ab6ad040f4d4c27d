"""What the gate's tests share: a draft for some readers, two admins, and a look at it."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins.models import Admin, Role
from app.editions.models import UNSENT, Edition
from app.gate.approvals import approve, ask_approval
from app.gate.looking import Look, look_at, read_sight
from app.gate.models import Hold
from app.product import Product
from tests.conftest import NOW
from tests.editions.press import make_draft
from tests.make import make_subscription

ADA, BOB = "ada@desk.example", "bob@desk.example"


def make_admins(session: Session) -> None:
    """Two people of the desk."""
    for email in (ADA, BOB):
        session.add(Admin(email=email, email_key=email, language="en", role=Role.PUBLISHER, created_at=NOW))
    session.flush()


def make_edition(product: Product, *, readers: int = 2, now: datetime = NOW) -> int:
    """A draft of three articles, in French, and who wants it; the two admins."""
    with product.database.transaction() as session:
        make_admins(session)
        for number in range(readers):
            make_subscription(session, email=f"reader{number}@reader.example")
        return make_draft(session, now=now).id


def look(product: Product, edition_id: int, *, now: datetime = NOW) -> Look:
    """What the gate sees of an edition."""
    with product.database.reading() as session:
        edition = session.get_one(Edition, edition_id)
        sight = read_sight(session, edition, config=product.config, now=now)
    return look_at(sight, config=product.config, links=product.links, now=now)


def schedule(product: Product, edition_id: int, *, undo_minutes: int = 10, now: datetime = NOW) -> None:
    """Let Ada ask and Bob approve."""
    seen = look(product, edition_id, now=now)
    with product.database.transaction() as session:
        ask_approval(session, seen, actor=ADA, note="", reason="", now=now)
    with product.database.transaction() as session:
        undo = timedelta(minutes=undo_minutes)
        approve(session, seen, actor=BOB, note="", reason="", undo=undo, now=now)


def edition(product: Product, edition_id: int) -> Edition:
    """An edition as it is now."""
    with product.database.reading() as session:
        return session.get_one(Edition, edition_id)


def held_editions(session: Session) -> list[Hold]:
    """Why editions are kept back that have not left."""
    held = select(Hold).join(Edition, Edition.id == Hold.edition_id).where(Edition.status.in_(UNSENT))
    return list(session.scalars(held.order_by(Hold.edition_id)))
