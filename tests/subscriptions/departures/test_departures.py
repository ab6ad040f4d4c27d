"""The journal of departures: what stands in it, what a kill does to it, and what it does not do."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.product import Product
from app.subscriptions.archive import archive_left
from app.subscriptions.departures.journal import (
    Entry,
    Journal,
    begin_journal,
    count_lines_before,
    drop_lines_before,
    find_journals,
)
from app.subscriptions.departures.models import Departure, DepartureJournal
from app.subscriptions.departures.recording import Keeper
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import Suppression
from app.subscriptions.rights.acts import accept_objection, lift_restriction, restrict
from app.subscriptions.suppression import address_hmac, is_suppressed, suppress
from tests import dumps, make
from tests.conftest import NOW

ENTRY = Entry(NOW, "c" * 22, "a" * 64, 1, None)


@pytest.fixture
def keeper(product: Product) -> Keeper:
    """The keeper of the product's journal."""
    return Keeper(product.database, product.config.departures_dir, product.config.suppression_key)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal on its own."""
    return begin_journal(tmp_path / "departures", database_id="d" * 22, now=NOW)


def only_journal(keeper: Keeper) -> Journal:
    with keeper.database.reading() as session:
        row = session.scalars(select(DepartureJournal)).one()
    [journal] = find_journals(keeper.folder, row.database_id)
    return journal


def leave(keeper: Keeper, *emails: str, at: datetime = NOW) -> None:
    with keeper.database.transaction() as session:
        for email in emails:
            public_id = make.make_subscription(session, email=email, at=at - timedelta(days=1)).public_id
            unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=at)


def test_a_line_holds_no_address_and_is_known_once_it_is_on_disk(keeper: Keeper) -> None:
    leave(keeper, "alice@reader.example")
    with keeper.database.transaction() as session:
        suppress(
            session, email_key="bob@reader.example", suppression_key=keeper.suppression_key,
            reason=SuppressionReason.HARD_BOUNCE, source="dsn", now=NOW,
        )  # fmt: skip
    keeper.keep(NOW)
    journal = only_journal(keeper)
    text = journal.path.read_text()
    assert "alice" not in text
    assert "@" not in text
    assert address_hmac(keeper.suppression_key, "alice@reader.example") in text
    assert {entry.reason for _, entry in journal.entries(after=0)} == {None, SuppressionReason.HARD_BOUNCE}
    with keeper.database.reading() as session:
        assert session.scalars(select(DepartureJournal.position)).all() == [journal.end()]
        assert session.scalar(select(func.count()).select_from(Departure)) == 0
    assert journal.path.stat().st_mode & 0o077 == 0


def test_a_reader_whose_row_has_gone_since_is_found_in_the_archive(keeper: Keeper) -> None:
    keeper.keep(NOW)
    leave(keeper, "alice@reader.example")
    with keeper.database.transaction() as session:
        archive_left(session, before=NOW + timedelta(days=1), suppression_key=keeper.suppression_key, now=NOW)
    keeper.keep(NOW)
    digests = {entry.address_hmac for _, entry in only_journal(keeper).entries(after=0)}
    assert address_hmac(keeper.suppression_key, "alice@reader.example") in digests


def test_a_torn_last_line_is_dropped_by_the_next(journal: Journal) -> None:
    assert journal.append([ENTRY, ENTRY]) == 2
    with journal.path.open("ab") as file:
        file.write(ENTRY.line(3)[:-1])
    assert journal.end() == 2
    assert len(list(journal.entries(after=0))) == 2
    assert journal.count_damaged() == 0
    assert journal.append([Entry(NOW, "c" * 22, None, 1, None)]) == 3, "a shorter one"
    assert [number for number, _ in journal.entries(after=1)] == [2, 3]
    assert [json.loads(line).get("n") for line in journal.path.read_text().splitlines()] == [None, 1, 2, 3]


def test_a_damaged_line_is_told_and_hides_no_other(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    journal.append([ENTRY, ENTRY, ENTRY])
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join([*lines[:2], b"{}garbage\n", lines[3]]))
    assert [number for number, _ in journal.entries(after=0)] == [1, 3]
    assert "cannot be read" in caplog.text
    assert (journal.count_damaged(), journal.end()) == (1, 3)


def test_old_lines_go_and_the_others_keep_their_numbers(journal: Journal) -> None:
    journal.append([ENTRY, Entry(NOW + timedelta(days=2), None, "b" * 64, None, SuppressionReason.ERASED)])
    folder, day = journal.path.parent, timedelta(days=1)
    assert count_lines_before(folder, NOW + day) == (1, NOW)
    assert drop_lines_before(folder, NOW + day) == 1
    assert drop_lines_before(folder, NOW + day) == 0
    assert [number for number, _ in journal.entries(after=0)] == [2]
    assert drop_lines_before(folder, NOW + 3 * day) == 1
    assert journal.end() == 2
    assert journal.append([ENTRY]) == 3
    assert find_journals(folder, "d" * 22) == [journal]


def test_a_process_killed_between_disk_and_database_repeats_itself_harmlessly(keeper: Keeper) -> None:
    keeper.keep(NOW)
    leave(keeper, "alice@reader.example")
    only_journal(keeper).append([entry for _, entry in keeper._next()])
    keeper.keep(NOW)
    with keeper.database.reading() as session:
        assert session.scalars(select(Subscription.status)).all() == [SubscriptionStatus.UNSUBSCRIBED]
        assert session.scalar(select(DepartureJournal.position)) == only_journal(keeper).end()


def test_a_reader_who_changed_their_address_is_found_by_their_chain(keeper: Keeper) -> None:
    """The dump has the address from before."""
    keeper.keep(NOW)
    leave(keeper, "new@reader.example")
    keeper.keep(NOW)
    with keeper.database.transaction() as session:
        session.execute(update(Subscriber).values(email_key="old@reader.example"))
        session.execute(update(Subscription).values(status=SubscriptionStatus.CONFIRMED, unsubscribed_at=None))
        session.execute(update(DepartureJournal).values(position=0))
    assert keeper.would_replay().left == 1
    assert keeper.catch_up(NOW).left == 1


def test_an_address_without_a_reader_is_suppressed_again(keeper: Keeper) -> None:
    keeper.keep(NOW)
    digest = address_hmac(keeper.suppression_key, "gone@reader.example")
    only_journal(keeper).append([Entry(NOW, None, digest, None, SuppressionReason.COMPLAINT)])
    assert keeper.catch_up(NOW).suppressed == 1
    with keeper.database.reading() as session:
        assert is_suppressed(session, email_key="gone@reader.example", suppression_key=keeper.suppression_key)


def test_restrictions_and_their_ends_outlive_a_restore(keeper: Keeper, product: Product, tmp_path: Path) -> None:
    """GDPR art. 18(2): a restored database would use the data again."""
    with product.database.transaction() as session:
        begun, ended, both = (
            make.make_subscription(session, email=f"{name}@reader.example").subscriber_id for name in ("a", "b", "c")
        )
        change_use(session, keeper, ended, at=NOW)
    keeper.keep(NOW)
    dumped = dumps.dump(product, tmp_path / "dump")
    with product.database.transaction() as session:
        for reader in (begun, ended, both, both):
            change_use(session, keeper, reader, at=NOW)
    keeper.keep(NOW)
    dumps.restore(product, dumped)
    assert keeper.would_replay().restricted == 2
    assert keeper.catch_up(NOW).restricted == 2
    assert restricted(keeper) == {begun: True, ended: False, both: False}


def test_a_journal_that_begins_has_the_restrictions_there_are(keeper: Keeper) -> None:
    with keeper.database.transaction() as session:
        reader = make.make_subscription(session).subscriber_id
        change_use(session, keeper, reader, at=NOW)
        session.execute(delete(Departure))
    keeper.keep(NOW)
    with keeper.database.transaction() as session:
        session.execute(update(Subscriber).values(restricted_at=None))
        session.execute(update(DepartureJournal).values(position=0))
    assert keeper.catch_up(NOW).restricted == 1
    assert restricted(keeper) == {reader: True}


def change_use(session: Session, keeper: Keeper, subscriber_id: int, *, at: datetime) -> None:
    """Restrict the use of a reader's data, or lift that."""
    page = ConsentMethod.DATA_PAGE
    if session.get_one(Subscriber, subscriber_id).restricted_at is None:
        restrict(session, subscriber_id=subscriber_id, method=page, now=at)
    else:
        key = keeper.suppression_key
        lift_restriction(session, subscriber_id=subscriber_id, method=page, suppression_key=key, now=at)


def restricted(keeper: Keeper) -> dict[int, bool]:
    """Whether the use of each reader's data is restricted, and all of their subscriptions withheld for it."""
    with keeper.database.reading() as session:
        rows = session.execute(
            select(Subscriber.id, Subscriber.restricted_at, Subscription.is_withheld).join(Subscription)
        )
        found = {key: (at is not None, is_withheld) for key, at, is_withheld in rows}
    assert all(one is other for one, other in found.values())
    return {key: one for key, (one, _) in found.items()}


def test_an_objection_ends_the_subscriptions_of_a_restored_database_too(
    keeper: Keeper, product: Product, tmp_path: Path
) -> None:
    """Whoever confirms one newsletter anew is not to get the others that they objected to."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
    keeper.keep(NOW)
    dumped = dumps.dump(product, tmp_path / "dump")
    with product.database.transaction() as session:
        accept_objection(
            session, subscriber_id=subscription.subscriber_id, method=ConsentMethod.DATA_PAGE,
            suppression_key=keeper.suppression_key, now=NOW,
        )  # fmt: skip
    keeper.keep(NOW)
    dumps.restore(product, dumped)
    assert keeper.catch_up(NOW).left == 1
    with keeper.database.reading() as session:
        assert session.scalars(select(Subscription.status)).all() == [SubscriptionStatus.UNSUBSCRIBED]


def test_a_held_reader_who_refused_is_not_asked_again_after_a_restore(
    keeper: Keeper, product: Product, tmp_path: Path
) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, status=SubscriptionStatus.PENDING)
        subscription.status = SubscriptionStatus.HELD
        public_id = subscription.public_id
    keeper.keep(NOW)
    dumped = dumps.dump(product, tmp_path / "dump")
    with product.database.transaction() as session:
        unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW)
    keeper.keep(NOW)
    dumps.restore(product, dumped)
    assert keeper.catch_up(NOW).left == 1
    with keeper.database.reading() as session:
        assert session.scalars(select(Subscriber.id)).all() == []


def test_a_stronger_reason_stands_after_a_restore_as_it_did_before(
    keeper: Keeper, product: Product, tmp_path: Path
) -> None:
    """A dead mailbox may ask anew; whoever complained of us may not be asked."""
    reasons = (SuppressionReason.SOFT_BOUNCES, SuppressionReason.COMPLAINT)
    with product.database.transaction() as session:
        make.make_subscription(session, email="alice@reader.example")
        block(session, keeper, reasons[0])
    keeper.keep(NOW)
    dumped = dumps.dump(product, tmp_path / "dump")
    with product.database.transaction() as session:
        block(session, keeper, reasons[1])
    keeper.keep(NOW)
    dumps.restore(product, dumped)
    assert keeper.would_replay().suppressed == 2
    assert keeper.catch_up(NOW).suppressed == 2
    with keeper.database.reading() as session:
        assert set(session.scalars(select(Suppression.reason))) == {SuppressionReason.COMPLAINT}


def block(session: Session, keeper: Keeper, reason: SuppressionReason) -> None:
    """Suppress the address of a reader, and one without."""
    for email in ("alice@reader.example", "gone@reader.example"):
        key = keeper.suppression_key
        suppress(session, email_key=email, suppression_key=key, reason=reason, source="test", now=NOW)
