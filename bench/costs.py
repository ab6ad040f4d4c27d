"""What each part costs, from the figures of bench/scale.py, for a million readers and for ten."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.delivery.queue import CHUNK_COPIES
from bench.markdown import as_table, machine_sentence

MILLION = 1_000_000
HEADINGS = ("part", "per million readers", "from")

Figures = Mapping[str, Any]
#: Part, cost, and where it comes from.
Row = tuple[str, str, str]


def as_markdown(figures: Figures) -> str:
    """Return a line that says where and how this was measured, and the table."""
    sentence = f"{figures['readers']:,} readers. {machine_sentence(figures['machine'])}"
    return f"{sentence}\n\n{as_table(HEADINGS, rows(figures), numbers=False)}\n"


def rows(figures: Figures) -> Sequence[Row]:
    """Return the table's rows."""
    return [*_database_rows(figures), *_sending_rows(figures), *_disk_rows(figures)]


def _database_rows(figures: Figures) -> Sequence[Row]:
    rate, jobs = figures["freeze_rows_per_s"], MILLION // CHUNK_COPIES
    bell_s = figures["bells_s"] / figures["bells"]
    return [
        ("freezing an audience", f"{MILLION / rate:.0f} s: {rate:,} rows/s", _measured(figures["copies"])),
        ("jobs of an edition", f"{jobs:,} rows, deleted as they end", f"{CHUNK_COPIES} copies a chunk"),
        ("bells of an edition that is done, on one worker",
         f"{jobs * bell_s:.0f} s; with ten million readers {jobs * 10 * bell_s:.0f} s",
         f"{figures['bells']:,} measured, more extrapolated"),
        ("restart of a worker with full journals",
         f"{figures['recovery_ended_s']:.2f} s if all had ended, {figures['recovery_begun_s']:.2f} s if all had begun",
         f"{figures['recovered_copies']:,} copies in hand, of any audience"),
    ]  # fmt: skip


def _sending_rows(figures: Figures) -> Sequence[Row]:
    sign_ms, octets = figures["sign_ms"], figures["letter_octets"]
    return [
        ("sending", "a million by its letters/s, for each worker until the relay or two cores are full",
         "`bench/send.py`: [performance](performance.md)"),
        ("signing (DKIM, RSA and Ed25519)", f"{sign_ms * MILLION / 60_000:.0f} min of a core: {sign_ms:.2f} ms each",
         "`bench/dkim.py`"),
        ("traffic to the relay", f"{octets * MILLION / 1e9:.1f} GB", f"computed, {octets / 1000:.1f} kB a letter"),
    ]  # fmt: skip


def _disk_rows(figures: Figures) -> Sequence[Row]:
    readers, copies = figures["readers"], figures["copies"]
    return [
        ("disk of an edition's deliveries, settled", _room(figures["engine_octets"], copies), _measured(copies)),
        ("disk of readers, with two or three consent events each", _room(figures["reader_octets"], readers),
         _measured(readers)),
    ]  # fmt: skip


def _room(octets: Mapping[str, Mapping[str, int]], count: int) -> str:
    """Return what so many rows take, in all and by table, for a million of them; what is under a megabyte is left out.

    An octet for each row is a megabyte for a million.
    """
    by_table = {table: (size["table"] / count, size["indexes"] / count) for table, size in octets.items()}
    told = [
        f"`{table}` {own:,.0f} + indexes {indexes:,.0f}"
        for table, (own, indexes) in by_table.items()
        if own + indexes >= 1
    ]
    total = sum(own + indexes for own, indexes in by_table.values())
    return f"{total:,.0f} MB: {', '.join(told)}"


def _measured(count: int) -> str:
    return f"{count:,} measured" if count >= MILLION else f"extrapolated from {count:,}"
