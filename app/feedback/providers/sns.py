"""Amazon SNS: its messages are signed under a certificate that the message names, and that is fetched from Amazon only.

Signature version 2 (SHA-256) alone is taken: a topic is set to it, and version 1 is SHA-1.
"""

import logging
import re
from collections.abc import Callable, Collection
from datetime import datetime
from urllib.parse import SplitResult, parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from app.errors import HookRefused
from app.feedback.providers.hook import Hook, decoded, refuse_old
from app.feedback.providers.items import Item, read_item

log = logging.getLogger(__name__)

#: Returns what an address answers; raises FetchRefused.
Fetch = Callable[[str], bytes]

NOTIFICATION = "Notification"
CONFIRMATION = "SubscriptionConfirmation"
FAREWELL = "UnsubscribeConfirmation"
_ASKED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
#: What each type of message signs, in this order.
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: _ASKED,
    FAREWELL: _ASKED,
}
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
#: Amazon changes its certificate about once a year.
_CERTIFICATES_KEPT = 8


class Topics:
    """The topics that we listen to; `fetch` gets the certificates of their messages, each once."""

    def __init__(self, names: Collection[str], fetch: Fetch) -> None:
        self._names = names
        self._fetch = fetch
        self._certificates: dict[str, Certificate] = {}

    def verify(self, hook: Hook, *, now: datetime) -> None:
        """Raise HookRefused unless one of the topics signed this, just now; FetchRefused where that cannot be known."""
        message = read_item(hook.body)
        if message.raw("Type") not in _SIGNED or message.raw("SignatureVersion") != "2":
            raise HookRefused("it is no message of SNS with a signature of version 2")
        if message.raw("TopicArn") not in self._names:
            raise HookRefused("its topic is not in HOOK_SES_TOPICS")
        refuse_old(message.raw("Timestamp"), now=now)
        key = self._certificate(message, now).public_key()
        signature = decoded(message.raw("Signature"))
        if not isinstance(key, RSAPublicKey):
            raise HookRefused("the certificate is of another kind")
        try:
            key.verify(signature, _signed_text(message), PKCS1v15(), SHA256())
        except InvalidSignature as error:
            raise HookRefused("the signature is missing or wrong") from error

    def confirm(self, hook: Hook) -> None:
        """Subscribe to one of the topics, where a verified message asks for it; raises FetchRefused if that fails."""
        message = read_item(hook.body)
        topic, url = message.raw("TopicArn"), message.raw("SubscribeURL")
        if message.raw("Type") == FAREWELL:
            log.warning("the topic %s reports to us no longer", topic)
        if message.raw("Type") != CONFIRMATION:
            return
        asked = parse_qs(_parts_of(url, topic).query)
        if asked.get("Action") != ["ConfirmSubscription"] or asked.get("TopicArn") != [topic]:
            raise HookRefused("it asks for something else than a subscription to its topic")
        self._fetch(url)
        log.info("the topic %s reports to us from now on", topic)

    def _certificate(self, message: Item, now: datetime) -> Certificate:
        url = message.raw("SigningCertURL")
        parts = _parts_of(url, message.raw("TopicArn"))
        if not _CERTIFICATE_PATH.fullmatch(parts.path) or parts.query:
            raise HookRefused("its certificate is not where those of SNS are")
        if url not in self._certificates:
            self._keep(url, _parsed(self._fetch(url)))
        certificate = self._certificates[url]
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise HookRefused("its certificate is not valid now")
        return certificate

    def _keep(self, url: str, certificate: Certificate) -> None:
        kept = list(self._certificates.items())[1 - _CERTIFICATES_KEPT :]
        self._certificates = {**dict(kept), url: certificate}


def _parts_of(url: str, topic: str) -> SplitResult:
    """Return `url` in parts. Raises HookRefused unless it is https, at the SNS of the topic's own region."""
    region = topic.split(":")[3]
    host = f"sns.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise HookRefused("it names an address that is none") from error
    if (parts.scheme, parts.netloc) != ("https", host):
        raise HookRefused("it names an address that is not the topic's SNS")
    return parts


def _signed_text(message: Item) -> bytes:
    fields = ((name, message.raw(name)) for name in _SIGNED[message.raw("Type")])
    present = ((name, value) for name, value in fields if value or name != "Subject")
    return "".join(f"{name}\n{value}\n" for name, value in present).encode(errors="surrogatepass")


def _parsed(data: bytes) -> Certificate:
    try:
        return load_pem_x509_certificate(data)
    except ValueError as error:
        raise HookRefused("what should be its certificate is none") from error
