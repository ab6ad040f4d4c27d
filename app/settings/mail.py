"""Where letters go, as whom, and how fast."""

import re
from dataclasses import dataclass, field

from app.settings.environment import Environment, is_host, is_loopback, is_plain_address

FREE_MAIL_DOMAINS = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "yahoo.fr", "outlook.com", "hotmail.com", "hotmail.fr", "live.com",
     "msn.com", "aol.com", "icloud.com", "orange.fr", "laposte.net", "free.fr", "sfr.fr"}
)  # fmt: skip
#: Without TLS, with STARTTLS, and with TLS from the start (RFC 5321, 6409, 8314).
SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT = 25, 587, 465
RATE_MAX_PER_MINUTE = 1_000_000


@dataclass(frozen=True)
class MailSettings:
    """Where letters go, and how fast; names and meanings are Flask-Mail's where it has them. Times in seconds.

    `rate_per_minute`: letters over the whole relay, 0 for no limit; `domain_rates`: the same for single domains.
    """

    server: str = "127.0.0.1"
    port: int = SMTP_PORT
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
        server, sender = env.host("MAIL_SERVER", ""), _sender(env, cls.sender)
        domain = sender.rpartition("@")[2].lower()
        use_tls, use_ssl = env.flag("MAIL_USE_TLS", False), env.flag("MAIL_USE_SSL", False)
        usual = SUBMISSIONS_PORT if use_ssl else SUBMISSION_PORT if use_tls else SMTP_PORT
        port = env.whole("MAIL_PORT", usual, 1, 65535) if server else env.whole("MAIL_CATCHER_PORT", 1025, 1, 65535)
        if use_tls and use_ssl:
            env.problems.append("MAIL_USE_TLS (STARTTLS) and MAIL_USE_SSL (TLS from the start) exclude each other")
        if server and not (use_tls or use_ssl or is_loopback(server) or env.flag("MAIL_ALLOW_CLEARTEXT", False)):
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
            bounce_domain=env.host("MAIL_BOUNCE_DOMAIN", f"bounces.{domain}"),
            ehlo_name=env.checked("MAIL_EHLO_NAME", "", _is_greeting, "is not the name of a host") or domain,
            connect_timeout_s=env.whole("MAIL_CONNECT_TIMEOUT", 30, 1, 300),
            command_timeout_s=env.whole("MAIL_COMMAND_TIMEOUT", 300, 1, 3600),
            data_timeout_s=env.whole("MAIL_DATA_TIMEOUT", 600, 1, 3600),
            letters_per_connection=env.whole("MAIL_LETTERS_PER_CONNECTION", 50, 1, 100_000),
            connections=env.whole("MAIL_CONNECTIONS", 8, 1, 100),
            rate_per_minute=env.whole("MAIL_RATE_PER_MINUTE", 0, 0, RATE_MAX_PER_MINUTE),
            domain_rates=env.numbers("MAIL_DOMAIN_RATES", 1, RATE_MAX_PER_MINUTE),
            ca_file=env.file("MAIL_CA_FILE"),
            dkim_selectors=env.words("DKIM_SELECTORS"),
            copy_header=env.checked("MAIL_COPY_HEADER", "", _is_copy_header, "is not a field like X-MJ-CustomID"),
        )


def _sender(env: Environment, default: str) -> str:
    sender = env.text("MAIL_DEFAULT_SENDER", default)
    if not is_plain_address(sender):
        env.problems.append(f"MAIL_DEFAULT_SENDER must be a bare address, not {sender!r}")
    if sender.rpartition("@")[2].lower() in FREE_MAIL_DOMAINS:
        env.problems.append("MAIL_DEFAULT_SENDER must be in a domain of yours: free mail providers reject it")
    return sender


def _is_greeting(text: str) -> bool:
    """Whether a server may greet so: by a name, or by an address in brackets (RFC 5321 §4.1.3)."""
    return not text or is_host(text) or re.fullmatch(r"\[[A-Za-z0-9.:]+\]", text) is not None


def _is_copy_header(name: str) -> bool:
    return not name or re.fullmatch(r"X-[A-Za-z0-9-]{1,70}", name) is not None
