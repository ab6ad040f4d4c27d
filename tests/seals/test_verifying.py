"""Verification finds whatever is done to the ledger behind its back."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.admins.audit import SCHEDULER, record_audit
from app.admins.models import AuditAct, AuditEntry
from app.mail.address import parse_address
from app.newsletters.models import ConsentWording, Newsletter, PrivacyPolicy, text_hash
from app.product import Product
from app.seals.documents import read_files, write_files
from app.seals.models import ConsentSeal, all_seals
from app.signing import ProofKeys
from app.subscriptions.ledger import address_hash
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.imports import Newcomer, Provenance, import_readers
from app.subscriptions.records import ConsentEvent, ConsentStub
from tests import make
from tests.conftest import KEY, NOW
from tests.seals.ledger import DAY, build, chain_of, events_of, found, place_of, raw, seal, tamper, verify

EVENT, STUB, SEAL, ENTRY = raw(ConsentEvent), raw(ConsentStub), raw(ConsentSeal), raw(AuditEntry)
PLACE, READER = raw(Subscription), raw(Subscriber)


@pytest.fixture
def ledger(product: Product) -> Product:
    build(product)
    return product


@pytest.fixture
def kept(ledger: Product, tmp_path: Path) -> Path:
    """Seals that somebody copied elsewhere."""
    with ledger.database.reading() as session:
        write_files(list(session.scalars(all_seals())), tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def seals(product: Product) -> list[ConsentSeal]:
    with product.database.reading() as session:
        return list(session.scalars(all_seals()))


def test_an_honest_ledger_has_no_problem(ledger: Product, kept: Path) -> None:
    report = verify(ledger, tuple(read_files(kept)))
    assert report.problems == []
    assert (report.chains, report.events, report.stubs, report.seals, report.files) == (4, 10, 1, 3, 3)
    assert (report.audit_entries, report.sealed_until) == (4, "2026-03-19")


def test_each_seal_adds_what_its_day_brought(ledger: Product) -> None:
    rows = [(row.day, row.chains, row.events, row.audit_entries) for row in seals(ledger)]
    assert rows == [("2026-03-17", 4, 7, 1), ("2026-03-18", 2, 2, 3), ("2026-03-19", 2, 2, 0)]


CHANGES = [
    ("chain_id", "x" * 22), ("seq", 9), ("newsletter_id", None), ("newsletter_id", 7), ("kind", "requested"),
    ("kind", "unheard-of"), ("method", "admin"), ("at", NOW + timedelta(hours=2)), ("language", "en"),
    ("wording_id", 2), ("policy_id", None), ("form_url", "https://evil.example"), ("actor", "eve"), ("detail", "x"),
    ("address_hash", "0" * 64), ("previous_hash", "0" * 64), ("hash", "0" * 64), ("subscription_id", None),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), CHANGES)
def test_a_change_of_any_column_of_an_event_shows(ledger: Product, column: str, value: object) -> None:
    chain = chain_of(ledger, "alice")
    seq = 3 if column == "subscription_id" else 2
    tamper(ledger, sa.update(EVENT).where(EVENT.c.chain_id == chain, EVENT.c.seq == seq).values({column: value}))
    assert found(ledger)


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_deleted_event_shows(ledger: Product, seq: int) -> None:
    chain = chain_of(ledger, "alice")
    tamper(ledger, sa.delete(EVENT).where(EVENT.c.chain_id == chain, EVENT.c.seq == seq))
    lines = found(ledger)
    assert any(line.startswith("seal ") and "chains of its time" in line for line in lines)
    assert "reader.example" not in "".join(lines)


def test_the_last_event_of_a_chain_cannot_go_even_unsealed(ledger: Product) -> None:
    chain = chain_of(ledger, "bob")
    tamper(ledger, sa.delete(SEAL).where(SEAL.c.day > "2026-03-18"))
    assert found(ledger) == []
    tamper(ledger, sa.delete(EVENT).where(EVENT.c.chain_id == chain, EVENT.c.seq == 4))
    assert found(ledger) == [f"chain {chain} 3: a subscription is pending, and its events say unsubscribed"]


def test_a_reader_without_their_chain_shows(ledger: Product) -> None:
    chain = chain_of(ledger, "alice")
    tamper(ledger, sa.delete(EVENT).where(EVENT.c.chain_id == chain))
    assert f"chain {chain}: a subscription is confirmed, and nothing proves it" in found(ledger)


def test_a_reader_deleted_with_their_chain_shows_in_the_seals(ledger: Product) -> None:
    chain = chain_of(ledger, "alice")
    tamper(ledger, sa.delete(Subscriber).where(Subscriber.chain_id == chain))
    assert found(ledger) == [f"chain {chain} 3: its reader is gone, and no erasure is recorded"]
    tamper(ledger, sa.delete(EVENT).where(EVENT.c.chain_id == chain))
    assert found(ledger) == [
        f"seal {day}: the chains of its time are not what was sealed" for day in ("2026-03-17", "2026-03-18")
    ]


def add_backdated(product: Product, **changes: object) -> None:
    """Add an event that fits its chain to the last sign, as of a day that is sealed."""
    last = events_of(product, chain_of(product, "alice"))[-1]
    with product.database.transaction() as session:
        values = {c.name: getattr(last, c.name) for c in ConsentEvent.__table__.c if c.name != "id"}
        values |= {"seq": last.seq + 1, "previous_hash": last.hash, "at": last.at + timedelta(minutes=1), **changes}
        event = ConsentEvent(**values)
        event.hash = make.event_hash(event)
        session.add(event)


def test_a_backdated_event_shows_in_the_seals(ledger: Product) -> None:
    add_backdated(ledger)
    assert found(ledger) == ["seal 2026-03-18: the chains of its time are not what was sealed"]


def test_an_event_of_today_is_nothing_odd(ledger: Product) -> None:
    add_backdated(ledger, at=NOW + 3 * DAY)
    assert found(ledger) == []


def test_an_event_from_the_future_shows(ledger: Product) -> None:
    add_backdated(ledger, at=NOW + 4 * DAY)
    assert "its time is yet to come" in found(ledger)[0]


def test_an_event_older_than_the_one_before_shows(ledger: Product) -> None:
    add_backdated(ledger, at=NOW + timedelta(minutes=5))
    assert any("it is older than the event before it" in line for line in found(ledger))


def test_two_events_that_changed_places_show(ledger: Product) -> None:
    chain = chain_of(ledger, "alice")
    places = {1: -1, 2: 1, -1: 2}
    for old, new in places.items():
        tamper(ledger, sa.update(EVENT).where(EVENT.c.chain_id == chain, EVENT.c.seq == old).values(seq=new))
    assert len(found(ledger)) >= 4


def test_two_chains_that_changed_readers_show(ledger: Product) -> None:
    alice, bob = chain_of(ledger, "alice"), chain_of(ledger, "bob")
    for old, new in {alice: "a" * 22, bob: alice, "a" * 22: bob}.items():
        tamper(ledger, sa.update(Subscriber).where(Subscriber.chain_id == old).values(chain_id=new))
    assert sum("its address is not that of its reader" in line for line in found(ledger)) == 2


def rewrite(product: Product, chain_id: str) -> None:
    """Rewrite a whole chain consistently: another address all along, every hash made anew."""
    previous = ""
    with product.database.transaction() as session:
        names = dict.fromkeys(("email", "email_ascii", "email_key"), "eve@x.example")
        session.execute(sa.update(Subscriber).where(Subscriber.chain_id == chain_id).values(names))
        reader = session.scalars(sa.select(Subscriber).where(Subscriber.chain_id == chain_id)).one()
        for event in session.scalars(
            sa.select(ConsentEvent).where(ConsentEvent.chain_id == chain_id).order_by(ConsentEvent.seq)
        ):
            event.address_hash = address_hash(reader.chain_salt, reader.email_key)
            event.previous_hash = previous
            previous = event.hash = make.event_hash(event)


def test_a_chain_rewritten_in_itself_shows_in_the_seals(ledger: Product) -> None:
    rewrite(ledger, chain_of(ledger, "alice"))
    assert [line[:15] for line in found(ledger)] == ["seal 2026-03-17", "seal 2026-03-18"]


def test_with_the_keys_and_all_seals_made_anew_only_a_seal_kept_elsewhere_tells(ledger: Product, kept: Path) -> None:
    rewrite(ledger, chain_of(ledger, "alice"))
    tamper(ledger, sa.delete(SEAL))
    for days in (1, 2, 3):
        seal(ledger, NOW + days * DAY)
    assert found(ledger) == []
    lines = found(ledger, tuple(read_files(kept)))
    assert "file 2026-03-17: the chains of its time are not what was sealed" in lines
    newest = found(ledger, tuple(read_files(kept / "2026-03-19.json")))
    assert newest == ["file 2026-03-19: the database has another seal of this day"]


@pytest.mark.parametrize("status", ["pending", "confirmed", "unsubscribed"])
def test_a_status_that_nobody_gave_shows(ledger: Product, status: str) -> None:
    with ledger.database.reading() as session:
        others = [name for name in ("alice", "bob") if place_of(session, name).status != status]
        ids = [place_of(session, name).id for name in others]
    for place_id in ids:
        tamper(ledger, sa.update(PLACE).where(PLACE.c.id == place_id).values(status=status))
    assert len(found(ledger)) == len(ids) - (status == "unsubscribed"), "who had left and asked anew may be purged"


def test_a_confirmation_at_another_time_shows(ledger: Product) -> None:
    with ledger.database.reading() as session:
        alice = place_of(session, "alice").id
    tamper(ledger, sa.update(PLACE).where(PLACE.c.id == alice).values(confirmed_at=NOW))
    assert "confirmed at another time" in found(ledger)[0]


READER_CHANGES = {
    "email": "eve@evil.example", "email_ascii": "eve@evil.example", "restricted_at": NOW, "chain_salt": "x" * 22,
}  # fmt: skip


@pytest.mark.parametrize("column", READER_CHANGES)
def test_letters_that_would_go_elsewhere_or_on_in_spite_of_a_restriction_show(ledger: Product, column: str) -> None:
    change = sa.update(READER).where(READER.c.email_key == "alice@reader.example")
    tamper(ledger, change.values({column: READER_CHANGES[column]}))
    assert len(found(ledger)) == 1


def test_a_reader_counted_without_their_consent_shows(ledger: Product) -> None:
    tamper(ledger, sa.update(PLACE).values(is_counted=True))
    assert {line.partition(": ")[2] for line in found(ledger)} == {
        "its reader is counted otherwise than its events say"
    }


def test_a_subscription_without_a_trace_shows(ledger: Product) -> None:
    with ledger.database.reading() as session:
        alice = place_of(session, "alice").id
    tamper(ledger, sa.delete(PLACE).where(PLACE.c.id == alice))
    assert [line.partition(": ")[2] for line in found(ledger)] == ["its subscription is gone"]


def test_a_confirmation_without_a_request_shows(ledger: Product) -> None:
    chain = chain_of(ledger, "alice")
    change = sa.update(EVENT).where(EVENT.c.chain_id == chain, EVENT.c.seq == 1)
    tamper(ledger, change.values(kind="language-changed"))
    rewrite(ledger, chain)
    assert f"chain {chain} 2: a confirmation without a request" in found(ledger)


STUB_CHANGES: list[Callable[[], sa.Executable]] = [
    lambda: sa.delete(STUB),
    lambda: sa.update(STUB).values(seq=2),
    lambda: sa.update(STUB).values(hash="0" * 64),
    lambda: sa.update(STUB).values(at=NOW + 5 * DAY),
    lambda: sa.update(STUB).values(chain_id="x" * 22),
]


@pytest.mark.parametrize("change", STUB_CHANGES)
def test_a_changed_or_missing_stub_shows(ledger: Product, change: Callable[[], sa.Executable]) -> None:
    tamper(ledger, change())
    assert found(ledger)


@pytest.mark.parametrize("table", [ConsentWording, PrivacyPolicy])
def test_an_edited_text_shows_even_with_its_hash(ledger: Product, table: type) -> None:
    name = "statement" if table is ConsentWording else "body"
    rows = raw(table)
    tamper(ledger, sa.update(rows).where(rows.c.id == 1).values({name: "[x]"}))
    assert any("its hash is not that of its words" in line for line in found(ledger))
    with ledger.database.transaction() as session:
        text = session.get_one(table, 1)
        words = (text.heading, text.statement, text.button) if table is ConsentWording else (text.body,)
        text.sha256 = text_hash(str(text.version), *words)
    assert found(ledger) == [
        f"seal 2026-03-{day}: the texts of its time are not what was sealed" for day in (17, 18, 19)
    ]


SEAL_CHANGES = {
    "since": NOW, "until": NOW, "chains": 9, "events": 9, "audit_entries": 9, "ends_digest": "0" * 64,
    "texts_digest": "0" * 64, "audit_digest": "0" * 64, "previous_digest": "0" * 64, "digest": "0" * 64,
    "key_id": "0" * 16, "signature": "A" * 88, "made_at": NOW, "day": "2026-03-01",
}  # fmt: skip


@pytest.mark.parametrize("column", SEAL_CHANGES)
def test_a_change_of_any_column_of_a_seal_shows(ledger: Product, column: str) -> None:
    change = sa.update(SEAL).where(SEAL.c.day == "2026-03-18").values({column: SEAL_CHANGES[column]})
    tamper(ledger, change)
    assert found(ledger)


@pytest.mark.parametrize("day", ["2026-03-17", "2026-03-18"])
def test_a_deleted_seal_shows(ledger: Product, day: str) -> None:
    tamper(ledger, sa.delete(SEAL).where(SEAL.c.day == day))
    assert "the seals before it are missing" in found(ledger)[0]


def test_seals_that_are_all_gone_show(ledger: Product, kept: Path) -> None:
    tamper(ledger, sa.delete(SEAL))
    assert found(ledger) == ["seals: none was ever made"]
    assert "file 2026-03-19: the database has no seal of this day" in found(ledger, tuple(read_files(kept)))


def test_seals_signed_with_another_key_show(ledger: Product) -> None:
    tamper(ledger, sa.delete(SEAL))
    eve = ProofKeys((KEY + "-eve",))
    from app.seals.making import make_due_seals

    for days in (1, 2, 3):
        make_due_seals(ledger.database, keys=eve, now=NOW + days * DAY)
    assert [line.partition(": ")[2] for line in found(ledger)] == ["it is signed with a key that is not ours"] * 3


def test_a_changed_audit_entry_shows_here_too(ledger: Product) -> None:
    tamper(ledger, sa.update(ENTRY).where(ENTRY.c.id == 2).values(actor="eve@desk.example"))
    lines = found(ledger)
    assert "seal 2026-03-18: the audit entries of its time are not what was sealed" in lines
    assert "desk.example" not in "".join(lines)


def test_an_audit_chain_deleted_whole_shows_in_its_seal(ledger: Product) -> None:
    tamper(ledger, sa.delete(ENTRY).where(ENTRY.c.day == "2026-03-18"))
    assert len(found(ledger)) == 1


def test_a_purge_that_was_not_due_shows_though_the_log_tells_of_it(ledger: Product) -> None:
    late = NOW + 40 * DAY
    seal(ledger, late)
    assert verify(ledger, at=late).problems == []
    tamper(ledger, sa.delete(ENTRY).where(ENTRY.c.day == "2026-03-18"))
    with ledger.database.transaction() as session:
        record_audit(session, actor=SCHEDULER, act=AuditAct.LOG_PURGED, target="2026-03-20", now=late)
    assert [str(problem) for problem in verify(ledger, at=late).problems] == [
        "seal 2026-03-18: the audit entries of its time are not what was sealed"
    ]


@pytest.mark.parametrize(
    "change", [{"chains": 3}, {"digest": "0" * 64}, {"made_at": "x"}, {"signature": None}, {"audit_entries": "x"}]
)
def test_a_changed_file_shows(ledger: Product, kept: Path, change: dict[str, object]) -> None:
    path = kept / "2026-03-18.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert found(ledger, tuple(read_files(path)))


def bring_along(product: Product) -> None:
    """Erin is imported with proof, Frank without."""
    proof = Provenance("the fair of 2025", NOW - 300 * DAY)
    comers = [
        Newcomer(parse_address("erin@reader.example"), "fr", proof),
        Newcomer(parse_address("frank@reader.example"), "fr", None),
    ]
    with product.database.transaction() as session:
        newsletter_id = session.scalars(sa.select(Newsletter.id)).one()
        import_readers(session, comers, newsletter_id=newsletter_id, actor="cli", suppression_key="k", now=NOW)


def test_imported_readers_are_what_their_import_says(product: Product) -> None:
    bring_along(product)
    build(product)
    assert found(product) == []
    with product.database.reading() as session:
        erin, frank = (place_of(session, name).id for name in ("erin", "frank"))
    tamper(product, sa.update(PLACE).where(PLACE.c.id == frank).values(status="confirmed", confirmed_at=NOW))
    tamper(product, sa.update(PLACE).where(PLACE.c.id == erin).values(confirmed_at=NOW))
    assert sorted(line.partition(": ")[2] for line in found(product)) == [
        "a subscription is confirmed, and its events say held",
        "a subscription was confirmed at another time than its events say",
    ]
