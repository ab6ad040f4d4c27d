"""Answering and steering editions on the command line, each with its entry in the audit log."""

import json

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.admins.models import AuditEntry
from app.cli.acts import system_actor
from app.clock import now
from app.editions.draft import fingerprint
from app.editions.models import Edition, EditionStatus
from app.gate.approvals import ask_approval
from app.gate.findings import Finding, What
from app.gate.looking import look_at, read_sight
from app.gate.probing import ProbeKind, edition_subject, keep_probe
from app.product import Product
from tests.web import desk


@pytest.fixture
def draft(app: Flask, product: Product) -> int:
    """A draft that somebody at the desk asks for approval of."""
    desk.make_admin(product)
    edition_id = desk.make_draft(product)
    ask(product, edition_id)
    return edition_id


def ask(product: Product, edition_id: int) -> None:
    with product.database.reading() as session:
        sight = read_sight(session, session.get_one(Edition, edition_id), config=product.config, now=now())
    look = look_at(sight, config=product.config, links=product.links, now=now())
    with product.database.transaction() as session:
        ask_approval(session, look, actor=desk.EMAIL, note="À relire", reason="", now=now())


def run(app: Flask, *args: object) -> Result:
    return app.test_cli_runner().invoke(args=["editions", *(str(each) for each in args)])


def acts(product: Product) -> list[tuple[str, str, str | None]]:
    with product.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.actor, row.act.value, row.detail) for row in rows if row.target and "edition" in row.target]


def test_a_publisher_answers_and_steers_without_a_browser(app: Flask, product: Product, draft: int) -> None:
    def status() -> EditionStatus:
        return desk.edition(product, draft).status

    unsure = app.test_cli_runner().invoke(args=["editions", "approve", str(draft)], input="n\n")
    assert (unsure.exit_code, "2 readers" in unsure.output, status()) == (1, True, EditionStatus.DRAFT)
    assert run(app, "decline", draft).exit_code != 0, "a note is needed"
    assert run(app, "decline", draft, "--note", "Titre faux").exit_code == 0
    ask(product, draft)
    assert run(app, "approve", draft, "--yes").exit_code == 0
    assert status() is EditionStatus.SCHEDULED
    assert run(app, "stop", draft).exit_code == 0
    assert status() is EditionStatus.DRAFT
    assert run(app, "send", draft, "--yes").exit_code == 0
    assert run(app, "pause", draft).exit_code == 0
    assert status() is EditionStatus.PAUSED
    assert run(app, "resume", draft).exit_code == 0
    assert "2 copies" in run(app, "cancel", draft, "--yes").output
    assert status() is EditionStatus.CANCELLED
    names = ["approval-declined", "approval-given", "edition-stopped", "edition-started", "edition-paused",
             "edition-resumed", "edition-cancelled"]  # fmt: skip
    assert [act for _, act, _ in acts(product)] == names
    assert {actor for actor, _, _ in acts(product)} == {system_actor()}


def test_what_fails_since_wants_a_reason(app: Flask, product: Product, draft: int) -> None:
    with product.database.transaction() as session:
        subject = edition_subject(draft, fingerprint(session.get_one(Edition, draft)))
        keep_probe(session, ProbeKind.LINKS, subject, [Finding(What.LINK_DEAD, "https://wire.example/fr/0")], now=now())
    refused = run(app, "approve", draft, "--yes")
    assert (refused.exit_code, "https://wire.example/fr/0" in refused.output) == (1, True)
    assert run(app, "approve", draft, "--yes", "--override", "It is back at noon").exit_code == 0
    assert acts(product)[0][1:] == ("edition-overridden", "link-dead: It is back at noon")


def test_what_nobody_asked_for_or_is_over_is_refused(app: Flask, product: Product) -> None:
    edition_id = desk.make_draft(product)
    for act in (["approve", "--yes"], ["decline", "--note", "Non"], ["stop"], ["pause"], ["resume"]):
        assert run(app, act[0], edition_id, *act[1:]).exit_code == 1, act
    assert run(app, "stop", 99).exit_code == 1
    assert acts(product) == []


def test_show_has_the_titles_of_the_letter(app: Flask, product: Product, draft: int) -> None:
    with product.database.transaction() as session:
        session.get_one(Edition, draft).items[0].title = "Le titre de la lettre"
    items = json.loads(run(app, "show", draft, "--json").output)["items"]
    assert items[0]["title"] == "Le titre de la lettre"
