"""All checks of a letter by itself: its two parts, and the message that carries them."""

from collections.abc import Iterator
from email.message import EmailMessage

from app.gate.envelope import check_fields, check_signature, read_message
from app.gate.findings import Finding
from app.gate.form import check_contrast, check_parity, check_size, check_structure
from app.gate.links import check_links
from app.gate.markup import Element, parse_markup
from app.gate.styles import rules_of
from app.gate.support import check_support
from app.gate.visibility import check_leave_link
from config import Config


def check_parts(html: str, text: str, config: Config) -> Iterator[Finding]:
    """Yield what is wrong with a letter's two parts, marks for personal links or not."""
    yield from _check_page(parse_markup(html), html, text, config)


def check_contents(html: str, text: str, config: Config) -> Iterator[Finding]:
    """Yield of what is wrong with a letter's parts that which comes of its articles, and not of its template."""
    yield from _check_words(parse_markup(html), html, text, config)


def check_message(raw: bytes, config: Config) -> Iterator[Finding]:
    """Yield what is wrong with a message as it would leave."""
    message = read_message(raw)
    html, text = (_content(message, kind) for kind in ("html", "plain"))
    page = parse_markup(html)
    yield from _check_page(page, html, text, config)
    yield from check_fields(message, page, is_trial=config.is_loopback)
    yield from check_signature(message)


def _check_page(page: Element, html: str, text: str, config: Config) -> Iterator[Finding]:
    yield from _check_words(page, html, text, config)
    rules = rules_of(page)
    yield from check_contrast(page, rules)
    yield from check_support(page, rules)
    yield from check_leave_link(page, rules, public_url=config.public_url)


def _check_words(page: Element, html: str, text: str, config: Config) -> Iterator[Finding]:
    yield from check_size(html)
    yield from check_links(page, public_url=config.public_url, is_trial=config.is_loopback)
    yield from check_structure(page)
    yield from check_parity(page, text)


def _content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if isinstance(part, EmailMessage) else ""
