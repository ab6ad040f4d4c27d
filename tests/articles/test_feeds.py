"""Feeds as bytes in, clean text out; what is no feed, or a trap, is refused in words."""

import json
from datetime import UTC, datetime

import pytest

from app.articles import feeds
from app.articles.entries import Entry
from app.articles.feeds import parse_feed
from app.errors import FetchRefused

WHERE = "https://feeds.example/fr/feed"


def rss(item: str, prolog: str = "", channel: str = "") -> bytes:
    """An RSS feed of one item."""
    inside = f"<title>Le Fil</title>{channel}<item>{item}</item>"
    return f'{prolog}<rss version="2.0"><channel>{inside}</channel></rss>'.encode()


def only(body: bytes, url: str = WHERE) -> Entry:
    """The one entry of a feed."""
    [entry] = parse_feed(body, url).entries
    return entry


def test_an_rss_item_is_read_whole() -> None:
    feed = parse_feed(
        rss(
            "<title>Un c&#226;ble</title><link>/a</link><guid isPermaLink='false'>g1</guid>"
            "<pubDate>Tue, 17 Mar 2026 10:00:00 +0100</pubDate><description>&lt;p&gt;Un. Deux.&lt;/p&gt;</description>"
            "<enclosure url='https://img.example/a.jpg' type='image/jpeg' length='1'/>",
            channel="<language>fr-FR</language>",
        ),
        WHERE,
    )
    assert (feed.title, feed.language) == ("Le Fil", "fr-FR")
    assert feed.entries == (
        Entry("g1", "https://feeds.example/a", "Un câble", "Un. Deux.", "Un. Deux.",
              datetime(2026, 3, 17, 9, 0, tzinfo=UTC), "https://img.example/a.jpg"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("&#55357;&#56832; Oui", "\U0001f600 Oui"), ("&#xD83D;&#xDE00; Oui", "\U0001f600 Oui"),
        ("Oui &#xD83D; non &#56832;", "Oui non"), ("Oui&#xD83D non", "Oui non"), ("Oui&#0;&#xFFFF;&#1114112;", "Oui"),
        (f"Oui&#{'9' * 5_000};", "Oui"), ("L&#233;ger &#x1F600; &#38;", "Léger \U0001f600 &"),
    ],
)  # fmt: skip
def test_references_to_characters_that_there_are_not_keep_no_feed_from_being_read(written: str, read: str) -> None:
    feed = parse_feed(rss(f"<title>{written}</title><link>/a</link><guid>g1</guid>"), WHERE)
    assert [entry.title for entry in feed.entries] == [read]


@pytest.mark.parametrize("title", ["Oui", "L\xe9ger"])
def test_a_server_that_forgot_the_name_of_its_encoding_keeps_no_feed_from_being_read(title: str) -> None:
    body = rss(f"<title>{title}</title><link>/a</link><guid>g1</guid>").decode().encode("cp1252")
    feed = parse_feed(body, WHERE, content_type="text/xml; charset=undefined")
    assert [entry.title for entry in feed.entries] == [title]


def test_a_feed_that_says_so_itself_is_read_all_the_same() -> None:
    prolog = "<?xml version='1.0' encoding='undefined'?>"
    assert only(rss("<title>Oui</title><link>/a</link><guid>g1</guid>", prolog)).title == "Oui"


def test_an_atom_entry_is_read_whole() -> None:
    entry = only(
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:1</id><title type="html">L&amp;eacute;ger</title>'
        b'<link href="b"/><updated>2026-03-17T09:00:00Z</updated><summary>Court.</summary>'
        b'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Un.</p><p>Deux.</p></div></content>'
        b"</entry></feed>"
    )
    assert entry == Entry(
        "urn:1",
        "https://feeds.example/fr/b",
        "Léger",
        "Court.",
        "Un.\n\nDeux.",
        datetime(2026, 3, 17, 9, 0, tzinfo=UTC),
    )


CONTENT = "http://purl.org/rss/1.0/modules/content/"


@pytest.mark.parametrize(
    "body",
    [
        rss(f"<c:encoded xmlns:c='{CONTENT}'>&lt;p&gt;Un &lt;b&gt;fait&lt;/b&gt; &amp;#8212; un.</c:encoded>"),
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='html'>&lt;p&gt;Un &lt;b&gt;fait&lt;/b&gt; "
        b"&amp;mdash; un.&lt;/p&gt;</content></entry></feed>",
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><content>Un fait \xe2\x80\x94 un.</content></entry></feed>",
    ],
)  # fmt: skip
def test_an_entry_that_has_content_alone_is_summarised_from_its_text(body) -> None:
    entry = only(body)
    assert (entry.title, entry.summary, entry.body) == ("Un fait — un.",) * 3


def test_markup_is_none_of_the_text_where_the_xml_is_broken() -> None:
    item = "<title>B</title></title><description>L&amp;#8217;un.&lt;br&gt;</description>"
    entries = parse_feed(rss(f"{item}</item><item>{item}").removesuffix(b"</channel></rss>")).entries
    assert [(entry.title, entry.summary) for entry in entries] == [("B", "L’un.")] * 2


def test_a_paragraph_that_is_escaped_twice_is_markup_and_talk_of_one_is_text() -> None:
    mixed = "<img src='x'/><![CDATA[<p>Un <a href='x'>fait</a>.</p>]]>"
    assert only(rss(f"<title>a</title><description>{mixed}</description>")).summary == "Un fait."
    talk = "On ferme &amp;lt;p&amp;gt; par &amp;lt;/p&amp;gt; ici."
    assert only(rss(f"<title>a</title><description>{talk}</description>")).summary == "On ferme <p> par </p> ici."
    title = "<title>&amp;lt;p&amp;gt;Un mot&amp;lt;/p&amp;gt;</title>"
    assert only(rss(title)).title == "<p>Un mot</p>", "a title is what its feed says"


def test_half_a_character_in_a_json_feed_spoils_no_entry() -> None:
    entry = {
        "id": "1",
        "url": "https://wire.example/1",
        "title": "Un \ud800 câble",
        "content_html": "<p>Coupé \udfff.</p>",
    }
    document = {"version": "https://jsonfeed.org/version/1.1", "items": [entry, {**entry, "id": "2\ud800"}]}
    entries = parse_feed(json.dumps(document).encode(), WHERE).entries
    assert [(entry.guid, entry.title, entry.body) for entry in entries] == [
        ("1", "Un câble", "Coupé ."), ("2", "Un câble", "Coupé ."),
    ]  # fmt: skip


def test_a_json_feed_is_read_whole() -> None:
    item = {"id": 7, "url": "c", "title": "<b> n&#8217;est pas du HTML &amp; co",
            "content_html": "<p>Un.</p><p>Deux.</p>",
            "date_published": "2026-03-17T10:00:00+01:00",
            "image": "https://img.example/c.png", "tags": [1]}  # fmt: skip
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Le Fil&nbsp;!",
        "language": "fr",
        "items": [item, "no"],
    }
    feed = parse_feed(b"\xef\xbb\xbf" + json.dumps(document).encode(), WHERE)
    assert (feed.title, feed.language) == ("Le Fil\u00a0!", "fr")
    assert feed.entries == (
        Entry("7", "https://feeds.example/fr/c", "<b> n’est pas du HTML & co", "Un. Deux.", "Un.\n\nDeux.",
              datetime(2026, 3, 17, 9, 0, tzinfo=UTC), "https://img.example/c.png"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ('L\'&amp;eacute;t&amp;eacute; &amp;amp;lt;b&amp;gt; "x"', 'L\'été &lt;b> "x"'),
        ("AT&amp;T", "AT&T"),
        ("1 &lt; 2", "1 < 2"),
        ("<![CDATA[L&#8217;<i>été</i>]]>", "L’été"),
        ("Fac\u202eture\u200b\u0007", "Facture"),
        ("Un\n  \tdeux", "Un deux"),
    ],
)
def test_a_title_is_decoded_once_and_stripped_of_what_does_not_print(title, shown) -> None:
    assert only(rss(f"<title>{title}</title><link>/a</link>")).title == shown


def test_plain_text_of_atom_shows_no_entities() -> None:
    entry = only(
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>A &amp;amp; B; AT&amp;T</title>"
        b"<summary>On dit &amp;ldquo;non&amp;rdquo;, &amp;x; et a &lt; b.</summary></entry></feed>"
    )
    assert (entry.title, entry.summary) == ("A & B; AT&T", "On dit “non”, &x; et a < b.")


def test_a_long_title_is_cut() -> None:
    assert len(only(rss(f"<title>{'mot ' * 500}</title>")).title) <= 250


@pytest.mark.parametrize(
    "link", ["java&#9;script:alert(1)", "&#106;avascript:alert(1)", "data:text/html,x", "javascript:alert(1)"]
)
def test_a_link_that_runs_is_no_link(link) -> None:
    assert only(rss(f"<title>a</title><link>{link}</link>")).link is None


def test_what_blogs_append_is_no_summary() -> None:
    text = "<![CDATA[<p>Un fait.</p><p>The post <a>X</a> appeared first on <a>Y</a>.</p>]]>"
    assert only(rss(f"<title>a</title><description>{text}</description>")).summary == "Un fait."
    assert only(rss("<title>a</title><description>Un fait et [&amp;#8230;]</description>")).summary == "Un fait et…"
    assert only(rss("<title>a</title><description>Un fait. Lire la suite</description>")).summary == "Un fait."


@pytest.mark.parametrize(
    "words", ["No summary available", "No summary available\n\n -", "Introduction", "Aucun résumé disponible.", "."]
)
def test_the_word_that_there_is_no_summary_is_none(words) -> None:
    entry = only(rss(f"<title>a</title><link>https://wire.example/a</link><description>{words}</description>"))
    assert (entry.summary, entry.body) == ("", "")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Storm Watch For Thursday https://wire.example/podcast/10030, (Thu, Jul 30th)", "Storm Watch For Thursday"),
        ("A new loader, (Sun, Aug 2nd)", "A new loader"),
        ("A new loader (part 2)", "A new loader (part 2)"),
        ("Why https://wire.example is down", "Why https://wire.example is down"),
        ("https://wire.example/a", "https://wire.example/a"),
    ],
)
def test_a_title_is_rid_of_the_address_and_the_date_that_its_feed_tells_elsewhere(title, shown) -> None:
    assert only(rss(f"<title>{title}</title><link>https://wire.example/a</link>")).title == shown


def test_an_entry_without_title_takes_its_first_words() -> None:
    assert only(rss("<description>Un navire a coupé un câble.</description>")).title == "Un navire a coupé un câble."


@pytest.mark.parametrize(
    ("date", "published"),
    [
        ("Tue, 03 Mar 2026 10:00:00 CET", "2026-03-03T09:00"),
        ("Tue, 03 Mar 2026 10:00:00 cest", "2026-03-03T08:00"),
        ("Tue, 03 Mar 2026 10:00:00 BST", "2026-03-03T09:00"),
        ("Tue, 03 Mar 2026 10:00:00 MSK", "2026-03-03T07:00"),
        ("Tue, 03 Mar 2026 10:00:00 JST", "2026-03-03T01:00"),
        ("Tue, 03 Mar 2026 10:00:00 EST", "2026-03-03T15:00"),
        ("Tue, 03 Mar 2026 10:00:00 EDT", "2026-03-03T14:00"),
        ("Tue, 03 Mar 2026 10:00:00 +0530", "2026-03-03T04:30"),
        ("Tue, 03 Mar 2026 10:00 -03:30", "2026-03-03T13:30"),
        ("Tue, 03 Mar 2026 10:00:00 +01", "2026-03-03T09:00"),
        ("Tue, 03 Mar 2026 10:00:00 GMT+1", "2026-03-03T09:00"),
        ("Tue, 03 Mar 2026 10:00:00 UTC-05:00", "2026-03-03T15:00"),
        ("Tue, 03 Mar 2026 24:00:00 GMT", "2026-03-04T00:00"),
        ("mar., 03 mars 2026 10:00:00 +0100", "2026-03-03T09:00"),
        ("sam., 1er août 2026 10:00:00 +0200", "2026-08-01T08:00"),
        ("lundi 6 juillet 2026 10:00", "2026-07-06T10:00"),
        ("7 juin 2026", "2026-06-07T00:00"),
        ("1772532000", "2026-03-03T10:00"),
        ("1772532000123", "2026-03-03T10:00"),
        ("2026-W10-2", "2026-03-03T00:00"),
        ("20260303", "2026-03-03T00:00"),
        ("<time datetime='2019-05-03T19:21:28Z'>Fri, 05/03/2019 - 19:21</time>", "2019-05-03T19:21:28"),
        ("&lt;time datetime='2019-05-03T19:21:28Z'&gt;Fri, 05/03/2019&lt;/time&gt;", "2019-05-03T19:21:28"),
    ],
)  # fmt: skip
def test_a_date_is_read_as_feeds_write_them(date, published) -> None:
    entry = only(rss(f"<title>a</title><pubDate>{date}</pubDate>"))
    assert entry.published_at == datetime.fromisoformat(published).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "date", ["Tue, 31 Feb 2026 10:00:00 CET", "3 mars 2026 24:01", "3 mars 2026 25:00", "2026-W54-1",
             "31 Dec 9999 23:00:00 -0200", "<time datetime='x'>x</time>"]
)  # fmt: skip
def test_a_day_or_hour_that_there_is_none_of_is_missing(date) -> None:
    assert only(rss(f"<title>a</title><pubDate>{date}</pubDate>")).published_at is None


@pytest.mark.parametrize("date", ["nonsense", "", "Tue, 17 Mar 99999 10:00:00 GMT", "0000-00-00T00:00:00Z"])
def test_a_date_that_is_none_is_missing(date) -> None:
    published = only(rss(f"<title>a</title><pubDate>{date}</pubDate>")).published_at
    assert published is None or published.year < 2100


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "utf-16", "utf-8"])
def test_the_declared_encoding_is_read(encoding) -> None:
    prolog = f'<?xml version="1.0" encoding="{encoding}"?>'
    assert only(rss("<title>L'été où</title>", prolog).decode().encode(encoding)).title == "L'été où"


@pytest.mark.parametrize(
    "header", ["text/xml", "text/xml; charset=iso-8859-1", "application/rss+xml; charset=utf-8", "text/html"]
)
def test_good_utf_8_is_read_as_such_whatever_the_header_says(header) -> None:
    [entry] = parse_feed(rss("<title>L’été où</title>"), WHERE, content_type=header).entries
    assert entry.title == "L’été où"


def test_a_header_s_encoding_counts_where_the_feed_names_none() -> None:
    body = rss("<title>Привет</title>").decode().encode("koi8-r")
    assert parse_feed(body, WHERE, content_type="text/xml; charset=koi8-r").entries[0].title == "Привет"


def test_a_truncated_feed_gives_what_it_holds() -> None:
    body = rss("<title>Un</title></item><item><title>Deux</title>").removesuffix(b"</item></channel></rss>")
    assert [entry.title for entry in parse_feed(body).entries] == ["Un", "Deux"]


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY l0 "lol">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


@pytest.mark.parametrize(
    "prolog",
    [
        LAUGHS,
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "http://127.0.0.1/">]>',
        '<!DOCTYPE rss SYSTEM "http://feeds.example/a.dtd" [<!ENTITY % x SYSTEM "http://feeds.example/b"> %x;]>',
        '<?xml version="1.0"?>\n<!-- <rss> -->\n<!doctype rss\n[\n<!ENTITY x "y">]>',
        '<!DOCTYPE rss SYSTEM "<!--" [<!ENTITY x "y">]> <!-- -->',
        '<?x <!-- ?><!DOCTYPE rss [<!ENTITY x "y">]><!-- -->',
        '<!DOCTYPE rss [<!ATTLIST rss a CDATA "b">]>',
        '<!ENTITY x "y">',
        'junk <!DOCTYPE rss [<!ENTITY x "y">]>',
    ],
)  # fmt: skip
def test_a_feed_that_declares_entities_is_refused_in_words(prolog) -> None:
    with pytest.raises(FetchRefused, match="entities"):
        parse_feed(rss("<title>&x;&l9;</title>", prolog))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-7"])
def test_an_encoding_hides_no_entities(encoding) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE r [<!ENTITY x "y">]><rss><channel/></rss>'
    with pytest.raises(FetchRefused):
        parse_feed(text.encode(encoding))


@pytest.mark.parametrize(
    "prolog",
    [
        "<!DOCTYPE rss>",
        '<!DOCTYPE rss SYSTEM "http://my.netscape.com/publish/formats/rss-0.91.dtd">',
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://127.0.0.1:9/a">\n<!-- a --><?b?>',
        "<!-- <!DOCTYPE rss [<!ENTITY x 'y'>]> -->",
    ],
)  # fmt: skip
def test_a_document_type_that_only_names_a_dtd_is_set_aside(prolog) -> None:
    """Nothing is looked up for it either: the socket guard would say so."""
    assert only(rss("<title>Un &eacute;t&eacute;</title>", prolog)).title == "Un été"


def test_entities_in_a_comment_are_not_declared() -> None:
    assert "BOOM" not in only(rss("<title>a &x;</title>", '<!--\n<!ENTITY x "BOOM">\n-->')).title


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"<!DOCTYPE html><html><head><title>x</title></head><body><p>Hello</body></html>", "web page"),
        (b"<html><body>404</body></html>", "web page"),
        (b"Hello, world", "not a feed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\xff\xfe", "not a"),
        (b"%PDF-1.7 \x00\x01", "not a feed"),
        (b'<?xml version="1.0"?><opml version="2.0"><body/></opml>', "not an RSS"),
        (b'{"items": []}', "not a JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": {}}', "not a JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [', "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b'{"a":' + b"9" * 10_000 + b"}", "not valid JSON"),
        (b"<rss>" + b"<a>" * 300, "deeper"),
        (b"<rss><channel>" + b"<item></title>" * 300, "deeper"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else value,
)  # fmt: skip
def test_what_is_no_feed_is_refused_in_words(body, words) -> None:
    with pytest.raises(FetchRefused, match=words):
        parse_feed(body)


def test_a_feed_that_is_too_large_is_refused_before_it_is_parsed(monkeypatch) -> None:
    monkeypatch.setattr(feeds, "feedparser", None)
    with pytest.raises(FetchRefused, match="larger than 5 MB"):
        parse_feed(b"<rss>" + b" " * 5_000_000)


def test_html_in_a_feed_s_cdata_is_not_its_depth() -> None:
    assert only(rss(f"<title>a</title><description><![CDATA[{'<div>' * 300}b]]></description>")).summary == "b"
