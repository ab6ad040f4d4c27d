"""The digest as a letter: readable everywhere, the same in both parts, honest in every field."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from itertools import pairwise

import pytest
from sqlalchemy.orm import Session

from app.editions.counting import counted_mark, reading_value, with_own_ways
from app.editions.models import Edition
from app.editions.pieces import IN_FULL, MAX_LINK_LENGTH
from app.editions.typeset import MAX_HTML_BYTES, Parts, PersonalLinks, typeset
from app.errors import InputRefused
from app.gate.form import HTML_MAX_BYTES
from app.product import Product
from app.settings.publication import Identity, Measurement
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft
from tests.editions.reading import Element, read
from tests.letter_rules import check_same_links
from tests.make import make_article, make_source, newsletter

LANGUAGES = ("fr", "en")
PUBLIC_ID = "x" * 22


def set_letter(session: Session, product: Product, edition: Edition) -> Parts:
    links = product.links
    personal = PersonalLinks(
        links.unsubscribe(edition.language, PUBLIC_ID), links.preferences(edition.language, PUBLIC_ID)
    )
    return typeset(
        edition, newsletter=newsletter(session), config=product.config, links=links, at=NOW, personal=personal
    )


@pytest.fixture(params=LANGUAGES)
def parts(request: pytest.FixtureRequest, product: Product) -> Parts:
    """A digest with an introduction, in each language."""
    with product.database.transaction() as session:
        edition = make_draft(session, language=request.param)
        edition.introduction = "*Une* semaine, [un dossier](https://news.example/d?a=1&b=2)."
        return set_letter(session, product, edition)


@pytest.fixture
def page(parts: Parts) -> Element:
    """Its HTML, parsed."""
    return read(parts.html)


def test_both_parts_hold_the_same_links(parts: Parts) -> None:
    check_same_links(parts.html, parts.text)


def test_the_frame_says_who_writes_why_and_how_to_leave(parts: Parts, page: Element, product: Product) -> None:
    identity, links = product.config.identity, product.links
    language = page.find("html")[0].attributes["lang"]
    hrefs = [link.attributes["href"] for link in page.find("a")]
    for said in (identity.publisher, identity.postal_address, identity.contact):
        assert said in page.text
        assert said in parts.text
    for target in (links.privacy(language), links.legal(language), links.preferences(language, PUBLIC_ID)):
        assert target in hrefs
    assert hrefs.count(links.unsubscribe(language, PUBLIC_ID)) == 2
    assert links.unsubscribe(language, PUBLIC_ID) in hrefs[:2]
    leave = {"fr": "Se désabonner", "en": "Unsubscribe"}[language]
    assert leave in parts.text
    assert [link.text for link in page.find("a") if "/unsubscribe/" in link.attributes["href"]] == [leave, leave]


def test_no_letter_goes_without_a_postal_address(product: Product) -> None:
    config = replace(product.config, identity=Identity(postal_address=" "))
    with product.database.transaction() as session:
        edition = make_draft(session)
        with pytest.raises(InputRefused):
            set_letter(session, replace(product, config=config), edition)


def test_the_preheader_stands_first_and_hidden(page: Element) -> None:
    first = page.find("body")[0].find()[0]
    assert first.style["display"] == "none"
    assert 40 <= len(first.text) <= 110
    assert first.text != page.find("title")[0].text


def test_title_language_and_role_are_declared(parts: Parts, page: Element) -> None:
    language = page.find("html")[0].attributes["lang"]
    [wrapper] = [element for element in page.find("div") if element.attributes.get("role") == "article"]
    assert parts.html.startswith("<!doctype html>")
    assert re.search(r"charset=utf-8", parts.html, re.IGNORECASE)
    assert wrapper.attributes["lang"] == language
    assert wrapper.attributes["aria-roledescription"] == "email"
    assert page.find("title")[0].text


def test_headings_have_one_first_and_skip_no_level(page: Element) -> None:
    levels = [int(heading.tag[1]) for heading in page.find("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels == [1, 2, 2, 2]


def test_layout_tables_say_that_they_are_layout(page: Element) -> None:
    for table in page.find("table"):
        expected = {"role": "presentation", "border": "0", "cellpadding": "0", "cellspacing": "0"}
        assert expected.items() <= table.attributes.items()


def test_what_clients_do_not_carry_is_absent(parts: Parts, page: Element) -> None:
    tags = {element.tag for element in page.find()}
    assert not tags & {"script", "form", "iframe", "object", "video", "svg", "link", "img", "base", "section", "bdi"}
    styles = " ".join(element.attributes.get("style", "") for element in page.find())
    assert not re.search(r"flex|grid|position:|float:|margin[^;:]*:[^;]*-\d|rgba|var\(|clamp|\brem\b|@import", styles)
    assert not re.search(r"@font-face|@import|url\(", parts.html)
    assert len("".join(style.text for style in page.find("style")).encode()) < 16_384
    assert not [style for style in page.find("style") if "body" in {each.tag for each in style.ancestors()}]


def test_it_is_one_column_of_600_pixels(parts: Parts) -> None:
    assert "max-width:600px" in parts.html
    assert 'width="600"' in parts.html
    assert set(re.findall(r"max-width:(\d+)px(?=;\")", parts.html)) <= {"600", "0"}


def test_conditional_comments_for_outlook_are_balanced_and_hold_no_words(parts: Parts) -> None:
    body = parts.html.partition("<body")[2]
    inside = re.findall(r"<!--\[if mso[^\]]*\]>(.*?)<!\[endif\]-->", body, re.DOTALL)
    assert len(inside) == body.count("<!--[if") == body.count("<![endif]-->")
    assert not re.sub(r"<[^>]*>|&nbsp;", "", "".join(inside)).strip()


def test_every_text_is_large_enough_and_stands_on_a_background_of_its_own_cell(page: Element) -> None:
    for element in visible_texts(page):
        cell = next(each for each in element.ancestors() if each.tag in {"td", "table"})
        assert pixels(element, "font-size") >= 13
        assert "color" in inherited(element, "color")[0].style
        assert "background" in cell.style or "background-color" in cell.style


@pytest.mark.parametrize("is_inverted", [False, True])
def test_contrast_holds_as_set_and_inverted(page: Element, is_inverted: bool) -> None:
    for element in visible_texts(page):
        ink = inherited(element, "color")[1]
        paper = inherited(element, "background-color", "background")[1]
        if is_inverted:
            ink, paper = inverted(ink), inverted(paper)
        assert contrast(ink, paper) >= 4.5, element.text


def test_links_are_underlined_and_name_their_target(page: Element) -> None:
    targets: dict[str, set[str]] = {}
    for link in page.find("a"):
        assert link.style["text-decoration"] == "underline"
        assert link.text.strip()
        targets.setdefault(link.text, set()).add(link.attributes["href"])
    assert all(len(each) == 1 for each in targets.values())


def test_nothing_is_measured(page: Element) -> None:
    assert not page.find("img")
    for link in page.find("a"):
        assert link.attributes["href"].startswith(
            ("https://strait.example/", "https://news.example/", "http://127.0.0.1")
        )


def test_the_text_part_is_plain_text(parts: Parts) -> None:
    assert not re.search(r"&[a-z]+;|&#\d+;|<[a-z/]", parts.text)
    assert not re.search(r"\n{3}|[ \t]\n", parts.text)
    for line in parts.text.split("\n"):
        assert len(line) <= 72 or re.fullmatch(r"https?://\S+", line), line
        assert "://" not in line or re.fullmatch(r"https?://\S+", line), line


def test_the_text_part_marks_its_headings_with_numbers(parts: Parts) -> None:
    assert re.findall(r"^(\d)\. ", parts.text, re.MULTILINE) == ["1", "2", "3"]


def test_french_signs_keep_their_no_break_spaces(product: Product) -> None:
    with product.database.transaction() as session:
        parts = set_letter(session, product, make_draft(session))
    for text in (read(parts.html).find("body")[0].text, parts.text):
        assert "\u202f" not in text
        words = re.sub(r"https?://\S+|\d\d:\d\d", "", text)
        assert not re.search(r"(?<!\u00a0)[:;!?»](?=\s|$)|«(?!\u00a0)", words)


@pytest.mark.parametrize("introduction", ["", "Bonjour."])
def test_a_first_section_has_one_rule_above_it_in_the_text_part(product: Product, introduction: str) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        edition.introduction = introduction
        for item, section in zip(edition.items, ("La mer", "La mer", "Le ciel"), strict=True):
            item.section = section
        lines = [line for line in set_letter(session, product, edition).text.splitlines() if line.strip()]
    rules = [number for number, line in enumerate(lines) if line == "-" * 72]
    assert all(after - before > 1 for before, after in pairwise(rules))
    assert [lines[number + 1] for number in rules if lines[number + 1].isupper()][-2:] == ["LA MER", "LE CIEL"]


def test_french_of_feeds_is_bound_in_both_parts_and_kept_as_it_came(product: Product) -> None:
    title, summary = "Câbles : « qui paie ? »", "Tout va bien ; 12 % en plus !"
    with product.database.transaction() as session:
        edition = make_draft(session)
        item, article = edition.items[0], edition.items[0].article
        article.title, article.summary, article.link = title, summary, "https://strait.example/a?b=1&c=2;d=50%25"
        item.section, edition.preheader = "Pourquoi ?", "La suite : trois articles, et ce qu’ils ne disent pas"
        parts = set_letter(session, product, edition)
        assert (article.title, article.summary, item.section) == (title, summary, "Pourquoi ?")
    assert "1. Câbles\u00a0: «\u00a0qui paie\u00a0?\u00a0»\n" in parts.text
    assert "\nTout va bien\u00a0; 12\u00a0% en plus\u00a0!\n" in parts.text
    assert "\nPOURQUOI\u00a0?\n" in parts.text
    html = unescape(parts.html)
    for shown in (
        "Câbles\u00a0: «\u00a0qui paie\u00a0?\u00a0»",
        "Tout va bien\u00a0; 12\u00a0%",
        "La suite\u00a0: trois",
    ):
        assert shown in html
    assert f'href="{article.link}"' in html
    assert f"\n{article.link}\n" in parts.text


def test_dates_are_in_the_readers_language_and_hours_name_their_zone(product: Product) -> None:
    with product.database.transaction() as session:
        editions = [make_draft(session, language=language) for language in LANGUAGES]
        weekly = [set_letter(session, product, edition).text for edition in editions]
        for edition in editions:
            edition.since = NOW - timedelta(days=1)
        daily = [set_letter(session, product, edition).text for edition in editions]
    assert "L’édition du 17\u00a0mars\u00a02026\n3 articles, du 10\u00a0mars au 17\u00a0mars\n" in weekly[0]
    assert "The edition of 17\u00a0March\u00a02026\n3 articles, from 10\u00a0March to 17\u00a0March\n" in weekly[1]
    assert "L’édition du 17\u00a0mars\u00a02026\n3 articles, 10:00 (Europe/Paris)\n" in daily[0]
    assert "The edition of 17\u00a0March\u00a02026\n3 articles, 10:00 (Europe/Paris)\n" in daily[1]


def test_a_piece_says_how_long_it_takes_and_which_language_it_is_in(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        edition.items[0].article.reading_minutes = 4
        edition.items[1].article.language = "en"
        edition.items[1].article.published_at = NOW - timedelta(days=90)
        parts = set_letter(session, product, edition)
    assert "\nLe Détroit, 17\u00a0mars, 4\u00a0min\n" in parts.text
    assert "\nLe Détroit, 17\u00a0décembre\u00a02025, English\n" in parts.text
    origins = [" ".join(paragraph.text.split()) for paragraph in read(parts.html).find("p")]
    assert "Le Détroit 17 mars · 4 min" in origins
    assert "Le Détroit 17 décembre 2025 · English" in origins


def test_behind_the_first_stories_the_others_stand_in_brief(product: Product) -> None:
    with product.database.transaction() as session:
        parts = set_letter(session, product, make_long_edition(session, number=12, summary="Voilà l’été."))
    page = read(parts.html)
    assert [heading.text for heading in page.find("h2", "h3")[8:10]] == [
        "En bref", "Un titre de longueur ordinaire, avec des accents 8",
    ]  # fmt: skip
    assert (len(page.find("h2")), len(page.find("h3"))) == (IN_FULL + 1, 4)
    assert parts.html.count("Voilà l’été.") == parts.text.count("Voilà l’été.") == IN_FULL
    assert "\nEN BREF\n\n9. Un titre" in parts.text
    check_same_links(parts.html, parts.text)


def test_two_stories_more_are_no_list(product: Product) -> None:
    with product.database.transaction() as session:
        parts = set_letter(session, product, make_long_edition(session, number=10, summary="Voilà l’été."))
    assert len(read(parts.html).find("h2")) == 10
    assert "EN BREF" not in parts.text


def test_a_letter_of_one_article_numbers_nothing(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session, title="Un câble coupé")
        edition = session.get_one(Edition, compile_now(session).edition_id)
        assert "\nUn câble coupé\n" in set_letter(session, product, edition).text


@pytest.mark.parametrize(
    ("language", "number", "words"),
    [("fr", 1, "1 article,"), ("fr", 2, "2 articles,"), ("en", 1, "1 article,"), ("en", 2, "2 articles,")],
)
def test_numbers_take_their_plural(product: Product, language: str, number: int, words: str) -> None:
    with product.database.transaction() as session:
        for _ in range(number):
            make_article(session, language=language)
        edition = session.get_one(Edition, compile_now(session, language=language).edition_id)
        assert words in set_letter(session, product, edition).text


def test_a_passage_in_another_language_says_so(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        edition.items[1].article.language = "en"
        page = read(set_letter(session, product, edition).html)
    assert [heading.attributes.get("lang") for heading in page.find("h2")] == [None, "en", None]


def test_texts_of_others_are_escaped_once_and_never_rendered(product: Product) -> None:
    title, summary = """L'été &lt;b> "x" {{7*7}}""", "a<script>alert(1)</script> {% raw %} {{ config }} &amp;"
    with product.database.transaction() as session:
        make_article(session, title=title, summary=summary, link="https://x.example/?a='b'&c=\"d\"")
        parts = set_letter(session, product, session.get_one(Edition, compile_now(session).edition_id))
    page = read(parts.html)
    assert page.find("h2")[0].text == page.find("title")[0].text == title
    assert page.find("h2")[0].find("a")[0].attributes["href"] == "https://x.example/?a='b'&c=\"d\""
    for text in (page.text, parts.text):
        assert title in text
        assert summary in text


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//x.example",
        " https://x.example",
        "https://x.example/".ljust(1001, "x"),
        None,
    ],
)
def test_only_web_addresses_become_links(product: Product, link: str | None) -> None:
    with product.database.transaction() as session:
        make_article(session).link = link
        parts = set_letter(session, product, session.get_one(Edition, compile_now(session).edition_id))
    assert not read(parts.html).find("h2")[0].find("a")
    check_same_links(parts.html, parts.text)


def test_bare_addresses_in_texts_do_not_become_links_in_one_part_only(product: Product) -> None:
    with product.database.transaction() as session:
        article = make_article(
            session, summary="Source : https://www.wire.example/a?b=c (suite).", title="http://x.test/y"
        )
        article.source = make_source(session)
        article.source.name = "http://feeds.example/a"
        parts = set_letter(session, product, session.get_one(Edition, compile_now(session).edition_id))
    assert "Source\u00a0: wire.example (suite)." in parts.text
    check_same_links(parts.html, parts.text)


def make_long_edition(session: Session, *, number: int = 60, summary: str = "", length: int = 90) -> Edition:
    """An edition of many articles whose titles and links, of `length` characters, are long."""
    for each in range(number):
        make_article(
            session,
            title=f"Un titre de longueur ordinaire, avec des accents {each}",
            summary=summary,
            link=f"https://wire.example/2026/03/{each}-".ljust(length, "x"),
            added_at=NOW - timedelta(minutes=each + 1),
        )
    return session.get_one(Edition, compile_now(session, limit=60).edition_id)


def test_sixty_long_articles_fit_by_shortening_summaries_and_the_footer_stays(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_long_edition(session, summary="Voilà l’été, dit-elle ; et après\u00a0? " * 40)
        parts = set_letter(session, product, edition)
    page = read(parts.html)
    assert len(parts.html.encode()) <= MAX_HTML_BYTES < 100_000
    assert len(page.find("h2", "h3")) == 61
    assert "/unsubscribe/" in page.find("a")[-5].attributes["href"]
    assert product.config.identity.postal_address in page.text
    shown = [p.text for p in page.find("p") if p.text.startswith("Voilà")]
    assert len(shown) == IN_FULL
    assert all(summary.endswith("…") for summary in shown)
    check_same_links(parts.html, parts.text)


def test_a_letter_fits_with_the_ways_of_a_reader_who_is_counted(product: Product) -> None:
    config = replace(product.config, measurement=Measurement.CONSENT)
    with product.database.transaction() as session:
        edition = make_long_edition(session, summary="Voilà l’été. " * 80, length=40)
        for item in edition.items:
            item.article.title = "é" * 220 + "€" * 80
        parts = set_letter(session, replace(product, config=config), edition)
    counted = with_own_ways(parts, edition, product.links).html
    token = product.links.sign("reading", reading_value(PUBLIC_ID, PUBLIC_ID))
    assert len(counted.replace(counted_mark(edition), token).encode()) <= HTML_MAX_BYTES


def test_what_cannot_fit_is_refused_in_words(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_long_edition(session, length=MAX_LINK_LENGTH)
        with pytest.raises(InputRefused, match="remove some articles"):
            set_letter(session, product, edition)


def test_what_a_schedule_compiles_always_fits(product: Product) -> None:
    with product.database.transaction() as session:
        edition = make_long_edition(session, number=30, summary="Été " * 2_000, length=MAX_LINK_LENGTH)
        for item in edition.items:
            item.article.title = "é" * 300
        assert len(set_letter(session, product, edition).html.encode()) <= MAX_HTML_BYTES


def visible_texts(page: Element) -> list[Element]:
    """The elements of the body that hold words of their own, the preheader apart."""
    return [
        element
        for element in page.find("body")[0].find()
        if any(isinstance(child, str) and child.strip() for child in element.children)
        and not any(each.style.get("display") == "none" for each in element.ancestors())
    ]


def inherited(element: Element, *names: str) -> tuple[Element, str]:
    """The nearest inline declaration of one of `names`, and where it stands."""
    return next((each, each.style[name]) for each in element.ancestors() for name in names if name in each.style)


def pixels(element: Element, name: str) -> float:
    return float(inherited(element, name)[1].removesuffix("px"))


def inverted(colour: str) -> str:
    return "#" + "".join(f"{255 - channel:02x}" for channel in bytes.fromhex(colour[1:]))


def contrast(one: str, other: str) -> float:
    """The contrast of two six-digit colours (WCAG 2.2, relative luminance)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    assert re.fullmatch(r"#[0-9a-f]{6}", colour), colour
    channels = [value / 255 for value in bytes.fromhex(colour[1:])]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
