"""What a trial begins with."""

from sqlalchemy import select

from app.admins.models import AuditEntry
from app.demo.seeding import make_first_admin
from app.product import Product
from tests.web import desk


def told(product: Product) -> list[tuple[str, str, str | None]]:
    with product.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.actor, row.act.value, row.target) for row in rows]


def test_the_first_admin_and_each_of_their_links_are_on_record(product: Product) -> None:
    links = {make_first_admin(product, actor="cli:deploy") for _ in range(2)}
    assert len(links - {None}) == 2
    assert told(product) == [("cli:deploy", "admin-added", "admin:1")] * 2


def test_where_somebody_has_a_password_there_is_no_link(product: Product) -> None:
    desk.make_admin(product)
    assert make_first_admin(product, actor="cli:deploy") is None
    assert told(product) == []
