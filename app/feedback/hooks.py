"""Listening to mail providers: who has settings is listened to, and what one reports becomes notices."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from app.articles.fetch import FetchLimits, fetch
from app.errors import FetchRefused
from app.feedback.intake import envelope_of
from app.feedback.notices import Notice
from app.feedback.providers.brevo import Brevo
from app.feedback.providers.hook import Hook, Password, Provider
from app.feedback.providers.mailgun import Mailgun
from app.feedback.providers.mailjet import Mailjet
from app.feedback.providers.postmark import Postmark
from app.feedback.providers.sendgrid import SendGrid
from app.feedback.providers.ses import Ses
from app.feedback.providers.sns import Fetch, Topics
from app.mail.envelope import Envelope
from app.settings.feedback import HookSettings
from config import Config

#: Certificates and confirmations are small, near, and lead nowhere else.
FETCH_TOTAL_S = 5
FETCH_MAX_BYTES = 50_000


def make_providers(config: Config, *, fetch: Fetch) -> Mapping[str, Provider]:
    """Return those whom we listen to, by name; `fetch` is for what Amazon wants fetched."""
    envelope = envelope_of(config)
    return {provider.name: provider for provider in _providers(config.hooks, envelope, fetch)}


def hear(provider: Provider, hook: Hook, *, now: datetime) -> list[Notice]:
    """Return what `hook` tells, after its signature and before any transaction: a provider may want an answer.

    Raises HookRefused for what is not authentic or not readable, FetchRefused where that cannot be known just now.
    """
    provider.verify(hook, now=now)
    provider.confirm(hook)
    return provider.read(hook, now=now)


def fetch_small(url: str) -> bytes:
    """Return what `url` answers with 200, at once and without redirects. Raises FetchRefused."""
    fetched = fetch(url, limits=FetchLimits(total_s=FETCH_TOTAL_S, max_bytes=FETCH_MAX_BYTES, max_redirects=0))
    if fetched.status != 200:
        raise FetchRefused(f"the server answers {fetched.status}")
    return fetched.body


def _providers(settings: HookSettings, envelope: Envelope, fetch: Fetch) -> Iterator[Provider]:
    if settings.ses_topics:
        yield Ses(envelope, Topics(settings.ses_topics, fetch))
    if settings.mailgun_key:
        yield Mailgun(envelope, settings.mailgun_key)
    if settings.sendgrid_key:
        yield SendGrid(envelope, settings.sendgrid_key)
    if settings.postmark_password:
        yield Postmark(envelope, Password(settings.postmark_password, settings.networks))
    if settings.brevo_password:
        yield Brevo(envelope, Password(settings.brevo_password, settings.networks))
    if settings.mailjet_password:
        yield Mailjet(envelope, Password(settings.mailjet_password, settings.networks))
