"""What mail filters do with letters before their readers see them: follow every link, run every script, click nothing.

None of it may change a single row (RFC 9110 §9.2.1, RFC 8058 §1).
"""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, Route

from app.clock import now
from app.delivery.engine import Engine
from app.delivery.queue import enqueue
from app.editions.audience import start_edition
from app.editions.compose import read_manuscript, set_letter
from app.editions.copies import edition_letters
from app.mail.envelope import Envelope
from app.mail.memory import MemoryTransport
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.letters import signup_letters
from tests import make
from tests.conftest import ON_SQLITE
from tests.editions.press import make_draft
from tests.web import desk

#: One kind of database is enough: rows are rows.
pytestmark = [pytest.mark.slow, ON_SQLITE]

LETTERS = {
    "confirmation": SubscriptionStatus.PENDING,
    "welcome": SubscriptionStatus.CONFIRMED,
    "already-subscribed": SubscriptionStatus.CONFIRMED,
}
LINK = re.compile(r"https?://[^\s\"'<>]+")
#: A filter's browser gives up after about that long.
LOOK_MS = 10_000


@pytest.fixture
def letters(product: Product) -> list[bytes]:
    """Every kind of letter in both languages, as sent."""
    at = now()
    with product.database.transaction() as session:
        for language in ("fr", "en"):
            for kind, status in LETTERS.items():
                reader = make.make_subscription(
                    session, email=f"{kind}.{language}@reader.example", language=language, status=status, at=at
                )
                make.make_request(session, reader)
                enqueue(
                    session, kind=kind, language=language, newsletter_id=reader.newsletter_id, now=at,
                    subscriber_id=reader.subscriber_id, reference=reader.confirmation_id,
                )  # fmt: skip
            edition = make_draft(session, language=language)
            letter = set_letter(
                read_manuscript(session, edition_id=edition.id, now=at),
                config=product.config,
                links=product.links,
                now=at,
            )
            start_edition(session, letter=letter, actor="test", now=at)
    return sent(product)


def sent(product: Product) -> list[bytes]:
    """Send all that waits, into memory."""
    config, transport = product.config, MemoryTransport()
    compose = {**signup_letters(config, product.links), **edition_letters(config, product.links)}
    envelope = Envelope(config.link_keys, config.mail.sender_domain, config.mail.bounce_domain)
    Engine(
        database=product.database, compose=compose, transport=transport, envelope=envelope,
        journal_dir=config.journal_dir,
    ).run_once(now())  # fmt: skip
    return [outgoing.data for outgoing in transport.sent]


def links_in(raw: bytes) -> Iterator[str]:
    """Every address in a letter: of its header, its text and its HTML."""
    message = message_from_bytes(raw, policy=policy.default)
    texts = [str(message.get("List-Unsubscribe", ""))]
    texts += [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    for text in texts:
        yield from (link.replace("&amp;", "&").rstrip(".,;)") for link in LINK.findall(text))


@pytest.fixture
def links(product: Product, letters: list[bytes], site: str) -> list[str]:
    """Every link of ours in any letter, and a one-time link of the desk, where the site is served."""
    ours = product.config.public_url
    found = {link for raw in letters for link in links_in(raw) if link.startswith(ours)}
    found.add(product.links.sign_in(desk.make_link(product, desk.make_admin(product, password=None))))
    pages = {link.removeprefix(ours).split("/")[2] for link in found if "/admin/" not in link}
    assert pages >= {"confirm", "unsubscribe", "preferences", "view", "archive", "privacy", "legal"}
    return sorted(link.replace(ours, site) for link in found)


def test_every_kind_of_letter_is_there(letters: list[bytes]) -> None:
    assert len(letters) == len(LETTERS) * 2 + 4, "and each edition to the two who confirmed in its language"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_fetching_every_link_changes_no_row(product: Product, links: list[str], method: str) -> None:
    before = desk.everything(product.database)
    for link in links:
        for _ in range(2):
            with urlopen(Request(link, method=method), timeout=30) as response:
                assert response.status == 200, link
    assert desk.everything(product.database) == before


@pytest.mark.browser
def test_a_browser_that_runs_all_scripts_and_waits_changes_no_row(
    product: Product, links: list[str], browser: Browser, site: str
) -> None:
    before = desk.everything(product.database)
    context = browser.new_context()
    posts: list[str] = []
    context.on("request", lambda request: posts.append(request.url) if request.method != "GET" else None)

    def keep_home(route: Route) -> None:
        route.continue_() if route.request.url.startswith(site) else route.abort()

    context.route("**/*", keep_home)
    pages: list[Page] = []
    for link in links:
        pages.append(context.new_page())
        pages[-1].goto(link)
    pages[0].wait_for_timeout(LOOK_MS)
    assert [page.url for page in pages] == links, "no page went on by itself"
    assert posts == []
    assert desk.everything(product.database) == before
    context.close()
