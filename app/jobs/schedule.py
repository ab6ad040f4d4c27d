"""The table of periodic jobs: what each does, and how often it looks whether there is anything to do."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.articles.full_text import read_due_pages
from app.articles.intake import fetch_due
from app.clock import now
from app.delivery.expiry import expire_copies
from app.digests.coverage import give_back
from app.digests.schedule import run_due_schedules
from app.editions.audience import finish_editions
from app.editions.clippings import file_editions
from app.editions.counts import count_editions
from app.editions.warm_up import keep_counts
from app.errors import MailboxUnavailable
from app.feedback.applying import apply_events
from app.feedback.ingest import note_expired
from app.feedback.intake import make_intake
from app.feedback.mailbox import poll
from app.gate.audience import keep_places
from app.gate.background import run_probes
from app.gate.starting import start_approved
from app.jobs.importing import work_on_imports
from app.keeping.departing import keeper_of
from app.keeping.duties import Keeping, run_clocks
from app.keeping.renewing import run_renewals
from app.keeping.unchosen import drop_unchosen
from app.product import Product
from app.readership.agreements import advance_agreements
from app.readership.tallies import advance_tallies
from app.seals.documents import write_files
from app.seals.making import make_due_seals
from app.seals.models import all_seals
from app.stories.grouping import group_new
from app.subscriptions.newcomers.held import ask_held
from app.topics.classifying import classify_articles
from app.topics.taxonomy import load

log = logging.getLogger(__name__)

#: Seconds after which the clocks rest until the next run, so that a process that is to end need not wait for them.
PURGE_LIMIT_S = 20.0
#: The same for the counting of readers.
COUNTING_LIMIT_S = 20.0


def fetch_feeds(product: Product) -> None:
    """Fetch the sources whose time has come."""
    for report in fetch_due(product.database, settings=product.config.fetch, now=now):
        log.info("source %s: %s", report.source_id, report.failure or f"{report.new} new")


def find_topics(product: Product) -> None:
    """Say what new articles are about, and the older ones when the taxonomy has changed."""
    done = classify_articles(product.database, load(product.config.topics_file), now=now())
    if done.new or done.anew:
        log.info("classified %d articles, %d of them anew", done.new + done.anew, done.anew)


def read_pages(product: Product) -> None:
    """Read the pages of articles of which the feed has only a teaser."""
    for article_id, reading in read_due_pages(product.database, settings=product.config.fetch, now=now()).items():
        log.info("page of article %s: %s", article_id, reading.failure or "read")


def start_digests(product: Product) -> None:
    """Compile and start the digests whose period has come."""
    compilations = run_due_schedules(
        product.database, now=now(), config=product.config, links=product.links, announce=product.announce
    )
    for compilation in compilations:
        log.info("digest %s, period %s: %s", compilation.language, compilation.period_at, compilation.outcome)


def start_approved_editions(product: Product) -> None:
    """Start the editions that were approved, once the time to stop them is over."""
    for edition_id in start_approved(
        product.database, now=now(), config=product.config, links=product.links, announce=product.announce
    ):
        log.info("edition %d starts as approved", edition_id)


def probe_editions(product: Product) -> None:
    """Ask DNS, the pages that drafts link to, and the spam filter, for the gate."""
    kept = run_probes(product.database, config=product.config, links=product.links, now=now())
    if kept:
        log.info("probed: %d answers", kept)


def close_editions(product: Product) -> None:
    """Give up what was not sent in time; mark as sent the editions of which no copy is open any more."""
    is_over = False
    while not is_over:
        with product.database.transaction() as session:
            is_over = expire_copies(session, now=now(), on_expired=_expired) == 0
    with product.database.transaction() as session:
        finish_editions(session, now=now())


def _expired(session: Session, chunk_ids: Sequence[int], at: datetime) -> None:
    note_expired(session, chunk_ids, at)
    give_back(session, chunk_ids, at)


def file_sent_editions(product: Product) -> None:
    """Let the articles of editions that were sent be found in public."""
    with product.database.transaction() as session:
        filed = file_editions(session, now=now())
    if filed:
        log.info("filed %d editions", filed)


def group_articles(product: Product) -> None:
    """Put new articles into stories."""
    grouped = group_new(product.database, load(product.config.topics_file), now=now())
    if grouped:
        log.info("grouped %d articles into stories", grouped)


def apply_feedback(product: Product) -> None:
    """Apply what came back, of copies that senders were refused above all; the other ways in apply it themselves."""
    config = product.config
    applied = apply_events(product.database, rules=config.feedback, suppression_key=config.suppression_key, now=now())
    if applied:
        log.info("applied %d notices of what became of copies", applied)


def read_mailbox(product: Product) -> None:
    """Take in what lies in the mailbox of returned mail, where one is set."""
    settings = product.config.returns
    if not settings.imap_host:
        return
    try:
        moved = poll(make_intake(product), settings, now=now())
    except MailboxUnavailable as error:
        log.warning("%s", error)
        return
    for folder, number in moved.items():
        log.info("returned mail: %d to %s", number, folder)


def purge(product: Product) -> None:
    """Delete what its clock says is over, or is nobody's, and ask the readers of whom nothing was heard for years."""
    done = run_clocks(product.database, Keeping(product.config, now()), limit_s=PURGE_LIMIT_S)
    for clock, number in done.items():
        if number:
            log.info("clock %s: %d", clock, number)
    dropped = drop_unchosen(product.database)
    if dropped:
        log.info("dropped %d sets of choices that nobody has any more", dropped)


def renew_consents(product: Product) -> None:
    """Go on asking the readers who agreed to an older wording, and end what they did not answer in time."""
    done = run_renewals(product.database, now())
    if any(done.values()):
        log.info("renewals: %s", done)


def ask_held_readers(product: Product) -> None:
    """Ask the held readers whose turn has come, where an admin has started that."""
    with product.database.transaction() as session:
        asked = ask_held(session, now=now())
    if asked:
        log.info("asked %d held readers to confirm", asked)


def keep_departures(product: Product) -> None:
    """Write down outside the database who departed; after a restore, let it hear of those whom it has forgotten."""
    keeper_of(product).keep(now())


def count_readers(product: Product) -> None:
    """Count who came, left and agreed since the last time; of a ledger never counted, as much as there is time."""
    begun, is_over = time.monotonic(), False
    while not is_over and time.monotonic() - begun < COUNTING_LIMIT_S:
        with product.database.transaction() as session:
            is_over = advance_tallies(session, zone=product.config.timezone, now=now()) == 0
        with product.database.transaction() as session:
            is_over = advance_agreements(session, now=now()) == 0 and is_over


def count_copies(product: Product) -> None:
    """Keep the counts of the copies of editions on their way, and of those that ended."""
    count_editions(product.database, now=now())


def count_warming_readers(product: Product) -> None:
    """Keep the counts of the readers of newsletters that warm up."""
    keep_counts(product.database)


def count_places(product: Product) -> None:
    """Keep the counts of who gets an edition and who does not, where there are many."""
    keep_places(product.database, now=now())


def seal(product: Product) -> None:
    """Seal the days that are over, and write each seal to a file, to be copied elsewhere."""
    for made in make_due_seals(product.database, keys=product.proof_keys, now=now()):
        log.info("sealed %s: %s", made.day, made.digest)
    with product.database.reading() as session:
        write_files(list(session.scalars(all_seals())), product.config.seals_dir)


@dataclass(frozen=True)
class Job:
    """One periodic job: how often to look, and what to do."""

    name: str
    every_s: int
    run: Callable[[Product], None]


JOBS = (
    Job("digests", 10, start_digests),
    Job("approved", 5, start_approved_editions),
    Job("probes", 15, probe_editions),
    Job("editions", 5, close_editions),
    Job("archive", 10, file_sent_editions),
    Job("feedback", 3, apply_feedback),
    Job("mailbox", 60, read_mailbox),
    Job("feeds", 30, fetch_feeds),
    Job("pages", 30, read_pages),
    Job("topics", 5, find_topics),
    Job("stories", 30, group_articles),
    Job("imports", 2, work_on_imports),
    Job("held readers", 60, ask_held_readers),
    Job("departures", 30, keep_departures),
    Job("copies", 15, count_copies),
    Job("readership", 60, count_readers),
    Job("warm-ups", 300, count_warming_readers),
    Job("places", 60, count_places),
    Job("purge", 300, purge),
    Job("renewals", 60, renew_consents),
    Job("seals", 600, seal),
)
