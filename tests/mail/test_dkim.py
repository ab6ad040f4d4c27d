"""DKIM signatures, as two verifiers that are not ours see them: dkimpy and OpenDKIM, both for both algorithms."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from app.errors import HeaderInvalid, InputRefused
from app.mail.dkim import Signer, SigningKey
from tests.mail.dkim_verifiers import verify_with_dkimpy, verify_with_opendkim
from tests.mail.test_letter import bytes_of

DOMAIN = "newsletter.example"
AT = datetime(2026, 3, 17, 6, 30, tzinfo=UTC)
KEYS = (
    SigningKey("2026-11", generate_private_key(65537, 2048)),
    SigningKey("2026-11-ed", Ed25519PrivateKey.generate()),
)
SIGNER = Signer(DOMAIN, KEYS)
RECORDS = {key.record_name(DOMAIN): key.record for key in KEYS}
BOTH_PASS = {key.selector: True for key in KEYS}
BOTH_FAIL = {key.selector: False for key in KEYS}
HEADERS, BODY = bytes_of().replace(b"\r\n\r\n", b"\r\n\0", 1).split(b"\0")
SMALL = b"From: a@newsletter.example\r\nTo: b@reader.example\r\nSubject: x\r\nDate: Tue, 17 Mar 2026 06:30:00 +0000\r\n"

#: What each signature of a letter came to, by selector.
Verifier = Callable[[bytes], dict[str, bool]]


@pytest.fixture(params=[verify_with_dkimpy, verify_with_opendkim])
def verify(request: pytest.FixtureRequest, tmp_path: Path) -> Verifier:
    """Each verifier; it gets a letter as a server does, ended by CRLF."""
    return lambda raw: request.param(raw if raw.endswith(b"\r\n") else raw + b"\r\n", RECORDS, tmp_path)


def signed(headers: bytes = HEADERS, body: bytes = BODY) -> bytes:
    """A letter signed now, since verifiers look at their clocks."""
    return SIGNER.sign(headers, body, at=datetime.now(UTC)) + headers + b"\r\n" + body


def replaced_last(raw: bytes, found: bytes, changed: bytes) -> bytes:
    before, there, after = raw.rpartition(found)
    assert there
    return before + changed + after


def names_in(signature: bytes) -> list[str]:
    """What h= lists."""
    [tag] = re.findall(rb"\bh=([^;]*);", signature)
    return re.sub(rb"\s", b"", tag).decode().split(":")


def test_a_letter_passes(verify: Verifier) -> None:
    assert verify(signed()) == BOTH_PASS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"\r\n\r\n\r\n",
        b" \t\r\n \r\n",
        b"no line end",
        b"blanks \t\r\nat ends \r\n",
        b"runs   of\t \tblanks\r\n  and\tat begins\r\n",
        b"blank lines\r\n\r\n\r\nwithin and after\r\n\r\n \r\n\r\n",
        "8 bits, é\r\n".encode(),
    ],
)
def test_any_body_passes(verify: Verifier, body: bytes) -> None:
    assert verify(signed(SMALL, body)) == BOTH_PASS


@pytest.mark.parametrize(
    "field",
    [
        b"List-Unsubscribe:\r\n <https://newsletter.example/x>\r\n",
        b"List-Unsubscribe:\r\n\t<https://newsletter.example/x>\r\n",
        b"List-Help: \t one,\r\n \t two,\r\n   three \t\r\n",
        b"LIST-help:<https://newsletter.example/x>\r\n",
        b"Reply-To: \r\n a@newsletter.example\r\n",
        b"Feedback-ID:\r\n",
        b"Cc: one@reader.example\r\nCc: two@reader.example\r\n",
        "Cc: é@reader.example\r\n".encode(),
    ],
)
def test_any_folding_passes(verify: Verifier, field: bytes) -> None:
    assert verify(signed(SMALL + field)) == BOTH_PASS


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        (b"\r\nSubject: ", b"\r\nSUBJECT:\r\n\t  "),
        (b"\r\nList-Unsubscribe-Post: ", b"\r\nList-Unsubscribe-Post:\r\n "),
        (b"\r\nFrom: ", b"\r\nX-Relay: seen\r\nList-Unknown-Digits-9: x\r\nFrom: "),
        (b"--\r\n", b"-- \t\r\n\r\n \r\n"),
        (b"DKIM-Signature: v=1; a=rsa", b"Return-Path: <>\r\nReceived: by mx.example\r\nDKIM-Signature: v=1; a=rsa"),
    ],
)
def test_what_relays_do_in_passing_breaks_nothing(verify: Verifier, found: bytes, changed: bytes) -> None:
    assert verify(replaced_last(signed(), found, changed)) == BOTH_PASS


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        (b"=C3=89lys=C3=A9e", b"=C3=89lys=C3=A8e"),
        (b"--\r\n", b"--\r\nOne line more\r\n"),
        (b"\r\nSubject: =?", b"\r\nSubject: X =?"),
        (b"/unsubscribe/t", b"/unsubscribe/u"),
        (b"\r\nList-Unsubscribe:\r\n <https://", b"\r\nList-Unsubscribe:\r\n <https://evil."),
        (b"=One-Click\r\n", b"=Two-Click\r\n"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"\r\nFrom: ", b"\r\nSubject: Another\r\nFrom: "),
        (b"\r\nMIME-Version: ", b"\r\nSubject: Another\r\nMIME-Version: "),
        (b"\r\nFrom: ", b"\r\nFrom: evil@newsletter.example\r\nFrom: "),
        (b"\r\nMIME-Version: ", b"\r\nFrom: evil@newsletter.example\r\nMIME-Version: "),
        (b"\r\nFrom: ", b"\r\nCc: another@reader.example\r\nFrom: "),
        (b"\r\nFrom: ", b"\r\nReply-To: evil@newsletter.example\r\nFrom: "),
        (b"\r\nFrom: ", b"\r\nContent-Type: text/html\r\nFrom: "),
        (b" d=newsletter.example;", b" d=newsletter.example; l=0;"),
    ],
)
def test_what_changes_the_letter_breaks_both(verify: Verifier, found: bytes, changed: bytes) -> None:
    raw = signed()
    assert found in raw
    assert verify(raw.replace(found, changed)) == BOTH_FAIL


def test_old_signatures_run_out(verify: Verifier) -> None:
    at = datetime.now(UTC) - timedelta(days=15)
    assert verify(SIGNER.sign(HEADERS, BODY, at=at) + HEADERS + b"\r\n" + BODY) == BOTH_FAIL


def test_a_signature_names_what_is_there_and_leaves_no_room_for_more() -> None:
    others = b"".join(
        name + b": x\r\n"
        for name in (b"Received", b"Return-Path", b"Comments", b"Keywords", b"DKIM-Signature", b"X-Own", b"List-;x")
    )
    names = names_in(SIGNER.sign(others + HEADERS, BODY, at=AT).partition(b"\r\nDKIM-Signature:")[0])
    once = [
        "mime-version", "list-id", "list-unsubscribe", "list-unsubscribe-post", "list-help", "list-owner",
        "list-archive", "list-post", "feedback-id", "auto-submitted", "content-language", "reply-to", "cc",
    ]  # fmt: skip
    twice = ["from", "to", "subject", "date", "message-id", "content-type"]
    assert sorted(names) == sorted([*once, *twice, *twice])


def test_each_kind_signs_under_its_own_selector_for_the_same_domain() -> None:
    first, second = SIGNER.sign(HEADERS, BODY, at=AT).split(b"DKIM-Signature: ")[1:]
    begun = int(AT.timestamp())
    for signature, key in ((first, KEYS[0]), (second, KEYS[1])):
        tags = dict(re.findall(r"(\w+)=([^;]*)(?:;|$)", re.sub(r"\s", "", signature.decode())))
        assert tags["a"] == f"{key.algorithm}-sha256"
        assert (tags["s"], tags["d"], tags["c"]) == (key.selector, DOMAIN, "relaxed/relaxed")
        assert (tags["t"], tags["x"]) == (str(begun), str(begun + 14 * 86_400))
        assert "l" not in tags


def test_the_same_moment_gives_the_same_bytes_in_short_lines() -> None:
    fields = SIGNER.sign(HEADERS, BODY, at=AT)
    assert fields == Signer(DOMAIN.upper(), KEYS).sign(HEADERS, BODY, at=AT)
    assert fields != SIGNER.sign(HEADERS, BODY, at=AT + timedelta(seconds=1))
    assert fields.endswith(b"\r\n")
    lines = fields.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert all(line.startswith((b"DKIM-Signature: ", b" ")) for line in lines)
    assert fields.isascii()


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        b"\r\n",
        SMALL + b"\r\n",
        SMALL + b"no field\r\n",
        b" " + SMALL,
        SMALL + b"From: two@x.example\r\n",
        b"To: a@b\r\n",
    ],
)
def test_what_is_no_header_is_not_signed(headers: bytes) -> None:
    with pytest.raises(HeaderInvalid):
        SIGNER.sign(headers, BODY, at=AT)


@pytest.mark.parametrize(
    ("keys", "days", "domain"),
    [
        ([], 14, DOMAIN),
        (KEYS[1:], 14, DOMAIN),
        ([KEYS[0], SigningKey(KEYS[0].selector, KEYS[1].private_key)], 14, DOMAIN),
        (KEYS, 6, DOMAIN),
        (KEYS, 14, "exämple.fr"),
        (KEYS, 14, "x.example; l=0"),
    ],
)
def test_a_signer_that_would_not_do_is_refused(keys: Sequence[SigningKey], days: int, domain: str) -> None:
    with pytest.raises(InputRefused):
        Signer(domain, keys, life=timedelta(days=days))


def test_private_keys_stay_out_of_logs() -> None:
    assert "private_key" not in repr(KEYS[0])
