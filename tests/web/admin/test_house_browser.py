"""The pages of the house in a real browser: how they look, and a preview that follows what is written."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.clock import now
from app.digests.schedule import install_schedules
from app.jobs import runs
from app.jobs.schedule import JOBS
from app.newsletters.models import current_wording
from app.product import Product
from tests import make
from tests.conftest import ON_SQLITE
from tests.looks import ON_A_PHONE, faults

pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

#: Those with the most in them.
PAGES = ("newsletters/1", "wordings/form/fr/1")


def test_pages_fit_and_read_well(open_desk: Callable[..., Page], product: Product) -> None:
    with product.database.transaction() as session:
        install_schedules(session, product.config, now())
        make.make_subscription(session)
        make.make_article(session, title="Un câble rompu", link="https://wire.example/1", added_at=now())
    page = open_desk(language="fr")
    found = []
    for path in PAGES:
        page.goto(f"/admin/{path}")
        found += faults(page)
    page.goto("/admin/newsletters/1")
    page.locator("#sender").fill("nord@ailleurs.example")
    page.locator("form:has(#sender) button").click()
    expect(page.locator("#sender-error")).to_contain_text("@newsletter.example")
    expect(page.locator("#sender")).to_be_focused()
    found += faults(page)
    page.goto("/admin/schedules/1")
    page.locator("#every").select_option("line")
    page.locator("#cron").fill("*/5 * * * *")
    page.locator("form:has(#cron) button").click()
    expect(page.locator("#cron-error")).to_be_visible()
    expect(page.locator("#cron")).to_be_focused()
    expect(page.locator("#cron")).to_be_in_viewport()
    found += faults(page)
    assert found == []


def test_a_preview_follows_what_is_written(open_desk: Callable[..., Page], product: Product) -> None:
    page = open_desk()
    page.goto("/admin/wordings/form/en/1")
    page.get_by_label("Statement").fill("We write to you; see our [privacy policy].")
    expect(page.locator("#shown u")).to_have_text("privacy policy")
    expect(page.locator("#shown")).to_contain_text("We write to you")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.get_by_role("status")).to_contain_text("The new version is in force")
    with product.database.reading() as session:
        assert session.scalars(current_wording(1, "en")).one().statement == "We write to you; see our [privacy policy]."


def test_no_time_of_a_job_breaks_on_a_phone(open_desk: Callable[..., Page], product: Product) -> None:
    for job in JOBS[::2]:
        runs.begin_run(product.database, name=job.name, now=now())
        runs.fail_run(product.database, name=job.name, error=RuntimeError("no disk"), now=now())
    page = open_desk(language="fr")
    page.goto("/admin/jobs")
    assert faults(page, ON_A_PHONE) == []
    page.set_viewport_size({"width": 375, "height": 740})
    lines = page.locator("main td time:visible").evaluate_all("all => all.map(each => each.getClientRects().length)")
    assert set(lines) == {1}
