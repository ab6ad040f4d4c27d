"""The first rows of a trial: two feeds of our own, and an admin who can sign in."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from app.admins.audit import record_audit
from app.admins.models import Admin, AuditAct, Role
from app.admins.signin import awaits_first_admin, create_admin, make_signin_link
from app.articles.intake import fetch_due
from app.articles.models import Source
from app.articles.sources import add_source
from app.clock import now
from app.product import Product

FEEDS = Path(__file__).resolve().parent / "feeds"
FIRST_ADMIN = "desk@newsletter.example"
LINK_LIFE = timedelta(hours=1)


def seed_sources(product: Product) -> None:
    """Add and fetch the bundled feeds where there is no source yet, so that there is something to send."""
    with product.database.transaction() as session:
        if session.scalar(select(func.count()).select_from(Source)):
            return
        for path in sorted(FEEDS.glob("*.xml")):
            add_source(session, location=str(path), language=path.stem, name=None, now=now())
    fetch_due(product.database, settings=product.config.fetch, now=now)


def make_first_admin(product: Product, *, actor: str) -> str | None:
    """Return a one-time sign-in link while nobody has chosen a password, on record as `actor`'s; else None."""
    with product.database.transaction() as session:
        if not awaits_first_admin(session):
            return None
        admin = session.scalars(select(Admin).order_by(Admin.id)).first()
        if admin is None:
            admin = create_admin(session, email=FIRST_ADMIN, language="fr", role=Role.ADMIN, now=now())
        secret = make_signin_link(session, admin=admin, now=now(), life=LINK_LIFE)
        act, target = AuditAct.ADMIN_ADDED, f"admin:{admin.id}"
        record_audit(session, actor=actor, act=act, target=target, detail="sign-in link", now=now())
    return product.links.sign_in(secret)
