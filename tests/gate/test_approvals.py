"""Two people: who may agree, what makes an approval void, and that what was approved starts once."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import AuditAct, Role
from app.admins.signin import add_admin
from app.articles.sheet import Sheet, rewrite_article
from app.db import Database
from app.delivery.endings import Withheld
from app.delivery.models import Chunk, Delivery
from app.editions.draft import move_entry
from app.editions.embargo import set_embargo
from app.editions.events import events_of
from app.editions.history import undo
from app.editions.models import Edition, EditionStatus
from app.editions.records import EditionAct
from app.errors import ApprovalRefused, EditionChanged, GateClosed, InputRefused, TransitionRefused
from app.gate.approvals import (
    APPROVAL,
    approve,
    ask_approval,
    checked_note,
    decline,
    stop_scheduled,
)
from app.gate.letters import approval_letters
from app.gate.models import Approval, ApprovalState, Override
from app.gate.starting import start_approved, start_looked_at
from app.newsletters.models import Newsletter
from app.product import Product
from tests.conftest import NOW
from tests.gate.house import ADA, BOB, edition, held_editions, look, make_edition, schedule
from tests.make import copies, newsletter

LATER = NOW + timedelta(minutes=10)
SHEET = Sheet(
    "fr", "Câble 5 $", "Le câble est coupé.", "https://press.example/cable", "Le câble est coupé depuis hier."
)
UNDO = timedelta(minutes=10)


def ask(product: Product, edition_id: int, *, reason: str = "") -> None:
    with product.database.transaction() as session:
        seen = look(product, edition_id)
        ask_approval(session, seen, actor=ADA, note="À relire", reason=reason, shown=seen.blocking, now=NOW)


def agree(product: Product, edition_id: int, *, actor: str = BOB) -> None:
    with product.database.transaction() as session:
        approve(session, look(product, edition_id), actor=actor, note="", reason="", undo=UNDO, now=NOW)


def start_due(product: Product, now=LATER) -> list[int]:
    return list(start_approved(product.database, now=now, config=product.config, links=product.links))


def state(product: Product) -> ApprovalState:
    with product.database.reading() as session:
        return session.scalars(select(Approval).order_by(Approval.id.desc()).limit(1)).one().state


def acts(product: Product, edition_id: int) -> list[EditionAct]:
    with product.database.reading() as session:
        return [event.act for event in reversed(events_of(session, edition_id))]


def queued(product: Product) -> int:
    with product.database.reading() as session:
        rows = select(Delivery).join(Chunk, Chunk.id == Delivery.chunk_id).where(Chunk.kind == "edition")
        return len(session.scalars(rows).all())


def test_what_somebody_else_approved_starts_after_a_while(product: Product) -> None:
    edition_id = make_edition(product)
    ask(product, edition_id)
    agree(product, edition_id)
    assert edition(product, edition_id).status is EditionStatus.SCHEDULED
    assert start_due(product, NOW + timedelta(minutes=9)) == []
    assert start_due(product) == [edition_id]
    assert start_due(product) == []
    started = edition(product, edition_id)
    assert (started.status, started.started_by, queued(product)) == (EditionStatus.SENDING, BOB, 2)
    assert state(product) is ApprovalState.STARTED
    assert acts(product, edition_id) == [EditionAct.APPROVAL_ASKED, EditionAct.APPROVED]


def test_whoever_asked_or_changed_it_last_cannot_approve(product: Product) -> None:
    edition_id = make_edition(product)
    ask(product, edition_id)
    with pytest.raises(ApprovalRefused):
        agree(product, edition_id, actor=ADA.upper())
    with product.database.transaction() as session:
        for actor in ("carl@desk.example", BOB):
            target = f"edition:{edition_id}"
            record_audit(session, actor=actor, act=AuditAct.EDITION_CHANGED, target=target, now=NOW)
    with pytest.raises(ApprovalRefused):
        agree(product, edition_id)
    agree(product, edition_id, actor="carl@desk.example")


def test_a_change_makes_it_void(product: Product) -> None:
    edition_id = make_edition(product)
    ask(product, edition_id)
    with product.database.transaction() as session:
        item = session.get_one(Edition, edition_id).items[0].article_id
        move_entry(session, edition_id=edition_id, entry=str(item), by=1)
    with pytest.raises(EditionChanged):
        agree(product, edition_id)
    ask(product, edition_id)
    agree(product, edition_id)
    with product.database.reading() as session:
        states = [each.state for each in session.scalars(select(Approval).order_by(Approval.id))]
    assert states == [ApprovalState.VOID, ApprovalState.APPROVED]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("timezone", "Asia/Tokyo"),
        ("sender", "desk@newsletter.example"),
        ("reply_to", "desk@elsewhere.example"),
        ("name", "Les câbles"),
        ("description", "Tout ce qui passe par la mer."),
    ],
)
def test_another_word_clock_or_address_of_the_newsletter_keeps_it_back(
    product: Product, column: str, value: str
) -> None:
    edition_id = make_edition(product)
    schedule(product, edition_id)
    with product.database.transaction() as session:
        changed = newsletter(session)
        setattr(changed if hasattr(changed, column) else changed.in_language("fr"), column, value)
    assert start_due(product) == []
    assert (edition(product, edition_id).status, queued(product)) == (EditionStatus.DRAFT, 0)


def test_a_scheduled_edition_cannot_be_edited_and_a_new_text_of_an_article_keeps_it_back(product: Product) -> None:
    edition_id = make_edition(product)
    schedule(product, edition_id)
    with product.database.transaction() as session:
        found = session.get_one(Edition, edition_id)
        with pytest.raises(TransitionRefused):
            move_entry(session, edition_id=edition_id, entry=str(found.items[0].article_id), by=1)
        found.items[0].article.revision += 1
    assert start_due(product) == []
    assert edition(product, edition_id).status is EditionStatus.DRAFT
    assert state(product) is ApprovalState.VOID
    assert queued(product) == 0
    with product.database.reading() as session:
        assert [hold.edition_id for hold in held_editions(session)] == [edition_id]


@pytest.mark.parametrize(
    "sheet",
    [
        replace(SHEET, summary="Le câble n’est pas coupé."),
        replace(SHEET, link="https://elsewhere.example/"),
        replace(SHEET, title="Câble: -5 €"),
    ],
    ids=["summary", "link", "signs"],
)
def test_what_an_editor_changes_of_an_article_makes_an_approval_of_its_edition_void(
    product: Product, sheet: Sheet
) -> None:
    """None of this is a revision of the article, whose readers are told of a correction: they see it all the same."""
    edition_id = make_edition(product)
    with product.database.transaction() as session:
        article = session.get_one(Edition, edition_id).items[0].article
        article.source_id = None
        rewrite_article(session, article_id=article.id, sheet=SHEET, revision=article.revision, now=NOW)
    schedule(product, edition_id)
    with product.database.transaction() as session:
        article = session.get_one(Edition, edition_id).items[0].article
        before = article.revision
        rewrite_article(session, article_id=article.id, sheet=sheet, revision=before, now=NOW)
        assert article.revision == before
    assert start_due(product) == []
    assert (edition(product, edition_id).status, state(product)) == (EditionStatus.DRAFT, ApprovalState.VOID)


def test_an_embargo_on_an_article_of_a_scheduled_edition_makes_it_a_draft(product: Product) -> None:
    edition_id = make_edition(product)
    schedule(product, edition_id)
    with product.database.transaction() as session:
        article_id = session.get_one(Edition, edition_id).items[0].article_id
        taken = set_embargo(session, article_id=article_id, until=NOW + timedelta(days=1), actor=ADA, now=NOW)
    assert taken == [edition_id]
    assert edition(product, edition_id).status is EditionStatus.DRAFT
    assert start_due(product) == []
    ask(product, edition_id)
    agree(product, edition_id)
    assert start_due(product) == [edition_id]


def test_an_edition_that_is_again_what_was_approved_can_be_asked_for_again(product: Product) -> None:
    """An embargo came between, and ended."""
    edition_id = make_edition(product)
    schedule(product, edition_id)
    approved = look(product, edition_id).fingerprint
    with product.database.transaction() as session:
        article_id = session.get_one(Edition, edition_id).items[0].article_id
        for until in (NOW + timedelta(days=1), None):
            set_embargo(session, article_id=article_id, until=until, actor=ADA, now=NOW)
        undo(session, edition_id=edition_id, seen=session.get_one(Edition, edition_id).revision, actor=ADA, now=NOW)
    assert look(product, edition_id).fingerprint == approved
    ask(product, edition_id)
    agree(product, edition_id)
    assert start_due(product) == [edition_id]


def test_only_the_first_of_two_answers_counts(product: Product) -> None:
    edition_id = make_edition(product)
    ask(product, edition_id)
    agree(product, edition_id)
    with pytest.raises(TransitionRefused):
        agree(product, edition_id, actor="carl@desk.example")
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        decline(session, edition_id=edition_id, actor="carl@desk.example", note="Non", now=NOW)
    with pytest.raises(TransitionRefused):
        ask(product, edition_id)


def test_a_note_keeps_the_spaces_that_french_is_typed_with(product: Product) -> None:
    assert checked_note("À relire\u00a0: les 10\u202f000 marins\u200b du 5\u00a0mars\n") == (
        "À relire\u00a0: les 10\u202f000 marins du 5\u00a0mars"
    )


def test_declining_wants_a_word_and_leaves_a_draft(product: Product) -> None:
    edition_id = make_edition(product)
    ask(product, edition_id)
    with pytest.raises(InputRefused), product.database.transaction() as session:
        decline(session, edition_id=edition_id, actor=BOB, note=" ", now=NOW)
    with product.database.transaction() as session:
        decline(session, edition_id=edition_id, actor=BOB, note="Titre faux", now=NOW)
    assert (edition(product, edition_id).status, state(product)) == (EditionStatus.DRAFT, ApprovalState.DECLINED)
    ask(product, edition_id)


def test_it_can_be_stopped_until_it_starts(product: Product) -> None:
    edition_id = make_edition(product)
    schedule(product, edition_id)
    with product.database.transaction() as session:
        stop_scheduled(session, edition_id=edition_id, actor="carl@desk.example", now=LATER)
    assert start_due(product) == []
    assert (edition(product, edition_id).status, state(product)) == (EditionStatus.DRAFT, ApprovalState.STOPPED)
    schedule(product, edition_id)
    assert start_due(product) == [edition_id]
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        stop_scheduled(session, edition_id=edition_id, actor=ADA, now=LATER)


def test_an_approval_that_was_stopped_starts_nothing_for_the_one_that_followed(product: Product) -> None:
    """Between the scheduler's two looks somebody stops the edition, and it is approved anew, as it stands."""
    edition_id = make_edition(product)
    schedule(product, edition_id)

    class SecondThoughts(Database):
        """A database in which that happens before the first transaction."""

        @contextmanager
        def transaction(self) -> Iterator[Session]:
            with product.database.transaction() as session:
                stop_scheduled(session, edition_id=edition_id, actor=ADA, now=LATER)
            schedule(product, edition_id, now=LATER)
            with super().transaction() as session:
                yield session

    database = SecondThoughts(product.config.database_url)
    try:
        assert start_approved(database, now=LATER, config=product.config, links=product.links) == []
    finally:
        database.dispose()
    assert (edition(product, edition_id).status, queued(product)) == (EditionStatus.SCHEDULED, 0)
    assert start_due(product, LATER + UNDO) == [edition_id]


def test_a_newsletter_may_want_it_for_each_edition(product: Product) -> None:
    edition_id = make_edition(product)
    with product.database.transaction() as session:
        session.scalars(select(Newsletter)).one().needs_approval = True
    with pytest.raises(ApprovalRefused), product.database.transaction() as session:
        start_looked_at(session, look(product, edition_id), actor=ADA, config=product.config, now=NOW)
    schedule(product, edition_id)
    assert start_due(product) == [edition_id]


def spoil(product: Product, edition_id: int) -> None:
    with product.database.transaction() as session:
        session.get_one(Edition, edition_id).introduction = "[x](https://example.com/)"


def test_a_failure_wants_a_reason_which_goes_with_the_approval(product: Product) -> None:
    edition_id = make_edition(product)
    spoil(product, edition_id)
    with pytest.raises(GateClosed):
        ask(product, edition_id)
    with pytest.raises(InputRefused):
        ask(product, edition_id, reason="because")
    ask(product, edition_id, reason="It is what the article says")
    agree(product, edition_id)
    assert start_due(product) == [edition_id]
    with product.database.reading() as session:
        [override] = session.scalars(select(Override))
        assert (override.failures, override.by) == ("link-placeholder", ADA)
        notes = [event.note for event in events_of(session, edition_id) if event.act is EditionAct.OVERRIDDEN]
    assert notes == ["link-placeholder: It is what the article says"]


def test_no_reason_helps_where_there_is_nothing_to_send(product: Product) -> None:
    edition_id = make_edition(product, readers=0)
    with pytest.raises(GateClosed), product.database.transaction() as session:
        start_looked_at(
            session, look(product, edition_id), actor=ADA, reason="Send it all the same", config=product.config, now=NOW
        )


def test_what_fails_when_its_time_has_come_keeps_it_back(product: Product) -> None:
    edition_id = make_edition(product)
    schedule(product, edition_id)
    with product.database.transaction() as session:
        session.get_one(Edition, edition_id).items[0].article.link = "https://10.0.0.1/"
    assert start_due(product) == []
    assert edition(product, edition_id).status is EditionStatus.DRAFT
    assert acts(product, edition_id)[-2:] == [EditionAct.APPROVAL_VOIDED, EditionAct.HELD]


def test_an_edition_that_starts_at_once_asks_nobody_any_more(product: Product) -> None:
    edition_id = make_edition(product)
    ask(product, edition_id)
    with product.database.transaction() as session:
        start_looked_at(session, look(product, edition_id), actor=ADA, config=product.config, now=NOW)
    assert state(product) is ApprovalState.VOID
    with product.database.transaction() as session:
        session.scalars(select(Approval)).one().state = ApprovalState.ASKED
        [copy] = [each for each in copies(session) if each.chunk.kind == APPROVAL]
        [made] = approval_letters(product.config, product.links)[APPROVAL](session, [copy])
    assert made == Withheld("nobody waits for this approval any more")


def test_the_others_get_a_letter(product: Product) -> None:
    edition_id = make_edition(product)
    ask(product, edition_id)
    with product.database.transaction() as session:
        [copy] = [each for each in copies(session) if each.chunk.kind == APPROVAL]
        [made] = approval_letters(product.config, product.links)[APPROVAL](session, [copy])
    assert copy.address == BOB
    header, body = made.write("<1@newsletter.example>", None)
    text = base64.b64decode(body).decode()
    assert f"/admin/editions/{edition_id}/send" in text
    assert "À relire" in text
    assert b"To: bob@desk.example" in header
    agree(product, edition_id)
    with product.database.reading() as session:
        [gone] = approval_letters(product.config, product.links)[APPROVAL](session, [copy])
    assert not hasattr(gone, "write")


def test_whoever_asks_gets_no_letter_however_their_address_is_written(product: Product) -> None:
    edition_id = make_edition(product)
    with product.database.transaction() as session:
        asks = add_admin(session, email="zoe@câbles.example", language="fr", role=Role.PUBLISHER, now=NOW).email
    with product.database.transaction() as session:
        ask_approval(session, look(product, edition_id), actor=asks, note="", reason="", now=NOW)
    with product.database.reading() as session:
        told = {copy.address for copy in copies(session) if copy.chunk.kind == APPROVAL}
    assert told == {ADA, BOB}
