"""What providers send, made here: reports signed with keys of our own, and what Amazon serves."""

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from app.errors import FetchRefused
from app.feedback.hooks import make_providers
from app.feedback.providers.hook import Hook, Provider
from app.mail.envelope import Envelope
from app.settings.feedback import HookSettings
from config import Config
from tests.conftest import NOW

TOPIC = "arn:aws:sns:eu-west-3:123456789012:Letters"
HOST = "https://sns.eu-west-3.amazonaws.com"
CERTIFICATE_URL = f"{HOST}/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_URL = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc"
MAILGUN_KEY = "mailgun-key-of-tests"
PASSWORD = "password-of-the-tests-0123456789abcdef"
SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())

SETTINGS = HookSettings(
    ses_topics=frozenset({TOPIC}),
    mailgun_key=MAILGUN_KEY,
    sendgrid_key=SENDGRID_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    postmark_password=PASSWORD,
    brevo_password=PASSWORD,
    mailjet_password=PASSWORD,
)


class Amazon:
    """A notification service: its key, its certificate, and the addresses that it was `asked` for."""

    def __init__(self, *, begins_at: datetime = NOW - timedelta(days=100)) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        certificate = builder.not_valid_before(begins_at).not_valid_after(begins_at + timedelta(days=365))
        self.certificate = certificate.sign(self.key, SHA256()).public_bytes(Encoding.PEM)
        self.asked: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if url == CERTIFICATE_URL:
            return self.certificate
        if url == SUBSCRIBE_URL:
            return b"<ConfirmSubscriptionResponse/>"
        raise FetchRefused("the server answers 404")

    def sign(self, text: str) -> str:
        return base64.b64encode(
            self.key.sign(text.encode(errors="surrogatepass"), padding.PKCS1v15(), SHA256())
        ).decode()


AMAZON = Amazon()


def providers(config: Config, amazon: Amazon = AMAZON) -> Mapping[str, Provider]:
    """All providers, as `config` with the settings of this module has them."""
    return make_providers(config, fetch=amazon.fetch)


def envelope_of(config: Config) -> Envelope:
    return Envelope(config.link_keys, config.mail.sender_domain, config.mail.bounce_domain)


def ses_message(event: object, *, at: datetime = NOW, amazon: Amazon = AMAZON, **changes: object) -> dict[str, object]:
    """A signed notification of SNS; `changes` come before the signature, None takes a field away."""
    message: dict[str, object] = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": event if isinstance(event, str) else json.dumps(event),
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
        **changes,
    }
    message = {name: value for name, value in message.items() if value is not None}
    signed = sorted(set(message) - {"SignatureVersion", "SigningCertURL", "UnsubscribeURL"})
    return {**message, "Signature": amazon.sign("".join(f"{name}\n{message[name]}\n" for name in signed))}


def ses(event: object, **changes: object) -> Hook:
    return json_hook(ses_message(event, **changes))  # type: ignore[arg-type]


def ses_question(**changes: object) -> Hook:
    """What a topic asks before its first report."""
    asked = {"Type": "SubscriptionConfirmation", "Token": "abc", "SubscribeURL": SUBSCRIBE_URL, **changes}
    return ses("You have chosen to subscribe to the topic.", **asked)


def mailgun(event: object, *, at: datetime = NOW, token: str = "t" * 50, key: str = MAILGUN_KEY) -> Hook:
    timestamp = str(int(at.timestamp()))
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), "sha256").hexdigest()
    signed = {"timestamp": timestamp, "token": token, "signature": signature}
    return json_hook({"signature": signed, "event-data": event})


def sendgrid(events: object, *, at: datetime = NOW, key: ec.EllipticCurvePrivateKey = SENDGRID_KEY) -> Hook:
    body, timestamp = json.dumps(events).encode(), str(int(at.timestamp()))
    signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    prefix = "x-twilio-email-event-webhook-"
    return Hook({f"{prefix}signature": signature, f"{prefix}timestamp": timestamp}, body)


def with_password(report: object, *, password: str = PASSWORD, address: str = "192.0.2.7") -> Hook:
    shown = base64.b64encode(f"vigie:{password}".encode()).decode()
    return Hook({"authorization": f"Basic {shown}"}, json.dumps(report).encode(), address)


def signed(name: str, report: object) -> Hook:
    """What the provider of this name sends to tell `report`."""
    by_name = {"ses": ses, "mailgun": mailgun, "sendgrid": sendgrid}
    return by_name.get(name, with_password)(report)  # type: ignore[operator,no-any-return]


def json_hook(report: object) -> Hook:
    return Hook({}, json.dumps(report).encode())
