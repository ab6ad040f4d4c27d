"""The message as bytes, checked by the rules that the whole product is held to."""

import locale
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import HeaderInvalid, InputRefused
from app.mail.letter import Letter, cast, check_subject
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
MARKS = ("mark-unsubscribe-" + "A" * 22, "mark-preferences-" + "A" * 22)
VALUES = (URL, "https://newsletter.example/fr/preferences/" + "t" * 66)
MARKED = replace(
    LETTER,
    html=f'<p>Les autorités enquêtent.</p><a href="{MARKS[0]}">Se désabonner</a> <a href="{MARKS[1]}">Préférences</a>',
    text=f"Les autorités enquêtent.\n\n{MARKS[0]}\n\nPréférences : {MARKS[1]}\n",
    unsubscribe_url=MARKS[0],
)

troublesome = st.sampled_from(["\n", ".", "..", ".x", "\n.", " ", "\t", "=", "From ", "é", "x" * 72, *MARKS])
pieces = st.one_of(troublesome, st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20))
parts = st.lists(pieces, max_size=40).map(lambda drawn: "x\n" + "".join(drawn))
values = st.one_of(st.sampled_from(VALUES), st.text("aZ09._~:/?=&%#+-", min_size=1, max_size=200))


def build(letter: Letter, *, recipient: str, message_id: str, date: datetime) -> bytes:
    """A letter for one reader only."""
    return cast(letter, date=date).fill(recipient=recipient, message_id=message_id)


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


@given(parts, parts, st.tuples(values.filter(lambda value: "=?" not in value), values))
def test_a_filled_mold_holds_its_parts_with_the_marks_replaced(text: str, html: str, given: tuple[str, str]) -> None:
    mold = cast(replace(MARKED, text=text, html=html, unsubscribe_url=f"{URL}{MARKS[0]}"), date=DATE, marks=MARKS)
    raw = mold.fill(recipient="a@x.example", message_id="<a@x.example>", values=given)
    letter_rules.check_lines(raw)
    assert not [line for line in raw.split(b"\r\n") if line.startswith((b".", b"From "))]
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    message = letter_rules.parse(raw)
    for mark, value in zip(MARKS, given, strict=True):
        text, html = text.replace(mark, value), html.replace(mark, escape(value))
    assert message["List-Unsubscribe"].strip() == f"<{URL}{given[0]}>"
    assert [part.get_payload(decode=True) for part in message.iter_parts()] == [wire_form(text), wire_form(html)]


def wire_form(text: str) -> bytes:
    return (text if text.endswith("\n") else f"{text}\n").replace("\n", "\r\n").encode()


@pytest.mark.parametrize("base", ["", "https://newsletter.example/fr/unsubscribe/"])
def test_a_mark_stands_for_a_whole_url_or_for_its_end(base: str) -> None:
    letter = replace(
        MARKED,
        html=MARKED.html.replace(MARKS[0], base + MARKS[0]),
        text=MARKED.text.replace(MARKS[0], base + MARKS[0]),
        unsubscribe_url=base + MARKS[0],
    )
    raw = cast(letter, date=DATE, marks=MARKS).fill(
        recipient="alice@reader.example",
        message_id="<opaque@newsletter.example>",
        values=(URL.removeprefix(base), VALUES[1]),
    )
    letter_rules.check(raw, recipient="alice@reader.example", domain="newsletter.example")
    assert f"\r\nList-Unsubscribe:\r\n <{URL}>\r\n".encode() in raw


def test_all_copies_of_a_mold_share_what_is_not_personal() -> None:
    mold = cast(MARKED, date=DATE, marks=MARKS)
    one = mold.fill(recipient="a@x.example", message_id="<a@x.example>", values=VALUES)
    other = mold.fill(recipient="b@x.example", message_id="<b@x.example>", values=VALUES)
    assert one != other
    assert one.replace(b"a@x.example", b"b@x.example") == other
    again = cast(MARKED, date=DATE, marks=MARKS)
    assert again.fill(recipient="a@x.example", message_id="<a@x.example>", values=VALUES) == one


def test_other_content_has_another_boundary() -> None:
    boundaries = {letter_rules.parse(bytes_of(letter)).get_boundary() for letter in (LETTER, FRENCH)}
    assert len(boundaries) == 2


def test_header_and_body_make_the_letter() -> None:
    mold = cast(MARKED, date=DATE, marks=MARKS)
    header, body = mold.fill_parts(recipient="a@x.example", message_id="<a@x.example>", values=VALUES)
    assert header.endswith(b'"\r\n')
    assert body.startswith(b"--=_")
    raw = mold.fill(recipient="a@x.example", message_id="<a@x.example>", values=VALUES)
    assert raw == header + b"\r\n" + body


@pytest.mark.parametrize("value", ["", "é", "a b", "a\r\nBcc: b@x.example", "a\n", "<a>", '"', "'", "a;b", "a\\b", "٣"])
def test_a_value_is_safe_in_every_place(value: str) -> None:
    mold = cast(MARKED, date=DATE, marks=MARKS)
    with pytest.raises(HeaderInvalid):
        mold.fill(recipient="a@x.example", message_id="<a@x.example>", values=(URL, value))


@pytest.mark.parametrize("url", ["no-url", "https://x.example/=?a", "https://x.example/" + "a" * 1000])
def test_an_unsubscribe_url_must_be_one_once_it_is_whole(url: str) -> None:
    mold = cast(MARKED, date=DATE, marks=MARKS)
    with pytest.raises(HeaderInvalid):
        mold.fill(recipient="a@x.example", message_id="<a@x.example>", values=(url, URL))


@pytest.mark.parametrize("given", [(), (URL,), (URL, URL, URL)])
def test_each_mark_wants_its_value(given: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="one value for each"):
        cast(MARKED, date=DATE, marks=MARKS).fill(recipient="a@x.example", message_id="<a@x.example>", values=given)


@pytest.mark.parametrize("field", ["subject", "from_name", "list_name", "archive_url", "feedback_id", "reply_to"])
def test_a_mark_where_nothing_is_personal_is_refused(field: str) -> None:
    with pytest.raises(InputRefused):
        cast(replace(MARKED, **{field: f"https://x.example/{MARKS[0]}"}), date=DATE, marks=MARKS)


@pytest.mark.parametrize(
    ("text", "marks"), [("mark-ab", ("mark-a", "mark-ab")), ("abab", ("ab", "ba")), ("some plain text", ("plain",))]
)
def test_a_mark_that_is_part_of_something_else_is_refused(text: str, marks: tuple[str, ...]) -> None:
    with pytest.raises(InputRefused):
        cast(replace(LETTER, text=text), date=DATE, marks=marks)


@pytest.mark.parametrize("mark", ["", "3D", "A", "é", "a b", "a=b", "a.b", "a\n"])
def test_a_mark_is_a_word_that_no_encoding_touches(mark: str) -> None:
    with pytest.raises(ValueError, match="ASCII word"):
        cast(LETTER, date=DATE, marks=(mark,))


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


def test_a_leave_address_stands_behind_the_https_way_and_takes_replies() -> None:
    mold = cast(LETTER, date=DATE)
    usual = mold.fill(recipient="a@reader.example", message_id="<1@newsletter.example>")
    written = mold.fill(
        recipient="a@reader.example", message_id="<1@newsletter.example>", leave_address="leave-1@bounces.example"
    )
    message = message_from_bytes(written, policy=policy.default)
    https, mailto = message["List-Unsubscribe"].split(",")
    assert https.strip() == f"<{LETTER.unsubscribe_url}>"
    assert mailto.strip() == "<mailto:leave-1@bounces.example?subject=unsubscribe>"
    assert message["Reply-To"] == "leave-1@bounces.example"
    assert b"mailto:leave" not in usual
