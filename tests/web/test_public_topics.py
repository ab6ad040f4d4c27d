"""Topics, places and the search, as the public sees them."""

import json
import re
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from app.clock import now
from app.editions.models import EditionStatus
from app.product import Product
from tests.conftest import NOW
from tests.web.sent import PAYLOAD, correct, edition_of, hold_back, send
from tests.web.visitor import Page

PATHS = ("/topics", "/topics/place/EE", "/topics/theme/espionage", "/topics/region/nordic-baltic", "/search?q=estonie",
         "/archive")  # fmt: skip


def titles(html: str) -> list[str]:
    return re.findall(r"<h2><a[^>]*>(.*?)</a>", html)


def linked_data(html: str) -> dict[str, object]:
    [text] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    data: dict[str, object] = json.loads(text)
    return data


def test_a_topic_lists_what_was_sent_on_it_newest_first(client: FlaskClient, product: Product) -> None:
    first = send(product, ("Tallinn", ["place:EE"]), ("Riga", ["place:LV"]))
    send(product, ("Tartu", ["place:EE", "theme:espionage"]), at=NOW + timedelta(days=7))
    send(product, ("Narva", ["place:EE"]), language="en", at=NOW + timedelta(days=8))
    page = client.get("/fr/topics/place/EE").text
    assert titles(page) == ["Tartu", "Tallinn"]
    assert f'href="/fr/archive/{first}#article-1"' in page
    assert 'href="/fr/topics/theme/espionage"' in page
    assert "Estonie" in Page(page).text
    assert titles(client.get("/en/topics/place/EE").text) == ["Narva"]
    assert titles(client.get("/fr/topics/region/nordic-baltic").text) == ["Tartu", "Tallinn", "Riga"]


def test_a_topic_goes_on_page_by_page(client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.public.topics.PAGE_LENGTH", 2)
    send(product, *((f"n{number}", ["place:EE"]) for number in range(3)))
    first = client.get("/fr/topics/place/EE").text
    assert titles(first) == ["n0", "n1"]
    older = re.search(r'href="(/fr/topics/place/EE\?before=\d+)"', first)
    assert older
    second = client.get(older[1]).text
    assert titles(second) == ["n2"]
    assert f'<link rel="canonical" href="{product.config.public_url}{older[1]}">' in second
    assert 'hreflang="en" href="http' not in second


@pytest.mark.parametrize("before", ["-1", "x", "9" * 40, "", "٣", "1 OR 1"])
def test_an_odd_page_number_is_the_first_page(client: FlaskClient, product: Product, before: str) -> None:
    send(product, ("Tallinn", ["place:EE"]))
    assert titles(client.get("/fr/topics/place/EE", query_string={"before": before}).text) == ["Tallinn"]


@pytest.mark.parametrize("path", ["place/XX", "theme/EE", "place/ee", "actor/nso", "place/EE%00", "place/%27"])
def test_what_is_no_topic_is_not_found(client: FlaskClient, path: str) -> None:
    for end in ("", "/feed.atom", "/feed.json"):
        assert client.get(f"/fr/topics/{path}{end}").status_code == 404


def test_the_index_counts_each_article_once_for_a_region(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        send(product, ("Mer", ["place:EE", "place:LV"]), ("Riga", ["place:LV", "theme:espionage"]))
        page = client.get("/fr/topics").text
    rows = dict(
        re.findall(r'<th scope="row"><a href="/fr/topics/([^"]+)".*?<td class="number">(\d+)<', page, re.DOTALL)
    )
    assert rows["place/LV"] == rows["region/nordic-baltic"] == "2"
    assert rows["place/EE"] == rows["theme/espionage"] == "1"
    assert "region/sahel" not in rows
    assert list(rows)[:2] == ["place/LV", "place/EE"]
    [latvia] = re.findall(
        r'<a href="/fr/topics/place/LV" tabindex="-1" class="tile (shade-\d)">\s*<title>(.*?)</title>', page
    )
    assert latvia == ("shade-2", "Lettonie\u00a0: 2 articles")
    assert 'href="/fr/topics/place/FR"' not in page


def test_the_index_of_nothing_says_so(client: FlaskClient) -> None:
    page = client.get("/en/topics").text
    assert "The first edition has not left yet." in page
    assert "<table" not in page


def test_the_search_finds_and_goes_on(client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.public.search.PAGE_LENGTH", 1)
    send(product, ("Écoutes en Estonie", []), ("Une écoute à Riga", []), ("Rien", []))
    page = client.get("/fr/search?q=ecoutes").text
    assert titles(page) == ["Écoutes en Estonie"]
    older = re.search(r'href="(/fr/search\?q=ecoutes&amp;before=\d+)"', page)
    assert older
    assert titles(client.get(older[1].replace("&amp;", "&")).text) == ["Une écoute à Riga"]
    assert 'content="noindex, follow"' in page
    assert "Aucun article" in client.get("/fr/search?q=finlande").text
    assert "La recherche porte" in client.get("/fr/search").text


@pytest.mark.parametrize("text", [PAYLOAD, "\x00", "a\r\nb", "é" * 9_000, "' OR 1=1 --", '"*"'])
def test_nothing_that_is_searched_for_gets_out_of_its_place(client: FlaskClient, product: Product, text: str) -> None:
    send(product, ("Tallinn", []))
    answer = client.get("/fr/search", query_string={"q": text})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert titles(answer.text) == []


@pytest.mark.parametrize("path", ["/topics/place/EE", "/archive", "/archive/{id}", "/search?q=alert"])
def test_a_title_stays_a_title_in_every_page(client: FlaskClient, product: Product, path: str) -> None:
    public_id = send(product, (PAYLOAD, ["place:EE"]))
    page = client.get("/fr" + path.format(id=public_id)).text
    assert "<script>alert" not in page
    assert PAYLOAD in Page(page).text
    assert page.count("<script") == page.count("</script>") == 1
    if "search" not in path:
        assert PAYLOAD in json.dumps(linked_data(page), ensure_ascii=False).replace('\\"', '"')


@pytest.mark.parametrize("is_embargo", [True, False])
def test_what_may_not_be_seen_is_nowhere(client: FlaskClient, product: Product, is_embargo: bool) -> None:
    """An embargo, or an edition that was never sent to the end."""
    public_id = send(product, ("Estonie secrète", ["place:EE", "theme:espionage"]))
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        if is_embargo:
            hold_back(product, "Estonie secrète", now() + timedelta(hours=1))
        else:
            with product.database.transaction() as session:
                edition = edition_of(session, public_id)
                edition.status, edition.finished_at = EditionStatus.CANCELLED, None
        feeds = [
            f"{path}/feed.{form}"
            for path in ("", "/topics/place/EE", "/topics/region/europe")
            for form in ("atom", "json")
        ]
        for path in (*PATHS, *feeds):
            answer = client.get(f"/fr{path}")
            assert answer.status_code == 200, path
            assert not re.search(f"secrète|{public_id}", answer.text), path
        assert client.get(f"/fr/archive/{public_id}").status_code == 404
    if is_embargo:
        with time_machine.travel(NOW + timedelta(days=2), tick=False):
            assert all("secrète" in client.get(f"/fr{path}").text for path in (*PATHS[1:], *feeds))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_says_what_it_is(client: FlaskClient, product: Product, language: str) -> None:
    at = now()
    other = {"fr": "en", "en": "fr"}[language]
    send(product, ("Tallinn", ["place:EE", "theme:espionage"]), language=other, at=at - timedelta(hours=1))
    public_id = send(product, ("Tallinn, 1944", ["place:EE", "theme:espionage"]), language=language, at=at)
    site, seen = product.config.public_url, set()
    for path in ("/", *PATHS, f"/archive/{public_id}"):
        html = client.get(f"/{language}{path}").text
        page = Page(html)
        meta = {each.get("name") or each.get("property"): each.get("content", "") for each in page.all("meta")}
        links = page.all("link")
        [canonical] = [each["href"] for each in links if each.get("rel") == "canonical"]
        assert canonical == f"{site}/{language}{path}" == meta["og:url"]
        alternates = {each["hreflang"]: each["href"] for each in links if "hreflang" in each}
        twins = {code: f"{site}/{code}{path}" for code in ("fr", "en")}
        twins |= {"x-default": f"{site}/"} if path == "/" else {}
        assert alternates == ({} if path.startswith(("/search", "/archive/")) else twins)
        assert 30 <= len(meta["description"]) <= 160 or path.startswith("/archive/")
        assert meta["og:description"] == meta["description"]
        assert meta["og:locale"] == {"fr": "fr_FR", "en": "en_GB"}[language]
        assert {each["type"] for each in links if each.get("type", "").startswith("application/")} == {
            "application/atom+xml", "application/feed+json"
        }  # fmt: skip
        assert ("robots" in meta) is path.startswith("/search")
        data = linked_data(html)
        assert (data["url"], data["inLanguage"]) == (canonical, language)
        seen.add(re.findall(r"<title>(.*?)</title>", html)[0])
    assert len(seen) == 8


def test_an_edition_is_a_news_article(client: FlaskClient, product: Product) -> None:
    public_id = send(product, ("Estonie", ["place:EE"]))
    page = client.get(f"/fr/archive/{public_id}").text
    data = linked_data(page)
    assert (data["@type"], data["headline"], data["datePublished"]) == (
        "NewsArticle",
        "Estonie",
        "2026-03-17T09:00:00+00:00",
    )
    assert data["citation"] == [
        {"@type": "CreativeWork", "url": "https://strait.example/fr/170900/0?a=1&b=2", "name": "Estonie"}
    ]
    assert 'property="og:type" content="article"' in page
    assert 'id="article-1"' in page


def test_what_was_corrected_since_is_told_beside_the_article(client: FlaskClient, product: Product) -> None:
    """It shows its newest text, which is not what readers got: nothing is mended in silence."""
    earlier = send(product, ("Estonie", ["place:EE"]), ("Tartu", ["place:EE"]))
    correct(product, "Estonie", "Lettonie", at=NOW + timedelta(days=1), fr="La *Lettonie*, et non l’Estonie.")
    correct(product, "Lettonie", "Lituanie", at=NOW + timedelta(days=7, hours=15), en="Lithuania it was.")
    page = client.get(f"/fr/archive/{earlier}").text
    first, second = re.findall(r'(?s)<div class="erratum">(.*?)</div>', page)
    assert "Corrigé le 18\N{NO-BREAK SPACE}mars\N{NO-BREAK SPACE}2026" in first
    assert "<p>La <em>Lettonie</em>, et non l’Estonie.</p>" in first
    assert "Corrigé le 25\N{NO-BREAK SPACE}mars\N{NO-BREAK SPACE}2026" in second, "on the calendar of Paris"
    assert "Lithuania" not in second
    assert [piece.count("Corrigé le") for piece in page.split("<section ")[1:]] == [2, 0]
    assert linked_data(page)["dateModified"] == "2026-03-25T00:00:00+00:00"
    assert 'property="article:modified_time" content="2026-03-25T00:00:00+00:00"' in page
    for path in ("/topics/place/EE", "/search?q=estonie"):
        page = client.get(f"/fr{path}").text
        assert page.count("Corrigé le") == page.count("Corrigé le 25") == 1


def test_an_edition_that_carried_the_right_text_tells_of_no_mistake(client: FlaskClient, product: Product) -> None:
    public_id = send(product, ("Estonie", ["place:EE"]))
    correct(product, "Estonie", "Lettonie", at=NOW + timedelta(days=1), fr="Lettonie.")
    with product.database.transaction() as session:
        edition_of(session, public_id).items[0].revision = 2
    page = client.get(f"/fr/archive/{public_id}").text
    assert "Lettonie" in page
    assert "Corrigé le" not in page + client.get("/fr/topics/place/EE").text
    assert "modified_time" not in page


def test_pages_are_kept_a_while_and_not_sent_twice(client: FlaskClient, product: Product) -> None:
    public_id = send(product, ("Estonie", ["place:EE"]))
    for path in (*PATHS, f"/archive/{public_id}"):
        first = client.get(f"/fr{path}")
        assert first.headers["Cache-Control"] == "public, max-age=300"
        assert "Last-Modified" not in first.headers, "when it changed is not known, and was not just now"
        again = client.get(f"/fr{path}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert client.get(f"/fr{path}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_personal_pages_are_in_no_index(client: FlaskClient, product: Product) -> None:
    token = product.link_tokens.sign("preferences", "a" * 22)
    answer = client.get(f"/fr/preferences/{token}")
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert 'rel="canonical"' not in answer.text
    assert "og:url" not in answer.text
