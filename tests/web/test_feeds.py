"""The feeds are what their standards ask for, say the same in both forms, and are sent again only when they changed."""

import json
from datetime import datetime, timedelta
from email.utils import format_datetime

import feedparser
import pytest
from flask.testing import FlaskClient
from lxml import etree

from app.editions.models import Edition
from app.product import Product
from tests.conftest import NOW
from tests.web.sent import PAYLOAD, correct, edition_of, send

ATOM = "{http://www.w3.org/2005/Atom}"
PATHS = ("/fr", "/fr/topics/place/EE", "/fr/topics/region/europe", "/en/topics/theme/ai")
LATER = NOW + timedelta(days=7)


def check_atom(data: bytes, url: str) -> etree._Element:
    """Hold a feed against what RFC 4287 §4.1 demands."""
    feed = etree.fromstring(data)
    assert feed.tag == f"{ATOM}feed"
    for element in (feed, *feed.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            [found] = element.findall(ATOM + name)
            assert (found.text or "").strip(), name
        assert datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "").tzinfo is not None
        assert (element.findtext(f"{ATOM}id") or "").startswith(url)
        assert [author.findtext(f"{ATOM}name") for author in element.findall(f"{ATOM}author")] > [""]
        rels = [(link.get("rel"), link.get("type")) for link in element.findall(f"{ATOM}link")]
        assert len(rels) == len(set(rels))
        assert ("alternate", "text/html") in rels
    [own] = [link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert own == feed.findtext(f"{ATOM}id")
    for content in feed.iter(f"{ATOM}content"):
        assert content.get("type") == "html"
        assert len(content) == 0, "markup in it is escaped (RFC 4287 §3.1.1.2)"
        assert (content.text or "").lstrip().startswith("<")
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]
    assert len(ids) == len(set(ids))
    return feed


def check_json(data: bytes, url: str) -> dict[str, object]:
    """Hold a feed against what JSON Feed 1.1 demands."""
    feed = json.loads(data)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert feed["feed_url"].startswith(url)
    for item in feed["items"]:
        assert isinstance(item["id"], str)
        assert item["content_html"]
        assert datetime.fromisoformat(item["date_published"]).tzinfo is not None
        assert all(author["name"] for author in item["authors"])
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"])
    return dict(feed)


@pytest.mark.parametrize("path", PATHS)
def test_every_feed_is_valid_even_an_empty_one(client: FlaskClient, product: Product, path: str) -> None:
    for at in (NOW, LATER):
        atom, as_json = client.get(f"{path}/feed.atom"), client.get(f"{path}/feed.json")
        assert atom.content_type == "application/atom+xml; charset=utf-8"
        assert as_json.content_type == "application/feed+json"
        check_atom(atom.data, product.config.public_url)
        check_json(as_json.data, product.config.public_url)
        send(product, ("Estonie", ["place:EE"]), ("IA", ["theme:ai"]), at=at)
        send(product, ("AI", ["theme:ai"]), language="en", at=at)


def test_a_feed_reader_gets_the_editions_newest_first(client: FlaskClient, product: Product) -> None:
    send(product, ("Estonie", ["place:EE"]))
    newest = send(product, ("Lettonie & « mer »", []), ("Riga", []), at=LATER)
    send(product, ("Elsewhere", []), language="en")
    read = feedparser.parse(client.get("/fr/feed.atom").data)
    assert not read.bozo
    assert (read.version, read.feed.title) == ("atom10", "Vigie\u00a0: éditions")
    assert [entry.title for entry in read.entries] == ["Lettonie & «\u00a0mer\u00a0»", "Estonie"]
    assert read.entries[0].link == product.links.archived_edition("fr", newest) == read.entries[0].id
    assert read.entries[0].published == "2026-03-24T09:00:00+00:00"
    content = read.entries[0].content[0].value
    assert '<a href="https://strait.example/fr/240900/1?a=1&amp;b=2">Riga</a>' in content
    items = check_json(client.get("/fr/feed.json").data, product.config.public_url)["items"]
    assert isinstance(items, list)
    assert [item["id"] for item in items] == [entry.id for entry in read.entries]
    assert [item["title"] for item in items] == ["Lettonie & «\u00a0mer\u00a0»", "Estonie"]


def test_a_topics_feed_leads_to_the_articles(client: FlaskClient, product: Product) -> None:
    public_id = send(product, ("Riga", ["place:LV"]), ("Estonie", ["place:EE", "theme:espionage"]))
    [entry] = feedparser.parse(client.get("/fr/topics/place/EE/feed.atom").data).entries
    assert entry.link == "https://strait.example/fr/170900/1?a=1&b=2"
    assert entry.id == f"{product.links.archived_edition('fr', public_id)}#article-2"
    assert entry.author.startswith("Le Détroit & Cie")
    assert {tag.term for tag in entry.tags} == {"Estonie", "Espionnage et logiciels espions"}
    assert len(feedparser.parse(client.get("/fr/topics/region/nordic-baltic/feed.atom").data).entries) == 2


@pytest.mark.parametrize("title", [PAYLOAD, "a\x01b\x0bc\ufffe", "]]>&amp;&#0;<![CDATA[", "\u202e🙂 é\u0301"])
@pytest.mark.parametrize("path", ["/fr", "/fr/topics/place/EE"])
def test_no_title_breaks_a_feed(client: FlaskClient, product: Product, title: str, path: str) -> None:
    send(product, (title, ["place:EE"]))
    feed = check_atom(client.get(f"{path}/feed.atom").data, product.config.public_url)
    seen = "".join(sign for sign in title if sign not in "\x01\x0b\ufffe")
    assert feed.findtext(f"{ATOM}entry/{ATOM}title") == seen
    html = feed.findtext(f"{ATOM}entry/{ATOM}content") or ""
    assert "<script>alert" not in html
    [item] = check_json(client.get(f"{path}/feed.json").data, product.config.public_url)["items"]  # type: ignore[misc]
    assert item["title"] == title
    assert "<script>alert" not in item["content_html"]


@pytest.mark.parametrize("path", [f"{path}/feed.{form}" for path in PATHS[:3] for form in ("atom", "json")])
def test_a_feed_is_sent_again_only_when_it_changed(client: FlaskClient, product: Product, path: str) -> None:
    send(product, ("Estonie", ["place:EE"]))
    first = client.get(path)
    assert first.headers["Last-Modified"] == format_datetime(NOW, usegmt=True)
    assert first.headers["Cache-Control"] == "public, max-age=900"
    by_tag = {"If-None-Match": first.headers["ETag"]}
    by_time = {"If-Modified-Since": first.headers["Last-Modified"]}
    for headers in (by_tag, by_time, by_tag | by_time):
        again = client.get(path, headers=headers)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert client.head(path).headers["ETag"] == first.headers["ETag"]
    send(product, ("Tartu", ["place:EE"]), at=LATER)
    for headers in (by_tag, by_time, by_tag | by_time):
        assert client.get(path, headers=headers).status_code == 200


def test_an_edition_that_ends_late_is_new_to_whoever_asks_by_time(client: FlaskClient, product: Product) -> None:
    """It was started before what is there already, and ended after."""
    send(product, ("Estonie", []), at=LATER)
    by_time = {"If-Modified-Since": client.get("/fr/feed.atom").headers["Last-Modified"]}
    late = send(product, ("Tartu", []))
    with product.database.transaction() as session:
        edition_of(session, late).finished_at = LATER + timedelta(hours=1)
        assert session.query(Edition).count() == 2
    assert client.get("/fr/feed.atom", headers=by_time).status_code == 200


@pytest.mark.parametrize("path", ["/fr", "/fr/topics/place/EE"])
def test_a_correction_is_new_to_whoever_follows_a_feed(client: FlaskClient, product: Product, path: str) -> None:
    """What stands in the feed is the corrected text: by its dates nobody would have fetched it again."""
    send(product, ("Estonie", ["place:EE"]), ("Tartu", ["place:EE"]))
    by_time = {"If-Modified-Since": client.get(f"{path}/feed.atom").headers["Last-Modified"]}
    correct(product, "Estonie", "Lettonie", at=LATER, fr="*Lettonie*, et non Estonie.", en="Latvia.")
    again = client.get(f"{path}/feed.atom", headers=by_time)
    assert (again.status_code, again.headers["Last-Modified"]) == (200, format_datetime(LATER, usegmt=True))
    feed = check_atom(again.data, product.config.public_url)
    said = {each.findtext(f"{ATOM}updated"): each.findtext(f"{ATOM}published") for each in feed.iter(f"{ATOM}entry")}
    assert feed.findtext(f"{ATOM}updated") == LATER.isoformat()
    assert said[LATER.isoformat()] == NOW.isoformat()
    assert set(said) <= {LATER.isoformat(), NOW.isoformat()}, "an article that was right is as it was"
    [item, *_] = check_json(client.get(f"{path}/feed.json").data, product.config.public_url)["items"]  # type: ignore[misc]
    assert (item["date_published"], item["date_modified"]) == (NOW.isoformat(), LATER.isoformat())
    assert "Corrigé le 24\N{NO-BREAK SPACE}mars\N{NO-BREAK SPACE}2026" in item["content_html"]
    assert "<p><em>Lettonie</em>, et non Estonie.</p>" in item["content_html"]
