"""Settings: one frozen dataclass, read from the environment once, with defaults that run on a laptop.

Which settings there are stands in `app.settings`, by subject; what the whole product needs, here.
`Config.from_env` collects every problem before it refuses, so that one start shows all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.clock import zones
from app.settings.environment import Environment, Setting, is_cron, is_host, is_host_and_port, is_loopback
from app.settings.feedback import FeedbackSettings, HookSettings, ReturnSettings
from app.settings.fetching import FetchSettings
from app.settings.form import Bursts, SignupLimits
from app.settings.gate import GateSettings
from app.settings.imports import ImportSettings
from app.settings.mail import MailSettings
from app.settings.publication import Identity, Measurement
from app.settings.retention import Retention


class SettingsInvalid(Exception):
    """One or more settings are wrong or missing; `problems` holds a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Config:
    """All settings of one process; `settings` are the same by their names, as they may be shown."""

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
    requires_second_factor: bool = True
    timezone: str = "Europe/Paris"
    digest_cron: str = "30 7 * * 2"
    flashes_per_day: int = 3
    story_half_life_hours: int = 24
    sends_welcome: bool = True
    measurement: Measurement = Measurement.OFF
    identity: Identity = Identity()
    mail: MailSettings = MailSettings()
    retention: Retention = Retention()
    shared_departures_dir: Path | None = None
    topics_file: Path | None = None
    fetch: FetchSettings = FetchSettings()
    signups: SignupLimits = SignupLimits()
    bursts: Bursts = Bursts()
    feedback: FeedbackSettings = FeedbackSettings()
    returns: ReturnSettings = ReturnSettings()
    hooks: HookSettings = HookSettings()
    imports: ImportSettings = ImportSettings()
    gate: GateSettings = GateSettings()
    settings: tuple[Setting, ...] = field(default=(), repr=False, compare=False)

    @property
    def story_half_life(self) -> timedelta:
        """After which a story counts half."""
        return timedelta(hours=self.story_half_life_hours)

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
    def imports_dir(self) -> Path:
        """Where lists of readers are while they are brought along."""
        return self.imports.shared_dir or self.data_dir / "imports"

    @property
    def is_loopback(self) -> bool:
        """Whether the public URL names this machine only: a trial, not a publication."""
        return is_loopback(urlsplit(self.public_url).hostname or "")

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
        return replace(config, settings=tuple(env.settings.values()))

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
            allowed_hosts=env.checked_words("ALLOWED_HOSTS", _is_allowed_host, "must hold names like news.example.org"),
            frame_ancestors=env.text("EMBED_ALLOWED_ORIGINS", cls.frame_ancestors),
            requires_second_factor=env.flag(
                "REQUIRE_SECOND_FACTOR", not is_loopback(urlsplit(public_url).hostname or "")
            ),
            timezone=env.checked("TIMEZONE", cls.timezone, _is_zone, "is not a time zone name"),
            digest_cron=env.checked("DIGEST_CRON", cls.digest_cron, is_cron, "is not a cron line of five fields"),
            flashes_per_day=env.whole("FLASHES_PER_DAY", cls.flashes_per_day, 1, 50),
            story_half_life_hours=env.whole("STORY_HALF_LIFE_HOURS", cls.story_half_life_hours, 1, 720),
            sends_welcome=env.flag("WELCOME_LETTER", cls.sends_welcome),
            measurement=Measurement(
                env.checked("MEASUREMENT", cls.measurement, _is_measurement, "is neither off, totals nor consent")
            ),
            identity=Identity.read(env.about("publication"), public_url),
            mail=MailSettings.read(env.about("mail")),
            retention=Retention.read(env.about("retention")),
            shared_departures_dir=_folder(env, "DEPARTURES_DIR"),
            topics_file=_file(env, "TOPICS_FILE"),
            fetch=FetchSettings.read(env.about("fetching"), public_url),
            signups=SignupLimits.read(env.about("form")),
            bursts=Bursts.read(env.about("form")),
            feedback=FeedbackSettings.read(env.about("feedback")),
            returns=ReturnSettings.read(env.about("feedback")),
            hooks=HookSettings.read(env.about("feedback")),
            imports=ImportSettings.read(env.about("imports")),
            gate=GateSettings.read(env.about("gate"), is_trial=is_loopback(urlsplit(public_url).hostname or "")),
        )


def _database_url(env: Environment, data_dir: Path) -> str:
    url = env.text("DATABASE_URL", "") or f"sqlite:///{data_dir / 'vigie.db'}"
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        env.problems.append("DATABASE_URL must begin with sqlite:/// or postgresql://")
    try:
        make_url(url)
    except (ArgumentError, ValueError):  # what these say holds the password
        env.problems.append("DATABASE_URL must be like postgresql://user:password@db.example.org:5432/vigie")
    return url


def _file(env: Environment, name: str) -> Path | None:
    path = env.file(name)
    return Path(path).absolute() if path else None


def _folder(env: Environment, name: str) -> Path | None:
    path = env.text(name, "")
    return Path(path).absolute() if path else None


def _public_url(env: Environment, port: int) -> str:
    default = f"http://127.0.0.1:{port}"
    url = env.checked("PUBLIC_URL", default, _is_site, "is not an address like https://news.example.org").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        env.problems.append("PUBLIC_URL must be https: one-click unsubscribe links are (RFC 8058 §3.1)")
    return url


def _is_site(url: str) -> bool:
    """Whether a text is a scheme, a host and perhaps a port, with no path: the pages stand at the top of their host."""
    try:
        parts = urlsplit(url.rstrip("/"))
        has_port = parts.port != 0
    except ValueError:
        return False
    is_bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in {"http", "https"} and has_port and is_bare and is_host(parts.hostname or "")


def _is_allowed_host(word: str) -> bool:
    """Whether a word names a host, with a port or not; all hosts of a domain where it begins with a point."""
    return is_host(word.removeprefix(".")) or is_host_and_port(word) or is_host(word.strip("[]"))


def _is_measurement(word: str) -> bool:
    return word in set(Measurement)


def _is_zone(name: str) -> bool:
    return name in zones()
