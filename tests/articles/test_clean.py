"""Text and HTML from outside, made fit to print."""

import html
import json
import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.articles.clean import MARKUP_MAX_DEPTH, html_depth, html_to_text, one_line, plain, title_line
from tests.articles.conftest import corpus

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def test_entities_are_decoded_once() -> None:
    assert html_to_text('L\'&eacute;t&eacute; &amp;lt;b&gt; "x"') == 'L\'été &lt;b> "x"'


def test_html_becomes_paragraphs() -> None:
    markup = "<h2>Un</h2><p>deux<br>trois</p>\n<ul><li>quatre<li>cinq</ul><table><tr><td>six<td>sept</table>"
    assert html_to_text(markup) == "Un\n\ndeux\ntrois\n\nquatre\n\ncinq\n\nsix sept"


def test_scripts_styles_forms_and_captions_are_no_prose() -> None:
    markup = (
        "<style>p{}</style><script>alert(1)</script><figure><img src=x alt=y><figcaption>Légende</figcaption></figure>"
        "<form><input value=z>mail</form><p onclick=x style=y>Texte <a href='javascript:alert(1)'>lié</a>.</p>"
    )
    assert html_to_text(markup) == "Texte lié."


def test_deep_markup_never_reaches_a_tree_builder() -> None:
    started = time.monotonic()
    assert html_to_text("<div>" * 70_000 + "texte") == "texte"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("unit", ["<div>", "<b></i>", "<div/>", "<svg><g></svg></div>"])
def test_depth_is_counted_whatever_end_tags_pretend(unit) -> None:
    assert html_depth(unit * 300) > MARKUP_MAX_DEPTH


@pytest.mark.parametrize(
    "unit", ["<p>a", "<li>a", "<br>", "<b>a</b>", "<script>'<div>'</script>", "<!--<div>-->", "<td>"]
)
def test_what_does_not_nest_is_not_counted(unit) -> None:
    assert html_depth(unit * 300) <= 1


@given(st.text(st.characters(), max_size=300))
def test_plain_text_is_normal_and_prints_in_order(text) -> None:
    cleaned = plain(text)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(c in BIDI or (unicodedata.category(c) in {"Cc", "Cs"} and c != "\n") for c in cleaned)
    assert "\n\n\n" not in cleaned
    assert plain(cleaned) == cleaned
    cleaned.encode("utf-8")


@given(st.text(max_size=400), st.integers(10, 100))
def test_a_line_is_one_and_short_enough(text, limit) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line


def test_line_ends_of_all_kinds_are_one_kind() -> None:
    assert plain("a\r\nb\rc\u2028d\x0be\x85f") == "a\nb\nc\nd\ne\nf"


def test_a_narrow_no_break_space_becomes_a_usual_one() -> None:
    assert plain("Vraiment\u202f?") == "Vraiment\u00a0?"


def test_a_long_title_is_cut_at_a_word() -> None:
    assert one_line("Un câble sous-marin coupé", 15) == "Un câble…"


@pytest.mark.parametrize(
    ("title", "kept"), [("Re: Fwd: Câble", "Câble"), ("TR : Câble", "Câble"), ("re:Invent 2026", "re:Invent 2026")]
)
def test_a_title_does_not_pretend_to_be_a_reply(title, kept) -> None:
    assert title_line(title) == kept


def test_a_title_loses_control_and_bidi_characters() -> None:
    assert title_line("Fac\u202eture\u0000 \x1b[31mpayée\r\nBcc: x") == "Facture [31mpayée Bcc: x"


@pytest.mark.parametrize("file", ["xss.json", "naughty-strings.json"])
def test_no_payload_of_the_corpus_leaves_active_html(file) -> None:
    for payload in json.loads(corpus(f"security-payloads/open/{file}").read_text(encoding="utf-8")):
        shown = html.escape(html_to_text(f"<p>{payload}</p>"))
        assert not re.search(r"<|\"|'", shown)
        assert not set(shown) & set(BIDI)
