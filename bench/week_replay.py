"""The week lived through: the product's own jobs under a clock that is moved by the hour."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import models
from app.articles.models import Article, ArticleRevision
from app.articles.sources import add_source
from app.db import make_migration_engine
from app.delivery.engine import Engine
from app.digests.errata import count_misled, set_erratum, start_erratum
from app.digests.flash import set_flash, start_flash
from app.digests.models import Erratum, Flash
from app.digests.schedule import install_schedules
from app.editions.copies import edition_letters
from app.errors import GateClosed
from app.feedback.intake import envelope_of
from app.jobs import fleet
from app.jobs.schedule import JOBS
from app.mail.memory import MemoryTransport
from app.newsletters.defaults import install_defaults
from app.product import Product, make_product
from app.sending import one_off_letters
from app.stories.models import Story
from bench import newsroom
from bench.week_feeds import Wire
from bench.week_readers import Reader, begin_pause, sign_up
from config import Config

HOUR = timedelta(hours=1)
#: So often, in hours, somebody looks whether feeds have changed.
LOOKS_EVERY = 2
#: What of the product runs each hour, in this order; keeping, seals and returned mail have nothing to do with letters.
RUN = ("feeds", "topics", "stories", "digests", "editions", "archive")
#: An editor lets a story go at once that so many newsrooms tell, and one a day.
FLASH_SOURCES = 3
ACTOR = "editor"
NOTES = {
    "fr": "La rédaction de cet article en a corrigé le titre ou le texte après notre envoi.",
    "en": "The newsroom of this article has corrected its title or text since we sent it.",
}


@dataclass(frozen=True)
class Sent:
    """A letter as it went, and when."""

    at: datetime
    recipient: str
    data: bytes


@contextmanager
def opened_house(folder: Path, at: datetime) -> Iterator[Product]:
    """Yield a product on a fresh SQLite database, with the default newsletter, as of `at`."""
    url = f"sqlite:///{folder}/week.db"
    engine = make_migration_engine(url)
    models.Base.metadata.create_all(engine)
    engine.dispose()
    product = make_product(Config.from_env(newsroom.settings(folder, url)), fleet.announce)
    try:
        with product.database.transaction() as session:
            install_defaults(session, product.config, at)
            install_schedules(session, product.config, at)
        yield product
    finally:
        product.database.dispose()


def live(
    product: Product,
    wires: Sequence[Wire],
    readers: Sequence[Reader],
    *,
    since: datetime,
    until: datetime,
    folder: Path,
) -> list[Sent]:
    """Live from `since` to `until`, hour by hour: feeds are read as they change, letters go. Return the letters."""
    transport = MemoryTransport()
    engine = Engine(
        database=product.database,
        compose={**edition_letters(product.config, product.links), **one_off_letters(product)},
        transport=transport,
        envelope=envelope_of(product.config),
        journal_dir=product.config.journal_dir,
    )
    sent: list[Sent] = []
    with product.database.transaction() as session:
        for reader in readers:
            sign_up(session, product, reader, since)
    for hour in range((until - since) // HOUR + 1):
        at = since + hour * HOUR
        with time_machine.travel(at, tick=False):
            if at.hour == 0:
                _pause(product, readers, at)
            has_news = at.hour % LOOKS_EVERY == 0 and _show(product, wires, folder, at)
            _run_jobs(product, has_news=has_news)
            _edit(product, at)
            engine.run_once(at)
        sent += (Sent(at, out.recipient, out.data) for out in transport.sent[len(sent) :])
    return sent


def _show(product: Product, wires: Sequence[Wire], folder: Path, at: datetime) -> bool:
    """Write the feeds as they are at `at` where they changed since the last look; tell whether any did."""
    has_news = False
    for number, wire in enumerate(wires):
        documents = [document for moment, document in wire.documents if at - LOOKS_EVERY * HOUR < moment <= at]
        if not documents:
            continue
        path = folder / f"feed-{number}.xml"
        is_first = not path.exists()
        path.write_text(documents[-1], encoding="utf-8")
        if is_first:
            with product.database.transaction() as session:
                add_source(session, location=str(path), language=wire.language, name=wire.name, now=at)
        has_news = True
    return has_news


def _run_jobs(product: Product, *, has_news: bool) -> None:
    jobs = {job.name: job for job in JOBS}
    for name in RUN:
        if has_news or name not in {"feeds", "topics", "stories"}:
            jobs[name].run(product)


def _flash_of(session: Session, at: datetime) -> int | None:
    """Return an article of the story of the hour that most newsrooms tell, where nothing went as a flash for a day."""
    if session.scalar(select(Flash.article_id).where(Flash.at > at - 24 * HOUR).limit(1)):
        return None
    told = (
        select(Article.id)
        .join(Story, Story.id == Article.story_id)
        .where(Article.added_at == at, Story.sources >= FLASH_SOURCES, Article.id.not_in(select(Flash.article_id)))
        .order_by(Story.sources.desc(), Article.id)
    )
    return session.scalars(told.limit(1)).first()


def _corrected(session: Session, at: datetime) -> int | None:
    """Return an article whose newsroom changed its title after it went to somebody; one of the week is enough."""
    if session.scalar(select(Erratum.article_id).limit(1)):
        return None
    titles = select(ArticleRevision.title).where(ArticleRevision.article_id == Article.id)
    revised = select(Article).where(Article.revision > 1, titles.exists(), Article.title.not_in(titles))
    articles = session.scalars(revised)
    return next((each.id for each in articles if count_misled(session, each.id, now=at).readers), None)


def _pause(product: Product, readers: Sequence[Reader], at: datetime) -> None:
    with product.database.transaction() as session:
        for reader in readers:
            begin_pause(session, reader, at)


def _edit(product: Product, at: datetime) -> None:
    """Do what an editor would: a flash of what several newsrooms tell, an erratum where one corrected itself."""
    with product.database.reading() as session:
        news, corrected = _flash_of(session, at), _corrected(session, at)
    if news is not None:
        with product.database.reading() as session:
            flash = set_flash(session, news, config=product.config, links=product.links, now=at)
        with suppress(GateClosed), product.database.transaction() as session:
            start_flash(session, flash, per_day=product.config.flashes_per_day, actor=ACTOR, now=at)
    if corrected is not None:
        with product.database.reading() as session:
            erratum = set_erratum(
                session, corrected, notes=NOTES, config=product.config, links=product.links, now=at
            )  # fmt: skip
        with suppress(GateClosed), product.database.transaction() as session:
            start_erratum(session, erratum, actor=ACTOR, now=at)
