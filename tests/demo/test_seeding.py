"""What a trial begins with."""

from pathlib import Path

import pytest
from sqlalchemy import select

from app import create_app
from app.admins.models import Admin, AuditEntry
from app.cli.running import print_places
from app.demo.seeding import FIRST_ADMIN, make_first_admin
from app.product import Product
from tests.conftest import make_config
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


@pytest.mark.parametrize(("environ", "is_trial"), [({}, True), ({"MAIL_SERVER": "127.0.0.1"}, False)])
def test_only_a_trial_has_an_admin_of_its_own(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], environ: dict[str, str], is_trial: bool
) -> None:
    app = create_app(make_config(database_url, tmp_path, **environ))
    product: Product = app.extensions["vigie"]
    print_places(product)
    told = capsys.readouterr().out
    assert ("Sign in once" in told, "flask admins add ADDRESS" in told) == (is_trial, not is_trial)
    with product.database.reading() as session:
        assert session.scalars(select(Admin.email)).all() == ([FIRST_ADMIN] if is_trial else [])
    desk.make_admin(product)
    print_places(product)
    told = capsys.readouterr().out
    assert ("Sign in once" in told, "flask admins add ADDRESS" in told) == (False, False)
    product.database.dispose()
