"""Vigie under measure: readers and articles in a database, editions of them, workers as a user starts them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.articles.models import Article, Source, SourceKind
from app.clock import now
from app.db import new_public_id
from app.delivery.models import OPEN, DeliveryState
from app.editions.audience import edition_counts, start_edition
from app.editions.compile import compile_edition
from app.editions.compose import read_manuscript, set_letter
from app.jobs import fleet
from app.newsletters.models import ConsentWording, Newsletter, PrivacyPolicy, WordingPurpose
from app.product import Product, make_product
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from bench.processes import BenchFailed, running, tail
from bench.sinks import Sink
from bench.texts import ARTICLES
from config import Config

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = tuple(ARTICLES)
#: Domains that stand for nobody (RFC 2606).
DOMAINS = ("example.org", "example.com", "example.net", "post.example", "mail.example")
#: An edition takes the newest article of each source; with all twelve the letter would have 35 kB instead of 20.
ARTICLES_IN_LETTER = 4
ROWS_AT_ONCE = 10_000
LETTERS_PER_CONNECTION = 10_000
_HOME_URL = "https://news.example.org/"


@dataclass(frozen=True)
class Started:
    """Editions that were begun: how many copies were queued, and how long the database took to freeze them."""

    edition_ids: tuple[int, ...]
    copies: int
    freeze_s: float


def settings(folder: Path, url: str, *, port: int = 25, connections: int = 8) -> Mapping[str, str]:
    """Return the environment of a newsroom that publishes; nothing of the caller's own settings is in it."""
    return {
        "PATH": os.environ["PATH"],
        "VIGIE_DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "PUBLIC_URL": _HOME_URL.rstrip("/"),
        "PUBLISHER_NAME": "Exemple Presse SAS",
        "PUBLISHER_ADDRESS": "1 rue de l’Exemple, 75000 Paris, France",
        "PUBLISHER_CONTACT": "redaction@news.example.org",
        "PUBLICATION_DIRECTOR": "A. Exemple",
        "HOSTING_PROVIDER": "Exemple Hébergement, 1 rue de l’Exemple, 75000 Paris, France",
        "SECRET_KEY": "pages-0123456789abcdefghijklmnopqrstuvwxyz",
        "LINK_KEYS": "links-0123456789abcdefghijklmnopqrstuvwxyz",
        "SUPPRESSION_KEY": "suppression-0123456789abcdefghijklmnopqrst",
        "PROOF_KEYS": "proof-0123456789abcdefghijklmnopqrstuvwxyz",
        "MAIL_DEFAULT_SENDER": "lettre@news.example.org",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(port),
        "MAIL_CONNECTIONS": str(connections),
        "MAIL_LETTERS_PER_CONNECTION": str(LETTERS_PER_CONNECTION),
        "FLASK_DEBUG": "0",
    }


def address_of(number: int) -> str:
    """Return the address of one reader, counted from 1."""
    return f"reader-{number:06d}@{DOMAINS[(number - 1) % len(DOMAINS)]}"


def fill(url: str, folder: Path, readers: int) -> None:
    """Migrate an empty database and put in the articles and so many confirmed readers, half of each language."""
    environment = settings(folder, url)
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailed(f"the database was not migrated\n{done.stderr[-3000:]}")
    with opened(environment) as product, product.database.transaction() as session:
        _add_articles(session)
        _add_readers(session, readers)


def add_consent_events(session: Session) -> None:
    """Add what the readers of a fresh database did: all asked and confirmed, every second one changed the language.

    The database writes the rows by itself: their hashes have the right length and are nobody's.
    """
    wording, policy = ConsentWording.__table__.c, PrivacyPolicy.__table__.c
    texts = {"wording_id": wording.id, "policy_id": policy.id}
    reader = Subscription.__table__.c
    asked = _act(0, ConsentKind.REQUESTED, ConsentMethod.FORM, **texts, form_url=_HOME_URL + reader.language + "/")
    confirmed = _act(1, ConsentKind.CONFIRMED, ConsentMethod.CONFIRM_PAGE, **texts)
    changed = _act(2, ConsentKind.LANGUAGE_CHANGED, ConsentMethod.PREFERENCES)
    is_form = wording.purpose == WordingPurpose.NEWSLETTER
    shown = sa.and_(is_form, wording.language == reader.language, policy.language == reader.language)
    has_changed = reader.id // len(LANGUAGES) % 2 == 0
    acts = sa.union_all(asked.where(shown), confirmed.where(shown), changed.where(has_changed)).subquery().c
    # In the order in which readers come: the index of what comes in another one has gaps.
    rows = sa.select(*acts[:-1]).order_by(acts.subscription_id, acts.place)
    session.execute(sa.insert(ConsentEvent).from_select([column.name for column in acts[:-1]], rows))


@contextmanager
def opened(environment: Mapping[str, str]) -> Iterator[Product]:
    """Wire the product in this process, for what the desk and the command line do."""
    product = make_product(Config.from_env(environment), fleet.announce)
    try:
        yield product
    finally:
        product.database.dispose()


def start_editions(product: Product) -> Started:
    """Compile and start one edition for each language, as the command line does."""
    edition_ids, copies, freeze_s = [], 0, 0.0
    for language in LANGUAGES:
        at = now()
        with product.database.transaction() as session:
            newsletter = session.scalars(sa.select(Newsletter)).one()
            compilation = compile_edition(
                session, newsletter=newsletter, language=language, until=at, now=at, limit=ARTICLES_IN_LETTER
            )
            edition_id = compilation.edition_id
        if edition_id is None:
            raise BenchFailed("the edition has no articles")
        with product.database.reading() as session:
            manuscript = read_manuscript(session, edition_id=edition_id, now=at)
        letter = set_letter(manuscript, config=product.config, links=product.links, now=at)
        begun = time.monotonic()
        with product.database.transaction() as session:
            copies += start_edition(session, letter=letter, actor="bench", now=at, announce=product.announce)
        freeze_s += time.monotonic() - begun
        edition_ids.append(edition_id)
    return Started(tuple(edition_ids), copies, freeze_s)


def is_settled(product: Product, started: Started) -> bool:
    """Return whether every copy was accepted. Raises BenchFailed where one came to another end."""
    with product.database.reading() as session:
        counts: dict[DeliveryState, int] = {}
        for edition_id in started.edition_ids:
            for state, count in edition_counts(session, edition_id).items():
                counts[state] = counts.get(state, 0) + count
    if any(counts.get(state, 0) for state in OPEN):
        return False
    if counts != {DeliveryState.ACCEPTED: started.copies}:
        raise BenchFailed(f"not all copies were accepted: { {state.value: n for state, n in counts.items()} }")
    return True


@contextmanager
def running_worker(
    folder: Path, url: str, sink: Sink, *, connections: int, name: str = "worker"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `flask worker` with a data directory of its own; what it said is shown where the run fails."""
    data = folder / name
    data.mkdir(parents=True)
    output = data / "output"
    environment = settings(data, url, port=sink.port, connections=connections)
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), "worker"]
    with running(command, output=output, env=environment) as process:
        try:
            yield process
        except BenchFailed:
            print(tail(output), file=sys.stderr)
            raise


def _add_articles(session: Session) -> None:
    at = now() - timedelta(hours=1)
    for language, pieces in ARTICLES.items():
        names = dict.fromkeys(name for name, _, _ in pieces)
        sources = {name: _source(name, language, number) for number, name in enumerate(names, start=1)}
        for number, (name, title, summary) in enumerate(pieces, start=1):
            link = sources[name].location.replace("feed.xml", f"2026/{number:02d}/{_slug(title)}")
            session.add(
                Article(
                    source=sources[name], guid=link, link=link, link_key=link, language=language, title=title,
                    summary=summary, body=summary, published_at=at - timedelta(hours=number), added_at=at,
                )
            )  # fmt: skip


def _source(name: str, language: str, number: int) -> Source:
    at = now()
    # Never fetched: what the letters carry is all there is.
    return Source(
        kind=SourceKind.URL, location=f"https://{language}-{number}.example/feed.xml", name=name, language=language,
        next_fetch_at=at + timedelta(days=365), created_at=at,
    )  # fmt: skip


def _slug(title: str) -> str:
    words = ("".join(letter for letter in word if letter.isalnum()) for word in title.lower().split())
    return "-".join(words)[:40].strip("-")


def _add_readers(session: Session, readers: int) -> None:
    """Add confirmed readers in bulk, past the sign-up, which sends letters of its own."""
    at = now() - timedelta(days=1)
    for first in range(1, readers + 1, ROWS_AT_ONCE):
        numbers = range(first, min(first + ROWS_AT_ONCE, readers + 1))
        rows = [
            {"public_id": new_public_id(), "email": address, "email_ascii": address, "email_key": address,
             "created_at": at}
            for address in map(address_of, numbers)
        ]  # fmt: skip
        session.execute(sa.insert(Subscriber.__table__), rows)
    newsletter_id = session.scalars(sa.select(Newsletter.id)).one()
    subscriber_ids: Sequence[int] = session.scalars(sa.select(Subscriber.id).order_by(Subscriber.id)).all()
    for begin in range(0, readers, ROWS_AT_ONCE):
        rows = [
            {"public_id": new_public_id(), "newsletter_id": newsletter_id, "subscriber_id": subscriber_id,
             "status": SubscriptionStatus.CONFIRMED, "language": LANGUAGES[subscriber_id % len(LANGUAGES)],
             "confirmation_id": new_public_id(), "requested_at": at, "confirmed_at": at}
            for subscriber_id in subscriber_ids[begin : begin + ROWS_AT_ONCE]
        ]  # fmt: skip
        session.execute(sa.insert(Subscription.__table__), rows)


def _act(place: int, kind: ConsentKind, method: ConsentMethod, **shown: ColumnElement[Any]) -> sa.Select[Any]:
    """Select one consent event of each subscription, and `place` to order a reader's events by."""
    reader, event = Subscription.__table__.c, ConsentEvent.__table__.c
    return sa.select(
        reader.id.label("subscription_id"),
        sa.literal(kind, event.kind.type).label("kind"),
        sa.literal(method, event.method.type).label("method"),
        reader.confirmed_at.label("at"),
        reader.language,
        *(shown.get(name, sa.null()).label(name) for name in ("wording_id", "policy_id", "form_url")),
        sa.select(Subscriber.chain_id).where(Subscriber.id == reader.subscriber_id).scalar_subquery().label("chain_id"),
        sa.literal(place + 1).label("seq"),
        reader.newsletter_id,
        *(sa.literal("0" * 64).label(name) for name in ("address_hash", "previous_hash", "hash")),
        sa.literal(place).label("place"),
    )
