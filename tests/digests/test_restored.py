"""After a restore nothing leaves by itself that may have left since the dump."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admins.models import AuditEntry
from app.choices.choices import Cadence, Timing
from app.cli.acts import system_actor
from app.clock import now
from app.delivery.models import Delivery, DeliveryHold
from app.digests.restored import find_leaving, keep_from_leaving
from app.digests.schedule import install_schedules, run_due_schedules
from app.editions.lines import Compilation, CompileOutcome, Schedule
from app.editions.models import Edition, EditionStatus
from app.errors import TransitionRefused
from app.gate.models import Approval, ApprovalState
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.signup import add_subscriber
from tests import make
from tests.cli.test_steering import ask
from tests.digests.readers import make_reader
from tests.editions.press import compile_now, start
from tests.web import desk

HOUR = timedelta(hours=1)
DAILY = Timing.checked(cadence=Cadence.DAILY, hour=6, day=0, timezone="UTC")


@pytest.fixture
def schedules(product: Product) -> list[int]:
    """The usual schedules, and those of a rhythm that a reader chose, whose periods came an hour ago."""
    with product.database.transaction() as session:
        install_schedules(session, product.config, now())
        make_reader(session, "daily", now=now(), timing=DAILY)
        make.make_article(session, added_at=now() - 2 * HOUR)
        due = session.scalars(select(Schedule).order_by(Schedule.id)).all()
        for schedule in due:
            schedule.next_run_at = now() - HOUR
        return [schedule.id for schedule in due]


def settle(app: Flask, *options: str) -> dict[str, list[int]]:
    done = app.test_cli_runner().invoke(args=["restore", "settle", "--json", *options])
    assert done.exit_code == 0
    told: dict[str, list[int]] = json.loads(done.output)
    return told


def run(product: Product) -> list[Compilation]:
    return run_due_schedules(product.database, now=now(), config=product.config, links=product.links)


def test_periods_that_came_since_the_dump_are_left_out(app: Flask, product: Product, schedules: list[int]) -> None:
    before = desk.everything(product.database)
    assert settle(app, "--dry-run")["schedules_moved_on"] == schedules
    assert desk.everything(product.database) == before
    assert settle(app)["schedules_moved_on"] == schedules
    assert run(product) == []
    with product.database.reading() as session:
        missed = session.execute(select(Compilation.schedule_id, Compilation.outcome).order_by(Compilation.id)).all()
        assert all(each > now() for each in session.scalars(select(Schedule.next_run_at)))
        assert session.scalars(select(Delivery)).all() == []
    assert missed == [(each, CompileOutcome.MISSED) for each in schedules]


def test_a_stopped_schedule_is_left_alone(app: Flask, product: Product, schedules: list[int]) -> None:
    with product.database.transaction() as session:
        session.get_one(Schedule, schedules[0]).is_active = False
    assert settle(app)["schedules_moved_on"] == schedules[1:]


def test_what_another_process_began_meanwhile_is_refused(product: Product, schedules: list[int]) -> None:
    with product.database.reading() as session:
        leaving = find_leaving(session, now())
    run(product)
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        keep_from_leaving(session, leaving, actor="ada", now=now())


def test_copies_that_wait_are_held_and_the_page_says_why(app: Flask, product: Product, client: FlaskClient) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    edition_id = desk.make_draft(product)
    with product.database.transaction() as session:
        start(session, product, session.get_one(Edition, edition_id), now=now())
    assert settle(app, "--dry-run")["editions_paused"] == [edition_id]
    assert desk.edition(product, edition_id).status is EditionStatus.SENDING
    assert settle(app)["editions_paused"] == [edition_id]
    with product.database.reading() as session:
        assert session.get(DeliveryHold, edition_id) is not None
    page = client.get(f"/admin/editions/{edition_id}").text
    assert "The database was restored" in page
    assert system_actor() in page


def test_what_would_start_by_itself_does_not(app: Flask, product: Product) -> None:
    """A digest that was compiled and not started, and an edition that was approved."""
    desk.make_admin(product)
    approved = desk.make_draft(product)
    ask(product, approved)
    assert app.test_cli_runner().invoke(args=["editions", "approve", str(approved), "--yes"]).exit_code == 0
    with product.database.transaction() as session:
        make.make_article(session, link="https://wire.example/late", added_at=now())
        compiled = compile_now(session, now=now(), is_automatic=True).edition_id
    told = settle(app)
    assert (told["digests_called_off"], told["editions_made_drafts"]) == ([compiled], [approved])
    assert desk.edition(product, compiled).status is EditionStatus.CANCELLED
    assert desk.edition(product, approved).status is EditionStatus.DRAFT
    with product.database.reading() as session:
        assert session.scalars(select(Approval.state)).all() == [ApprovalState.STOPPED]
        acts = session.scalars(select(AuditEntry.act).where(AuditEntry.detail == "after a restore"))
        assert {act.value for act in acts} == {"edition-cancelled", "edition-stopped"}


def test_a_second_run_does_nothing(app: Flask, product: Product, schedules: list[int]) -> None:
    edition_id = desk.make_draft(product)
    with product.database.transaction() as session:
        start(session, product, session.get_one(Edition, edition_id), now=now())
    assert any(settle(app).values())
    before = desk.everything(product.database)
    assert not any(settle(app).values())
    assert desk.everything(product.database) == before
    assert "editions_paused: none" in app.test_cli_runner().invoke(args=["restore", "settle"]).output


def test_single_letters_go_all_the_same(app: Flask, product: Product) -> None:
    with product.database.transaction() as session:
        add_subscriber(
            session, address=parse_address("ada@reader.example"), language="fr", newsletter_id=1, actor="ada",
            suppression_key=product.config.suppression_key, now=now(),
        )  # fmt: skip
    settle(app)
    with product.database.transaction() as session:
        assert len(make.copies(session, now=now())) == 1
