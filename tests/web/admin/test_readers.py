from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.admins.models import AuditAct, AuditEntry
from app.clock import now
from app.editions.models import Edition
from app.newsletters.models import current_policy, current_wording
from app.product import Product
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.models import Subscriber
from tests import make
from tests.conftest import NOW, ON_SQLITE
from tests.editions.press import start
from tests.web import desk


@pytest.fixture
def admin(client: FlaskClient, product: Product) -> FlaskClient:
    desk.make_admin(product)
    desk.sign_in(client)
    with product.database.transaction() as session:
        make.make_subscription(session, email="alice@reader.example")
        make.make_subscription(session, email="100%@reader.example", status=SubscriptionStatus.PENDING)
        make.make_subscription(session, email="b_ob@elsewhere.example", status=SubscriptionStatus.UNSUBSCRIBED)
    return client


def found(admin: FlaskClient, **query: str) -> set[str]:
    page = admin.get("/admin/readers", query_string=query)
    assert page.status_code == 200
    return {name for name in ("alice@", "100%@", "b_ob@") if f">{name}" in page.text}


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", {"alice@", "100%@", "b_ob@"}),
        ("ALICE", {"alice@"}),
        (" alice@reader.example ", {"alice@"}),
        ("reader.example", set()),
        ("100%", {"100%@"}),
        ("%", set()),
        ("b_", {"b_ob@"}),
        ("_", set()),
        ("al%ce", set()),
        ("\\", set()),
        ("' OR 1=1 --", set()),
        ("alice\0", {"alice@"}),
        ("x" * 5000, set()),
    ],
)
def test_readers_are_found_by_how_their_address_begins(admin: FlaskClient, search: str, expected: set[str]) -> None:
    assert found(admin, q=search) == expected


def test_readers_are_found_by_status(admin: FlaskClient) -> None:
    assert found(admin, status="pending") == {"100%@"}
    assert found(admin, status="confirmed", q="a") == {"alice@"}
    assert found(admin, status="nonsense") == {"alice@", "100%@", "b_ob@"}


@ON_SQLITE
def test_nobody_waits_to_write_while_readers_are_searched(admin: FlaskClient, product: Product) -> None:
    statements: list[str] = []
    sa.event.listen(product.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for path in ("/admin/readers?q=a", "/admin/readers?status=confirmed"):
        statements.clear()
        assert admin.get(path).status_code == 200
        begun = statements.index("BEGIN IMMEDIATE")
        assert any("subscriptions" in each for each in statements[:begun])
        assert not any("subscriptions" in each for each in statements[begun:])


def test_a_search_goes_on_from_page_to_page(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for number in range(60):
            make.make_subscription(session, email=f"many{number}@reader.example")
    page = admin.get("/admin/readers?q=many&status=confirmed").text
    link = page.partition('class="older"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "q=many" in link
    assert admin.get(link).text.count(">many") == 10
    newest = admin.get("/admin/readers?status=confirmed").text
    link = newest.partition('class="older"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    rest = admin.get(link).text
    assert newest.count(">many") + rest.count(">many") + rest.count(">alice@") == 61


def test_a_search_whose_last_reader_was_erased_meanwhile_is_not_over(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for number in range(60):
            make.make_subscription(session, email=f"many{number:02}@reader.example")
    page = admin.get("/admin/readers?q=many").text
    link = page.partition('class="older"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    with product.database.transaction() as session:
        last = session.scalars(sa.select(Subscriber).where(Subscriber.email_key == "many49@reader.example")).one()
        session.delete(last)
    assert "many00@" in admin.get(link).text


def test_a_filter_is_saved_used_and_dropped(admin: FlaskClient) -> None:
    for data in ({"name": "All"}, {"name": " ", "status": "pending"}, {"name": "x" * 61, "status": "pending"}):
        assert admin.post("/admin/readers/filters", data=data).status_code == 422
    saved = admin.post("/admin/readers/filters", data={"name": "Not yet", "status": "pending", "q": "alice"})
    assert (saved.status_code, "q=" in saved.location) == (303, False)
    assert 'href="/admin/readers?status=pending" aria-current="true">Not yet' in admin.get(saved.location).text
    assert admin.post("/admin/readers/filters/1/end").status_code == 303
    assert admin.post("/admin/readers/filters/1/end").status_code == 404
    assert "Not yet<" not in admin.get("/admin/readers").text


def test_the_readers_of_a_filter_are_taken_out_and_that_is_on_record(admin: FlaskClient, product: Product) -> None:
    answer = admin.post("/admin/readers/export", data={"status": "unsubscribed"})
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert [line.split(",")[:2] for line in answer.text.splitlines()] == [
        ["email", "status"], ["b_ob@elsewhere.example", "unsubscribed"],
    ]  # fmt: skip
    with product.database.reading() as session:
        entry = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.act, entry.detail) == (AuditAct.READERS_EXPORTED, "status")


def test_a_reader_who_asked_is_added_and_must_confirm(admin: FlaskClient, product: Product) -> None:
    for email in ("", "nobody", "alice@reader.example"):
        refused = admin.post("/admin/readers/new", data={"email": email, "letters_language": "en"})
        assert (refused.status_code, 'id="email-error"' in refused.text) == (422, True)
    assert admin.post("/admin/readers/new", data={"email": "new@reader.example"}).status_code == 303
    with product.database.reading() as session:
        assert make.letters(session) == ["confirmation"]


def test_a_reader_is_mailed_no_more_for_a_reason(admin: FlaskClient, product: Product) -> None:
    with product.database.reading() as session:
        public_id = session.scalars(sa.select(Subscriber.public_id).where(Subscriber.email.like("alice%"))).one()
    path = f"/admin/readers/{public_id}/suppression"
    assert 'id="close-note-error"' in admin.post(path, data={"note": " "}).text
    assert admin.post(path, data={"note": "asked by phone"}).status_code == 303
    page = admin.get(f"/admin/readers/{public_id}").text
    assert "This address is not mailed" in page
    assert "asked by phone" in page


def test_what_is_kept_of_a_reader_is_shown(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email="zoe@reader.example")
        act = Act(
            kind=ConsentKind.REQUESTED,
            method=ConsentMethod.EMBEDDED_FORM,
            at=NOW,
            language="fr",
            wording_id=session.scalars(current_wording(1, "fr")).one().id,
            policy_id=session.scalars(current_policy("fr")).one().id,
            form_url="https://journal.example/cables",
        )
        record_act(session, subscription, act)
        public_id = subscription.subscriber.public_id
    page = admin.get(f"/admin/readers/{public_id}").text
    for words in ("zoe@reader.example", "Form under an article", "form 1, policy 1", "https://journal.example/cables"):
        assert words in page


def test_a_day_that_a_list_brought_shows_no_hour(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        listed = make.make_subscription(session, email="zoe@reader.example", at=datetime(2026, 3, 1, tzinfo=UTC))
        public_id = listed.subscriber.public_id
    for path in (f"/admin/readers/{public_id}", "/admin/readers?q=zoe"):
        page = admin.get(path).text
        assert page.count('"2026-03-01T00:00:00+00:00">1\u00a0Mar</time>') == 2


def test_no_line_of_a_french_subject_begins_with_its_colon(admin: FlaskClient, product: Product) -> None:
    edition_id = desk.make_draft(product, readers=1)
    with product.database.transaction() as session:
        edition = session.get_one(Edition, edition_id)
        edition.subject = "Alerte : un câble"
        session.flush()
        start(session, product, edition, now=now())
        public_id = session.scalars(sa.select(Subscriber.public_id).where(Subscriber.email.like("reader0@%"))).one()
    assert '<span lang="fr">Alerte\u00a0: un câble</span>' in admin.get(f"/admin/readers/{public_id}").text


@pytest.mark.parametrize("public_id", ["x", "0" * 22, "' OR ''='", "%00", "1"])
def test_an_unknown_reader_is_not_found(admin: FlaskClient, public_id: str) -> None:
    assert admin.get(f"/admin/readers/{quote(public_id)}").status_code == 404
