"""Markdown of an introduction, as HTML and as text."""

import re

import pytest

from app.editions.introduction import introduction_for_letter, introduction_html, introduction_text
from tests.editions.reading import read

HOSTILE = [
    "<script>alert(1)</script>",
    "[a](javascript:alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    "![a](https://tracker.example/pixel.png)",
    '<a href="https://x.example" onclick="alert(1)">a</a>',
    '<img src=x onerror="alert(1)">',
    "<style>body{display:none}</style>",
    "[a]: javascript:alert(1)\n\n[a]",
]


@pytest.mark.parametrize("markdown", HOSTILE)
def test_nothing_active_comes_out(markdown: str) -> None:
    for element in read(introduction_html(markdown, "fr")).find():
        assert element.tag in {"p", "a"}
        assert set(element.attributes) <= {"href"}
        assert element.attributes.get("href", "https:").startswith("https:")


def test_headings_and_images_stay_text_so_that_the_order_of_headings_holds() -> None:
    html = introduction_html("# Titre\n\nTitre\n=====\n\n---", "fr")
    assert not re.search(r"<h\d|<hr|<img", html)
    assert "# Titre" in html


def test_emphasis_lists_and_quotations_are_set_with_inline_styles() -> None:
    html = introduction_for_letter("*a* **b**\n\n- un\n- deux\n\n> dit-il\n\n[là](https://x.example/?a=1&b=2)", "fr")
    assert "<em>a</em> <strong>b</strong>" in html
    assert html.count("<li>") == 2
    assert '<a style="color:#a3171f;text-decoration:underline;" href="https://x.example/?a=1&amp;b=2">là</a>' in html
    assert not re.search(r"<(p|ul|blockquote)>", html)


@pytest.mark.parametrize(
    "markdown",
    [
        "Lire [ceci](https://x.example/a?b=1&c=2) et <https://y.example/>.",
        "Voir https://x.example/a. Puis (https://y.example/b), fin\u00a0!",
        "- un https://x.example/é\n- deux [trois](https://z.example/(a))",
        "[mail](mailto:a@x.example) [vide]() [seul](https://x.example)",
    ],
)
def test_text_and_html_hold_the_same_addresses(markdown: str) -> None:
    links = {link.attributes["href"] for link in read(introduction_html(markdown, "fr")).find("a")}
    in_html = {link for link in links if link.startswith("https:")}
    in_text = {line for line in introduction_text(markdown, "fr").split("\n") if "://" in line}
    assert in_html
    assert in_html == in_text


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**{}**", "<strong>{}</strong>"),
        ("_{}_", "<em>{}</em>"),
        ("***{}***, fin", "<em><strong>{}</strong></em>, fin"),
        ("Voir {}…", "Voir {}…"),
        ("| {}|", "| {}|"),
    ],
)
def test_the_signs_around_a_bare_address_are_none_of_it(markdown: str, html: str) -> None:
    address = "https://x.example/a_b"
    expected = html.format(f'<a href="{address}">{address}</a>')
    assert introduction_html(markdown.format(address), "fr") == f"<p>{expected}</p>"
    assert introduction_text(markdown.format(address), "fr").endswith(f"\n{address}")


@pytest.mark.parametrize("markdown", ["{}", "({})", "Voir {}.", "**{}**"])
def test_brackets_that_a_bare_address_closes_are_its_own(markdown: str) -> None:
    address = "https://x.example/wiki/Tours_(France)"
    [link] = read(introduction_html(markdown.format(address), "fr")).find("a")
    assert link.attributes["href"] == link.text == address


def test_square_brackets_in_a_bare_address_are_its_own() -> None:
    [link] = read(introduction_html("[Voir https://x.example/?f[0]=a.]", "fr")).find("a")
    assert link.attributes["href"] == "https://x.example/?f%5B0%5D=a"


def test_an_address_in_capitals_is_in_both_parts() -> None:
    assert 'href="HTTPS://X.example/a"' in introduction_html("HTTPS://X.example/a", "fr")
    assert introduction_text("HTTPS://X.example/a", "fr") == "X.example\nHTTPS://X.example/a"


def test_an_address_in_code_or_among_the_words_of_a_link_is_no_link_of_its_own() -> None:
    assert introduction_html("`https://x.example/a`", "fr") == "<p>https://x.example/a</p>"
    html = introduction_html("[voir https://x.example ici](https://y.example/)", "fr")
    assert html == '<p><a href="https://y.example/">voir https://x.example ici</a></p>'


def test_the_text_is_free_of_markup() -> None:
    text = introduction_text("*Cette* semaine\u00a0: la **mer**.\nUn &amp; deux.\n\n1. un\n2. deux\n\n> dit-il", "fr")
    assert text == "Cette semaine\u00a0: la mer. Un & deux.\n\n- un\n\n- deux\n\ndit-il"


def test_an_address_that_no_browser_takes_is_no_link() -> None:
    assert introduction_html("Voir http://7.7.7.256/ ici", "fr") == "<p>Voir http://7.7.7.256/ ici</p>"


def test_french_punctuation_is_bound_where_it_is_read_and_nowhere_else() -> None:
    markdown = "« *Qui* ? » : [là](<https://x.example/a :b>) ; `a ;b`"
    html, text = introduction_html(markdown, "fr"), introduction_text(markdown, "fr")
    assert "«&nbsp;<em>Qui</em>&nbsp;?&nbsp;»&nbsp;: <a" in html
    assert 'href="https://x.example/a%20:b"' in html
    assert "a ;b" in html
    assert text == "«\u00a0Qui\u00a0?\u00a0»\u00a0: là\u00a0; a ;b\nhttps://x.example/a%20:b"
    assert "« <em>Qui</em> ? » : " in introduction_html(markdown, "en")
