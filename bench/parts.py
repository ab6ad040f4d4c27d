"""The parts that bench/scale.py measures, each on a database of its readers."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from app.clock import now
from app.delivery.claims import Copy, chunks_where, claim, release
from app.delivery.composing import Composers
from app.delivery.endings import Settlement
from app.delivery.journal import Journal
from app.delivery.models import Chunk, Delivery
from app.delivery.recovery import recover
from app.delivery.settling import settle
from app.editions.copies import EDITION, edition_letters
from app.mail.envelope import Envelope
from app.mail.transport import Outcome, OutcomeKind
from app.product import Product
from app.sending import EDITION_LIMIT
from bench import newsroom
from bench.disk import ENGINE_TABLES, READER_TABLES, Size, sizes_of, vacuum
from bench.processes import BenchFailed, has_ended, say
from bench.sinks import running_fast_sink

DKIM = Path(__file__).with_name("dkim.py")
#: A worker that is killed has one claim on the wire and has made the next.
CLAIMS_IN_HAND = 2
#: As Postfix accepts: a reply takes room in a delivery's row.
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 Ok: queued as 4hYqkL2vQbz1x7")
LOOK_S = 0.02
STALL_S = 120.0

Figures = dict[str, object]


def fill(url: str, folder: Path, readers: int) -> None:
    """Make the readers, and what they did to become such."""
    newsroom.fill(url, folder, readers)
    with newsroom.opened(newsroom.settings(folder, url)) as product, product.database.transaction() as session:
        newsroom.add_consent_events(session)


def measure(url: str, folder: Path) -> Figures:
    """Lead an edition for each language from its start to the last bell; return all figures but the signature's."""
    with newsroom.opened(newsroom.settings(folder, url)) as product:
        reader_sizes = sizes_of(url, READER_TABLES)
        say("freezing")
        started = newsroom.start_editions(product)
        octets = letter_octets(product)
        say("recovering")
        recovery = measure_recovery(product)
        say("settling")
        settle_all(product)
        vacuum(url)
        engine_sizes = sizes_of(url, ENGINE_TABLES)
        say("ringing out")
        return {
            "copies": started.copies,
            "freeze_rows_per_s": round(started.copies / started.freeze_s),
            "letter_octets": octets,
            **recovery,
            "reader_octets": _named(reader_sizes),
            "engine_octets": _named(engine_sizes),
            **measure_bells(product, url, folder),
        }


def measure_recovery(product: Product) -> Figures:
    """Die over full hands twice, all ended and all begun; return how long it took to recover them."""
    ended = abandon(product, has_ended=True)
    ended_s = timed_recovery(product, ended)
    begun = abandon(product, has_ended=False)
    begun_s = timed_recovery(product, begun)
    for owner, copies in begun.items():  # a late outcome still replaces what was uncertain
        settle_claim(product, owner, copies)
    return {
        "recovered_copies": sum(map(len, ended.values())),
        "recovery_ended_s": round(ended_s, 3),
        "recovery_begun_s": round(begun_s, 3),
    }


def abandon(product: Product, *, has_ended: bool) -> dict[str, Sequence[Copy]]:
    """Claim all that one engine may have in hand, and leave the journals as a kill does; return copies by owner."""
    hands: dict[str, Sequence[Copy]] = {}
    for number in range(CLAIMS_IN_HAND):
        owner = f"bench-{'ended' if has_ended else 'begun'}-{number}"
        hands[owner] = claim_next(product, owner)
        journal = Journal(product.config.journal_dir, owner)
        journal.open_slots(hands[owner])
        for copy in hands[owner]:
            journal.begin(copy.id)
            if has_ended:
                journal.end(copy.id, ACCEPTED)
        journal.close()
    return hands


def timed_recovery(product: Product, hands: dict[str, Sequence[Copy]]) -> float:
    """Return the seconds that recovery takes. Raises BenchFailed where it does not find every copy."""
    copies = sum(map(len, hands.values()))
    begun = time.monotonic()
    recovered = recover(product.database, product.config.journal_dir, now=now())
    elapsed = time.monotonic() - begun
    if recovered != copies:
        raise BenchFailed(f"{recovered} of {copies} copies were recovered")
    return elapsed


def letter_octets(product: Product) -> int:
    """Return the mean size of the letters of each edition's first chunk, unsigned, as bench/send.py sends them."""
    config = product.config
    envelope = Envelope(config.link_keys, config.mail.sender_domain, config.mail.bounce_domain)
    composers = Composers(product.database, edition_letters(config, product.links), envelope, None)
    with product.database.reading() as session:
        chunks = chunks_where(session, Chunk.number == 0)
        found = session.execute(
            sa.select(Delivery.id, Delivery.chunk_id, Delivery.subscriber_id).where(Delivery.chunk_id.in_(chunks))
        )
        copies = [Copy(key, chunks[chunk_id], 1, reader, None, None, False) for key, chunk_id, reader in found]
    written = map(composers.write, copies, composers.look_up(copies))
    return round(statistics.mean(len(letter.data) for letter in written))


def settle_all(product: Product) -> None:
    """Let every copy that waits be accepted, a claim at a time, as its worker would write it down."""
    while copies := claim_next(product, "bench"):
        settle_claim(product, "bench", copies)


def claim_next(product: Product, owner: str) -> Sequence[Copy]:
    """Claim as much as an engine does at once."""
    with product.database.transaction() as session:
        return claim(session, owner=owner, kinds={EDITION}, now=now(), limit=EDITION_LIMIT)


def settle_claim(product: Product, owner: str, copies: Sequence[Copy]) -> None:
    """Write down that all `copies` were accepted, and give their chunks back."""
    settlements = [Settlement(copy, ACCEPTED) for copy in copies]
    with product.database.transaction() as session:
        settle(session, owner=owner, settlements=settlements, now=now())
        release(session, owner=owner, chunk_ids={copy.chunk.id for copy in copies}, now=now())


def measure_bells(product: Product, url: str, folder: Path) -> Figures:
    """Return how many jobs wait, and how long one worker needs for them where there is nothing left to send."""
    jobs = count_rows(product, "procrastinate_jobs")
    with running_fast_sink(folder) as sink, newsroom.running_worker(folder, url, sink, connections=8) as worker:
        await_count(product, "procrastinate_workers", worker.pid, lambda workers: workers > 0)
        begun = time.monotonic()
        await_count(product, "procrastinate_jobs", worker.pid, lambda waiting: waiting == 0)
        seconds = time.monotonic() - begun
        if sink.letters():
            raise BenchFailed(f"{sink.letters()} letters of editions that were done")
    return {"bells": jobs, "bells_s": round(seconds, 2)}


def await_count(product: Product, table: str, pid: int, is_reached: Callable[[int], bool]) -> None:
    """Return once so many rows are in `table`. Raises BenchFailed where the worker ends or nothing moves."""
    count, until = -1, 0.0
    while not is_reached(seen := count_rows(product, table)):
        if has_ended(pid):
            raise BenchFailed("the worker ended")
        if seen != count:
            count, until = seen, time.monotonic() + STALL_S
        elif time.monotonic() > until:
            raise BenchFailed(f"nothing moves: {seen} rows of {table}")
        time.sleep(LOOK_S)


def count_rows(product: Product, table: str) -> int:
    with product.database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0


def measure_signing(folder: Path, seconds: int = 3) -> Figures:
    """Return what bench/dkim.py tells of the product's two signatures; its own limit is its own affair."""
    path = folder / "dkim.json"
    command = [sys.executable, DKIM, "--rounds", "1", "--seconds", str(seconds), "--json", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not path.exists():
        raise BenchFailed(f"bench/dkim.py failed\n{done.stderr}")
    return {"sign_ms": round(1000 / json.loads(path.read_text())["dual_per_s"], 3)}


def _named(sizes: dict[str, Size]) -> dict[str, dict[str, int]]:
    return {table: size._asdict() for table, size in sizes.items()}
