"""What search engines are told: every page that is worth finding, and nothing that may not be seen."""

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


def test_what_may_not_be_seen_is_in_no_sitemap(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        public_id = send(product, ("Estonie secrète", ["place:EE"]))
        hold_back(product, "Estonie secrète", NOW + timedelta(days=2))
        sitemap = client.get("/sitemap.xml").text
    assert public_id not in sitemap
    assert "/topics/place/EE" not in sitemap
