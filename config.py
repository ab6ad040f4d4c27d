"""Settings: one frozen dataclass, read from the environment once, with defaults that run on a laptop.

Every setting NAME may instead come from a file whose path is in NAME_FILE, as container secrets do. `Config.from_env`
collects every problem before it refuses, so that one start shows all of them.
"""

import os
import re
import secrets
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cronsim import CronSim, CronSimError

KEY_MIN_LENGTH = 32
FREE_MAIL_DOMAINS = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "yahoo.fr", "outlook.com", "hotmail.com", "hotmail.fr", "live.com",
     "msn.com", "aol.com", "icloud.com", "orange.fr", "laposte.net", "free.fr", "sfr.fr"}
)  # fmt: skip
SAMPLE_KEYS = ("changeme", "change-me", "secret", "dev", "example")


class SettingsInvalid(Exception):
    """One or more settings are wrong or missing; `problems` holds a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Identity:
    """Who publishes: what the law wants in each letter and page (LCEN art. 1-1, GDPR art. 13, CAN-SPAM)."""

    publication: str = "Vigie"
    publisher: str = "Vigie (demonstration)"
    postal_address: str = "1 rue de l’Exemple, 75000 Paris, France"
    contact: str = "contact@newsletter.example"
    director: str = "A. Exemple"
    host: str = "Exemple Hébergement, 1 rue de l’Exemple, 75000 Paris, France"
    data_protection_officer: str = ""
    processors: str = ""


@dataclass(frozen=True)
class MailSettings:
    """Where letters go; names and meanings are Flask-Mail's. Times in seconds."""

    server: str = "127.0.0.1"
    port: int = 25
    use_tls: bool = False
    use_ssl: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    sender: str = "lettre@newsletter.example"
    bounce_domain: str = ""
    ehlo_name: str = ""
    connect_timeout_s: float = 30.0
    command_timeout_s: float = 300.0
    data_timeout_s: float = 600.0
    letters_per_connection: int = 50

    @property
    def sender_domain(self) -> str:
        """The domain of the From address; Message-IDs and List-Ids live in it."""
        return self.sender.rpartition("@")[2]


@dataclass(frozen=True)
class Retention:
    """How long things are kept; the privacy page prints these same values."""

    confirm_hours: int = 72
    pending_days: int = 14
    proof_years: int = 3
    inactive_years: int = 3
    log_months: int = 6


@dataclass(frozen=True)
class FetchSettings:
    """How feeds are fetched. `allowed_inward`: host:port pairs on the newsroom's own network that may be fetched."""

    interval_minutes: int = 30
    allowed_inward: frozenset[str] = frozenset()
    contact: str = ""


@dataclass(frozen=True)
class Config:
    """All settings of one process."""

    data_dir: Path
    database_url: str
    public_url: str
    secret_keys: tuple[str, ...] = field(repr=False)
    link_keys: tuple[str, ...] = field(repr=False)
    suppression_key: str = field(repr=False)
    port: int = 8000
    bind: str = "127.0.0.1"
    uses_catcher: bool = False
    trusted_proxies: int = 0
    allowed_hosts: frozenset[str] = frozenset()
    frame_ancestors: str = "*"
    timezone: str = "Europe/Paris"
    digest_cron: str = "30 7 * * 2"
    sends_welcome: bool = True
    identity: Identity = Identity()
    mail: MailSettings = MailSettings()
    retention: Retention = Retention()
    fetch: FetchSettings = FetchSettings()

    @property
    def mailbox_dir(self) -> Path:
        """Where the mail catcher keeps letters."""
        return self.data_dir / "mailbox"

    @property
    def is_loopback(self) -> bool:
        """Whether the public URL names this machine only: a trial, not a publication."""
        return _is_loopback(urlsplit(self.public_url).hostname or "")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Config":
        """Read the settings from `environ`.

        Raises SettingsInvalid, holding every problem found, when any setting is wrong or missing.
        Side effect: on SQLite, missing keys are generated once into the data directory, readable by the owner only.
        """
        return _Reader(environ).config()


class _Reader:
    """Reads names one by one and gathers problems."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def config(self) -> Config:
        data_dir = Path(self.text("VIGIE_DATA_DIR", "instance")).absolute()
        database_url = self.database_url(data_dir)
        on_one_machine = database_url.startswith("sqlite")
        port = self.whole("PORT", 8000, 1, 65535)
        public_url = self.public_url(port)
        config = Config(
            data_dir=data_dir,
            database_url=database_url,
            public_url=public_url,
            port=port,
            bind=self.text("BIND", "127.0.0.1"),
            uses_catcher=not self.text("MAIL_SERVER", ""),
            secret_keys=self.keys("SECRET_KEY", data_dir, on_one_machine),
            link_keys=self.keys("LINK_KEYS", data_dir, on_one_machine),
            suppression_key=self.keys("SUPPRESSION_KEY", data_dir, on_one_machine)[-1],
            trusted_proxies=self.whole("TRUSTED_PROXIES", 0, 0, 10),
            allowed_hosts=self.words("ALLOWED_HOSTS"),
            frame_ancestors=self.text("EMBED_ALLOWED_ORIGINS", "*"),
            timezone=self.checked("TIMEZONE", "Europe/Paris", _is_zone, "is not a time zone name"),
            digest_cron=self.checked("DIGEST_CRON", "30 7 * * 2", _is_cron, "is not a cron line of five fields"),
            sends_welcome=self.flag("WELCOME_LETTER", True),
            identity=self.identity(public_url),
            mail=self.mail(),
            retention=self.retention(),
            fetch=FetchSettings(
                interval_minutes=self.whole("FETCH_INTERVAL_MINUTES", 30, 1, 10_080),
                allowed_inward=self.words("FETCH_ALLOWED_INWARD"),
                contact=public_url,
            ),
        )
        if self.problems:
            raise SettingsInvalid(self.problems)
        return config

    def text(self, name: str, default: str) -> str:
        file = self.environ.get(f"{name}_FILE")
        if file is None:
            return self.environ.get(name, default).strip()
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            self.problems.append(f"{name}_FILE cannot be read: {error}")
            return default

    def checked(self, name: str, default: str, is_valid: Callable[[str], bool], complaint: str) -> str:
        value = self.text(name, default)
        if is_valid(value):
            return value
        self.problems.append(f"{name} {complaint}: {value!r}")
        return default

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and low <= int(value) <= high:
            return int(value)
        self.problems.append(f"{name} must be a whole number from {low} to {high}, not {value!r}")
        return default

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, "true" if default else "false").lower()
        if value in {"1", "true", "yes", "on"}:
            return True
        if value not in {"0", "false", "no", "off", ""}:
            self.problems.append(f"{name} must be true or false, not {value!r}")
        return False

    def words(self, name: str) -> frozenset[str]:
        return frozenset(re.split(r"[\s,]+", self.text(name, "").lower())) - {""}

    def database_url(self, data_dir: Path) -> str:
        url = self.text("DATABASE_URL", "") or f"sqlite:///{data_dir / 'vigie.db'}"
        if url.startswith("postgres://"):
            url = "postgresql://" + url.removeprefix("postgres://")
        if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            self.problems.append("DATABASE_URL must begin with sqlite:/// or postgresql://")
        return url

    def public_url(self, port: int) -> str:
        url = self.text("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            self.problems.append(f"PUBLIC_URL must be an address like https://news.example.org, not {url!r}")
        elif parts.scheme == "http" and not _is_loopback(parts.hostname):
            self.problems.append("PUBLIC_URL must be https: one-click unsubscribe links are (RFC 8058 §3.1)")
        return url

    def keys(self, name: str, data_dir: Path, may_generate: bool) -> tuple[str, ...]:
        given = tuple(re.split(r"[\s,]+", self.text(name, ""))) if self.text(name, "") else ()
        if not given:
            given = self.stored_keys(name, data_dir, may_generate)
        for key in given:
            if len(key) < KEY_MIN_LENGTH or any(key.lower().startswith(word) for word in SAMPLE_KEYS):
                self.problems.append(f"{name} must hold random keys of at least {KEY_MIN_LENGTH} characters")
        return given or ("",)

    def stored_keys(self, name: str, data_dir: Path, may_generate: bool) -> tuple[str, ...]:
        path = data_dir / "keys" / name.lower()
        try:
            if not path.exists():
                if not may_generate:
                    self.problems.append(f"{name} must be set: several machines must share it")
                    return ()
                _write_key(path)
            return tuple(path.read_text(encoding="ascii").split())
        except (OSError, UnicodeError) as error:
            self.problems.append(f"{name} cannot be kept in {path}: {error}")
            return ()

    def identity(self, public_url: str) -> Identity:
        names = {
            "publisher": "PUBLISHER_NAME", "postal_address": "PUBLISHER_ADDRESS", "contact": "PUBLISHER_CONTACT",
            "director": "PUBLICATION_DIRECTOR", "host": "HOSTING_PROVIDER",
        }  # fmt: skip
        default = Identity()
        if not _is_loopback(urlsplit(public_url).hostname or ""):
            if not self.text("MAIL_SERVER", ""):
                self.problems.append("MAIL_SERVER must be set: the mail catcher shows its letters to anyone")
            missing = [name for name in names.values() if not self.text(name, "")]
            if missing:
                self.problems.append(f"the law wants these in every letter, set them: {', '.join(missing)}")
        values = {key: self.text(name, getattr(default, key)) for key, name in names.items()}
        return Identity(
            publication=self.text("PUBLICATION_NAME", default.publication),
            data_protection_officer=self.text("DATA_PROTECTION_OFFICER", ""),
            processors=self.text("PROCESSORS", ""),
            **values,
        )

    def mail(self) -> MailSettings:
        default = MailSettings()
        catcher = not self.text("MAIL_SERVER", "")
        sender = self.text("MAIL_DEFAULT_SENDER", default.sender)
        domain = sender.rpartition("@")[2].lower()
        if not re.fullmatch(r"[^@\s<>]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+", sender):
            self.problems.append(f"MAIL_DEFAULT_SENDER must be a bare address, not {sender!r}")
        if domain in FREE_MAIL_DOMAINS:
            self.problems.append("MAIL_DEFAULT_SENDER must be in a domain of yours: free mail providers reject it")
        port = self.whole("MAIL_CATCHER_PORT", 1025, 1, 65535) if catcher else self.whole("MAIL_PORT", 25, 1, 65535)
        use_tls, use_ssl = self.flag("MAIL_USE_TLS", False), self.flag("MAIL_USE_SSL", False)
        if use_tls and use_ssl:
            self.problems.append("MAIL_USE_TLS (STARTTLS) and MAIL_USE_SSL (TLS from the start) exclude each other")
        return MailSettings(
            server=self.text("MAIL_SERVER", "") or "127.0.0.1",
            port=port,
            use_tls=use_tls,
            use_ssl=use_ssl,
            username=self.text("MAIL_USERNAME", ""),
            password=self.text("MAIL_PASSWORD", ""),
            sender=sender,
            bounce_domain=self.text("MAIL_BOUNCE_DOMAIN", f"bounces.{domain}"),
            ehlo_name=self.text("MAIL_EHLO_NAME", "") or domain,
            connect_timeout_s=self.whole("MAIL_CONNECT_TIMEOUT", 30, 1, 300),
            command_timeout_s=self.whole("MAIL_COMMAND_TIMEOUT", 300, 1, 3600),
            data_timeout_s=self.whole("MAIL_DATA_TIMEOUT", 600, 1, 3600),
            letters_per_connection=self.whole("MAIL_LETTERS_PER_CONNECTION", 50, 1, 100_000),
        )

    def retention(self) -> Retention:
        default = Retention()
        confirm_hours = self.whole("CONFIRM_HOURS", default.confirm_hours, 1, 168)
        pending_days = self.whole("PENDING_DAYS", default.pending_days, 1, 30)
        if pending_days * 24 < confirm_hours:
            self.problems.append("PENDING_DAYS must not end before CONFIRM_HOURS: the link's promised life")
        return Retention(
            confirm_hours=confirm_hours,
            pending_days=pending_days,
            proof_years=self.whole("PROOF_YEARS", default.proof_years, 1, 5),
            inactive_years=self.whole("INACTIVE_YEARS", default.inactive_years, 1, 3),
            log_months=self.whole("LOG_MONTHS", default.log_months, 1, 12),
        )


def _write_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another process of the same first start was quicker; its key is the key
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_zone(name: str) -> bool:
    return name in zoneinfo.available_timezones()


def _is_cron(line: str) -> bool:
    try:
        CronSim(line, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return len(line.split()) == 5
