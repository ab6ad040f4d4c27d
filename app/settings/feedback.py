"""What comes back: the ways in, who is believed, and when an address is given up."""

import base64
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.settings.environment import Environment


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
        host, user = env.host("IMAP_HOST", ""), env.text("IMAP_USER", "")
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
            imap_ca_file=env.file("IMAP_CA_FILE"),
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
