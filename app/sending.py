"""The senders, wired: which letters there are, who makes them, and by which road each leaves."""

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from flask import Flask
from sqlalchemy.orm import Session

from app.admins.letters import admin_letters
from app.delivery.composing import Compose
from app.delivery.endings import OnSettled, Settlement
from app.delivery.engine import Engine
from app.delivery.limits import Rates
from app.delivery.recovery import watch
from app.delivery.route import route_log
from app.digests.coverage import give_back_put_off
from app.editions.copies import edition_letters, trial_letters
from app.editions.watch import Watch
from app.feedback.ingest import note_refusals
from app.feedback.intake import envelope_of
from app.feedback.passing_on import reply_letters
from app.gate.letters import approval_letters
from app.jobs import fleet
from app.mail.dkim import Signer, load_keys
from app.mail.pipeline import PipelinedTransport
from app.mail.providers import provider_of_domain
from app.mail.transport import Transport
from app.oneoff import FlaskMailTransport, relay_of
from app.product import Product
from app.settings.mail import MailSettings
from app.subscriptions.letters import signup_letters
from app.subscriptions.questions.letters import question_letters
from app.subscriptions.rights.letters import rights_letters
from config import Config

#: One-off letters are claimed this many at a time; each is a chunk of its own.
ONE_OFF_LIMIT = 10
#: An edition's chunks are claimed this many at a time, where they are so small: copies are counted too.
EDITION_LIMIT = 40

#: Runs until the event is set.
Loop = Callable[[threading.Event], None]


def make_loops(app: Flask) -> Sequence[Loop]:
    """Return what a sending process runs, each in a thread of its own; none connects before there is something to send.

    Editions and one-off letters have an engine each, so that nobody waits for a confirmation behind a digest. The
    engine of editions polls on one machine; in a fleet, jobs wake it.
    """
    product: Product = app.extensions["vigie"]
    config = product.config
    signer = make_signer(config)
    one_offs = _engine(
        product,
        one_off_letters(product),
        FlaskMailTransport(app, config.mail),
        signer,
        name="one-off letters",
        limit=ONE_OFF_LIMIT,
        on_settled=note_refusals,
    )
    pipeline = PipelinedTransport(relay_of(config.mail), config.mail.connections)
    editions = _engine(
        product,
        edition_letters(config, product.links),
        pipeline,
        signer,
        name="editions",
        limit=EDITION_LIMIT,
        on_settled=on_settled_of_editions(),
    )
    polls = product.database.is_sqlite
    return [
        one_offs.run,
        editions.run if polls else partial(fleet.work, editions.step, product.database),
        partial(watch, product.database, config.journal_dir, on_settled=on_settled_of_editions()),
    ]


def one_off_letters(product: Product) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters that go to one person at a time."""
    config, links = product.config, product.links
    return {
        **signup_letters(config, links),
        **question_letters(config, links),
        **rights_letters(config, links),
        **trial_letters(config, links),
        **approval_letters(config, links),
        **reply_letters(config),
        **admin_letters(config, links),
    }


def on_settled_of_editions() -> OnSettled:
    """Return what heeds how copies of editions ended, for one process."""
    return each_of(Watch().heed, note_refusals, give_back_put_off)


def each_of(*listeners: OnSettled) -> OnSettled:
    """Return what tells each of some listeners how copies ended."""

    def tell(session: Session, settlements: Sequence[Settlement], now: datetime) -> None:
        for listen in listeners:
            listen(session, settlements, now)

    return tell


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
        envelope=envelope_of(config),
        journal_dir=config.journal_dir,
        signer=signer,
        limit=limit,
        rates=rates_of(config.mail),
        on_settled=on_settled,
        on_route=route_log(product.database, name=f"{socket.gethostname()[:60]}, {name}"),
    )
