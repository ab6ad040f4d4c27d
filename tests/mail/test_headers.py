"""Header fields: what they may hold, how they are encoded and folded."""

import json
import re
import unicodedata
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import HeaderInvalid
from app.mail.headers import (
    address_field,
    check_address,
    clean_value,
    list_id_field,
    mailbox_field,
    message_id_field,
    text_field,
    token_field,
    url_field,
)

CRLF_PAYLOADS = Path(__file__).resolve().parents[3] / "shared/corpora/security-payloads/open/crlf.json"
BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b", "\x7f", "\ud800"]
LONG_FRENCH = "Cybersécurité & géopolitique : l’édition du 17 mars, câbles coupés, élections et « jour zéro » 🛰️ fin"

values = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf")), max_size=200)


def parsed(field: bytes) -> str:
    """The value as the standard library reads it."""
    message = message_from_bytes(field + b"\r\n", policy=policy.default)
    assert not message.defects
    return str(next(iter(message.values())))


def check_form(field: bytes) -> None:
    """Lines and encoded-words as RFC 5322 §2.1.1 and RFC 2047 §2 want them."""
    assert field.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", field)
    for line in field.decode("utf-8").split("\r\n")[:-1]:
        assert line.strip()
        words = re.findall(r"=\?[^?]+\?[qb]\?[^?]*\?=", line)
        assert all(len(word) <= 75 for word in words)
        assert not words or len(line) <= 76
        for word in words:
            str(make_header(decode_header(word)))


@pytest.mark.parametrize(
    "text", ["Hello", LONG_FRENCH, "Ελληνικά " * 12 + "!", "a" * 70 + " é", "=?utf-8?q?fake?=", "🛰️" * 40]
)
def test_a_subject_round_trips(text: str) -> None:
    field = text_field("Subject", text)
    check_form(field)
    assert parsed(field) == text


@given(values)
def test_any_subject_keeps_its_form_and_words(text: str) -> None:
    field = text_field("Subject", text)
    if text.strip():
        check_form(field)
    decoded = str(make_header(decode_header(field.decode("ascii").partition(":")[2].strip(" ").removesuffix("\r\n"))))
    assert decoded.split() == clean_value(text).split()


def test_a_long_ascii_subject_is_folded_at_blanks() -> None:
    field = text_field("Subject", "word " * 40 + "end")
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert field.replace(b"\r\n", b"") == b"Subject: " + b"word " * 40 + b"end"


@pytest.mark.parametrize(
    "name",
    [
        "Vigie",
        "Vigie, la lettre",
        "Cyber & Géopolitique, la lettre",
        'Dites "oui"',
        "a.b@c",
        "\\",
        "(x)",
        "=?x",
    ],
)
def test_a_display_name_round_trips_to_one_mailbox(name: str) -> None:
    field = mailbox_field("From", name, "lettre@newsletter.example")
    check_form(field)
    message = message_from_bytes(field + b"\r\n", policy=policy.default)
    [mailbox] = message["From"].addresses
    assert (mailbox.display_name, mailbox.addr_spec) == (name, "lettre@newsletter.example")
    assert not re.search(rb'"[^"]*=\?', field)


def test_a_long_display_name_round_trips() -> None:
    field = mailbox_field("From", LONG_FRENCH, "lettre@newsletter.example")
    check_form(field)
    value = field.decode("ascii").partition(":")[2].strip()
    assert str(make_header(decode_header(value))) == f"{LONG_FRENCH} <lettre@newsletter.example>"


def test_a_local_part_beyond_ascii_stays_as_it_is() -> None:
    assert address_field("To", "é.dupont@exemple.fr") == "To: é.dupont@exemple.fr\r\n".encode()


@pytest.mark.parametrize("name", ["", "é"])
def test_an_address_is_checked_with_and_without_a_name(name: str) -> None:
    with pytest.raises(HeaderInvalid):
        mailbox_field("From", name, "a@x.example, b@x.example")


@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_no_control_character_passes_for_an_address(local: str) -> None:
    try:
        field = address_field("To", f"{local}@x.example")
    except HeaderInvalid:
        return
    assert str(field, "utf-8") == f"To: {local}@x.example\r\n"
    assert not any(unicodedata.category(character) in {"Cc", "Zl", "Zp", "Zs"} for character in local)


@pytest.mark.parametrize("length", [900, 2000])
def test_a_field_is_refused_for_its_longest_line_not_for_its_length(length: int) -> None:
    assert len(text_field("Subject", "word " * (length // 5) + "end")) > length
    with pytest.raises(HeaderInvalid):
        text_field("Subject", "x" * 1000 + " end")


@pytest.mark.parametrize("forbidden", BREAKS)
def test_what_could_end_a_field_is_refused_everywhere(forbidden: str) -> None:
    value = f"x{forbidden}Bcc: evil@x.example"
    for write in (
        lambda: text_field("Subject", value),
        lambda: mailbox_field("From", value, "a@x.example"),
        lambda: mailbox_field("From", "", f"a@x.example{forbidden}"),
        lambda: list_id_field(value, "fr.vigie.example"),
        lambda: list_id_field("x", f"fr.vigie.example{forbidden}"),
        lambda: url_field("List-Help", f"https://x.example/{forbidden}"),
        lambda: token_field("Feedback-ID", value),
        lambda: message_id_field(f"<a{forbidden}@x.example>"),
        lambda: check_address(f"a{forbidden}@x.example"),
    ):
        with pytest.raises(HeaderInvalid):
            write()


@pytest.mark.skipif(not CRLF_PAYLOADS.exists(), reason="the corpus of payloads is not beside the repository")
def test_no_payload_of_the_corpus_makes_a_second_field() -> None:
    for payload in strings_of(json.loads(CRLF_PAYLOADS.read_text(encoding="utf-8"))):
        try:
            field = text_field("Subject", payload)
        except HeaderInvalid:
            continue
        assert re.findall(rb"(?m)^[^ \t\r\n:]+:", field) == [b"Subject:"]


@pytest.mark.parametrize("text", ["\u202eabc", "abc\u202c", "\u2066\u202cabc\u2069", "\u2067abc"])
def test_unbalanced_bidirectional_controls_are_refused(text: str) -> None:
    with pytest.raises(HeaderInvalid):
        clean_value(text)


def test_balanced_bidirectional_controls_are_kept() -> None:
    assert clean_value("\u2067\u202bمرحبا\u202c\u2069") == "\u2067\u202bمرحبا\u202c\u2069"


def test_values_are_brought_into_form_c() -> None:
    assert clean_value("e\u0301te\u0301") == "été"


@pytest.mark.parametrize("length", [10, 60, 200, 900])
def test_a_url_is_never_encoded_nor_cut(length: int) -> None:
    url = "https://newsletter.example/" + "a" * length
    field = url_field("List-Unsubscribe", url)
    assert b"=?" not in field
    assert field.replace(b"\r\n ", b" ") == f"List-Unsubscribe: <{url}>\r\n".encode()


@pytest.mark.parametrize(
    "url",
    ["https://x.example/ y", "https://x.example/>", "ftp://x.example/", "https://é.example/", "https://x.example/=?a",
     "", "https://x.example/" + "a" * 1000],
)  # fmt: skip
def test_what_is_not_one_plain_url_is_refused(url: str) -> None:
    with pytest.raises(HeaderInvalid):
        url_field("List-Unsubscribe", url)


@pytest.mark.parametrize(
    "identifier", ["", "nodots", "é.example", "a b.example", "a..b", "x>.example", "a." * 130 + "fr"]
)
def test_a_list_identifier_is_a_plain_name(identifier: str) -> None:
    with pytest.raises(HeaderInvalid):
        list_id_field("Vigie", identifier)


def test_a_list_id_keeps_its_identifier_plain_under_a_french_name() -> None:
    field = list_id_field("Vigie, l’édition française", "fr.vigie.newsletter.example")
    check_form(field)
    assert field.endswith(b" <fr.vigie.newsletter.example>\r\n")
    assert list_id_field("", "fr.vigie.example") == b"List-Id: <fr.vigie.example>\r\n"


@given(values)
def test_any_display_name_leaves_one_mailbox(name: str) -> None:
    field = mailbox_field("From", name, "a@x.example").decode("ascii").replace("\r\n", "")
    assert [address for _, address in getaddresses([field.removeprefix("From:")])] == ["a@x.example"]


def strings_of(tree: object) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return [text for part in parts for text in strings_of(part)]
