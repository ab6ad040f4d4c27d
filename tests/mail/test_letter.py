"""The message as bytes, checked by the rules that the whole product is held to."""

import locale
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.errors import HeaderInvalid, InputRefused
from app.mail.letter import Letter, build, check_subject
from tests import letter_rules
from tests.delivery.house import LETTER

URL = "https://newsletter.example/fr/unsubscribe/" + "t" * 66
DATE = datetime(2026, 3, 17, 6, 30, tzinfo=UTC)
FRENCH = replace(
    LETTER,
    subject="Cybersécurité & géopolitique : l’édition du 17 mars, câbles coupés et « jour zéro » en orbite 🛰️ !",
    html=f'<p>.\n..\nFrom Élysée</p>\n<p>{"é" * 5000}</p><a href="{URL}">Se désabonner</a>',
    text=f".\n..\nFrom Élysée \n{'é' * 5000}\n{URL}\n",
    from_name="Cyber & Géopolitique, la lettre",
    unsubscribe_url=URL,
)


def bytes_of(letter: Letter = FRENCH, recipient: str = "alice@reader.example") -> bytes:
    return build(letter, recipient=recipient, message_id="<opaque@newsletter.example>", date=DATE)


def test_a_french_letter_keeps_every_rule() -> None:
    message = letter_rules.check(bytes_of(), recipient="alice@reader.example", domain="newsletter.example")
    assert message["Subject"] == FRENCH.subject
    [mailbox] = message["From"].addresses
    assert mailbox.display_name == FRENCH.from_name
    text, html = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == FRENCH.text
    assert html.get_content().replace("\r\n", "\n") == FRENCH.html + "\n"


def test_the_same_letter_is_the_same_bytes() -> None:
    assert bytes_of() == bytes_of()
    assert bytes_of() != build(FRENCH, recipient="alice@reader.example", message_id="<other@x.example>", date=DATE)


def test_a_date_is_written_in_english_and_utc_whatever_the_place() -> None:
    paris = timezone(timedelta(hours=1))
    before = locale.setlocale(locale.LC_TIME)
    with suppress(locale.Error):
        locale.setlocale(locale.LC_TIME, "fr_FR.UTF-8")
    try:
        raw = build(FRENCH, recipient="a@x.example", message_id="<a@x.example>", date=DATE.astimezone(paris))
    finally:
        locale.setlocale(locale.LC_TIME, before)
    assert b"\r\nDate: Tue, 17 Mar 2026 06:30:00 +0000\r\n" in raw


def test_only_automatic_letters_say_so() -> None:
    assert bytes_of().count(b"\r\nAuto-Submitted: auto-generated\r\n") == 1
    assert b"Auto-Submitted" not in bytes_of(replace(FRENCH, is_automatic=False))


def test_reply_to_is_there_where_it_is_wanted() -> None:
    assert b"Reply-To" not in bytes_of()
    raw = bytes_of(replace(FRENCH, reply_to="redaction@newsletter.example"))
    assert b"\r\nReply-To: redaction@newsletter.example\r\n" in raw


def test_a_recipient_beyond_ascii_makes_only_its_own_field_eight_bit() -> None:
    raw = bytes_of(recipient="é.dupont@exemple.fr")
    field = "\r\nTo: é.dupont@exemple.fr\r\n".encode()
    assert field in raw
    assert raw.replace(field, b"").isascii()


def test_nobody_else_is_named() -> None:
    addresses = set(re.findall(rb"[\w.+-]+@[\w.-]+", bytes_of().partition(b"\r\n\r\n")[0]))
    ours = {b"lettre@newsletter.example", b"contact@newsletter.example", b"opaque@newsletter.example"}
    assert addresses - ours == {b"alice@reader.example"}


@pytest.mark.parametrize("subject", ["Re: bonjour", "FWD: x", "fw : x", "", "  ", "x\r\nBcc: y@x.example", "\u202ex"])
def test_a_subject_that_deceives_is_refused(subject: str) -> None:
    with pytest.raises(HeaderInvalid):
        check_subject(subject)
    with pytest.raises(HeaderInvalid):
        bytes_of(replace(FRENCH, subject=subject))


@pytest.mark.parametrize("part", ["html", "text"])
def test_a_letter_without_one_of_its_parts_is_refused(part: str) -> None:
    with pytest.raises(InputRefused):
        bytes_of(replace(FRENCH, **{part: " \n"}))


@pytest.mark.parametrize(
    "field",
    ["from_name", "from_address", "list_name", "list_id", "unsubscribe_url", "archive_url", "help_url", "owner",
     "feedback_id", "language", "reply_to"],
)  # fmt: skip
def test_no_field_of_a_letter_lets_another_in(field: str) -> None:
    forged = f"{getattr(FRENCH, field) or 'a@x.example'}\r\nBcc: evil@x.example"
    with pytest.raises(HeaderInvalid):
        bytes_of(replace(FRENCH, **{field: forged}))


@pytest.mark.parametrize(
    "message_id", ["no@brackets.example", "<é@x.example>", "<a b@x.example>", "<a@x.example>\r\nX: y"]
)
def test_a_message_id_is_plain(message_id: str) -> None:
    with pytest.raises(HeaderInvalid):
        build(FRENCH, recipient="a@x.example", message_id=message_id, date=DATE)
