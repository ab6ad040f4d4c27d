"""Payloads in what feeds and files bring: they reach readers and editors as text, and break no letter."""

import html
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.articles.clean import html_to_text, plain
from app.articles.extract import extract_file
from app.articles.feeds import parse_feed
from app.articles.intake import add_article
from app.articles.sources import Reading, record_fetch
from app.delivery.claims import release
from app.delivery.endings import Withheld
from app.delivery.models import DeliveryState
from app.editions.audience import finish_editions
from app.editions.copies import edition_letters
from app.editions.introduction import introduction_for_letter, introduction_html
from app.editions.models import Edition
from app.errors import InputRefused
from app.product import Product
from tests import letter_rules
from tests.conftest import NOW, ON_SQLITE
from tests.editions.press import compile_now, start
from tests.make import SENDER, copies, make_source, make_subscription, settle_copies, write
from tests.security.feeds import WRITERS, Writer
from tests.security.payloads import encodable, payloads, sanitised
from tests.security.shapes import Shape
from tests.web import desk

READER = "alice@reader.example"
#: Articles of one edition; the desk takes sixty.
TOGETHER = 40
#: What a letter consists of; a tag that is not among these came out of an article.
LETTER_TAGS = frozenset(
    {
        "a",
        "body",
        "br",
        "div",
        "h1",
        "h2",
        "h3",
        "head",
        "html",
        "meta",
        "p",
        "span",
        "style",
        "table",
        "tbody",
        "td",
        "title",
        "tr",
    }
)
FILES = {
    "md": "# {0}\n\nDe la prose. {0}\n\n{0}\n",
    "txt": "De la prose. {0}\n\n{0}\n",
    "html": "<title>{0}</title><article><h1>{0}</h1><p>Un texte assez long pour rester. {0}</p><p>{0}</p></article>",
}
#: Enough for a letter that names the last of them in brief.
HARMLESS = (
    "Un mot", "https://wire.example/a", "Un &amp; deux", "a@b.example", *(f"Mot {number}" for number in range(12))
)  # fmt: skip
NOT_PROSE = re.compile(
    r"<(style|svg|math|script|title|select|textarea|noscript|template|button|form|object|video|audio|canvas)\b.*?</\1>",
    re.DOTALL | re.IGNORECASE,
)
INTRODUCTION_TAGS = frozenset({"a", "blockquote", "br", "em", "li", "ol", "p", "strong", "ul"})


def batches(every: int) -> Iterator[tuple[datetime, list[str]]]:
    """Payloads for one edition at a time, and when each is made."""
    chosen = payloads()[::every]
    for number, first in enumerate(range(0, len(chosen), TOGETHER)):
        yield NOW + timedelta(hours=number), chosen[first : first + TOGETHER]


def take_in(session: Session, body: bytes, *, location: str, now: datetime) -> int:
    """Store the articles of a feed as a fetch does; return how many there were."""
    feed = parse_feed(body, "https://feeds.example/feed")
    source = make_source(session, location=location)
    source.name = "feeds.example"  # as long as nobody named it: the feed then does
    return record_fetch(session, source_id=source.id, reading=Reading(feed), interval=timedelta(hours=1), now=now).new


def print_edition(session: Session, product: Product, *, now: datetime) -> Edition | None:
    """Compile, send and finish an edition of what has arrived, if anything; hold its letter against every rule."""
    compiled = compile_now(session, now=now, limit=60, per_source=60)
    if compiled.edition_id is None:
        return None
    edition = session.get_one(Edition, compiled.edition_id)
    start(session, product, edition, now=now)
    claimed = copies(session, now=now)
    [made] = edition_letters(product.config, product.links)[claimed[0].chunk.kind](session, claimed)
    assert not isinstance(made, Withheld)
    check_letter(write(made))
    release(session, owner=SENDER, chunk_ids={copy.chunk.id for copy in claimed}, now=now)
    settle_copies(session, DeliveryState.ACCEPTED, now=now)
    assert finish_editions(session, now=now) == [edition.id]
    return edition


def check_letter(raw: bytes) -> None:
    """Every rule of the format but one: links that feeds bring may hold what ends a bare link in a mail program."""
    message = letter_rules.parse(raw)
    assert not message.defects
    letter_rules.check_lines(raw)
    letter_rules.check_fields(raw, message, recipient=READER, domain="newsletter.example")
    letter_rules.check_encoded_words(raw)
    letter_rules.check_list_fields(raw, message, domain="newsletter.example")
    text, page = (part.get_content() for part in message.iter_parts())
    shape = Shape(page, is_letter=True)
    assert not shape.active
    assert {tag for tag, _ in shape.tags} <= LETTER_TAGS
    links = {html.unescape(link) for link in re.findall(r'href="(https?:[^"]*)"', page)}
    assert links == {line for line in text.splitlines() if line.startswith(("http://", "https://"))}


def tags_of_pages(client: FlaskClient, product: Product, edition: Edition) -> set[str]:
    """The tags of the pages that show an edition and its articles, to everybody and at the desk; none is active."""
    public = (f"/fr/archive/{edition.public_id}", "/fr/archive", product.links.view("fr", edition.public_id))
    private = (
        f"/admin/editions/{edition.id}",
        f"/admin/editions/{edition.id}/preview",
        "/admin/articles",
        "/admin/sources",
    )
    tags = set()
    for path in (*public, *private):
        answer = client.get(path.removeprefix(product.config.public_url))
        shape = Shape(answer.text, is_letter="/view/" in path)
        assert (answer.status_code, shape.active) == (200, []), path
        tags |= {tag for tag, _ in shape.tags}
    return tags


@pytest.fixture
def editor(product: Product, client: FlaskClient) -> FlaskClient:
    """The browser of an admin of a newsletter that has one reader."""
    desk.make_admin(product)
    assert desk.sign_in(client).status_code == 303
    with product.database.transaction() as session:
        make_subscription(session, email=READER)
    return client


def publish_feeds(product: Product, editor: FlaskClient, writer: Writer, *, every: int) -> int:
    """Publish the payloads of a feed, an edition for each batch; return how many articles came through."""
    usual, articles = set(), 0
    for now, batch in [(NOW - timedelta(hours=1), HARMLESS), *batches(every)]:
        with product.database.transaction() as session:
            added = take_in(session, writer(batch), location=f"https://feeds.example/{now:%d%H}", now=now)
            edition = print_edition(session, product, now=now)
        tags = tags_of_pages(editor, product, edition) if edition else set()
        usual = usual or tags
        assert tags <= usual
        articles += added
    return articles


@pytest.mark.parametrize("format_", sorted(WRITERS))
def test_a_sample_of_payloads_in_feeds_stays_text(product: Product, editor: FlaskClient, format_: str) -> None:
    assert publish_feeds(product, editor, WRITERS[format_], every=23) > 20 + len(HARMLESS)


@pytest.mark.slow
@ON_SQLITE
@pytest.mark.parametrize("format_", sorted(WRITERS))
def test_payloads_in_feeds_stay_text(product: Product, editor: FlaskClient, format_: str) -> None:
    assert publish_feeds(product, editor, WRITERS[format_], every=1) > 800 + len(HARMLESS)


@pytest.mark.parametrize("suffix", ["md", "txt", "html"])
def test_payloads_in_files_stay_text(product: Product, editor: FlaskClient, suffix: str) -> None:
    """An article put in by hand has a link of its own, given beside the file."""
    for now, batch in batches(7):
        with product.database.transaction() as session:
            for payload in batch:
                with suppress(InputRefused):  # what holds no prose, or whose link is none
                    extracted = extract_file(encodable(FILES[suffix].format(payload)).encode(), f"a.{suffix}")
                    add_article(session, language="fr", title=payload, extracted=extracted, link=None, now=now)
                    add_article(
                        session, language="fr", title=extracted.title, extracted=extracted, link=payload, now=now
                    )
            print_edition(session, product, now=now)


def test_payloads_in_an_introduction_stay_text() -> None:
    for payload in map(encodable, payloads()):
        for shape in (
            Shape(introduction_for_letter(payload, "fr"), is_letter=True),
            Shape(introduction_html(payload, "fr")),
        ):
            assert not shape.active, payload
            assert {tag for tag, _ in shape.tags} <= INTRODUCTION_TAGS, payload


def test_what_a_known_sanitiser_keeps_of_a_payload_is_what_is_kept_as_text() -> None:
    """Of the text that it leaves outside of scripts, styles and forms, which are no prose here."""
    cases = sanitised()
    agreed = [case for case in cases if squeezed(html_to_text(case.payload)) in map(prose, case.expected)]
    assert len(agreed) >= 0.97 * len(cases)


def prose(markup: str) -> str:
    """The text of clean HTML, without its blanks."""
    return squeezed(html.unescape(re.sub(r"<[^<>]*>", "", NOT_PROSE.sub("", markup))))


def squeezed(text: str) -> str:
    """A text without blanks and control characters."""
    return "".join(plain(text).split())
