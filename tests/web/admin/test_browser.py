"""The desk in a real browser, with the content security policy in force."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from app.admins.models import Admin, AdminSession
from app.cli.serving import in_one_thread
from app.clock import now
from app.delivery.models import Delivery, DeliveryState
from app.delivery.route import note_route
from app.digests.schedule import install_schedules
from app.editions.audience import finish_editions
from app.mail.transport import Fault, Outcome, OutcomeKind
from app.product import Product
from tests import make
from tests.conftest import ON_SQLITE
from tests.looks import BY_LANGUAGE, ON_A_PHONE, faults
from tests.web import desk

pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

SIGN_IN = Outcome(OutcomeKind.DEFERRED, 535, "5.7.8", "5.7.8 wrong password", Fault.AUTHENTICATION)

#: Letters, whose looks are their own, files, and what scripts of pages ask for.
WITHOUT_PAGES = {
    "admin.letter", "admin.template_letter", "admin.receipt_file", "admin.progress", "admin.sign_in_link",
    "admin.import_progress",
}  # fmt: skip


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(request: pytest.FixtureRequest, open_desk: Callable[..., Page], product: Product) -> Page:
    """A signed-in admin's page, where digests have their schedules."""
    with product.database.transaction() as session:
        install_schedules(session, product.config, now())
    return open_desk(java_script_enabled=request.param)


def test_an_edition_goes_from_draft_to_readers(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=3)
    page.goto(f"/admin/editions/{draft}")
    page.get_by_role("button", name="Move down: Article 2").click()
    expect(page.locator(".item h3").nth(1)).to_have_text("Article 2")
    page.get_by_label("Subject").fill("A week under the sea")
    page.get_by_role("button", name="Save the texts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A week under the sea")
    page.get_by_role("link", name="Preview").click()
    phone = page.frame_locator("iframe").nth(0)
    assert "Article 1" in phone.locator("body").inner_text()
    page.get_by_role("link", name="Send…").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Send to 3 readers now").dblclick()
    page.wait_for_url(f"/admin/editions/{draft}")
    expect(page.locator("#progress")).to_contain_text("of 3 copies settled")
    with product.database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Delivery.edition_id == draft)) == 3


def test_on_a_phone_the_bar_is_one_line_that_unfolds(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 740})
    page.goto("/admin/articles")
    bar = page.get_by_role("banner")
    assert bar.bounding_box()["height"] < 72
    expect(bar.locator("summary")).to_have_text("Wire – Menu")
    expect(bar.get_by_role("link", name="Editions")).to_be_hidden()
    bar.locator("summary").press("Enter")
    bar.get_by_role("link", name="Editions").click()
    page.wait_for_url("/admin/editions")


@pytest.mark.parametrize("page", [True], indirect=True)
def test_the_bar_is_sound_unfolded_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 740})
    page.locator(".bar-menu summary").click()
    expect(page.get_by_role("link", name="My account")).to_be_visible()
    assert faults(page, ON_A_PHONE) == []


@pytest.mark.parametrize("page", [True], indirect=True)
def test_on_a_tablet_the_parts_of_the_desk_stand_on_one_line(page: Page, product: Product) -> None:
    with product.database.transaction() as session:
        session.execute(sa.update(Admin).values(language="fr"))
    page.set_viewport_size({"width": 768, "height": 1024})
    page.goto("/admin/articles")
    links = page.locator(".bar-nav a")
    expect(links).to_have_count(10)
    assert len({each.bounding_box()["y"] for each in links.all()}) == 1


@pytest.mark.parametrize("page", [True], indirect=True)
def test_the_figures_of_a_run_move_by_themselves_and_the_page_says_when_it_is_over(
    page: Page, product: Product
) -> None:
    draft = desk.make_draft(product, readers=5)
    _send(page, draft)
    pause = page.get_by_role("button", name="Pause")
    pause.focus()
    _settle(product, 2)
    expect(page.locator("#progress .figure strong")).to_have_text("2")
    expect(pause).to_be_focused()
    _settle(product, 3)
    with product.database.transaction() as session:
        finish_editions(session, now=now())
    expect(page.locator(".state-sent")).to_be_visible()
    expect(pause).to_have_count(0)


@pytest.mark.parametrize("page", [True], indirect=True)
def test_who_reads_the_figures_of_a_run_can_hold_them(page: Page, product: Product) -> None:
    """And a notice that stands is not said again with each figure that moves."""
    draft = desk.make_draft(product, readers=5)
    with product.database.transaction() as session:
        note_route(session, name="here, editions", fault=SIGN_IN, next_try_at=now() + timedelta(hours=1), now=now())
    _send(page, draft)
    figure = page.locator("#progress .figure strong")
    stopped = page.locator("#progress [role=status] .notice").element_handle()
    _settle(product, 1)
    expect(figure).to_have_text("1")
    page.get_by_role("button", name="Hold the figures").click()
    going_on = page.get_by_role("button", name="Go on with the figures")
    expect(going_on).to_be_focused()
    _settle(product, 2)
    page.wait_for_timeout(2_500)  # longer than figures take to move
    expect(figure).to_have_text("1")
    assert faults(page, ON_A_PHONE) == []
    going_on.click()
    expect(figure).to_have_text("3")
    assert stopped.evaluate("notice => notice.isConnected")


@pytest.mark.parametrize("page", [True], indirect=True)
def test_a_page_that_follows_a_run_leads_to_sign_in_when_the_session_ends(
    page: Page, app: Flask, product: Product
) -> None:
    app.wsgi_app = in_one_thread(app.wsgi_app)  # type: ignore[method-assign]
    draft = desk.make_draft(product)
    _send(page, draft)
    with product.database.transaction() as session:
        session.execute(sa.update(AdminSession).values(ended_at=now()))
    page.wait_for_url(f"/admin/sign-in?next=/admin/editions/{draft}")


@pytest.mark.parametrize("page", [False], indirect=True)
def test_a_run_is_followed_without_script(page: Page, product: Product) -> None:
    draft = desk.make_draft(product, readers=2)
    _send(page, draft)
    _settle(product, 1)
    page.get_by_role("link", name="Load the figures anew").click()
    expect(page.locator("#progress .figure strong")).to_have_text("1")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel this edition").click()
    expect(page.locator(".head-facts")).to_contain_text("Cancelled")


@pytest.mark.parametrize("page", [True], indirect=True)
def test_letters_in_a_frame_run_no_script(page: Page, product: Product) -> None:
    draft = desk.make_draft(product)
    page.goto(f"/admin/editions/{draft}/preview")
    frame = page.locator("iframe").nth(1).element_handle().content_frame()
    assert frame is not None
    assert frame.evaluate("window.origin") == "null"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", [True], indirect=True)
def test_no_page_has_a_violation_that_axe_knows_or_is_wider_than_the_screen(
    page: Page, app: Flask, product: Product
) -> None:
    """In French small and light, in English large and dark."""
    paths = _all_pages(app, product)
    for language, looks in BY_LANGUAGE.items():
        with product.database.transaction() as session:
            session.execute(sa.update(Admin).values(language=language))
        for path in paths:
            page.goto(path)
            assert path.endswith("/receipt") or page.locator("html").get_attribute("lang") == language
            assert faults(page, looks) == []


def _all_pages(app: Flask, product: Product) -> list[str]:
    """A draft, a run, and every page that has rows to show."""
    draft = desk.make_draft(product, tag="a")
    started = desk.make_draft(product, tag="b", language="en")
    desk.make_import(product)
    with product.database.transaction() as session:
        source = make.make_source(session)
        source.failure, source.failures = "the server answered 503", 2
        subscription = make.make_subscription(session, email="walked@reader.example")
        make.make_request(session, subscription)
        public_id = subscription.subscriber.public_id
    client = app.test_client()
    desk.sign_in(client)
    seen = client.get(f"/admin/editions/{started}/send").text.partition('name="seen" value="')[2][:64]
    assert client.post(f"/admin/editions/{started}/send", data={"seen": seen, "confirmed": "yes"}).status_code == 303
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.UNCERTAIN, 1, now=now())
        note_route(session, name="here, editions", fault=SIGN_IN, next_try_at=now(), now=now())
    found = [
        route.path
        for edition_id in (draft, started)
        for route in desk.routes(app, edition_id=edition_id, public_id=public_id)
        if route.method == "GET" and route.endpoint not in WITHOUT_PAGES
    ]
    return sorted(set(found))


def _send(page: Page, draft: int) -> None:
    page.goto(f"/admin/editions/{draft}/send")
    page.get_by_role("checkbox").check()
    page.locator("form.stack button").click()
    page.wait_for_url(f"/admin/editions/{draft}")


def _settle(product: Product, number: int) -> None:
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.ACCEPTED, number, now=now())
