"""A whole morning at the desk, from the sign-in to the report: once by mouse, once by keyboard alone."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import expect

from app.admins.models import Authenticator
from app.admins.vault import Vault
from app.clock import now
from app.gate.models import Approval
from app.jobs.schedule import close_editions, start_approved_editions
from app.product import Product
from app.sending import make_loops
from app.stories.grouping import group_new
from app.topics.classifying import classify_articles
from app.topics.taxonomy import load
from config import Config
from tests import make
from tests.conftest import make_config
from tests.end_to_end.house import Postbox
from tests.stories.wire import BREACH, BREACH_TOLD_ANEW, RESULTS, STORM, file_article
from tests.web import desk
from tests.web.admin.hands import Hands, Keyboard, Mouse

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ADA, BOB = desk.EMAIL, "bob@desk.example"
READERS = 6
PLACEHOLDER, FOUND = "https://example.com/file", "https://wire.example/file"


class SlowPostbox(Postbox):
    """Takes two letters to readers at once and the others when it is told to: a run that can be watched."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        reply = await super().handle_DATA(server, session, envelope)
        while len(self.to_readers()) > 2 and not self.may_go_on.is_set():
            await asyncio.sleep(0.02)
        return reply

    def to_readers(self) -> list[str]:
        """The readers who were written to, in turn."""
        return [to for _, to, _ in self.raw if to.endswith("@reader.example")]


@dataclass(frozen=True)
class Newsroom:
    """What the morning happens in: the product, its mail server, who opens a page, and each person's authenticator."""

    product: Product
    postbox: SlowPostbox
    open_hands: Callable[[], Hands]
    secrets: dict[str, str]


@pytest.fixture
def postbox() -> Iterator[SlowPostbox]:
    with SlowPostbox() as postbox:
        yield postbox


@pytest.fixture
def config(sqlite_template: Path, tmp_path: Path, postbox: SlowPostbox) -> Config:
    """One kind of database is enough here: what is under test is the browser's side."""
    shutil.copyfile(sqlite_template, tmp_path / "vigie.db")
    server = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(postbox.port)}
    return make_config(f"sqlite:///{tmp_path / 'vigie.db'}", tmp_path, **server)


@pytest.fixture
def _senders(app: Flask, postbox: SlowPostbox) -> Iterator[None]:
    """The senders, each in a thread as in the product."""
    stop = threading.Event()
    threads = [threading.Thread(target=loop, args=(stop,)) for loop in make_loops(app)]
    for thread in threads:
        thread.start()
    yield
    postbox.may_go_on.set()
    stop.set()
    for thread in threads:
        thread.join()


@pytest.fixture(params=[Mouse, Keyboard], ids=["mouse", "keyboard"])
def newsroom(
    request: pytest.FixtureRequest, product: Product, postbox: SlowPostbox, site: str,
    open_page: "Callable[..., Page]", _senders: None,
) -> Newsroom:  # fmt: skip
    """Two people with authenticators, a wire with three stories, and some readers."""
    secrets = {email: pyotp.random_base32() for email in (ADA, BOB)}
    for email, secret in secrets.items():
        admin_id, locked = desk.make_admin(product, email=email), Vault(product.config.secret_keys).lock(secret)
        with product.database.transaction() as session:
            session.add(Authenticator(admin_id=admin_id, locked_secret=locked, last_step=0, created_at=now()))
    with product.database.transaction() as session:
        for number, text in enumerate((BREACH, BREACH_TOLD_ANEW, RESULTS, STORM)):
            body = f"{text[1]}\n\nA second paragraph."
            file_article(session, text, f"n{number}", at=now() - timedelta(hours=number + 1), body=body)
        for number in range(READERS):
            make.make_subscription(session, email=f"reader{number}@reader.example", language="en")
    group_new(product.database, load(), now=now())
    classify_articles(product.database, load(), now=now())
    return Newsroom(product, postbox, lambda: request.param(open_page(base_url=site, locale="en-GB")), secrets)


def test_a_morning_from_the_sign_in_to_the_report(newsroom: Newsroom) -> None:
    ada, bob = newsroom.open_hands(), newsroom.open_hands()
    enter(ada, newsroom, ADA)
    read_the_wire(ada)
    compile_and_arrange(ada)
    write_the_introduction(ada, f"Read [the file]({PLACEHOLDER}) first.")
    fail_at_the_gate_and_mend(ada)
    ask_for_approval(ada)

    enter(bob, newsroom, BOB)
    approve(bob)
    stop(bob)
    find_the_edition(ada)
    go_to_the_gate(ada)
    ask_for_approval(ada)
    approve(bob)
    let_ten_minutes_pass(newsroom)

    watch_to_the_end(ada, newsroom)
    read_the_report(ada, newsroom)


def enter(hands: Hands, newsroom: Newsroom, email: str) -> None:
    page = hands.page
    page.goto("/admin/")
    hands.write(page.get_by_label("E-mail address"), email)
    hands.write(page.get_by_label("Password"), desk.PASSWORD)
    hands.press(page.get_by_role("button", name="Sign in"))
    hands.write(page.get_by_label("Code of your app"), pyotp.TOTP(newsroom.secrets[email]).at(now()))
    hands.press(page.get_by_role("button", name="Go on"))
    page.wait_for_url("/admin/")


def read_the_wire(hands: Hands) -> None:
    page = hands.page
    visit(hands, "Wire")
    hands.act_on(story(page, BREACH), "e")
    expect(story(page, BREACH).locator(".reading")).to_contain_text("A second paragraph.")
    hands.act_on(story(page, RESULTS), "p")
    expect(page.get_by_role("status")).to_contain_text("The story is pinned")
    hands.act_on(story(page, STORM), "m")
    expect(page.get_by_role("status")).to_contain_text("The story is muted")


def compile_and_arrange(hands: Hands) -> None:
    page = hands.page
    visit(hands, "Today")
    hands.press(page.get_by_role("button", name="Compile now (English)"))
    items = page.locator(".item h3")
    expect(items).to_have_count(2)
    expect(items.first).to_have_text(RESULTS[0])
    hands.move_down(page.locator(".item").first)
    expect(items.last).to_have_text(RESULTS[0])
    expect(page.locator("#saved")).to_contain_text("Version 1")


def write_the_introduction(hands: Hands, text: str) -> None:
    hands.write(hands.page.get_by_label("Introduction", exact=True), text)
    expect(hands.page.locator("#introduction-shown a")).to_have_text("the file")
    expect(hands.page.locator("#saved")).to_contain_text("Version 2")


def fail_at_the_gate_and_mend(hands: Hands) -> None:
    page = hands.page
    go_to_the_gate(hands)
    expect(page.get_by_text("1 check fails: the edition stays here.")).to_be_visible()
    expect(page.locator(".finding-failure .where")).to_have_text(PLACEHOLDER)
    hands.press(page.get_by_role("link", name="Not yet"))
    hands.write(page.get_by_label("Introduction", exact=True), f"Read [the file]({FOUND}) first.")
    with page.expect_navigation():
        hands.press(page.get_by_role("button", name="Save the texts"))
    go_to_the_gate(hands)
    expect(page.get_by_text("Nothing fails")).to_be_visible()


def go_to_the_gate(hands: Hands) -> None:
    hands.press(hands.page.get_by_role("link", name="Send…"))
    expect(hands.page.get_by_role("heading", name="What was looked at")).to_be_visible()


def ask_for_approval(hands: Hands) -> None:
    page = hands.page
    hands.press(page.get_by_text("Ask somebody else to approve it"))
    hands.write(page.get_by_label("Note for them"), "The introduction is new")
    hands.press(page.get_by_role("button", name="Ask for approval"))
    expect(page.get_by_text("cannot be the one")).to_be_visible()


def approve(hands: Hands) -> None:
    page = hands.page
    visit(hands, "Today")
    hands.press(page.get_by_role("link", name="Read it"))
    expect(page.get_by_text("The introduction is new")).to_be_visible()
    hands.press(page.get_by_role("button", name=f"Approve for {READERS} readers"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Leaves by itself")


def stop(hands: Hands) -> None:
    hands.press(hands.page.get_by_role("button", name="Stop it"))
    expect(hands.page.get_by_text("nothing has left")).to_be_visible()


def let_ten_minutes_pass(newsroom: Newsroom) -> None:
    """The time to stop it is over, as the scheduler sees it, which then starts the edition."""
    assert newsroom.postbox.wait_for(BOB, 2)["Subject"].startswith("To approve")
    assert newsroom.postbox.to_readers() == [], "nothing leaves before its time"
    with newsroom.product.database.transaction() as session:
        session.execute(sa.update(Approval).values(starts_at=now()))
    start_approved_editions(newsroom.product)


def watch_to_the_end(hands: Hands, newsroom: Newsroom) -> None:
    page = hands.page
    find_the_edition(hands)
    settled = page.locator("#progress .figure strong")
    expect(settled).to_have_text("2")
    newsroom.postbox.may_go_on.set()
    expect(settled).to_have_text(str(READERS))
    close_editions(newsroom.product)
    expect(page.locator(".state-sent")).to_be_visible()


def read_the_report(hands: Hands, newsroom: Newsroom) -> None:
    page = hands.page
    expect(page.locator(".tally")).to_contain_text("Accepted")
    expect(page.get_by_role("img", name="Letters a second over time")).to_be_visible()
    expect(page.get_by_role("row", name="All others")).to_contain_text(f"{READERS}")
    expect(page.get_by_text("Stopped").first).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    letters = [newsroom.postbox.wait_for(f"reader{number}@reader.example", 1) for number in range(READERS)]
    text = letters[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert FOUND in text
    assert text.index(BREACH[0]) < text.index(RESULTS[0])
    assert STORM[0] not in text


def visit(hands: Hands, name: str) -> None:
    hands.press(hands.page.get_by_role("navigation", name="Desk").get_by_role("link", name=name, exact=True))
    expect(hands.page.get_by_role("heading", level=1, name=name)).to_be_visible()


def find_the_edition(hands: Hands) -> None:
    visit(hands, "Editions")
    hands.press(hands.page.locator("main tbody a").first)
    expect(hands.page.locator(".head .kicker")).to_contain_text("No. 1")


def story(page: "Page", text: tuple[str, str]) -> Any:
    return page.locator(".story").filter(has_text=text[0])
