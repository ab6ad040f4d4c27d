"""What search engines are told: every page that is worth finding, and nothing that may not be seen."""

import json
import re
from datetime import timedelta

import time_machine
from flask.testing import FlaskClient

from app.product import Product
from tests.conftest import NOW
from tests.web.sent import hold_back, send


def test_robots_and_the_sitemap_name_what_is_there(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        public_id = send(product, ("Estonie", ["place:EE"]))
        robots, sitemap = client.get("/robots.txt"), client.get("/sitemap.xml")
    site = product.config.public_url
    assert robots.mimetype == "text/plain"
    assert f"Sitemap: {site}/sitemap.xml" in robots.text.splitlines()
    found = re.findall(r"<url><loc>(.*?)</loc>", sitemap.text)
    assert {f"{site}/fr/archive/{public_id}", f"{site}/fr/topics/place/EE", f"{site}/fr/topics/region/europe",
            f"{site}/fr/", f"{site}/en/topics"} <= set(found)  # fmt: skip
    assert f"{site}/en/topics/place/EE" not in found
    assert "<lastmod>2026-03-17T09:00:00+00:00</lastmod>" in sitemap.text
    assert len(found) == len(set(found))
    for address in found:
        assert client.get(address.removeprefix(site)).status_code == 200, address


def alternates(page: str) -> dict[str, str]:
    return dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', page))


def test_a_topic_has_a_twin_only_where_that_may_be_found(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        send(product, ("Estonie", ["place:EE"]))
        assert "noindex" in client.get("/en/topics/place/EE").text
        assert alternates(client.get("/fr/topics/place/EE").text) == {}
        send(product, ("Estonia", ["place:EE"]), language="en")
        expected = {code: f"{product.config.public_url}/{code}/topics/place/EE" for code in ("fr", "en")}
        for code in ("fr", "en"):
            assert alternates(client.get(f"/{code}/topics/place/EE").text) == expected


def test_the_front_page_names_the_site_and_where_one_is_led_by_language(client: FlaskClient, product: Product) -> None:
    page, site = client.get("/en/").text, product.config.public_url
    assert alternates(page) == {"fr": f"{site}/fr/", "en": f"{site}/en/", "x-default": f"{site}/"}
    [data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    said = json.loads(data)
    assert (said["@type"], said["name"], said["url"]) == ("WebSite", product.config.identity.publication, f"{site}/en/")


def test_what_may_not_be_seen_is_in_no_sitemap(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        public_id = send(product, ("Estonie secrète", ["place:EE"]))
        hold_back(product, "Estonie secrète", NOW + timedelta(days=2))
        sitemap = client.get("/sitemap.xml").text
    assert public_id not in sitemap
    assert "/topics/place/EE" not in sitemap
