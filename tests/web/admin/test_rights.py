"""Readers' rights on the desk: used in a reader's name, on record, and logged with the day by which they are due."""

import json
from datetime import UTC, datetime

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.log import RightsRequest
from tests.web import desk
from tests.web.reader import EMAIL, make_reader, open_mailbox
from tests.web.visitor import counts, only


@pytest.fixture
def path(product: Product) -> str:
    """The path of a reader's rights."""
    with product.database.reading() as session:
        return f"/admin/readers/{session.get_one(Subscriber, make_reader(product)).public_id}/rights"


def last_event(product: Product) -> tuple[str, str, str | None]:
    with product.database.reading() as session:
        event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.seq.desc()).limit(1)).one()
    return event.kind.value, event.method.value, event.actor


def test_each_act_is_done_and_recorded_with_its_admin(admin: FlaskClient, product: Product, path: str) -> None:
    for act, kind in [
        ("restriction", "restricted"), ("lifting", "restriction-lifted"), ("objection", "objected"),
    ]:  # fmt: skip
        assert admin.post(f"{path}/{act}").status_code == 303
        assert last_event(product) == (kind, "admin", desk.EMAIL)
    with product.database.reading() as session:
        assert only(session).status is SubscriptionStatus.UNSUBSCRIBED
    assert admin.get(path.removesuffix("/rights")).status_code == 200


def test_the_file_for_a_letter_names_no_admin_and_its_making_is_on_record(
    admin: FlaskClient, product: Product, path: str
) -> None:
    admin.post(f"{path}/restriction")
    response = admin.post(f"{path}/export")
    held = json.loads(response.text)["held"]
    assert held["profile"][0]["email"] == EMAIL
    assert [each["kind"] for each in held["consents"]] == ["requested", "restricted", "exported"]
    assert desk.EMAIL not in response.text
    assert last_event(product) == ("exported", "admin", desk.EMAIL)


def test_the_language_of_the_letters_is_corrected(admin: FlaskClient, product: Product, path: str) -> None:
    """Who writes to us in one language gets letters in the other (GDPR art. 16)."""
    for language, status in [("de", 422), ("", 422), ("en", 303)]:
        assert admin.post(f"{path}/language", data={"letters_language": language}).status_code == status
    with product.database.reading() as session:
        assert only(session).language == "en"
    assert last_event(product) == ("language-changed", "admin", desk.EMAIL)
    assert 'value="en" checked' in admin.get(path.removesuffix("/rights")).text


def test_an_address_is_corrected_at_once_or_confirmed_by_its_owner(
    admin: FlaskClient, product: Product, path: str
) -> None:
    for email, status in [("", 422), ("alice", 422), (EMAIL.title(), 303), ("new@reader.example", 303)]:
        assert admin.post(f"{path}/address", data={"email": email}).status_code == status
    again = admin.post(f"{path}/address", data={"email": EMAIL.title()})
    assert "nothing has changed" in admin.get(again.headers["Location"]).text
    with product.database.reading() as session:
        assert session.scalars(select(Subscriber.email_key)).one() == EMAIL
    assert open_mailbox(product)["address-change"][0] == "new@reader.example"


def test_an_erasure_wants_the_address_typed(admin: FlaskClient, product: Product, path: str) -> None:
    for typed in ("", "yes", "bob@reader.example"):
        refused = admin.post(f"{path}/erasure", data={"email": typed})
        assert refused.status_code == 422
        assert 'id="typed-error"' in refused.text
    assert counts(product)["subscribers"] == 1
    assert admin.post(f"{path}/erasure", data={"email": f" {EMAIL.upper()} "}).status_code == 303
    assert counts(product)["subscribers"] == 0
    assert last_event(product) == ("erased", "admin", desk.EMAIL)
    assert admin.get(path.removesuffix("/rights")).status_code == 404


def test_a_request_is_logged_extended_and_answered(admin: FlaskClient, product: Product, path: str) -> None:
    data = {"kind": "erasure", "email": EMAIL.upper(), "received_on": "2026-03-17", "note": "by\0 post", "due_on": "x"}
    with time_machine.travel(datetime(2026, 4, 1, tzinfo=UTC), tick=False):
        desk.sign_in(admin)
        assert admin.post("/admin/readers/requests", data=data).status_code == 303
        page = admin.get("/admin/readers/requests").text
        assert EMAIL in page
        assert "17\u00a0April\u00a02026" in page
        with product.database.reading() as session:
            request = session.scalars(select(RightsRequest)).one()
        assert (request.note, request.actor) == ("by post", desk.EMAIL)
        assert admin.post(f"/admin/readers/requests/{request.id}/extension").status_code == 303
        assert "17\u00a0June\u00a02026" in admin.get("/admin/readers/requests").text
        assert admin.post(f"/admin/readers/requests/{request.id}/extension").status_code == 409
    with time_machine.travel(datetime(2026, 6, 18, tzinfo=UTC), tick=False):
        desk.sign_in(admin)
        assert "Overdue" in admin.get("/admin/readers/requests").text
        admin.post(f"/admin/readers/requests/{request.id}/answer")
        assert "Overdue" not in admin.get("/admin/readers/requests").text
        assert admin.post("/admin/readers/requests/99/answer").status_code == 404


@pytest.mark.parametrize(
    "data",
    [{}, {"kind": "revenge"}, {"received_on": "tomorrow"}, {"received_on": "9999-12-31"}, {"reference": " "},
     {"email": "nobody@reader.example"}, {"email": "nobody"}, {"note": "x" * 501}],
)  # fmt: skip
def test_what_is_no_request_is_asked_for_again(admin: FlaskClient, product: Product, data: dict[str, str]) -> None:
    good = {"kind": "access", "received_on": "2026-03-17", "reference": "file 12"}
    assert admin.post("/admin/readers/requests", data={**good, **data} if data else {}).status_code == 422
    assert counts(product)["rights_requests"] == 0
