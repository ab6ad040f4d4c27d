import re
import threading

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.clock import now
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.editions.audience import finish_editions
from app.editions.models import EditionStatus
from app.product import Product
from tests import make
from tests.web import desk


@pytest.fixture
def draft(product: Product) -> int:
    return desk.make_draft(product, articles=3, readers=4)


def second_look(admin: FlaskClient, edition_id: int) -> dict[str, str]:
    """What the page that asks once more would send, its box ticked."""
    page = admin.get(f"/admin/editions/{edition_id}/send").text
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert seen is not None
    return {"seen": seen[1], "confirmed": "yes"}


def copies(product: Product, kind: str = "edition") -> list[Delivery]:
    with product.database.reading() as session:
        rows = sa.select(Delivery).join(Chunk, Chunk.id == Delivery.chunk_id).where(Chunk.kind == kind)
        return list(session.scalars(rows))


def settle(product: Product, state: DeliveryState, number: int) -> None:
    """Settle some waiting copies, as the sender would."""
    with product.database.transaction() as session:
        make.settle_copies(session, state, number, now=now())


def test_the_second_look_shows_the_letter_and_how_many_get_it(admin: FlaskClient, product: Product, draft: int) -> None:
    page = admin.get(f"/admin/editions/{draft}/send").text
    assert "Send to 4 readers?" in page
    assert f'src="/admin/editions/{draft}/letter"' in page
    assert 'type="checkbox" name="confirmed"' in page
    assert " checked" not in page
    assert copies(product) == []


@pytest.mark.parametrize("leave_out", ["confirmed", "seen"])
def test_nothing_leaves_without_the_second_confirmation_of_what_was_seen(
    admin: FlaskClient, product: Product, draft: int, leave_out: str
) -> None:
    data = second_look(admin, draft)
    del data[leave_out]
    page = admin.post(f"/admin/editions/{draft}/send", data=data)
    assert page.status_code in {409, 422}
    assert "Nothing was sent" in page.text
    assert copies(product) == []


def test_an_edition_that_changed_since_it_was_seen_is_not_sent(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    data = second_look(admin, draft)
    item = desk.edition(product, draft).items[0].article_id
    admin.post(f"/admin/editions/{draft}/order", data={"down": item})
    page = admin.post(f"/admin/editions/{draft}/send", data=data)
    assert page.status_code == 409
    assert "has changed since you looked" in page.text
    assert copies(product) == []
    assert admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft)).status_code == 303
    assert len(copies(product)) == 4


def test_sending_queues_one_copy_for_each_reader_and_names_who_did_it(
    admin: FlaskClient, product: Product, draft: int
) -> None:
    answer = admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    assert answer.location == f"/admin/editions/{draft}"
    assert len({copy.subscriber_id for copy in copies(product)}) == 4
    started = desk.edition(product, draft)
    assert started.status is EditionStatus.SENDING
    assert started.started_by == desk.EMAIL


def test_a_repeated_press_finds_the_edition_running(admin: FlaskClient, product: Product, draft: int) -> None:
    data = second_look(admin, draft)
    for _ in range(3):
        answer = admin.post(f"/admin/editions/{draft}/send", data=data)
        assert answer.location == f"/admin/editions/{draft}"
    assert "Sending" in admin.get(answer.location).text
    assert len(copies(product)) == 4
    assert admin.get(f"/admin/editions/{draft}/send").location == f"/admin/editions/{draft}"


def test_many_presses_at_once_start_one_run(app: Flask, admin: FlaskClient, product: Product, draft: int) -> None:
    data = second_look(admin, draft)
    secret = admin.get_cookie("vigie-desk")
    barrier, answers = threading.Barrier(6), []

    def press() -> None:
        client = app.test_client()
        client.set_cookie("vigie-desk", secret.value)
        barrier.wait()
        answers.append(client.post(f"/admin/editions/{draft}/send", data=data).location)

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [f"/admin/editions/{draft}"] * 6
    assert len(copies(product)) == 4


@pytest.mark.parametrize(("articles", "readers"), [(3, 0), (1, 4)])
def test_there_is_no_button_where_there_is_nothing_to_send_or_nobody_to_send_it_to(
    admin: FlaskClient, product: Product, articles: int, readers: int
) -> None:
    draft = desk.make_draft(product, articles=articles, readers=readers)
    if articles == 1:
        admin.post(f"/admin/editions/{draft}/removal", data={"item": desk.edition(product, draft).items[0].article_id})
    assert 'name="confirmed"' not in admin.get(f"/admin/editions/{draft}/send").text


def test_a_test_letter_goes_to_oneself_whatever_the_form_says(admin: FlaskClient, product: Product, draft: int) -> None:
    answer = admin.post(
        f"/admin/editions/{draft}/test", data={"address": "eve@reader.example", "email": "eve@reader.example"}
    )
    assert answer.location == f"/admin/editions/{draft}?note=test"
    assert [copy.address for copy in copies(product, kind="test")] == [desk.EMAIL]
    assert desk.edition(product, draft).status is EditionStatus.DRAFT


def test_an_admin_in_an_idn_domain_gets_a_test_letter(client: FlaskClient, product: Product, draft: int) -> None:
    desk.make_admin(product, email="Inès@dépêche.example")
    desk.sign_in(client, email="inès@DÉPÊCHE.example")
    assert client.post(f"/admin/editions/{draft}/test").status_code == 303
    assert copies(product, kind="test")[0].address.endswith("@xn--dpche-bsai.example")


def test_progress_counts_copies_by_state(admin: FlaskClient, product: Product, draft: int) -> None:
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    settle(product, DeliveryState.ACCEPTED, 2)
    settle(product, DeliveryState.REJECTED, 1)
    answer = admin.get(f"/admin/editions/{draft}/progress")
    assert '<progress class="meter" max="4" value="3"' in answer.text
    assert "event: over" not in answer.text
    assert "<html" not in answer.text


def test_a_page_that_follows_a_run_loads_anew_when_it_is_over(admin: FlaskClient, product: Product, draft: int) -> None:
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    assert f'data-live="/admin/editions/{draft}/progress"' in admin.get(f"/admin/editions/{draft}").text
    settle(product, DeliveryState.ACCEPTED, 4)
    with product.database.transaction() as session:
        finish_editions(session, now=now())
    assert "event: over" in admin.get(f"/admin/editions/{draft}/progress").text
    page = admin.get(f"/admin/editions/{draft}").text
    assert "data-live=" not in page
    assert "<script" not in page
    assert "/fr/archive/" in page


def test_a_run_is_paused_resumed_and_cancelled(admin: FlaskClient, product: Product, draft: int) -> None:
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    for action, status in (("pause", EditionStatus.PAUSED), ("resume", EditionStatus.SENDING)):
        assert admin.post(f"/admin/editions/{draft}/{action}").status_code == 303
        assert desk.edition(product, draft).status is status
    settle(product, DeliveryState.ACCEPTED, 1)
    assert "3 copies are still waiting" in admin.get(f"/admin/editions/{draft}/cancel").text
    admin.post(f"/admin/editions/{draft}/cancel")
    assert desk.edition(product, draft).status is EditionStatus.CANCELLED
    states = sorted(copy.state.value for copy in copies(product))
    assert states == ["accepted", "cancelled", "cancelled", "cancelled"]


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_what_does_not_run_cannot_be_paused_or_resumed(
    admin: FlaskClient, product: Product, draft: int, action: str
) -> None:
    assert admin.post(f"/admin/editions/{draft}/{action}").status_code == 409
    assert desk.edition(product, draft).status is EditionStatus.DRAFT


def test_what_is_kept_has_the_name_of_what_would_be_given_up(admin: FlaskClient, product: Product, draft: int) -> None:
    """In French a draft is a he and an edition a she."""
    page = admin.get(f"/admin/editions/{draft}/cancel").text
    assert ("Keep this draft" in page, "Keep this edition" in page) == (True, False)
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    page = admin.get(f"/admin/editions/{draft}/cancel").text
    assert ("Keep this draft" in page, "Keep this edition" in page) == (False, True)


def test_a_draft_that_is_given_up_is_never_sent(admin: FlaskClient, product: Product, draft: int) -> None:
    data = second_look(admin, draft)
    admin.post(f"/admin/editions/{draft}/cancel")
    assert admin.post(f"/admin/editions/{draft}/send", data=data).status_code == 303
    assert copies(product) == []
    assert "Cancelled" in admin.get(f"/admin/editions/{draft}").text
