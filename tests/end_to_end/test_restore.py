"""Real dumps, restored: whoever departed after the dump is not mailed again, and who was erased is not stored."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from app.cli.database import upgrade_database
from app.cli.running import await_departures
from app.clock import now
from app.delivery.endings import Withheld
from app.editions.audience import start_edition
from app.editions.compose import read_manuscript, set_letter
from app.editions.copies import EDITION, edition_letters
from app.errors import TransitionRefused
from app.jobs.schedule import keep_departures
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.departures.models import DepartureJournal
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.imports import Newcomer, Provenance, import_readers
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.signup import add_subscriber
from app.subscriptions.suppression import suppress
from tests import dumps, make
from tests.web import desk

ERASED, LEFT, COMPLAINED, STAYS = (f"{name}@reader.example" for name in ("erased", "left", "complained", "stays"))


@pytest.fixture
def runner(app_without_tables: Flask) -> FlaskCliRunner:
    """A shell on a database that `flask db upgrade` has made."""
    with app_without_tables.app_context():
        upgrade_database()
    return app_without_tables.test_cli_runner()


@pytest.fixture
def product(app_without_tables: Flask, runner: FlaskCliRunner) -> Product:
    """The product, with four readers and an edition that waits to be sent to them."""
    product: Product = app_without_tables.extensions["vigie"]
    with product.database.transaction() as session:
        for email in (ERASED, LEFT, COMPLAINED, STAYS):
            make.make_subscription(session, email=email, at=now() - timedelta(days=2))
    assert start(product, desk.make_draft(product, readers=0)) == 4
    return product


def start(product: Product, edition_id: int) -> int:
    """Start a draft; how many readers it goes to."""
    with product.database.reading() as session:
        manuscript = read_manuscript(session, edition_id=edition_id, now=now())
    letter = set_letter(manuscript, config=product.config, links=product.links, now=now())
    with product.database.transaction() as session:
        return start_edition(session, letter=letter, actor="ada", now=now())


def test_nobody_who_departed_since_the_dump_is_mailed(
    app_without_tables: Flask, product: Product, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    dumped = dumps.dump(product, tmp_path / "dump")
    assert going(product) == {ERASED, LEFT, COMPLAINED, STAYS}
    depart(product)
    keep_departures(product)
    assert runner.invoke(args=["restore", "status"]).exit_code == 0

    dumps.restore(product, dumped)
    assert going(product) == {ERASED, LEFT, COMPLAINED, STAYS}, "a restore alone forgets"
    assert runner.invoke(args=["restore", "status"]).exit_code == 1
    told = json.loads(runner.invoke(args=["restore", "replay", "--dry-run", "--json"]).output)
    assert (told["erased"], told["withheld"], told["left"], told["suppressed"]) == (1, 1, 1, 2)
    assert going(product) == {ERASED, LEFT, COMPLAINED, STAYS}, "a dry run changes nothing"
    with app_without_tables.app_context():
        upgrade_database()
    assert going(product) == {STAYS}
    assert addresses(product) == {LEFT, COMPLAINED, STAYS}
    assert events(product) == {(LEFT, "unsubscribed"), (COMPLAINED, "suppressed"), ("", "erased")}
    assert runner.invoke(args=["restore", "status"]).exit_code == 0
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        add_subscriber(
            session, address=parse_address(ERASED.upper()), language="fr", newsletter_id=1, actor="ada",
            suppression_key=product.config.suppression_key, now=now(),
        )  # fmt: skip


def test_who_was_erased_imported_and_restored_is_still_not_mailed(
    app_without_tables: Flask, product: Product, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    """A list that names them all, with proof of consent, before the restore and after it."""
    dumped = dumps.dump(product, tmp_path / "dump")
    depart(product)
    assert bring_along(product) == {"suppressed": 2, "known": 2}
    keep_departures(product)
    dumps.restore(product, dumped)
    with app_without_tables.app_context():
        upgrade_database()
    assert bring_along(product) == {"suppressed": 2, "known": 2}
    assert going(product) == {STAYS}
    assert start(product, desk.make_draft(product, readers=0, tag="next")) == 1


def bring_along(product: Product) -> dict[str, int]:
    """Import all four readers with proof of consent; return what became of them."""
    proof = Provenance("subscription form of the old site", now() - timedelta(days=400))
    newcomers = [Newcomer(parse_address(email), "fr", proof) for email in (ERASED, LEFT, COMPLAINED, STAYS)]
    with product.database.transaction() as session:
        arrivals = import_readers(
            session, newcomers, newsletter_id=1, actor="ada", suppression_key=product.config.suppression_key, now=now()
        )
    return Counter(arrival.value for arrival in arrivals)


def test_a_restored_database_hears_of_them_at_the_start_of_each_process_and_once(
    product: Product, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    dumped = dumps.dump(product, tmp_path / "dump")
    depart(product)
    keep_departures(product)
    dumps.restore(product, dumped)
    await_departures(product)
    assert going(product) == {STAYS}
    before = desk.everything(product.database)
    await_departures(product)
    assert desk.everything(product.database) == before
    dumps.restore(product, dumped)
    keep_departures(product)
    assert going(product) == {STAYS}


def test_a_dump_from_before_the_journal_was_moved_is_caught_up_with_too(
    product: Product, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    """A journal that is lost begins anew with all departures there are; an older dump does not know it at all."""
    dumped = dumps.dump(product, tmp_path / "dump")
    depart(product)
    keep_departures(product)
    for path in product.config.departures_dir.glob("*.jsonl"):
        path.unlink()
    assert runner.invoke(args=["restore", "status"]).exit_code == 1
    keep_departures(product)
    dumps.restore(product, dumped)
    keep_departures(product)
    assert going(product) == {STAYS}


def test_the_journal_of_another_database_is_left_alone(product: Product, tmp_path: Path) -> None:
    depart(product)
    keep_departures(product)
    with product.database.transaction() as session:
        for row in session.scalars(select(DepartureJournal)):
            session.delete(row)
        make.make_subscription(session, email=ERASED)
    files = set(product.config.departures_dir.glob("*.jsonl"))
    keep_departures(product)
    assert set(product.config.departures_dir.glob("*.jsonl")) > files
    assert ERASED in addresses(product)


def test_who_came_back_after_leaving_is_not_unsubscribed(product: Product, tmp_path: Path) -> None:
    """The dump holds the newer consent; the line is older than it."""
    with product.database.transaction() as session:
        end(session, LEFT)
    keep_departures(product)
    with product.database.transaction() as session:
        subscription = subscription_of(session, LEFT)
        subscription.request(now(), "fr")
        subscription.confirm(now())
        for row in session.scalars(select(DepartureJournal)):
            row.position = 0
    await_departures(product)
    with product.database.reading() as session:
        assert subscription_of(session, LEFT).status is SubscriptionStatus.CONFIRMED


def depart(product: Product) -> None:
    """One is erased, one leaves, one complains."""
    with product.database.transaction() as session:
        erase_reader(
            session, subscriber_id=subscription_of(session, ERASED).subscriber_id, method=ConsentMethod.ADMIN,
            suppression_key=product.config.suppression_key, now=now(),
        )  # fmt: skip
        end(session, LEFT)
        suppress(
            session, email_key=COMPLAINED, suppression_key=product.config.suppression_key,
            reason=SuppressionReason.COMPLAINT, source="arf", now=now(),
        )  # fmt: skip


def end(session, email: str) -> None:
    public_id = subscription_of(session, email).public_id
    unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=now())


def subscription_of(session, email: str) -> Subscription:
    return session.scalars(select(Subscription).join(Subscriber).where(Subscriber.email_key == email)).one()


def going(product: Product) -> set[str]:
    """To whom the copies that wait would go at this moment; nothing is kept of the claim."""
    with product.database.transaction() as session, session.begin_nested() as unkept:
        claimed = make.copies(session, now=now())
        made = edition_letters(product.config, product.links)[EDITION](session, claimed) if claimed else []
        unkept.rollback()
    return {each.recipient for each in made if not isinstance(each, Withheld)}


def addresses(product: Product) -> set[str]:
    with product.database.reading() as session:
        return set(session.scalars(select(Subscriber.email)))


def events(product: Product) -> set[tuple[str, str]]:
    """What replays recorded, and of whom."""
    query = (
        select(Subscriber.email, ConsentEvent.kind)
        .select_from(ConsentEvent)
        .outerjoin(Subscriber, Subscriber.chain_id == ConsentEvent.chain_id)
        .where(ConsentEvent.method == ConsentMethod.RESTORE)
    )
    with product.database.reading() as session:
        return {(email or "", ConsentKind(kind).value) for email, kind in session.execute(query)}
