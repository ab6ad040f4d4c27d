"""Links from outside: shown or not, the same page or not."""

import json

import pytest

from app.articles.urls import KEY_MAX_BYTES, index_key, link_key, web_link
from tests.articles.conftest import corpus


@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", " \x01javascript:alert(1)",
     "JaVaScRiPt:alert(1)",
     "&#106;avascript:alert(1)", "&#x6A;avascript:alert(1)", "java&Tab;script:alert(1)", "java&NewLine;script:alert(1)",
     "javascript&colon;alert(1)", "data:text/html,<script>", "vbscript:x", "file:///etc/passwd", "ftp://feeds.example/",
     "mailto:a@feeds.example", "//feeds.example/x", "/relative", "", "http://", "https://user:pw@feeds.example/",
     "https://feeds.example\\@evil.example/", "https://feeds.example/" + "a" * 2_000, "http://[::1"],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_no_link(value) -> None:
    assert web_link(value) is None


@pytest.mark.parametrize(
    "value", ["javascript:alert(1)", "java\tscript:alert(1)", "&#106;avascript:alert(1)", "data:text/html,x"]
)
def test_a_base_makes_no_link_of_another_scheme(value) -> None:
    assert web_link(value, base="https://feeds.example/") is None


@pytest.mark.parametrize(
    ("value", "link"),
    [
        ("HTTPS://Feeds.Example/Une", "https://feeds.example/Une"),
        (" https://feeds.example/a\n", "https://feeds.example/a"),
        ("https://feeds.example/?a=1&amp;b=2", "https://feeds.example/?a=1&b=2"),
        ("https://feeds.example/?a=1&copy=2", "https://feeds.example/?a=1&copy=2"),
        ("https://feeds.example/été à l'est", "https://feeds.example/%C3%A9t%C3%A9%20%C3%A0%20l'est"),
        ("https://émile.example/", "https://xn--mile-9oa.example/"),
    ],
)
def test_a_link_is_spelled_in_ascii(value, link) -> None:
    assert web_link(value) == link


def test_a_relative_link_is_made_whole() -> None:
    assert web_link("../b?c", base="https://feeds.example/x/y/feed") == "https://feeds.example/x/b?c"
    assert web_link("", base="https://feeds.example/") is None


@pytest.mark.parametrize(
    "other",
    ["http://feeds.example/a?b=1&c=2", "https://FEEDS.example:443/a?c=2&b=1", "http://feeds.example:80/a/?b=1&c=2",
     "https://feeds.example./a?b=1&utm_source=rss&c=2", "https://feeds.example/a?b=1&c=2&fbclid=x&at_medium=RSS",
     "https://feeds.example/a?b=1&c=2#xtor=RSS-1", "https://feeds.example/%61?b=1&c=2"],
)  # fmt: skip
def test_spellings_of_one_page_have_one_key(other) -> None:
    link = web_link(other)
    assert link is not None
    assert link_key(link) == link_key("https://feeds.example/a?b=1&c=2")


@pytest.mark.parametrize(
    "other", ["https://feeds.example/A", "https://feeds.example/a?b=1", "https://b.example/a", "https://feeds.example/a#2",
              "https://feeds.example:8443/a", "https://feeds.example/a/b"],
)  # fmt: skip
def test_other_pages_have_other_keys(other) -> None:
    assert link_key(other) != link_key("https://feeds.example/a")


def test_pages_whose_queries_are_no_utf_8_have_keys_of_their_own() -> None:
    assert link_key("https://feeds.example/a?t=%CF%F0") != link_key("https://feeds.example/a?t=%E2%E5")
    assert link_key("https://feeds.example/a?t=%C3%A9") == "https://feeds.example/a?t=%C3%A9"


def test_a_key_always_fits_an_index() -> None:
    long = index_key("é" * 900)
    assert len(long.encode()) <= KEY_MAX_BYTES
    assert long != index_key("é" * 901)
    assert index_key("court") == "court"


def test_no_payload_of_the_corpus_is_a_link_that_runs() -> None:
    for payload in json.loads(corpus("security-payloads/open/xss.json").read_text(encoding="utf-8")):
        assert (web_link(payload, base="https://feeds.example/") or "https:").startswith(("https:", "http:"))
        assert not (web_link(payload) or "").startswith("javascript")
