"""What holds for every public page: own resources only, nothing inline, strict headers, no cookie, both languages."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from tests import make
from tests.web.visitor import Page, send_form

#: Everything under `app.web.public` but the archive, which has tests of its own.
MODULES = ("signup", "confirm", "leaving", "preferences", "notices")


def pages(client: FlaskClient, product: Product) -> dict[str, str]:
    """Every public page of ours as HTML, by name."""
    with product.database.transaction() as session:
        reader = make.make_subscription(session)
        asker = make.make_subscription(session, email="bob@reader.example", status=SubscriptionStatus.PENDING)
        assert asker.confirmation_id
        tokens = {
            "confirm": product.link_tokens.sign("confirm", asker.confirmation_id),
            "unsubscribe": product.link_tokens.sign("unsubscribe", reader.public_id),
            "preferences": product.link_tokens.sign("preferences", reader.public_id),
        }
    paths = ["", "embed", "check-your-mail", "check-your-mail?embedded", "privacy", "legal", "nowhere", "confirm/x",
             "unsubscribe/x", *(f"{purpose}/{token}" for purpose, token in tokens.items())]  # fmt: skip
    found = {
        f"/{language}/{path}": client.get(f"/{language}/{path}").text for language in ("fr", "en") for path in paths
    }
    found["refused"] = send_form(client, "nonsense").text
    found["slip"] = send_form(client, "alice@gmial.com").text
    found["left"] = client.post(f"/fr/unsubscribe/{tokens['unsubscribe']}").text
    found["nothing left"] = client.get(f"/fr/preferences/{tokens['preferences']}").text
    return found


def test_pages_load_nothing_from_elsewhere_and_hold_nothing_inline(client: FlaskClient, product: Product) -> None:
    for name, html in pages(client, product).items():
        page = Page(html)
        loaded = [
            attributes.get("src") or attributes.get("href", "")
            for tag, attributes in page.tags
            if tag in {"script", "img", "iframe", "source", "video", "link"}
            and attributes.get("rel") not in {"canonical", "alternate"}
            and attributes.get("type") != "application/ld+json"
        ]
        assert all(re.match(r"/(?!/)", each) for each in loaded), name
        assert not [
            tag for tag, attributes in page.tags if any(each.startswith("on") or each == "style" for each in attributes)
        ]
        assert "<style" not in html, name
        scripts = [each for each in page.all("script") if each.get("type") != "application/ld+json"]
        assert all("src" in each for each in scripts), name


def test_pages_are_well_made(client: FlaskClient, product: Product) -> None:
    for name, html in pages(client, product).items():
        page = Page(html)
        language = "en" if name.startswith("/en/") else "fr"
        assert page.all("html")[0]["lang"] == language, name
        assert len(page.all("h1")) == 1, name
        assert len(page.all("title")) == 1, name
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), name
        for each in page.all("input"):
            if each["type"] not in {"hidden", "radio", "checkbox"}:  # the two last stand in their labels
                assert each["id"] in {label.get("for") for label in page.all("label")}, name


def test_every_page_switches_language_to_itself(client: FlaskClient, product: Product) -> None:
    for name, html in pages(client, product).items():
        if not name.startswith("/fr/") or "embed" in name or name == "/fr/nowhere":
            continue
        switch = next(each["href"] for each in Page(html).all("a") if each.get("hreflang") == "en")
        assert switch == name.replace("/fr/", "/en/", 1)


@pytest.mark.parametrize("purpose", ["confirm", "unsubscribe", "preferences"])
def test_pages_whose_address_is_a_secret_are_kept_by_nobody(
    client: FlaskClient, product: Product, purpose: str
) -> None:
    for token in ("x", product.link_tokens.sign(purpose, "a" * 22)):
        for method in ("GET", "POST"):
            headers = client.open(f"/fr/{purpose}/{token}", method=method).headers
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Robots-Tag"] == "noindex, nofollow"


@pytest.mark.parametrize("path", ["/fr/", "/fr/embed", "/fr/privacy", "/fr/check-your-mail", "/fr/nowhere"])
def test_headers_are_strict_and_no_cookie_is_set(client: FlaskClient, path: str) -> None:
    headers = client.get(path, headers={"Origin": "https://evil.example"}).headers
    policy = headers["Content-Security-Policy"]
    for directive in (
        "default-src 'none'",
        "script-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ):
        assert directive in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers
    assert not [name for name, _ in headers if name.startswith("Access-Control")]


def test_an_unknown_host_is_refused_in_plain_words(client: FlaskClient) -> None:
    for headers in ({"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example"}):
        response = client.get("/fr/", headers=headers)
        assert response.status_code == 400
        assert "evil.example" not in response.text
        assert "Traceback" not in response.text


def test_a_forwarded_host_changes_nothing(client: FlaskClient) -> None:
    plain = client.get("/fr/legal").text
    assert client.get("/fr/legal", headers={"X-Forwarded-Host": "evil.example"}).text == plain


def test_no_public_page_of_ours_answers_options_or_changes_state_on_get(app: Flask) -> None:
    ours = [
        rule for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].__module__.removeprefix("app.web.public.") in MODULES
    ]  # fmt: skip
    assert len(ours) >= 14
    for rule in ours:
        methods = rule.methods or set()
        assert "OPTIONS" not in methods
        assert methods in ({"GET", "HEAD"}, {"POST"})
        assert rule.endpoint.endswith("_submit") == (methods == {"POST"})
