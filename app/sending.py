"""The senders, wired: which letters there are, who makes them, and by which road each leaves."""

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from flask import Flask

from app.delivery.composing import Compose
from app.delivery.engine import Engine
from app.delivery.limits import Rates
from app.delivery.recovery import watch
from app.delivery.route import route_log
from app.delivery.settling import OnSettled
from app.editions.copies import edition_letters, trial_letters
from app.editions.watch import Watch
from app.jobs import fleet
from app.mail.dkim import Signer, load_keys
from app.mail.envelope import Envelope
from app.mail.pipeline import PipelinedTransport
from app.mail.providers import provider_of_domain
from app.mail.transport import Transport
from app.oneoff import FlaskMailTransport, relay_of
from app.product import Product
from app.subscriptions.letters import signup_letters
from config import Config, MailSettings

#: One-off letters are claimed this many at a time; each is a chunk of its own.
ONE_OFF_LIMIT = 10
#: An edition's chunks, some hundreds of copies each, are claimed this many at a time.
EDITION_LIMIT = 2

#: Runs until the event is set.
Loop = Callable[[threading.Event], None]


def make_loops(app: Flask) -> Sequence[Loop]:
    """Return what a sending process runs, each in a thread of its own; none connects before there is something to send.

    Editions and one-off letters have an engine each, so that nobody waits for a confirmation behind a digest. The
    engine of editions polls on one machine; in a fleet, jobs wake it.
    """
    product: Product = app.extensions["vigie"]
    config, links = product.config, product.links
    signer = make_signer(config)
    one_off = {**signup_letters(config, links), **trial_letters(config, links)}
    flask_mail = FlaskMailTransport(app, config.mail)
    one_offs = _engine(product, one_off, flask_mail, signer, name="one-off letters", limit=ONE_OFF_LIMIT)
    pipeline = PipelinedTransport(relay_of(config.mail), config.mail.connections)
    editions = _engine(
        product,
        edition_letters(config, links),
        pipeline,
        signer,
        name="editions",
        limit=EDITION_LIMIT,
        on_settled=Watch().heed,
    )
    polls = product.database.is_sqlite
    return [
        one_offs.run,
        editions.run if polls else partial(fleet.work, editions.step, product.database),
        partial(watch, product.database, config.journal_dir, on_settled=Watch().heed),
    ]


def make_signer(config: Config) -> Signer | None:
    """Return what signs letters, or None where no key was made; raises InputRefused for keys that cannot sign."""
    keys = load_keys(config.dkim_dir, config.mail.dkim_selectors)
    return Signer(config.mail.sender_domain, keys) if keys else None


def rates_of(mail: MailSettings) -> Rates:
    """Return the limits of the settings; where two name one provider, the lower one counts."""
    providers: dict[str, float] = {}
    for domain, rate in mail.domain_rates:
        provider = provider_of_domain(domain)
        providers[provider] = min(rate, providers.get(provider, rate))
    return Rates(mail.rate_per_minute or None, providers)


def _engine(
    product: Product,
    compose: Mapping[str, Compose],
    transport: Transport,
    signer: Signer | None,
    *,
    name: str,
    limit: int,
    on_settled: OnSettled | None = None,
) -> Engine:
    config = product.config
    return Engine(
        database=product.database,
        compose=compose,
        transport=transport,
        envelope=Envelope(
            config.link_keys, config.mail.sender_domain, config.mail.bounce_domain, config.mail.copy_header
        ),
        journal_dir=config.journal_dir,
        signer=signer,
        limit=limit,
        rates=rates_of(config.mail),
        on_settled=on_settled,
        on_route=route_log(product.database, name=f"{socket.gethostname()[:60]}, {name}"),
    )
