"""The sender, wired: which letters there are, who makes them, and by which road each leaves."""

from flask import Flask

from app.delivery.engine import Engine
from app.editions.compose import edition_letters
from app.mail.envelope import Envelope
from app.mail.pipeline import PipelinedTransport
from app.mail.transport import Transport
from app.oneoff import FlaskMailTransport, relay_of
from app.product import Product
from app.subscriptions.letters import signup_letters


def make_sender(app: Flask) -> Engine:
    """Return the sending engine for `app`; it opens no connection before there is something to send."""
    product: Product = app.extensions["vigie"]
    config = product.config
    one_off = FlaskMailTransport(app, config.mail)
    bulk = PipelinedTransport(relay_of(config.mail))

    def transport_for(kind: str) -> Transport:
        return bulk if kind == "edition" else one_off

    return Engine(
        database=product.database,
        compose={**signup_letters(config, product.links), **edition_letters(config, product.links)},
        transport_for=transport_for,
        envelope=Envelope(config.link_keys, config.mail.sender_domain, config.mail.bounce_domain),
        journal_dir=config.data_dir / "journal",
    )
