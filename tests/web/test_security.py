"""What holds for every request: hosts, origins, bodies, headers, error pages without traces."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from app import create_app
from app.web.security import OPEN_TO_ALL, TOKEN_ROUTES
from config import Config
from tests.conftest import create_tables


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """One kind of database is enough here: no rule and no query is tested."""
    url = f"sqlite:///{tmp_path / 'vigie.db'}"
    create_tables(url)
    return url


def public_client(config: Config, **changes: object) -> FlaskClient:
    """A visitor of a house with a public address."""
    return create_app(replace(config, public_url="https://news.example.org", **changes)).test_client()  # type: ignore[arg-type]


def test_an_unknown_host_is_refused(config: Config) -> None:
    client = public_client(config)
    assert client.get("/fr/legal", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/fr/legal", headers={"Host": "news.example.org"}).status_code == 200


def test_a_forwarded_host_counts_for_nothing(client: FlaskClient) -> None:
    page = client.get("/fr/", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})
    assert "evil.example" not in page.text


@pytest.mark.parametrize(
    "scheme", ["http", "https://evil.example/", "//evil.example", "javascript", "http://[", "\x00"]
)
def test_no_forwarded_scheme_leads_elsewhere(config: Config, scheme: str) -> None:
    """The framework's own redirects, as to a missing slash, are absolute."""
    client = public_client(config, trusted_proxies=1)
    answer = client.get("/fr", headers={"Host": "news.example.org", "X-Forwarded-Proto": scheme})
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://news.example.org/fr/")


@pytest.mark.parametrize(("hops", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_the_forwarded_address_counts_for_the_configured_hops_only(config: Config, hops: int, seen: str) -> None:
    app = create_app(replace(config, trusted_proxies=hops))
    addresses: list[str | None] = []
    app.before_request(lambda: addresses.append(request.remote_addr))
    app.test_client().get("/fr/legal", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
    assert addresses == [seen]


#: What addresses hold that take no number.
FIXED = {"language": "fr", "which": "rejected", "text_kind": "form", "text_language": "fr", "extra": "flash"}


def posting_routes(app: Flask) -> list[str]:
    """Every address that takes a POST, with its places filled."""
    found = []
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and rule.endpoint not in OPEN_TO_ALL:
            values = {name: FIXED.get(name, "1") for name in rule.arguments}
            found.append(app.url_map.bind("127.0.0.1").build(rule.endpoint, values, method="POST"))
    return found


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://["},
    ],
)
def test_no_other_site_can_write_anywhere(app: Flask, headers: dict[str, str]) -> None:
    client, routes = app.test_client(), posting_routes(app)
    assert len(routes) > 15
    for route in routes:
        assert client.post(route, headers=headers).status_code == 403, route


def test_a_page_that_hides_its_address_can_write_on_token_pages_only(app: Flask) -> None:
    """What older browsers send from our own pages that give no referrer."""
    client = app.test_client()
    answers = {route: client.post(route, headers={"Origin": "null"}).status_code for route in posting_routes(app)}
    passed = {route for route, status in answers.items() if status != 403}
    assert {"/fr/confirm/1", "/fr/preferences/1", "/fr/my-data/1/erasure"} <= passed
    assert all(route.startswith("/fr/") and "/1" in route for route in passed)


def test_refusals_are_seen_in_the_frame_of_the_embedded_form(client: FlaskClient) -> None:
    for path in ("/fr/subscribe?embedded", "/fr/subscribe"):
        answer = client.post(path, json={})
        assert answer.status_code == 415
        policy = answer.headers["Content-Security-Policy"]
        assert ("frame-ancestors *" in policy) is path.endswith("embedded")


def test_bodies_are_forms_and_small(client: FlaskClient) -> None:
    assert client.post("/fr/subscribe", json={"email": "a@reader.example"}).status_code == 415
    assert client.post("/fr/subscribe", data=b"<x/>", content_type="text/xml").status_code == 415
    assert client.post("/fr/subscribe", data={"email": "a" * 70_000}).status_code == 413
    many = {f"field{number}": "x" for number in range(100)}
    assert client.post("/fr/subscribe", data=many, content_type="multipart/form-data").status_code == 413


def test_every_page_has_the_strict_headers(client: FlaskClient) -> None:
    for path in ("/fr/", "/en/privacy", "/fr/nothing-here", "/admin/"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        for directive in ("default-src 'none'", "object-src 'none'", "base-uri 'none'", "form-action 'self'"):
            assert directive in policy, path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers
        assert "Set-Cookie" not in headers


def test_transport_security_is_asked_for_over_https_only(config: Config, client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/fr/legal").headers
    answer = public_client(config).get("/fr/legal", base_url="https://news.example.org")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_pages_with_a_key_in_their_address_are_kept_nowhere(app: Flask) -> None:
    client = app.test_client()
    for endpoint in TOKEN_ROUTES:
        [rule] = [each for each in app.url_map.iter_rules() if each.endpoint == endpoint]
        values = {name: {"language": "fr", "place": 1}.get(name, "x") for name in rule.arguments}
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        path = app.url_map.bind("127.0.0.1").build(endpoint, values, method=method)
        headers = client.open(path, method=method).headers
        assert headers["Referrer-Policy"] == "no-referrer", endpoint
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"


@pytest.mark.parametrize("path", ["/fr/nothing", "/nothing", "/en/archive/nothing", "/.git/config", "/config.py"])
def test_an_unknown_page_is_a_plain_404(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "<h1" in answer.text


def test_a_fault_of_ours_shows_no_trace(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("inner secret")

    monkeypatch.setitem(app.view_functions, "public.legal", fail)
    answer = client.get("/en/legal")
    assert answer.status_code == 500
    assert "inner secret" not in answer.text
    assert "Traceback" not in answer.text


def test_a_full_disk_is_a_clear_503(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setitem(app.view_functions, "public.legal", fail)
    answer = client.get("/en/legal")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "INSERT" not in answer.text
    assert "open the page again" in answer.text, "whoever reads has no button to press once more"
