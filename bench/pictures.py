"""Take the pictures of the desk and of the form that the README shows: a trial newsroom, Chromium, no network.

    python bench/pictures.py [--into docs/pictures]

Fills a database of its own with readers, the bundled feeds and an edition on its way, signs in as an editor would, and
writes each picture as WebP, within 150 kB.
"""

import argparse
import base64
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pyotp
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from app import create_app
from app.admins import signin
from app.admins.models import Authenticator, Role
from app.admins.vault import Vault
from app.clock import now
from app.delivery.engine import Engine
from app.demo.seeding import seed_sources
from app.editions.compile import compile_edition
from app.editions.copies import edition_letters
from app.editions.counts import count_editions
from app.editions.models import Edition
from app.feedback.intake import envelope_of
from app.gate.approvals import ask_approval
from app.gate.looking import Look, look_at, read_sight
from app.gate.passing import start_passed
from app.mail.memory import MemoryTransport
from app.mail.replies import Verb, classify
from app.mail.transport import Outcome, OutcomeKind, Outgoing
from app.newsletters.models import Newsletter
from app.product import Product
from app.readership.tallies import advance_tallies
from app.stories.grouping import group_new
from app.stories.models import Story
from app.subscriptions.models import Subscriber
from app.topics.classifying import classify_articles
from app.topics.taxonomy import load
from bench.newsroom import add_consent_events, fill, settings
from bench.processes import BenchFailed, say
from config import Config

READERS = 3_000
SIZE = {"width": 1200, "height": 800}
QUALITY, MOST_BYTES = 82, 150_000
EMAIL, PASSWORD, COLLEAGUE = "ada@news.example.org", "lanterne plouf orage 7", "bob@news.example.org"
#: The run that is shown: letters that have gone, in steps of ten seconds.
STEPS, LETTERS_A_STEP = 24, 44
DEAD, FULL = classify(Verb.RCPT, 550, "5.1.1 no such user"), classify(Verb.RCPT, 452, "4.2.2 mailbox full")
TAKEN = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")


@dataclass(frozen=True)
class Picture:
    """One picture: of which page, in which theme, scrolled to what."""

    name: str
    path: str
    scheme: str = "light"
    shows: str | None = None


def main() -> int:
    arguments = parse_arguments()
    arguments.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vigie-pictures-") as name, serving(Path(name)) as (app, site):
        product: Product = app.extensions["vigie"]
        secret = add_editor(product)
        draft, run = fill_desk(product)
        with product.database.reading() as session:
            reader = session.scalars(sa.select(Subscriber.public_id).order_by(Subscriber.id).offset(7)).first()
        pictures = [
            Picture("today", "/admin/"),
            Picture("wire", "/admin/articles"),
            Picture("draft", f"/admin/editions/{draft}"),
            Picture("gate", f"/admin/editions/{draft}/send", "dark"),
            Picture("run", f"/admin/editions/{run}", "dark", shows="#progress-title"),
            Picture("reader", f"/admin/readers/{reader}"),
            Picture("form", "/en/"),
        ]
        take(site, secret, pictures, arguments.into)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=Path("docs/pictures"))
    return parser.parse_args()


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Flask, str]]:
    """Serve a newsroom with readers and articles on a free port of this machine."""
    url = f"sqlite:///{folder / 'vigie.db'}"
    fill(url, folder, READERS)
    server = make_server("127.0.0.1", 0, Flask("not yet"), threaded=True)
    site = f"http://127.0.0.1:{server.server_port}"
    app = create_app(Config.from_env({**settings(folder, url), "PUBLIC_URL": site, "PATH": os.environ["PATH"]}))
    server.app = app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield app, site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["vigie"].database.dispose()


def add_editor(product: Product) -> str:
    """Add an admin and return the secret of their authenticator."""
    secret = pyotp.random_base32()
    with product.database.transaction() as session:
        admin = signin.create_admin(session, email=EMAIL, language="en", role=Role.ADMIN, now=now())
        signin.set_password(session, admin=admin, password=PASSWORD, kept_secret=None, now=now())
        locked = Vault(product.config.secret_keys).lock(secret)
        signin.create_admin(session, email=COLLEAGUE, language="en", role=Role.PUBLISHER, now=now())
        session.add(Authenticator(admin_id=admin.id, locked_secret=locked, last_step=0, created_at=now()))
    return secret


def fill_desk(product: Product) -> tuple[int, int]:
    """Return the ids of a draft and of an edition on its way."""
    taxonomy = load(product.config.topics_file)
    with product.database.transaction() as session:
        add_consent_events(session)
    run = _compile(product, "fr")
    send_some(product, run)
    seed_sources(product)
    classify_articles(product.database, taxonomy, now=now())
    group_new(product.database, taxonomy, now=now())
    with product.database.transaction() as session:
        session.scalars(sa.select(Story).order_by(Story.id.desc()).limit(1)).one().pinned_at = now()
        while advance_tallies(session, zone=product.config.timezone, now=now()):
            pass
    count_editions(product.database, now=now())
    draft = _compile(product, "en")
    ask(product, draft)
    return draft, run


def ask(product: Product, edition_id: int) -> None:
    """Let a colleague ask for approval of a draft."""
    look = _look(product, edition_id, now())
    with product.database.transaction() as session:
        ask_approval(session, look, actor=COLLEAGUE, note="The order is new; the cables lead.", reason="", now=now())


def _look(product: Product, edition_id: int, at: datetime) -> Look:
    with product.database.reading() as session:
        sight = read_sight(session, session.get_one(Edition, edition_id), config=product.config, now=at)
    return look_at(sight, config=product.config, links=product.links, now=at)


def _compile(product: Product, language: str) -> int:
    with product.database.transaction() as session:
        newsletter = session.scalars(sa.select(Newsletter)).one()
        compiled = compile_edition(session, newsletter=newsletter, language=language, until=now(), now=now())
    assert compiled.edition_id is not None
    return compiled.edition_id


def send_some(product: Product, edition_id: int) -> None:
    """Let an edition have begun some minutes ago, and be under way, with a reader here and there who cannot get it."""
    begun = now() - timedelta(seconds=10 * STEPS)
    with product.database.transaction() as session:
        session.get_one(Edition, edition_id).created_at = begun - timedelta(minutes=20)
    look = _look(product, edition_id, begun)
    with product.database.transaction() as session:
        start_passed(session, look, actor=EMAIL, config=product.config, now=begun, announce=product.announce)
    for step in range(STEPS):
        send_step(product, begun + timedelta(seconds=10 * step), LETTERS_A_STEP - (25 if 9 <= step <= 11 else step % 7))


def send_step(product: Product, at: datetime, letters: int) -> None:
    """Send so many letters."""
    stop = threading.Event()
    seen: list[str] = []

    def answer(outgoing: Outgoing) -> Outcome:
        seen.append(outgoing.recipient)
        if len(seen) >= letters:
            stop.set()
        number = int(outgoing.recipient.partition("-")[2].partition("@")[0])
        is_full = outgoing.recipient.endswith("@post.example") and number % 3 == 0
        return DEAD if number % 41 == 0 else FULL if is_full else TAKEN

    Engine(
        database=product.database, compose=edition_letters(product.config, product.links),
        transport=MemoryTransport(answer), envelope=envelope_of(product.config),
        journal_dir=product.config.journal_dir,
    ).run_once(at, stop)  # fmt: skip


def take(site: str, secret: str, pictures: list[Picture], folder: Path) -> None:
    """Sign in and take the pictures. Raises BenchFailed where one is too large for a page that many load."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise BenchFailed("install the distribution's chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(base_url=site, viewport=SIZE, locale="en-GB").new_page()
        page.goto("/admin/sign-in")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Code of your app").fill(pyotp.TOTP(secret).at(now()))
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url("/admin/")
        for picture in pictures:
            data = photograph(page, picture)
            if len(data) > MOST_BYTES:
                raise BenchFailed(f"{picture.name} has {len(data):,} bytes")
            (folder / f"{picture.name}.webp").write_bytes(data)
            say(f"{picture.name}: {len(data):,} bytes")
        browser.close()


def photograph(page: Page, picture: Picture) -> bytes:
    """Return one picture as WebP."""
    page.emulate_media(color_scheme="dark" if picture.scheme == "dark" else "light", reduced_motion="reduce")
    page.goto(picture.path)
    page.wait_for_load_state()
    page.evaluate("document.fonts.ready")
    if picture.shows:
        page.locator(picture.shows).first.evaluate("element => scrollTo(0, element.offsetTop - 16)")
    shot = page.context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    sys.exit(main())
