"""Readers whose chains are real, made in bulk, and what the product's own functions need for them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from app.clock import now
from app.db import new_public_id
from app.newsletters.models import Newsletter, current_policy, current_wording
from app.product import Product
from app.seals.making import GRACE, make_due_seals
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, address_hash, record_act, said_hash
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from bench.markdown import as_table, machine_sentence
from bench.newsroom import ROOT, address_of, fill, opened, settings
from bench.processes import BenchFailed, say

DAYS = 30
BATCH = 10_000
APPENDED = 2_000
DAY = timedelta(days=1)
Figures = dict[str, Any]
Row = dict[str, object]


def measure(url: str, folder: Path, readers: int) -> Figures:
    """Seed and measure; seconds, and events a second."""
    fill(url, folder, 0)
    environment = settings(folder, url)
    with opened(environment) as product:
        begun = time.monotonic()
        at = add_chains(product, readers)
        with product.database.reading() as session:
            events = session.scalar(sa.select(sa.func.count()).select_from(ConsentEvent))
        assert events is not None
        say(f"{readers:,} readers, {events:,} events in {time.monotonic() - begun:.0f} s")
        appended_s = append(product)
        make_due_seals(product.database, keys=product.proof_keys, now=at + GRACE)
        begun = time.monotonic()
        made = len(make_due_seals(product.database, keys=product.proof_keys, now=now()))
        seal_s = (time.monotonic() - begun) / made
    verify_s, memory_mb = verify(environment)
    appended = min(APPENDED, readers)
    return {
        "readers": readers, "events": events + appended, "appends_per_s": appended / appended_s,
        "seal_s": seal_s, "verify_s": verify_s, "verify_memory_mb": memory_mb, "seals": made + 1,
        "database": url.partition(":")[0],
    }  # fmt: skip


def add_chains(product: Product, readers: int) -> datetime:
    """Add readers with their chains in bulk, as the ledger would have; return the midnight they begin at."""
    first = (now() - (DAYS + 3) * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    for begin in range(1, readers + 1, BATCH):
        numbers = range(begin, min(begin + BATCH, readers + 1))
        with product.database.transaction() as session:
            add_batch(session, numbers, first)
    return first


def add_batch(session: Session, numbers: range, first: datetime) -> None:
    newsletter_id = session.scalars(sa.select(Newsletter.id)).one()
    wording_id = session.scalars(current_wording(1, "fr")).one().id
    policy_id = session.scalars(current_policy("fr")).one().id
    people, places, events = [], [], []
    for number in numbers:
        at = first + timedelta(seconds=(number * 7919) % (DAYS * 86_400))
        names = dict.fromkeys(("email", "email_ascii", "email_key"), address_of(number))
        person = {"id": number, "chain_id": new_public_id(), "chain_salt": new_public_id(), "created_at": at, **names}
        people.append(person)
        confirmed_at = at + timedelta(minutes=3)
        places.append(
            {"id": number, "newsletter_id": newsletter_id, "subscriber_id": number, "language": "fr",
             "status": SubscriptionStatus.CONFIRMED, "confirmation_id": new_public_id(), "requested_at": at,
             "confirmed_at": confirmed_at}
        )  # fmt: skip
        shown = (wording_id, policy_id)
        acts = [
            Act(ConsentKind.REQUESTED, ConsentMethod.FORM, at, "fr", *shown, form_url="https://news.example.org/fr/"),
            Act(ConsentKind.CONFIRMED, ConsentMethod.CONFIRM_PAGE, confirmed_at, "fr", *shown),
        ]
        if number % 2:
            acts.append(Act(ConsentKind.LANGUAGE_CHANGED, ConsentMethod.PREFERENCES, at + DAY, "fr"))
        events += chained(person, newsletter_id, number, acts)
    for table, rows in ((Subscriber, people), (Subscription, places), (ConsentEvent, events)):
        session.execute(sa.insert(table), rows)


def chained(person: Row, newsletter_id: int, subscription_id: int, acts: list[Act]) -> Iterator[Row]:
    """Yield the rows of a chain."""
    previous = ""
    named = address_hash(str(person["chain_salt"]), str(person["email_key"]))
    for seq, act in enumerate(acts, start=1):
        said: Row = {
            "chain_id": person["chain_id"], "seq": seq, "previous_hash": previous, "newsletter_id": newsletter_id,
            "kind": act.kind, "method": act.method, "at": act.at, "language": act.language,
            "wording_id": act.wording_id, "policy_id": act.policy_id, "form_url": act.form_url, "actor": None,
            "detail": None, "address_hash": named,
        }  # fmt: skip
        previous = said_hash(list(said.values()))
        yield {**said, "hash": previous, "subscription_id": subscription_id}


def append(product: Product) -> float:
    """Add an event to each of some chains, in one transaction; return the seconds that the ledger itself took."""
    with product.database.transaction() as session:
        places = session.scalars(
            sa.select(Subscription)
            .options(joinedload(Subscription.subscriber))
            .order_by(Subscription.id)
            .limit(APPENDED)
        ).all()
        begun = time.monotonic()
        for place in places:
            record_act(session, place, Act(ConsentKind.LANGUAGE_CHANGED, ConsentMethod.PREFERENCES, now(), "fr"))
        session.flush()
        return time.monotonic() - begun


def verify(environment: Mapping[str, str]) -> tuple[float, float]:
    """Run the command; return its seconds and the most memory it had, in MB. Raises BenchFailed where it finds any."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "flask", "consents", "verify"]
    running = subprocess.Popen(command, cwd=ROOT, env=environment)
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise BenchFailed(f"verification ended with {running.returncode}")
    return time.monotonic() - begun, usage.ru_maxrss / 1024


def as_markdown(figures: Figures) -> str:
    """Return the figures as a table."""
    numbers = {name: value for name, value in figures.items() if isinstance(value, (int, float))}
    events, seconds = numbers["events"], numbers["verify_s"]
    rows = [
        ("adding an event to a chain that is there", f"{numbers['appends_per_s']:,.0f} a second"),
        (f"the seal of a day with {events / (DAYS + 1):,.0f} events", f"{numbers['seal_s']:.1f} s"),
        (f"verifying {events:,.0f} events and {numbers['seals']} seals",
         f"{seconds:,.0f} s: {events / seconds:,.0f} events a second, {numbers['verify_memory_mb']:,.0f} MB"),
    ]  # fmt: skip
    machine = figures["machine"]
    head = (
        f"{numbers['readers']:,} readers on {figures['database']}. {machine_sentence(machine)} "
        f"Others were at work as well: a load of {machine['load_before']} before it began."
    )
    return f"{head}\n\n{as_table(('what', 'cost'), rows, numbers=False)}\n"
