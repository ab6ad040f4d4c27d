"""The audit log: chains per actor and day that show any change, hold no secret, and let nobody wait for strangers."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app.admins import signin
from app.admins.audit import (
    STRANGER,
    chained_entries,
    faults_of_entry,
    first_kept_day,
    purge_audit,
    record_audit,
    record_refusal,
)
from app.admins.models import AuditAct, AuditEntry, AuditResult
from app.errors import SigninRefused
from app.product import Product
from tests.conftest import NOW
from tests.web import desk

ADA, BOB = "ada@desk.example", "bob@desk.example"


def record(product: Product, actor: str = ADA, act: AuditAct = AuditAct.EDITION_PAUSED, **said: object) -> None:
    with product.database.transaction() as session:
        record_audit(session, **{"actor": actor, "act": act, "now": NOW, **said})


def entries(product: Product) -> list[AuditEntry]:
    with product.database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def faults(product: Product) -> list[str]:
    found, before = [], None
    with product.database.reading() as session:
        for entry in session.execute(chained_entries()):
            if before is not None and (before.day, before.actor) != (entry.day, entry.actor):
                before = None
            found += list(faults_of_entry(entry, before))
            before = entry
    return found


def test_each_actor_has_a_chain_a_day(product: Product) -> None:
    for actor in (ADA, BOB, ADA):
        record(product, actor, target="edition:7")
    record(product, now=NOW + timedelta(days=1))
    rows = entries(product)
    assert [(row.actor, row.day, row.seq) for row in rows] == [
        (ADA, "2026-03-17", 1), (BOB, "2026-03-17", 1), (ADA, "2026-03-17", 2), (ADA, "2026-03-18", 1),
    ]  # fmt: skip
    assert [row.previous_hash for row in rows] == ["", "", rows[0].hash, ""]
    assert faults(product) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", BOB), ("seq", 7), ("at", NOW + timedelta(seconds=1)), ("act", "edition-resumed"), ("act", "unheard-of"),
     ("target", "edition:8"), ("result", "failed"), ("detail", None), ("previous_hash", "0" * 64), ("hash", "0" * 64),
     ("day", "2026-03-16")],
)  # fmt: skip
def test_a_change_of_any_column_shows(product: Product, column: str, value: object) -> None:
    for number in range(3):
        record(product, target=f"edition:{number}", detail="copies 3")
    assert faults(product) == []
    table = sa.table("audit_entries", sa.column("id"), sa.column(column, AuditEntry.__table__.c[column].type))
    if column in {"act", "result"}:
        table.c[column].type = sa.String()
    with product.database.transaction() as session:
        session.execute(sa.update(table).where(table.c.id == entries(product)[1].id).values({column: value}))
    assert faults(product)


@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_entry_shows(product: Product, place: int) -> None:
    for _ in range(3):
        record(product)
    with product.database.transaction() as session:
        session.execute(sa.delete(AuditEntry).where(AuditEntry.id == entries(product)[place].id))
    assert faults(product)


def test_acts_at_once_take_one_place_each(product: Product) -> None:
    threads = [threading.Thread(target=lambda: [record(product) for _ in range(5)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.seq for row in entries(product)) == list(range(1, 31))
    assert faults(product) == []


def test_an_act_that_comes_to_nothing_leaves_no_entry(product: Product) -> None:
    with product.database.transaction() as session:
        record_audit(session, actor=ADA, act=AuditAct.EDITION_PAUSED, now=NOW)
        session.rollback()
    assert entries(product) == []


def test_values_are_escaped_and_what_may_be_a_key_is_masked(product: Product) -> None:
    key = "kQ7zW1x-9_" * 5
    record(product, target="a\r\nb\x1b[2Jc\u202ed\u200be", detail=f"/sign-in/short1?x {key} {'é' * 50} " + "y z " * 300)
    [row] = entries(product)
    assert row.target == "a\\u000d\\u000ab\\u001b[2Jc\\u202ed\\u200be"
    assert row.detail.startswith(f"/sign-in/…?x … {'é' * 50} y z")
    assert len(row.detail) == 500


def test_a_stranger_who_is_turned_away_fills_no_log(product: Product) -> None:
    def turn_away(after_s: int, target: str | None = None) -> None:
        with product.database.transaction() as session:
            record_refusal(
                session, actor=STRANGER, act=AuditAct.SIGN_IN, result=AuditResult.THROTTLED, target=target,
                now=NOW + timedelta(seconds=after_s),
            )  # fmt: skip

    for after_s in (0, 1, 59, 61):
        turn_away(after_s)
    turn_away(61, "admin:1")
    assert [(row.at - NOW).seconds for row in entries(product)] == [0, 61, 61]


def test_what_is_too_old_goes_by_whole_days(product: Product) -> None:
    for days in (0, 30, 32):
        record(product, now=NOW - timedelta(days=days))
    with product.database.transaction() as session:
        assert purge_audit(session, now=NOW, log_months=1) == 1
        assert purge_audit(session, now=NOW, log_months=1) == 0
        assert first_kept_day(session, now=NOW, log_months=1) == "2026-02-14"
    rows = entries(product)
    assert [(row.act.value, row.target, row.detail) for row in rows[2:]] == [("log-purged", "2026-02-14", "entries 1")]
    assert faults(product) == []


def test_sign_ins_are_told_apart_and_what_was_typed_is_not_kept(product: Product) -> None:
    admin_id = desk.make_admin(product)
    tries = [("hunter2 typed into the wrong field", "x", None), (desk.EMAIL, "wrong", None)]
    tries += [(desk.EMAIL, "wrong", "5-known")] * 7 + [(desk.EMAIL, desk.PASSWORD, None)]
    for email, password, browser in tries:
        try:
            signin.sign_in(product.database, email=email, password=password, network="192.0.2.1/32", browser=browser,
                           agent="", key="k" * 32, now=NOW)  # fmt: skip
        except SigninRefused:
            continue
    rows = [(row.actor, row.target, row.result.value) for row in entries(product)]
    assert rows[0] == (STRANGER, None, "failed")
    assert rows[1] == (STRANGER, f"admin:{admin_id}", "failed")
    assert rows.count((STRANGER, f"admin:{admin_id}", "throttled")) == 1
    assert "hunter2" not in str([vars(row) for row in entries(product)])
