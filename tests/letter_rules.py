"""The rules of the message format, checked on bytes as a server got them; each check names the text it rests on."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime

ONCE_AT_MOST = (
    "From", "Sender", "Reply-To", "To", "Message-ID", "Subject", "MIME-Version", "Date", "List-Id", "List-Unsubscribe",
    "List-Unsubscribe-Post", "List-Help", "List-Owner", "List-Archive", "List-Post", "Auto-Submitted", "Feedback-ID",
)  # fmt: skip
NEVER_ENCODED = ("List-Unsubscribe", "List-Unsubscribe-Post", "Message-ID", "Feedback-ID", "List-Archive", "List-Help")
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
URL = re.compile(r"https?://[^\s<>\"')\]]+")


def parse(raw: bytes) -> EmailMessage:
    """Parse as the standard library does, headers decoded."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def check(raw: bytes, *, recipient: str, domain: str) -> EmailMessage:
    """Assert every rule on one letter and return it parsed. `domain` is the sender's."""
    message = parse(raw)
    assert not message.defects
    check_lines(raw)
    check_fields(raw, message, recipient=recipient, domain=domain)
    check_encoded_words(raw)
    check_list_fields(raw, message, domain=domain)
    check_parts(raw, message)
    return message


def check_lines(raw: bytes) -> None:
    """Line ends and lengths (RFC 5322 §2.1.1), 7 bits (RFC 6376 §5.3)."""
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()


def check_fields(raw: bytes, message: EmailMessage, *, recipient: str, domain: str) -> None:
    """Numbers and shapes of the fields (RFC 5322 §3.6, RFC 3834, RFC 5321 §4.4)."""
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    names = [line.partition(":")[0].lower() for line in head.split("\r\n") if not line.startswith((" ", "\t"))]
    for name in ONCE_AT_MOST:
        assert names.count(name.lower()) <= 1, name
    for name in ("date", "from", "to", "subject", "message-id", "mime-version"):
        assert names.count(name) == 1, name
    assert not {"bcc", "cc", "return-path", "sender"} & set(names)
    assert not [name for name in names if name.startswith("x-")]
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000", str(message["Date"]))
    assert parsedate_to_datetime(str(message["Date"])).utcoffset() == timedelta(0)
    [(_, sender)] = getaddresses([str(message["From"])])
    assert sender.rpartition("@")[2] == domain
    [(_, to)] = getaddresses([str(message["To"])])
    assert to == recipient
    message_id = re.fullmatch(r"<([!-;=?-~]+)@([a-z0-9.-]+)>", str(message["Message-ID"]).strip())
    assert message_id
    assert message_id[2].endswith(domain)
    assert recipient.partition("@")[0] not in message_id[1]
    assert str(message["MIME-Version"]) == "1.0"


def check_encoded_words(raw: bytes) -> None:
    """Encoded-words (RFC 2047 §2, §5): short, whole characters, never in structured fields."""
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    for line in head.split("\r\n"):
        words = re.findall(r"=\?[^?]+\?[^?]+\?[^?]*\?=", line)
        for word in words:
            assert len(word) <= 75
            str(make_header(decode_header(word)))  # raises where a character is split
        assert not words or len(line) <= 76
    for field in re.split(r"\r\n(?=[^ \t])", head):
        name = field.partition(":")[0]
        assert name not in NEVER_ENCODED or "=?" not in field
        assert not re.search(r'"[^"]*=\?', field) or not name.startswith("Content-")
    subject = str(make_header(decode_header(re.search(r"(?im)^subject:((?:.|\r\n[ \t])*)", head)[1].strip())))  # type: ignore[index]
    assert not BIDI_CONTROLS.search(subject)
    assert not re.match(r"(?i)(re|fwd?)\s*:", subject)


def check_list_fields(raw: bytes, message: EmailMessage, *, domain: str) -> None:
    """The fields of lists and of one-click (RFC 2369, RFC 2919, RFC 8058)."""
    unsubscribe = re.sub(
        r"\r\n[ \t]+", "", raw.partition(b"\r\nList-Unsubscribe:")[2].decode("ascii").split("\r\nList-")[0]
    )
    assert re.fullmatch(r"<https?://[^<>\s]+>", unsubscribe.strip().split("\r\n")[0])
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    list_id = re.search(r"<([a-z0-9.-]+)>$", str(message["List-Id"]).strip())
    assert list_id
    assert list_id[1].endswith(domain)
    assert len(str(message["List-Id"]).encode()) <= 255
    assert str(message["List-Post"]) == "NO"


def check_parts(raw: bytes, message: EmailMessage) -> None:
    """Two parts that say the same (RFC 2046 §5.1), quoted-printable (RFC 2045 §6.7), small enough."""
    assert message.get_content_type() == "multipart/alternative"
    boundary = message.get_boundary()
    assert boundary is not None
    assert len(boundary) <= 70
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    for part in (text, html):
        assert part.get_content_charset() == "utf-8"
        assert part["Content-Transfer-Encoding"] == "quoted-printable"
        assert part.get_param("format") is None
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        assert not content.startswith(b"\xef\xbb\xbf")
        content.decode("utf-8")
        assert content.strip()
        assert boundary.encode() not in content
        for line in str(part.get_payload()).split("\n"):
            assert len(line.rstrip("\r")) <= 76
            assert line.rstrip("\r") == line.rstrip("\r").rstrip(" \t")
            assert not line.startswith(".")
            assert not line.startswith("From ")
    check_same_links(html.get_content(), text.get_content())
    assert len(html.get_content().encode()) < 100_000
    assert len(raw) < 200_000


def check_same_links(html: str, text: str) -> None:
    """The set of link targets is the same in both parts, the leave link among them."""
    in_html = {link.replace("&amp;", "&") for link in re.findall(r'href="(https?://[^"]+)"', html)}
    in_text = set(URL.findall(text))
    assert in_html == in_text
    assert any("/unsubscribe/" in link for link in in_html)
