"""The page of settings: every one that is read, in words, and no secret."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.admins.models import Role
from app.product import Product
from app.settings.environment import Environment, Origin
from config import Config
from tests.web import desk

PAGE = "/admin/settings"
#: Long enough, and alike in nothing that a page has.
SECRET = "Wq7-{}-zR4kP9xT2mB6vN8cL3jH5gF1dS0aY"
NAMES = (
    "SECRET_KEY", "LINK_KEYS", "SUPPRESSION_KEY", "PROOF_KEYS", "MAIL_PASSWORD", "IMAP_PASSWORD", "HOOK_MAILGUN_KEY",
    "HOOK_POSTMARK_PASSWORD", "HOOK_BREVO_PASSWORD", "HOOK_MAILJET_PASSWORD",
)  # fmt: skip


def full(tmp_path: Path) -> Config:
    """Settings with every secret that there is, and addresses with passwords in them."""
    secrets = {name: SECRET.format(name) for name in NAMES}
    return Config.from_env(
        {
            "VIGIE_DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"postgresql://vigie:{SECRET.format('db')}@db.example/vigie?password={SECRET.format('q')}",
            "RATE_STORAGE_URL": f"redis://:{SECRET.format('redis')}@cache.example/0",
            "RSPAMD_URL": f"http://u:{SECRET.format('rspamd')}@spam.example",
            "IMAP_HOST": "imap.example", "IMAP_USER": "returns",
            **secrets,
        }
    )  # fmt: skip


def show(admin: FlaskClient, app: Flask, config: Config) -> str:
    app.extensions["vigie"] = dataclasses.replace(app.extensions["vigie"], config=config)
    return admin.get(PAGE).text


def declared_secrets(settings: object) -> Iterator[str]:
    """The values of all fields that their class keeps out of its own text."""
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from declared_secrets(value)
        elif not field.repr and field.name != "settings":
            yield from (value,) if isinstance(value, str) else value


@pytest.mark.parametrize("path", [PAGE, "/admin/wordings", "/admin/schedules"])
def test_pages_of_the_house_stand_under_newsletters(admin: FlaskClient, path: str) -> None:
    assert re.findall(r'aria-current="true">([^<]+)</a>', admin.get(path).text) == ["Newsletters"]


def test_no_secret_is_on_the_page(admin: FlaskClient, app: Flask, tmp_path: Path) -> None:
    config = full(tmp_path)
    page = show(admin, app, config)
    secrets = [each for each in declared_secrets(config) if each]
    assert len(secrets) >= len(NAMES)
    assert [each for each in secrets if each in page] == []
    assert re.findall(r"Wq7-[\w-]*", page) == []
    assert [each for each in secrets if each in repr(config.settings)] == []
    assert "postgresql://…@db.example/vigie?…" in page


def test_a_secret_says_whether_it_is_set(admin: FlaskClient, app: Flask, tmp_path: Path) -> None:
    by_name = {each.name: each for each in full(tmp_path).settings}
    assert [by_name[name].is_secret and by_name[name].is_set for name in NAMES] == [True] * len(NAMES)
    assert not by_name["HOOK_SENDGRID_KEY"].is_set
    page = show(admin, app, full(tmp_path))
    row = page.partition("<code>HOOK_SENDGRID_KEY</code>")[2].partition("</tr>")[0]
    assert "not set" in row


def test_every_setting_that_is_read_is_shown_in_words(admin: FlaskClient, product: Product) -> None:
    page = admin.get(PAGE).text
    for each in product.config.settings:
        words = page.partition(f"<code>{each.name}</code>")[2].partition('<span class="under">')[2].partition("</")[0]
        assert words.strip(), f"say in _setting_words.html what {each.name} does"
    assert "A stolen password is enough to come in." in page
    assert ">house<" not in page
    assert page.count("section-title") == len({each.subject for each in product.config.settings})


def test_a_setting_of_which_nobody_wrote_is_shown_all_the_same(
    admin: FlaskClient, app: Flask, product: Product
) -> None:
    env = Environment({"BRAND_NEW": "17", "BRAND_NEW_TOKEN": "hush"}).about("novelties")
    assert (env.whole("BRAND_NEW", 3, 1, 20), env.text("BRAND_NEW_TOKEN", "")) == (17, "hush")
    config = dataclasses.replace(product.config, settings=tuple(env.settings.values()))
    page = show(admin, app, config)
    assert all(word in page for word in ("novelties", "BRAND_NEW", "17", "else 3"))
    assert "hush" not in page


def test_it_is_said_where_a_value_comes_from(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("8080\n")
    config = Config.from_env(
        {"VIGIE_DATA_DIR": str(tmp_path), "PORT_FILE": str(tmp_path / "port"), "WELCOME_LETTER": "yes", "BIND": "::1"}
    )
    told = {each.name: (each.origin, each.value, each.is_unusual) for each in config.settings}
    assert told["PORT"] == (Origin.FILE, "8080", True)
    assert told["WELCOME_LETTER"] == (Origin.ENVIRONMENT, "true", False)
    assert told["BIND"] == (Origin.ENVIRONMENT, "::1", True)
    assert told["MAIL_PORT" if "MAIL_PORT" in told else "MAIL_CATCHER_PORT"][0] is Origin.DEFAULT
    assert told["SECRET_KEY"] == (Origin.KEPT, "", False)


def test_only_admins_see_it(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product, role=Role.PUBLISHER)
    desk.sign_in(client)
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/newsletters").text
