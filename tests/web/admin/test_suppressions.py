"""What the desk tells of what came back, and what an admin may do about it."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admins.models import AuditAct, AuditEntry
from app.feedback.models import EventState, FeedbackEvent
from app.feedback.notices import NoticeKind
from app.product import Product
from app.subscriptions.kinds import ConsentKind, SuppressionReason
from app.subscriptions.models import Subscriber
from app.subscriptions.records import ConsentEvent, Suppression
from tests.feedback.house import notice, reader_with_copy, suppression_of, tell
from tests.feedback.test_spikes import copies_to, return_dead
from tests.web import desk

ALICE = "alice@reader.example"


def reader_page(admin: FlaskClient, product: Product) -> str:
    with product.database.reading() as session:
        event = session.scalars(select(FeedbackEvent).limit(1)).one()
        public_id = session.get_one(Subscriber, event.subscriber_id).public_id
    return admin.get(f"/admin/readers/{public_id}").text


def test_the_readers_page_tells_what_came_back(admin: FlaskClient, product: Product) -> None:
    said = "550 5.1.1 <alice@reader.example> User unknown"
    tell(product, notice(NoticeKind.HARD, reader_with_copy(product), status="5.1.1", diagnostic=said))
    page = reader_page(admin, product)
    for words in ("Address dead", "a delivery report", "User unknown", "The address is dead", "may subscribe anew",
                  "Not mailed any more", "Returned mail"):  # fmt: skip
        assert words in page
    assert "Lift it" not in page


def test_a_complaint_is_lifted_with_a_reason_and_nobody_is_mailed_for_that(
    admin: FlaskClient, product: Product
) -> None:
    tell(product, notice(NoticeKind.COMPLAINT, reader_with_copy(product), source="arf"))
    assert "Lift it" in reader_page(admin, product)
    assert admin.post("/admin/suppressions/lift", data={"address": ALICE, "note": " "}).status_code == 422
    assert admin.post("/admin/suppressions/lift", data={"address": ALICE, "note": "by mistake"}).status_code == 303
    with product.database.reading() as session:
        found = suppression_of(session)
        assert found is not None
        assert (found.lifted_by, found.note, found.may_ask) == (desk.EMAIL, "by mistake", True)
        last = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc()).limit(1)).one()
        assert (last.kind, last.actor, last.detail) == (ConsentKind.LIFTED, desk.EMAIL, "complaint")
    page = reader_page(admin, product)
    assert "by mistake" in page
    assert "Lift it" not in page
    assert admin.post("/admin/suppressions/lift", data={"address": ALICE, "note": "again"}).status_code == 409
    assert admin.post("/admin/suppressions/lift", data={"address": "x@y.example", "note": "n"}).status_code == 404


def test_an_address_is_found_by_its_hash_alone_and_can_be_closed(admin: FlaskClient, product: Product) -> None:
    find = "/admin/suppressions/find"
    assert "is not suppressed" in admin.post(find, data={"address": "Bob@Reader.example"}).text
    assert admin.post(find, data={"address": "nobody"}).status_code == 422
    for data, status in (({"address": "nobody", "note": "n"}, 422), ({"address": "bob@reader.example"}, 422)):
        assert admin.post("/admin/suppressions", data=data).status_code == status
    closed = {"address": "bob@reader.example", "note": "asked by letter"}
    assert admin.post("/admin/suppressions", data=closed).status_code == 303
    assert "asked by letter" in admin.post(find, data={"address": "BOB@reader.example"}).text
    with product.database.reading() as session:
        kept = session.scalars(select(Suppression)).one()
        assert kept.reason is SuppressionReason.ADMIN
        assert "bob" not in repr(vars(kept))
    listed = admin.get("/admin/suppressions?reason=admin").text
    assert "asked by letter" in listed
    assert "bob@" not in listed
    assert "asked by letter" not in admin.get("/admin/suppressions?reason=complaint").text


@pytest.mark.parametrize(("act", "state"), [("apply", EventState.APPROVED), ("discard", EventState.DISCARDED)])
def test_a_held_spike_is_shown_and_decided(admin: FlaskClient, product: Product, act: str, state: EventState) -> None:
    return_dead(product, copies_to(product, "gmail.com", 25))
    for path in ("/admin/", "/admin/suppressions"):
        assert "gmail.com calls 25 addresses dead" in admin.get(path).text
    answer = admin.post(f"/admin/suppressions/spike/{act}", data={"provider": "gmail.com"})
    assert answer.status_code == 303
    assert "calls 25" not in admin.get("/admin/").text
    with product.database.reading() as session:
        assert set(session.scalars(select(FeedbackEvent.state))) == {state}


def test_a_spike_that_was_decided_meanwhile_is_not_decided_again(admin: FlaskClient, product: Product) -> None:
    return_dead(product, copies_to(product, "gmail.com", 25))
    gmail = {"provider": "gmail.com"}
    assert admin.post("/admin/suppressions/spike/discard", data=gmail).status_code == 303
    assert admin.post("/admin/suppressions/spike/apply", data=gmail).status_code == 409
    with product.database.reading() as session:
        assert AuditAct.SPIKE_APPLIED not in session.scalars(select(AuditEntry.act)).all()
