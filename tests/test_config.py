"""Settings: defaults that run, every problem at once, keys that are kept."""

import re
import stat
from base64 import b64encode
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.settings.environment import Environment, Origin
from config import Config, SettingsInvalid

GOOD_KEY = "Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHNlY3JldA0123456789"
PUBLIC = {
    "PUBLIC_URL": "https://news.example.org",
    "PUBLISHER_NAME": "Example Press",
    "PUBLISHER_ADDRESS": "1 Example Street",
    "PUBLISHER_CONTACT": "desk@example.org",
    "PUBLICATION_DIRECTOR": "A. Example",
    "HOSTING_PROVIDER": "Example Host",
    "MAIL_USE_TLS": "true",
    "MAIL_SERVER": "smtp.example.org",
    "MAIL_DEFAULT_SENDER": "letter@example.org",
}


def problems(tmp_path: Path, **environ: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), **environ})
    return caught.value.problems


def test_defaults_run_on_a_laptop(tmp_path: Path) -> None:
    config = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path)})
    assert config.database_url == f"sqlite:///{tmp_path}/vigie.db"
    assert (config.public_url, config.is_loopback, config.uses_catcher) == ("http://127.0.0.1:8000", True, True)
    assert (config.mail.server, config.mail.port) == ("127.0.0.1", 1025)


def test_keys_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    first = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path)})
    second = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path)})
    assert first.link_keys == second.link_keys
    assert len({first.link_keys, first.secret_keys, (first.suppression_key,)}) == 3
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_and_passwords_are_not_printed(tmp_path: Path) -> None:
    config = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), "MAIL_PASSWORD": "hunter2hunter2"})
    shown = repr(config)
    assert "hunter2" not in shown
    assert config.link_keys[0] not in shown
    assert config.suppression_key not in shown


def test_several_machines_must_be_given_their_keys(tmp_path: Path) -> None:
    found = problems(tmp_path, DATABASE_URL="postgresql://db.example.org/vigie")
    assert [each.split()[0] for each in found] == ["SECRET_KEY", "LINK_KEYS", "SUPPRESSION_KEY", "PROOF_KEYS"]
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("key", ["short", "changeme" * 8, "secret" + "x" * 40])
def test_short_and_sample_keys_are_refused(tmp_path: Path, key: str) -> None:
    assert any("LINK_KEYS" in each for each in problems(tmp_path, LINK_KEYS=key))


def test_several_link_keys_are_read_oldest_first(tmp_path: Path) -> None:
    config = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), "LINK_KEYS": f"{GOOD_KEY}-old {GOOD_KEY}-new"})
    assert config.link_keys == (f"{GOOD_KEY}-old", f"{GOOD_KEY}-new")


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from a file\n")
    config = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), "MAIL_PASSWORD_FILE": str(tmp_path / "password")})
    assert config.mail.password == "from a file"


def test_a_file_that_holds_nothing_is_no_setting_left_out(tmp_path: Path) -> None:
    """A new key in place of one that did not get there would end every link that was ever mailed."""
    (file := tmp_path / "link keys").write_text("\n")
    assert problems(tmp_path, LINK_KEYS_FILE=str(file)) == [f"LINK_KEYS_FILE names a file that holds nothing: {file}"]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, PORT="eight", TIMEZONE="Paris", DIGEST_CRON="every day", MAIL_USE_TLS="perhaps")
    assert [each.split()[0] for each in found] == ["PORT", "TIMEZONE", "DIGEST_CRON", "MAIL_USE_TLS"]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("PORT", "0", "PORT"),
        ("PORT", "70000", "PORT"),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL"),
        ("PUBLIC_URL", "ftp://example.org", "PUBLIC_URL"),
        ("PUBLIC_URL", "http://news.example.org", "https"),
        ("PUBLIC_URL", "https://[::1", "PUBLIC_URL"),
        ("PUBLIC_URL", "https://news.example.org:https", "PUBLIC_URL"),
        ("PUBLIC_URL", "https://example.org/news", "PUBLIC_URL"),
        ("PUBLIC_URL", "https://us:er@news.example.org", "PUBLIC_URL"),
        ("DATABASE_URL", "postgresql://vigie:hidden@db:port/vigie", "DATABASE_URL"),
        ("ALLOWED_HOSTS", "https://www.example.org", "ALLOWED_HOSTS"),
        ("MAIL_SERVER", "smtp://smtp.example.org", "MAIL_SERVER"),
        ("MAIL_SERVER", "smtp.example.org:587", "MAIL_SERVER"),
        ("MAIL_BOUNCE_DOMAIN", "b@bounces.example.org", "MAIL_BOUNCE_DOMAIN"),
        ("MAIL_EHLO_NAME", "two words", "MAIL_EHLO_NAME"),
        ("MAIL_CA_FILE", "/nowhere/at/all", "MAIL_CA_FILE"),
        ("PUBLISHER_CONTACT", "the desk", "PUBLISHER_CONTACT"),
        ("FETCH_ALLOWED_INWARD", "wiki.example.org", "FETCH_ALLOWED_INWARD"),
        ("SPAMD", "127.0.0.1:²", "SPAMD"),
        ("IMAP_HOST", "imaps://imap.example.org", "IMAP_HOST"),
        ("PENDING_DAYS", "31", "PENDING_DAYS"),
        ("CONFIRM_HOURS", "169", "CONFIRM_HOURS"),
        ("MAIL_DEFAULT_SENDER", "Vigie <a@example.org>", "bare"),
        ("MAIL_DEFAULT_SENDER", "someone@gmail.com", "free mail"),
        ("MAIL_PASSWORD_FILE", "/nowhere/at/all", "MAIL_PASSWORD_FILE"),
        ("SIGNUPS_PER_NETWORK", "0", "SIGNUPS_PER_NETWORK"),
        ("PROOF_OF_WORK", "sometimes", "off, breaker, always"),
        ("RATE_STORAGE_URL", "http://127.0.0.1", "RATE_STORAGE_URL"),
    ],
)
def test_wrong_values_are_named(tmp_path: Path, name: str, value: str, word: str) -> None:
    found = problems(tmp_path, **{name: value})
    assert any(word in each for each in found)
    assert not any("hidden" in each for each in found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "http://[::1]:8000/"),
        ("PUBLIC_URL", "http://localhost"),
        ("DATABASE_URL", "sqlite:///"),
        ("ALLOWED_HOSTS", ".example.org, www.example.org:8443 [::1]"),
        ("MAIL_SERVER", "::1"),
        ("MAIL_EHLO_NAME", "[192.0.2.25]"),
        ("FETCH_ALLOWED_INWARD", "wiki_1:8080 [::1]:80"),
        ("SPAMD", "[::1]:783"),
        ("PUBLISHER_CONTACT", "o'neil+desk@press.example.org"),
    ],
)
def test_what_is_usual_is_taken(tmp_path: Path, name: str, value: str) -> None:
    Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), name: value})


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_setting_counts_as_not_set(tmp_path: Path, empty: str) -> None:
    """Deployment tools write one for each name that they know."""
    unset = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path)})
    names = {each.name for each in unset.settings} - {"VIGIE_DATA_DIR"}
    files = {f"{name}_FILE": empty for name in names}
    config = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), **dict.fromkeys(names, empty), **files})
    assert config == unset
    assert {each.origin for each in config.settings if each.name in {"PORT", "BIND"}} == {Origin.DEFAULT}
    assert Environment({"VIGIE_DATA_DIR": empty}).text("VIGIE_DATA_DIR", "instance") == "instance"


def test_a_request_outlives_its_link(tmp_path: Path) -> None:
    assert any("PENDING_DAYS" in each for each in problems(tmp_path, PENDING_DAYS="1", CONFIRM_HOURS="48"))


def test_the_two_kinds_of_tls_exclude_each_other(tmp_path: Path) -> None:
    assert any("exclude" in each for each in problems(tmp_path, MAIL_USE_TLS="1", MAIL_USE_SSL="1"))


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({}, 25),
        ({"MAIL_USE_TLS": "true"}, 587),
        ({"MAIL_USE_SSL": "true"}, 465),
        ({"MAIL_USE_TLS": "true", "MAIL_PORT": "2525"}, 2525),
    ],
)
def test_the_usual_port_is_that_of_the_kind_of_tls(tmp_path: Path, environ: dict[str, str], port: int) -> None:
    mail = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), "MAIL_SERVER": "127.0.0.1", **environ}).mail
    assert mail.port == port


def test_a_public_newsletter_needs_a_mail_server(tmp_path: Path) -> None:
    without = {name: value for name, value in PUBLIC.items() if name != "MAIL_SERVER"}
    assert [each.split()[0] for each in problems(tmp_path, **without)] == ["MAIL_SERVER"]


def test_letters_do_not_travel_in_clear_beyond_this_machine(tmp_path: Path) -> None:
    clear = {"VIGIE_DATA_DIR": str(tmp_path), **PUBLIC, "MAIL_USE_TLS": "false"}
    [complaint] = problems(tmp_path, **clear)
    assert "in clear" in complaint
    for name in ("MAIL_USE_TLS", "MAIL_USE_SSL", "MAIL_ALLOW_CLEARTEXT"):
        assert Config.from_env({**clear, name: "true"}).mail.server == "smtp.example.org"
    assert Config.from_env({**clear, "MAIL_SERVER": "127.0.0.1"}).mail.server == "127.0.0.1"


def test_a_public_newsletter_must_say_who_publishes_it(tmp_path: Path) -> None:
    without = {name: value for name, value in PUBLIC.items() if name != "PUBLISHER_ADDRESS"}
    assert any("PUBLISHER_ADDRESS" in each for each in problems(tmp_path, **without))
    assert Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), **PUBLIC}).identity.publisher == "Example Press"


def test_limits_are_pairs_of_a_domain_and_a_rate(tmp_path: Path) -> None:
    environ = {"MAIL_RATE_PER_MINUTE": "600", "MAIL_DOMAIN_RATES": "orange.fr=120, laposte.net=60"}
    mail = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), **environ}).mail
    assert (mail.rate_per_minute, mail.domain_rates) == (600, (("laposte.net", 60), ("orange.fr", 120)))


@pytest.mark.parametrize("rates", ["orange.fr", "=3", "orange.fr=0", "orange.fr=fast", "orange.fr=1.5"])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, rates: str) -> None:
    [problem] = problems(tmp_path, MAIL_DOMAIN_RATES=rates)
    assert problem.startswith("MAIL_DOMAIN_RATES")


@pytest.mark.parametrize("name", ["Subject", "X-Copy: 1", "X-Copy\nBcc", "X-" + "a" * 80])
def test_what_is_no_field_is_no_copy_header(tmp_path: Path, name: str) -> None:
    [problem] = problems(tmp_path, MAIL_COPY_HEADER=name)
    assert problem.startswith("MAIL_COPY_HEADER")


def test_a_copy_header_is_a_field_of_its_own(tmp_path: Path) -> None:
    environ = {"VIGIE_DATA_DIR": str(tmp_path)}
    assert Config.from_env(environ).mail.copy_header == ""
    assert Config.from_env({**environ, "MAIL_COPY_HEADER": "X-MJ-CustomID"}).mail.copy_header == "X-MJ-CustomID"


def public_key(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


TOPIC = "arn:aws:sns:eu-west-3:123456789012:SES_Events"


def test_no_provider_is_listened_to_without_a_setting(tmp_path: Path) -> None:
    assert not any(vars(Config.from_env({"VIGIE_DATA_DIR": str(tmp_path)}).hooks).values())


def test_what_reports_are_checked_against_is_read_and_not_printed(tmp_path: Path) -> None:
    environ = {
        "HOOK_SES_TOPICS": f"{TOPIC} {TOPIC}-2",
        "HOOK_MAILGUN_KEY": "0123456789abcdef-mailgun",
        "HOOK_SENDGRID_KEY": public_key(ec.generate_private_key(ec.SECP256R1())),
        **{f"HOOK_{name}_PASSWORD": f"{GOOD_KEY}-{name}" for name in ("POSTMARK", "BREVO", "MAILJET")},
        "HOOK_NETWORKS": "192.0.2.0/24, 2001:db8::/32",
    }
    hooks = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), **environ}).hooks
    assert hooks.ses_topics == {TOPIC, f"{TOPIC}-2"}
    assert hooks.brevo_password == f"{GOOD_KEY}-BREVO"
    assert set(hooks.networks) == {ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")}
    assert all(vars(hooks).values())
    assert GOOD_KEY not in repr(hooks)
    assert "0123456789abcdef-mailgun" not in repr(hooks)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOOK_SES_TOPICS", "Letters"),
        ("HOOK_SES_TOPICS", "arn:aws:sqs:eu-west-3:123456789012:queue"),
        ("HOOK_SENDGRID_KEY", "not base64"),
        ("HOOK_SENDGRID_KEY", "AAAA"),
        ("HOOK_POSTMARK_PASSWORD", "short"),
        ("HOOK_BREVO_PASSWORD", "changeme" * 5),
        ("HOOK_MAILJET_PASSWORD", "é" * 31),
        ("HOOK_NETWORKS", "example.org"),
        ("HOOK_NETWORKS", "192.0.2.1/24"),
    ],
)
def test_what_reports_cannot_be_checked_against_is_refused(tmp_path: Path, name: str, value: str) -> None:
    [problem] = problems(tmp_path, **{name: value})
    assert problem.startswith(name)
    assert "PASSWORD" not in name or value not in problem


def test_keys_of_another_kind_are_refused(tmp_path: Path) -> None:
    for key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())):
        [problem] = problems(tmp_path, HOOK_SENDGRID_KEY=public_key(key))
        assert problem.startswith("HOOK_SENDGRID_KEY")


def test_a_taxonomy_of_ones_own_must_be_there(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, TOPICS_FILE=str(tmp_path / "none.toml"))
    assert problem.startswith("TOPICS_FILE is not a file that is there")
    file = tmp_path / "own.toml"
    file.touch()
    config = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), "TOPICS_FILE": str(file)})
    assert config.topics_file == file


def test_the_list_of_settings_names_each_that_is_read(tmp_path: Path) -> None:
    rows = (Path(__file__).parents[1] / "docs/settings.md").read_text(encoding="utf-8").splitlines()
    listed = [name for row in rows if row.startswith("| `") for name in re.findall("`([A-Z0-9_]+)`", row.split("|")[1])]
    trial = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path)})
    relay = {"MAIL_SERVER": "smtp.example.org", "MAIL_ALLOW_CLEARTEXT": "true"}
    relayed = Config.from_env({"VIGIE_DATA_DIR": str(tmp_path), **relay})
    assert sorted(listed) == sorted({each.name for config in (trial, relayed) for each in config.settings})
