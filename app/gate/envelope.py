"""Checks of the message as it leaves: the fields of its list, its signature, and its way out."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

from app.gate.findings import Finding, What
from app.gate.form import links_of
from app.gate.markup import Element

_HTTPS = re.compile(r"<(https?://[^<>\s]+)>")


def read_message(raw: bytes) -> EmailMessage:
    """Return a message parsed."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def check_fields(message: EmailMessage, page: Element, *, is_trial: bool) -> Iterator[Finding]:
    """Yield what lacks of the fields of a list (RFC 2369, RFC 2919, RFC 8058), and of the leave link in the letter."""
    ways = _HTTPS.findall(str(message.get("List-Unsubscribe", "")))
    wanted = "http" if is_trial else "https:"
    if not any(way.startswith(wanted) for way in ways):
        yield Finding(What.LEAVE_FIELD)
    if str(message.get("List-Unsubscribe-Post", "")).strip() != "List-Unsubscribe=One-Click":
        yield Finding(What.ONE_CLICK_FIELD)
    if not re.search(r"<[^<>\s@]+\.[^<>\s@]+>", str(message.get("List-Id", ""))):
        yield Finding(What.LIST_ID_FIELD)
    if not set(ways) & set(links_of(page)):
        yield Finding(What.LEAVE_LINK)


def check_signature(message: EmailMessage) -> Iterator[Finding]:
    """Yield that no DKIM signature is there, or none of the sender's own domain (RFC 9989 §4.4, strict or relaxed)."""
    signatures = [str(value) for value in message.get_all("DKIM-Signature", [])]
    if not signatures:
        yield Finding(What.UNSIGNED)
        return
    [(_, sender)] = getaddresses([str(message["From"])])
    domain = sender.rpartition("@")[2].lower()
    signed = [found[1].lower() for value in signatures if (found := re.search(r"\bd=\s*([\w.-]+)", value))]
    if not any(is_aligned(each, domain) for each in signed):
        yield Finding(What.SIGNATURE_ELSEWHERE, domain, names=tuple(signed))


def is_aligned(domain: str, sender: str) -> bool:
    """Return whether one of two domains is the other, or stands below it."""
    return domain == sender or domain.endswith(f".{sender}") or sender.endswith(f".{domain}")
