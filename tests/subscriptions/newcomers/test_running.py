"""Imports in the background: looked through, interrupted, gone on with; each row once, nobody revived."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.digests.newsletters import close_newsletter, open_newsletter
from app.errors import InputRefused, TransitionRefused
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus, SuppressionReason
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers import running
from app.subscriptions.newcomers.columns import Column
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.imports import Provenance
from app.subscriptions.newcomers.models import Import, ImportStatus
from app.subscriptions.newcomers.planning import Plan, add_import, cancel_import, hold_import, start_check, start_import
from app.subscriptions.newcomers.raw import read_layout
from app.subscriptions.newcomers.running import LEASE, Workshop, work_on
from app.subscriptions.records import ConsentEvent
from app.subscriptions.suppression import suppress
from tests import make
from tests.conftest import NOW
from tests.web.desk import everything

PROOF = Provenance("old site", NOW - timedelta(days=30))


def shop_of(product: Product, tmp_path: Path, *, at: datetime = NOW, max_rows: int = 1_000) -> Workshop:
    return Workshop(
        product.database, ImportFiles(tmp_path / "imports"), product.config.suppression_key, max_rows, lambda: at,
        lambda _session, _done: None,
    )  # fmt: skip


def received(product: Product, tmp_path: Path, lines: list[str], *, proof: Provenance | None = PROOF) -> int:
    """A list that was handed in, to be looked through."""
    path = tmp_path / "given.csv"
    path.write_text("email,language\n" + "".join(f"{line}\n" for line in lines))
    files, layout = ImportFiles(tmp_path / "imports"), read_layout(path)
    with path.open("rb") as upload:
        kept = files.receive(upload, max_bytes=1_000_000)
    with product.database.transaction() as session:
        added = add_import(
            session, newsletter_id=1, name="given.csv", size_bytes=kept.stat().st_size, layout=layout, language="fr",
            actor="ada", reported_in="en", now=NOW,
        )  # fmt: skip
        plan = Plan({Column.EMAIL: 0, Column.LANGUAGE: 1}, "fr", proof)
        start_check(session, added, plan, now=NOW)
        files.keep(kept, added.id)
    return added.id


def checked(product: Product, tmp_path: Path, lines: list[str], *, proof: Provenance | None = PROOF) -> int:
    import_id = received(product, tmp_path, lines, proof=proof)
    assert work_on(shop_of(product, tmp_path), import_id, owner="check")
    with product.database.transaction() as session:
        start_import(session, hold_import(session, import_id))
    return import_id


def state_of(product: Product, import_id: int) -> Import:
    with product.database.reading() as session:
        return session.get_one(Import, import_id)


def count(product: Product, *tables: type[Subscriber | Subscription | ConsentEvent]) -> list[int]:
    with product.database.reading() as session:
        return [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


def addresses(number: int) -> list[str]:
    return [f"r{each}@reader.example," for each in range(number)]


def test_who_is_interrupted_gives_the_lease_back(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    import_id = received(product, tmp_path, addresses(4))
    times = iter([NOW, NOW, NOW])

    def at() -> datetime:
        for time in times:
            return time
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_on(replace(shop_of(product, tmp_path), now=at), import_id, owner="one")
    assert state_of(product, import_id).owner is None
    assert state_of(product, import_id).line == 2
    assert work_on(shop_of(product, tmp_path), import_id, owner="two")


def test_a_list_that_is_looked_through_adds_nobody(product: Product, tmp_path: Path) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email="known@reader.example", status=SubscriptionStatus.UNSUBSCRIBED)
        suppress(
            session, email_key="gone@reader.example", suppression_key=product.config.suppression_key,
            reason=SuppressionReason.COMPLAINT, source="test", now=NOW,
        )  # fmt: skip
    lines = [
        "known@reader.example,",
        "gone@reader.example,",
        "new@reader.example,en",
        "new@reader.example,",
        "x,",
        "y,fr",
    ]
    import_id = received(product, tmp_path, lines)
    before = everything(product.database, but={"imports"})
    assert work_on(shop_of(product, tmp_path), import_id, owner="check")
    assert everything(product.database, but={"imports"}) == before
    found = state_of(product, import_id)
    assert found.status is ImportStatus.CHECKED
    assert found.counts == {"subscribed": 1, "known": 2, "suppressed": 1, "refused": 2}
    assert found.shown == [[6, "email", "address"], [7, "email", "address"]]


def test_what_came_of_each_row_is_in_the_report_without_an_address(product: Product, tmp_path: Path) -> None:
    lines = ["a@reader.example,", "a@reader.example,", "=cmd,", "zoé@reader.example,xx"]
    import_id = checked(product, tmp_path, lines, proof=None)
    shop = shop_of(product, tmp_path)
    assert work_on(shop, import_id, owner="one")
    assert state_of(product, import_id).status is ImportStatus.DONE
    report = shop.files.report_of(import_id).read_text("utf-8-sig").splitlines()
    assert [line.split(",")[:3] for line in report] == [
        ["Line", "Outcome", "Column"], ["2", "Held for want of proof", ""], ["3", "Known already", ""],
        ["4", "Refused", "E-mail address"], ["5", "Refused", "Language"],
    ]  # fmt: skip
    assert not any("a@" in line or "cmd" in line for line in report)
    assert not shop.files.list_of(import_id).exists()


class Killed(Exception):
    """Stands for SIGKILL: nothing after it runs."""


@contextmanager
def killed_in_the_batch(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kill the process in the middle of a transaction, when its rows and its report are written and not committed."""
    counted = iter(range(1, 1_000))
    real = running.append_report

    def append_and_die(*args: object, **options: object) -> int:
        size = real(*args, **options)  # type: ignore[arg-type]
        if next(counted) == number:
            raise Killed
        return size

    with monkeypatch.context() as patch:
        patch.setattr(running, "append_report", append_and_die)
        with pytest.raises(Killed):
            yield


def test_after_a_kill_each_row_is_taken_once(product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 10)
    lines = [*addresses(33), "bad row,", *addresses(3)]
    import_id = checked(product, tmp_path, lines)
    with killed_in_the_batch(3, monkeypatch):
        work_on(shop_of(product, tmp_path), import_id, owner="killed")
    assert count(product, Subscriber, Subscription, ConsentEvent) == [19, 19, 19]
    assert not work_on(shop_of(product, tmp_path), import_id, owner="too soon"), "its lease goes on"
    assert work_on(shop_of(product, tmp_path, at=NOW + LEASE), import_id, owner="next")
    assert count(product, Subscriber, Subscription, ConsentEvent) == [33, 33, 33]
    found = state_of(product, import_id)
    assert (found.status, found.counts) == (ImportStatus.DONE, {"subscribed": 33, "refused": 1, "known": 3})
    report = ImportFiles(tmp_path / "imports").report_of(import_id).read_text("utf-8-sig").splitlines()
    assert len(report) == 1 + 1 + 3
    with product.database.reading() as session:
        events = session.scalars(sa.select(ConsentEvent)).all()
    assert all(event.hash == make.event_hash(event) for event in events)


def test_an_import_rests_when_its_time_is_over_and_goes_on(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 10)
    import_id = checked(product, tmp_path, addresses(25))
    for expected in (9, 19, 25):
        assert work_on(shop_of(product, tmp_path), import_id, owner=f"run {expected}", limit_s=0.0) is True
        assert count(product, Subscriber) == [expected]


def test_a_cancelled_import_keeps_who_was_added(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 10)
    import_id = checked(product, tmp_path, addresses(25))
    work_on(shop_of(product, tmp_path), import_id, owner="one", limit_s=0.0)
    with product.database.transaction() as session:
        cancel_import(session, hold_import(session, import_id), now=NOW)
    assert not work_on(shop_of(product, tmp_path), import_id, owner="two")
    assert count(product, Subscriber) == [9]


def test_an_import_rests_while_its_newsletter_is_closed(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 10)
    import_id = checked(product, tmp_path, addresses(25))
    calls = iter(range(100))

    def close_in_the_second_batch() -> datetime:
        if next(calls) == 3:  # to claim it, to read its rows, and for each batch
            with product.database.transaction() as session:
                close_newsletter(session, newsletter_id=1, now=NOW)
        return NOW

    shop = replace(shop_of(product, tmp_path), now=close_in_the_second_batch)
    assert work_on(shop, import_id, owner="one")
    assert not work_on(shop, import_id, owner="two")
    assert (count(product, Subscriber), state_of(product, import_id).status) == ([9], ImportStatus.IMPORTING)
    with product.database.transaction() as session:
        open_newsletter(session, newsletter_id=1)
    assert work_on(shop, import_id, owner="three")
    assert (count(product, Subscriber), state_of(product, import_id).status) == ([25], ImportStatus.DONE)


def test_more_rows_than_the_settings_allow_are_refused_before_any_is_added(product: Product, tmp_path: Path) -> None:
    import_id = received(product, tmp_path, addresses(11))
    shop = shop_of(product, tmp_path, max_rows=10)
    assert work_on(shop, import_id, owner="one")
    assert state_of(product, import_id).status is ImportStatus.REFUSED
    assert not shop.files.list_of(import_id).exists()


def test_nothing_is_imported_unread(product: Product, tmp_path: Path) -> None:
    import_id = received(product, tmp_path, addresses(1))
    with product.database.transaction() as session, pytest.raises(TransitionRefused):
        start_import(session, hold_import(session, import_id))


@pytest.mark.parametrize(
    "change", [{"places": {}}, {"places": {Column.EMAIL: 9}}, {"places": {Column.EMAIL: 0, Column.SOURCE: 0}},
               {"language": "de"}, {"provenance": Provenance("x", NOW + timedelta(days=1))}],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(product: Product, tmp_path: Path, change: dict[str, object]) -> None:
    import_id = received(product, tmp_path, addresses(1))
    plan = replace(Plan({Column.EMAIL: 0}, "fr", PROOF), **change)  # type: ignore[arg-type]
    with product.database.transaction() as session, pytest.raises(InputRefused):
        start_check(session, _held(session, import_id), plan, now=NOW)


def _held(session: Session, import_id: int) -> Import:
    return hold_import(session, import_id)


@pytest.mark.parametrize(("content", "max_bytes"), [(b"", 10), (b"x" * 11, 10)])
def test_a_file_that_is_empty_or_too_large_leaves_nothing(tmp_path: Path, content: bytes, max_bytes: int) -> None:
    (tmp_path / "upload").write_bytes(content)
    files = ImportFiles(tmp_path / "imports")
    with (tmp_path / "upload").open("rb") as upload, pytest.raises(InputRefused):
        files.receive(upload, max_bytes=max_bytes)
    assert list((tmp_path / "imports").iterdir()) == []
