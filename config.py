"""Settings: one frozen dataclass, read from the environment once, with defaults that run on a laptop.

Which settings there are, and which fit together, stands here; how a name is read, in `app.environment`.
`Config.from_env` collects every problem before it refuses, so that one start shows all of them.
"""

import base64
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from cronsim import CronSim, CronSimError
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.environment import Environment

FREE_MAIL_DOMAINS = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "yahoo.fr", "outlook.com", "hotmail.com", "hotmail.fr", "live.com",
     "msn.com", "aol.com", "icloud.com", "orange.fr", "laposte.net", "free.fr", "sfr.fr"}
)  # fmt: skip

RATE_MAX_PER_MINUTE = 1_000_000
LIMIT_MAX = 1_000_000


class Measurement(StrEnum):
    """What is counted of reading: nothing, totals that tell of nobody, or of readers who agreed to it as well."""

    OFF = "off"
    TOTALS = "totals"
    CONSENT = "consent"


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

    @classmethod
    def read(cls, env: Environment, public_url: str) -> "Identity":
        """Read the identity; a newsletter that is not on this machine alone must have one of its own."""
        names = {
            "publisher": "PUBLISHER_NAME", "postal_address": "PUBLISHER_ADDRESS", "contact": "PUBLISHER_CONTACT",
            "director": "PUBLICATION_DIRECTOR", "host": "HOSTING_PROVIDER",
        }  # fmt: skip
        if not _is_loopback(urlsplit(public_url).hostname or ""):
            if not env.text("MAIL_SERVER", ""):
                env.problems.append("MAIL_SERVER must be set: the mail catcher shows its letters to anyone")
            missing = [name for name in names.values() if not env.text(name, "")]
            if missing:
                env.problems.append(f"the law wants these in every letter, set them: {', '.join(missing)}")
        return cls(
            publication=env.text("PUBLICATION_NAME", cls.publication),
            data_protection_officer=env.text("DATA_PROTECTION_OFFICER", ""),
            processors=env.text("PROCESSORS", ""),
            **{key: env.text(name, getattr(cls, key)) for key, name in names.items()},
        )


@dataclass(frozen=True)
class MailSettings:
    """Where letters go, and how fast; names and meanings are Flask-Mail's where it has them. Times in seconds.

    `rate_per_minute`: letters over the whole relay, 0 for no limit; `domain_rates`: the same for single domains.
    """

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
    connections: int = 8
    rate_per_minute: int = 0
    domain_rates: tuple[tuple[str, int], ...] = ()
    ca_file: str = ""
    dkim_selectors: frozenset[str] = frozenset()
    copy_header: str = ""

    @property
    def sender_domain(self) -> str:
        """The domain of the From address; Message-IDs and List-Ids live in it."""
        return self.sender.rpartition("@")[2]

    @classmethod
    def read(cls, env: Environment) -> "MailSettings":
        """Read where letters go; without a server they go to the mail catcher."""
        server, sender = env.text("MAIL_SERVER", ""), _sender(env, cls.sender)
        domain = sender.rpartition("@")[2].lower()
        port = env.whole("MAIL_PORT", 25, 1, 65535) if server else env.whole("MAIL_CATCHER_PORT", 1025, 1, 65535)
        use_tls, use_ssl = env.flag("MAIL_USE_TLS", False), env.flag("MAIL_USE_SSL", False)
        if use_tls and use_ssl:
            env.problems.append("MAIL_USE_TLS (STARTTLS) and MAIL_USE_SSL (TLS from the start) exclude each other")
        if server and not (use_tls or use_ssl or _is_loopback(server) or env.flag("MAIL_ALLOW_CLEARTEXT", False)):
            env.problems.append(
                "MAIL_USE_TLS or MAIL_USE_SSL must be set: letters do not travel in clear (RFC 8314 §3);"
                " MAIL_ALLOW_CLEARTEXT is for a relay that is reached over a private wire only"
            )
        return cls(
            server=server or "127.0.0.1",
            port=port,
            use_tls=use_tls,
            use_ssl=use_ssl,
            username=env.text("MAIL_USERNAME", ""),
            password=env.text("MAIL_PASSWORD", ""),
            sender=sender,
            bounce_domain=env.text("MAIL_BOUNCE_DOMAIN", f"bounces.{domain}"),
            ehlo_name=env.text("MAIL_EHLO_NAME", "") or domain,
            connect_timeout_s=env.whole("MAIL_CONNECT_TIMEOUT", 30, 1, 300),
            command_timeout_s=env.whole("MAIL_COMMAND_TIMEOUT", 300, 1, 3600),
            data_timeout_s=env.whole("MAIL_DATA_TIMEOUT", 600, 1, 3600),
            letters_per_connection=env.whole("MAIL_LETTERS_PER_CONNECTION", 50, 1, 100_000),
            connections=env.whole("MAIL_CONNECTIONS", 8, 1, 100),
            rate_per_minute=env.whole("MAIL_RATE_PER_MINUTE", 0, 0, RATE_MAX_PER_MINUTE),
            domain_rates=env.numbers("MAIL_DOMAIN_RATES", 1, RATE_MAX_PER_MINUTE),
            ca_file=env.text("MAIL_CA_FILE", ""),
            dkim_selectors=env.words("DKIM_SELECTORS"),
            copy_header=env.checked("MAIL_COPY_HEADER", "", _is_copy_header, "is not a field like X-MJ-CustomID"),
        )


@dataclass(frozen=True)
class Retention:
    """How long things are kept; the privacy page prints these same values.

    `questions_per_day`: letters a day that ask readers whether they stay.
    """

    confirm_hours: int = 72
    data_link_minutes: int = 60
    pending_days: int = 14
    proof_years: int = 3
    inactive_years: int = 3
    log_months: int = 6
    left_days: int = 30
    stay_days: int = 30
    questions_per_day: int = 1_000

    @classmethod
    def read(cls, env: Environment) -> "Retention":
        """Read how long things are kept."""
        confirm_hours = env.whole("CONFIRM_HOURS", cls.confirm_hours, 1, 168)
        pending_days = env.whole("PENDING_DAYS", cls.pending_days, 1, 30)
        if pending_days * 24 < confirm_hours:
            env.problems.append("PENDING_DAYS must not end before CONFIRM_HOURS: the link's promised life")
        return cls(
            confirm_hours=confirm_hours,
            data_link_minutes=env.whole("DATA_LINK_MINUTES", cls.data_link_minutes, 15, 1440),
            pending_days=pending_days,
            proof_years=env.whole("PROOF_YEARS", cls.proof_years, 1, 5),
            inactive_years=env.whole("INACTIVE_YEARS", cls.inactive_years, 1, 3),
            log_months=env.whole("LOG_MONTHS", cls.log_months, 1, 12),
            left_days=env.whole("LEFT_DAYS", cls.left_days, 1, 90),
            stay_days=env.whole("STAY_DAYS", cls.stay_days, 7, 90),
            questions_per_day=env.whole("QUESTIONS_PER_DAY", cls.questions_per_day, 1, 1_000_000),
        )


@dataclass(frozen=True)
class FetchSettings:
    """How feeds are fetched. `allowed_inward`: host:port pairs on the newsroom's own network that may be fetched."""

    interval_minutes: int = 30
    allowed_inward: frozenset[str] = frozenset()
    contact: str = ""

    @classmethod
    def read(cls, env: Environment, public_url: str) -> "FetchSettings":
        """Read how feeds are fetched; the sites fetched from find out about us at `public_url`."""
        return cls(
            interval_minutes=env.whole("FETCH_INTERVAL_MINUTES", cls.interval_minutes, 1, 10_080),
            allowed_inward=env.words("FETCH_ALLOWED_INWARD"),
            contact=public_url,
        )


@dataclass(frozen=True)
class SignupLimits:
    """How often the form may be used, and what it asks for when it is used too often. `docs/abuse.md` has the reasons.

    `per_network`: sign-ups in ten minutes; `per_provider_hourly`: for a domain of the big mailbox providers, where
    `per_domain_hourly` is for any other; `unconfirmed`: letters to a mailbox in 30 days that brought no confirmation.
    """

    per_network: int = 5
    per_network_daily: int = 20
    pause_minutes: int = 15
    per_mailbox_daily: int = 3
    unconfirmed: int = 5
    per_domain_hourly: int = 50
    per_provider_hourly: int = 500
    breaker_times_norm: int = 10
    breaker_floor: int = 100
    wait_minutes: int = 1
    proof_of_work: str = "breaker"
    official_hourly: int = 10

    @classmethod
    def read(cls, env: Environment) -> "SignupLimits":
        """Read how often the form may be used."""
        names = {
            "per_network": "SIGNUPS_PER_NETWORK", "per_network_daily": "SIGNUPS_PER_NETWORK_DAILY",
            "pause_minutes": "SIGNUP_PAUSE_MINUTES", "per_mailbox_daily": "SIGNUPS_PER_MAILBOX_DAILY",
            "unconfirmed": "SIGNUPS_UNCONFIRMED", "per_domain_hourly": "SIGNUPS_PER_DOMAIN_HOURLY",
            "per_provider_hourly": "SIGNUPS_PER_PROVIDER_HOURLY", "breaker_times_norm": "SIGNUP_BREAKER_TIMES_NORM",
            "breaker_floor": "SIGNUP_BREAKER_FLOOR", "wait_minutes": "SIGNUP_WAIT_MINUTES",
            "official_hourly": "SIGNUPS_OFFICIAL_HOURLY",
        }  # fmt: skip
        kinds = ("off", "breaker", "always")
        return cls(
            proof_of_work=env.checked("PROOF_OF_WORK", "breaker", kinds.__contains__, f"is none of {', '.join(kinds)}"),
            **{key: env.whole(name, getattr(cls, key), 1, LIMIT_MAX) for key, name in names.items()},
        )


@dataclass(frozen=True)
class FeedbackSettings:
    """When what comes back ends the mailing of an address, and when it is to be doubted first.

    Soft bounces do after `soft_points` days with one, of `soft_editions` editions, over `soft_days`, without a success;
    a copy of which nothing came back in `quiet_days` is one.
    """

    soft_points: int = 5
    soft_editions: int = 3
    soft_days: int = 14
    quiet_days: int = 5
    spike_percent: int = 20
    spike_min: int = 20
    complaints_per_10000: int = 10
    complaints_min: int = 2

    @classmethod
    def read(cls, env: Environment) -> "FeedbackSettings":
        """Read when to stop mailing."""
        return cls(
            soft_points=env.whole("BOUNCE_SOFT_POINTS", cls.soft_points, 1, 100),
            soft_editions=env.whole("BOUNCE_SOFT_EDITIONS", cls.soft_editions, 1, 100),
            soft_days=env.whole("BOUNCE_SOFT_DAYS", cls.soft_days, 0, 365),
            quiet_days=env.whole("BOUNCE_QUIET_DAYS", cls.quiet_days, 1, 30),
            spike_percent=env.whole("BOUNCE_SPIKE_PERCENT", cls.spike_percent, 1, 100),
            spike_min=env.whole("BOUNCE_SPIKE_MIN", cls.spike_min, 1, 100_000),
            complaints_per_10000=env.whole("COMPLAINTS_PER_10000", cls.complaints_per_10000, 1, 10_000),
            complaints_min=env.whole("COMPLAINTS_MIN", cls.complaints_min, 1, 1_000),
        )


@dataclass(frozen=True)
class Bursts:
    """How many requests of one network a minute are answered at all, ahead of any other rule, and who counts them."""

    posts_per_minute: int = 60
    pages_per_minute: int = 600
    storage_url: str = ""

    @classmethod
    def read(cls, env: Environment) -> "Bursts":
        """Read what a burst is."""
        return cls(
            posts_per_minute=env.whole("BURST_POSTS_PER_MINUTE", cls.posts_per_minute, 1, LIMIT_MAX),
            pages_per_minute=env.whole("BURST_PAGES_PER_MINUTE", cls.pages_per_minute, 1, LIMIT_MAX),
            storage_url=env.checked("RATE_STORAGE_URL", cls.storage_url, _is_rate_storage, "is no redis://…"),
        )


@dataclass(frozen=True)
class ReturnSettings:
    """The ways in for returned mail: a listener where `port` is set, a mailbox where `imap_host` is.

    `addresses` are taken in beside the sealed ones, as for complaints. `takes_replies`: letters bear an address by
    which one leaves by mail, and replies come to us.
    """

    bind: str = "127.0.0.1"
    port: int = 0
    is_lmtp: bool = False
    addresses: frozenset[str] = frozenset()
    takes_replies: bool = False
    imap_host: str = ""
    imap_port: int = 993
    imap_user: str = ""
    imap_password: str = field(default="", repr=False)
    imap_token_file: str = ""
    imap_folder: str = "INBOX"
    imap_ca_file: str = ""

    @classmethod
    def read(cls, env: Environment) -> "ReturnSettings":
        """Read the ways in; a mailbox needs a user and one way to sign in."""
        host, user = env.text("IMAP_HOST", ""), env.text("IMAP_USER", "")
        password, token_file = env.text("IMAP_PASSWORD", ""), env.text("IMAP_OAUTH2_TOKEN_FILE", "")
        if host and (not user or bool(password) == bool(token_file)):
            env.problems.append("IMAP_HOST needs IMAP_USER, and either IMAP_PASSWORD or IMAP_OAUTH2_TOKEN_FILE")
        return cls(
            bind=env.text("BOUNCE_BIND", cls.bind),
            port=env.whole("BOUNCE_PORT", cls.port, 0, 65535),
            is_lmtp=env.flag("BOUNCE_LMTP", cls.is_lmtp),
            addresses=env.words("BOUNCE_ADDRESSES"),
            takes_replies=env.flag("MAIL_REPLIES", cls.takes_replies),
            imap_host=host,
            imap_port=env.whole("IMAP_PORT", cls.imap_port, 1, 65535),
            imap_user=user,
            imap_password=password,
            imap_token_file=token_file,
            imap_folder=env.text("IMAP_FOLDER", cls.imap_folder),
            imap_ca_file=env.text("IMAP_CA_FILE", ""),
        )


@dataclass(frozen=True)
class HookSettings:
    """What the reports of each mail provider are checked against; who has nothing here is not listened to.

    `networks`: where reports may come from that have a password only; empty is anywhere.
    """

    ses_topics: frozenset[str] = frozenset()
    mailgun_key: str = field(default="", repr=False)
    sendgrid_key: bytes = b""
    postmark_password: str = field(default="", repr=False)
    brevo_password: str = field(default="", repr=False)
    mailjet_password: str = field(default="", repr=False)
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def read(cls, env: Environment) -> "HookSettings":
        """Read whom we listen to."""
        topics = frozenset(env.text("HOOK_SES_TOPICS", "").replace(",", " ").split())
        if not all(map(_is_topic, topics)):
            env.problems.append("HOOK_SES_TOPICS must hold names like arn:aws:sns:eu-west-3:123456789012:bounces")
        return cls(
            ses_topics=topics,
            mailgun_key=env.text("HOOK_MAILGUN_KEY", ""),
            sendgrid_key=_verification_key(env, "HOOK_SENDGRID_KEY"),
            postmark_password=env.secret("HOOK_POSTMARK_PASSWORD"),
            brevo_password=env.secret("HOOK_BREVO_PASSWORD"),
            mailjet_password=env.secret("HOOK_MAILJET_PASSWORD"),
            networks=_networks(env, "HOOK_NETWORKS"),
        )


@dataclass(frozen=True)
class Config:
    """All settings of one process."""

    data_dir: Path
    database_url: str
    public_url: str
    secret_keys: tuple[str, ...] = field(repr=False)
    link_keys: tuple[str, ...] = field(repr=False)
    suppression_key: str = field(repr=False)
    proof_keys: tuple[str, ...] = field(repr=False)
    port: int = 8000
    bind: str = "127.0.0.1"
    uses_catcher: bool = False
    trusted_proxies: int = 0
    allowed_hosts: frozenset[str] = frozenset()
    frame_ancestors: str = "*"
    timezone: str = "Europe/Paris"
    digest_cron: str = "30 7 * * 2"
    sends_welcome: bool = True
    measurement: Measurement = Measurement.OFF
    identity: Identity = Identity()
    mail: MailSettings = MailSettings()
    retention: Retention = Retention()
    shared_departures_dir: Path | None = None
    fetch: FetchSettings = FetchSettings()
    signups: SignupLimits = SignupLimits()
    bursts: Bursts = Bursts()
    feedback: FeedbackSettings = FeedbackSettings()
    returns: ReturnSettings = ReturnSettings()
    hooks: HookSettings = HookSettings()

    @property
    def mailbox_dir(self) -> Path:
        """Where the mail catcher keeps letters."""
        return self.data_dir / "mailbox"

    @property
    def dkim_dir(self) -> Path:
        """Where the keys are that sign letters."""
        return self.data_dir / "dkim"

    @property
    def journal_dir(self) -> Path:
        """Where senders note what they have in hand."""
        return self.data_dir / "journal"

    @property
    def departures_dir(self) -> Path:
        """Where it is written down, outside the database, who departed."""
        return self.shared_departures_dir or self.data_dir / "departures"

    @property
    def seals_dir(self) -> Path:
        """Where the seals of the ledger are, for copies elsewhere."""
        return self.data_dir / "seals"

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
        env = Environment(environ)
        config = cls._read(env)
        if env.problems:
            raise SettingsInvalid(env.problems)
        return config

    @classmethod
    def _read(cls, env: Environment) -> "Config":
        data_dir = Path(env.text("VIGIE_DATA_DIR", "instance")).absolute()
        database_url = _database_url(env, data_dir)
        on_one_machine = database_url.startswith("sqlite")
        port = env.whole("PORT", cls.port, 1, 65535)
        public_url = _public_url(env, port)
        return cls(
            data_dir=data_dir,
            database_url=database_url,
            public_url=public_url,
            port=port,
            bind=env.text("BIND", cls.bind),
            uses_catcher=not env.text("MAIL_SERVER", ""),
            secret_keys=env.keys("SECRET_KEY", data_dir, on_one_machine),
            link_keys=env.keys("LINK_KEYS", data_dir, on_one_machine),
            suppression_key=env.keys("SUPPRESSION_KEY", data_dir, on_one_machine)[-1],
            proof_keys=env.keys("PROOF_KEYS", data_dir, on_one_machine),
            trusted_proxies=env.whole("TRUSTED_PROXIES", 0, 0, 10),
            allowed_hosts=env.words("ALLOWED_HOSTS"),
            frame_ancestors=env.text("EMBED_ALLOWED_ORIGINS", cls.frame_ancestors),
            timezone=env.checked("TIMEZONE", cls.timezone, _is_zone, "is not a time zone name"),
            digest_cron=env.checked("DIGEST_CRON", cls.digest_cron, _is_cron, "is not a cron line of five fields"),
            sends_welcome=env.flag("WELCOME_LETTER", cls.sends_welcome),
            measurement=Measurement(
                env.checked("MEASUREMENT", cls.measurement, _is_measurement, "is neither off, totals nor consent")
            ),
            identity=Identity.read(env, public_url),
            mail=MailSettings.read(env),
            retention=Retention.read(env),
            shared_departures_dir=_folder(env, "DEPARTURES_DIR"),
            fetch=FetchSettings.read(env, public_url),
            signups=SignupLimits.read(env),
            bursts=Bursts.read(env),
            feedback=FeedbackSettings.read(env),
            returns=ReturnSettings.read(env),
            hooks=HookSettings.read(env),
        )


def _database_url(env: Environment, data_dir: Path) -> str:
    url = env.text("DATABASE_URL", "") or f"sqlite:///{data_dir / 'vigie.db'}"
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        env.problems.append("DATABASE_URL must begin with sqlite:/// or postgresql://")
    return url


def _folder(env: Environment, name: str) -> Path | None:
    path = env.text(name, "")
    return Path(path).absolute() if path else None


def _public_url(env: Environment, port: int) -> str:
    url = env.text("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        env.problems.append(f"PUBLIC_URL must be an address like https://news.example.org, not {url!r}")
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        env.problems.append("PUBLIC_URL must be https: one-click unsubscribe links are (RFC 8058 §3.1)")
    return url


def _sender(env: Environment, default: str) -> str:
    sender = env.text("MAIL_DEFAULT_SENDER", default)
    if not re.fullmatch(r"[^@\s<>]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+", sender):
        env.problems.append(f"MAIL_DEFAULT_SENDER must be a bare address, not {sender!r}")
    if sender.rpartition("@")[2].lower() in FREE_MAIL_DOMAINS:
        env.problems.append("MAIL_DEFAULT_SENDER must be in a domain of yours: free mail providers reject it")
    return sender


def _verification_key(env: Environment, name: str) -> bytes:
    value = env.text(name, "")
    try:
        data = base64.b64decode(value, validate=True)
        key = load_der_public_key(data) if value else None
        if value and not (isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)):
            raise ValueError("of another kind")
    except (ValueError, UnsupportedAlgorithm):
        env.problems.append(f"{name} must be the verification key as the provider shows it: base64, one line")
        return b""
    return data


def _networks(env: Environment, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(map(ip_network, sorted(env.words(name))))
    except ValueError as error:
        env.problems.append(f"{name} must hold networks like 192.0.2.0/24: {error}")
        return ()


def _is_topic(name: str) -> bool:
    return re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}", name) is not None


def _is_copy_header(name: str) -> bool:
    return not name or re.fullmatch(r"X-[A-Za-z0-9-]{1,70}", name) is not None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_measurement(word: str) -> bool:
    return word in set(Measurement)


def _is_rate_storage(url: str) -> bool:
    return not url or url.startswith(("redis://", "rediss://", "redis+unix://"))


def _is_zone(name: str) -> bool:
    return name in zoneinfo.available_timezones()


def _is_cron(line: str) -> bool:
    try:
        CronSim(line, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return len(line.split()) == 5
