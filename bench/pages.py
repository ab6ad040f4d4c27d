"""The pages that bench/desk.py measures: the rows they stand on, how long each takes, and the table of it."""

import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from app import create_app
from app.admins import signin
from app.admins.models import Admin, Role
from app.clock import now
from app.delivery.models import Chunk, Delivery, DeliveryState, Failures
from app.editions.compile import compile_edition
from app.editions.copies import EDITION
from app.editions.lines import Schedule
from app.editions.models import Edition, EditionContent, EditionStatus
from app.editions.outcomes import count_outcomes
from app.editions.warm_up import plan_warm_up
from app.jobs.schedule import (
    count_copies,
    count_places,
    count_readers,
    count_warming_readers,
    group_articles,
    renew_consents,
)
from app.newsletters.models import Newsletter
from app.product import Product
from app.readership.models import ReadershipCursor
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from bench import newsroom, parts
from bench.markdown import as_table, machine_sentence
from bench.processes import BenchFailed, say
from config import Config

#: Asked for unmeasured, then measured.
FIRST, MEASURED = 2, 20
#: Copies of one chunk, as the product makes them.
COPIES = 500
#: Of so many copies one was refused.
REFUSED_EVERY = 97
EMAIL, PASSWORD = "ada@desk.example", "lanterne plouf orage 7"
#: Pages that are no pages, or that open only by a link of their own.
LEFT_OUT = frozenset({"admin.sign_in", "admin.sign_in_link"})
#: What a route says of a place in it but its name.
_PLACE = re.compile(r"<(?:[^<>]*:)?(\w+)>")


@dataclass(frozen=True)
class Page:
    """How long a page took, in milliseconds of the server's own time, and what it answered."""

    route: str
    status: int
    median_ms: float
    p95_ms: float


def fill(url: str, folder: Path, readers: int, deliveries: int) -> float:
    """Make readers and deliveries, let the jobs count them, and return how many seconds these took."""
    parts.fill(url, folder, readers)
    with newsroom.opened(newsroom.settings(folder, url)) as product:
        queued = number = 0
        while queued < deliveries:
            language = newsroom.LANGUAGES[number % len(newsroom.LANGUAGES)]
            with product.database.transaction() as session:
                copies = add_edition(session, language, is_last=False)
            if not copies:
                raise BenchFailed("the edition has no readers")
            queued, number = queued + copies, number + 1
        with product.database.transaction() as session:
            add_edition(session, newsroom.LANGUAGES[0], is_last=True)
            _add_draft(session)
            _add_admin(session)
            plan_warm_up(session, newsletter_id=_newsletter_id(session), starts_on=now().date(), now=now())
        say("counting")
        begun = time.monotonic()
        group_articles(product)
        count_copies(product)
        renew_consents(product)
        count_places(product)
        count_warming_readers(product)
        while _is_uncounted(product):
            count_readers(product)
        return time.monotonic() - begun


def _is_uncounted(product: Product) -> bool:
    """Return whether some events are not counted yet; all are old enough."""
    with product.database.reading() as session:
        counted = session.scalar(sa.select(sa.func.min(ReadershipCursor.event_id))) or 0
        return counted < (session.scalar(sa.select(sa.func.max(ConsentEvent.id))) or 0)


def add_edition(session: Session, language: str, *, is_last: bool) -> int:
    """Add an edition to all readers of a language, its copies settled or, of the last one, waiting; return how many."""
    newsletter_id = _newsletter_id(session)
    at = now() - timedelta(hours=1)
    edition = Edition(
        newsletter_id=newsletter_id, language=language, status=EditionStatus.SENDING if is_last else EditionStatus.SENT,
        subject=f"The week in {language}", preheader="What was seen", since=at - timedelta(days=1), until=at,
        created_at=at, started_at=at, started_by=EMAIL, finished_at=None if is_last else now(), filed_at=at,
    )  # fmt: skip
    edition.content = EditionContent(subject=edition.subject, html="<p>…</p>", text="…")
    session.add(edition)
    session.flush()
    audience = sa.select(sa.func.count()).select_from(Subscription).where(Subscription.language == language)
    copies = session.scalar(audience) or 0
    due = at + timedelta(days=1) if is_last else None
    chunks = [
        {"kind": EDITION, "priority": 5, "edition_id": edition.id, "number": number, "newsletter_id": newsletter_id,
         "language": language, "created_at": at, "next_attempt_at": due, "copies": COPIES,
         "failures": Failures(0) if is_last else Failures.REJECTED}
        for number in range(-(-copies // COPIES))
    ]  # fmt: skip
    session.execute(sa.insert(Chunk), chunks)
    first = session.scalar(sa.select(sa.func.min(Chunk.id)).where(Chunk.edition_id == edition.id))
    session.execute(_copies(edition.id, language, first or 0, is_last=is_last))
    count_outcomes(session, edition_id=edition.id)
    return copies


def _copies(edition_id: int, language: str, first_chunk: int, *, is_last: bool) -> sa.Insert:
    """Have the database write the copies of an edition by itself."""
    delivery, reader = Delivery.__table__.c, Subscription.__table__.c
    place = sa.func.row_number().over(order_by=reader.subscriber_id) - 1
    states = {name: sa.literal(DeliveryState(name), delivery.state.type) for name in ("queued", "accepted", "rejected")}
    ended = sa.case((reader.subscriber_id % REFUSED_EVERY == 0, states["rejected"]), else_=states["accepted"])
    values = {
        "chunk_id": first_chunk + place // COPIES,
        "subscriber_id": reader.subscriber_id,
        "edition_id": sa.literal(edition_id),
        "attempt": sa.literal(0 if is_last else 1),
        "is_repeatable": sa.true(),
        "state": states["queued"] if is_last else ended,
        "settled_at": sa.cast(
            sa.null() if is_last else sa.literal(now(), delivery.settled_at.type), delivery.settled_at.type
        ),
        "reply_code": sa.cast(sa.null() if is_last else sa.literal(250), delivery.reply_code.type),
    }
    rows = sa.select(*(value.label(name) for name, value in values.items())).where(reader.language == language)
    return sa.insert(Delivery.__table__).from_select(list(values), rows)


def _add_draft(session: Session) -> None:
    """Add an edition that is to go to the readers of one language, as an editor has it before the gate."""
    at, newsletter = now(), session.scalars(sa.select(Newsletter)).one()
    compile_edition(
        session, newsletter=newsletter, language=newsroom.LANGUAGES[0], until=at, now=at,
        limit=newsroom.ARTICLES_IN_LETTER,
    )  # fmt: skip


def _newsletter_id(session: Session) -> int:
    return session.scalars(sa.select(Newsletter.id)).one()


def _add_admin(session: Session) -> None:
    admin = signin.create_admin(session, email=EMAIL, language="fr", role=Role.ADMIN, now=now())
    signin.set_password(session, admin=admin, password=PASSWORD, kept_secret=None, now=now())


def measure(url: str, folder: Path) -> list[Page]:
    """Ask for every page of the desk, as an admin who has signed in; the slowest first."""
    # The admin of the bench has no second factor, without which the desk would show nothing else.
    app = create_app(Config.from_env({**newsroom.settings(folder, url), "REQUIRE_SECOND_FACTOR": "false"}))
    product: Product = app.extensions["vigie"]
    client = app.test_client()
    base_url = product.config.public_url
    answer = client.post("/admin/sign-in", data={"email": EMAIL, "password": PASSWORD}, base_url=base_url)
    if answer.status_code != 303:
        raise BenchFailed(f"the desk let nobody in: {answer.status}")
    pages = [_timed(client, base_url, route, address) for route, address in addresses(app, product)]
    product.database.dispose()
    return sorted(pages, key=lambda page: -page.median_ms)


def addresses(app: Flask, product: Product) -> Iterator[tuple[str, str]]:
    """Yield the route of each page of the desk, and an address of it, that can be built from what is there.

    Pages of an edition come for one in each status.
    """
    with product.database.reading() as session:
        values = _values(session)
        editions = dict(
            session.execute(sa.select(Edition.status, sa.func.max(Edition.id)).group_by(Edition.status)).all()
        )
    with app.test_request_context():
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
            is_page = rule.endpoint.startswith("admin.") and "GET" in (rule.methods or ())
            if not is_page or rule.endpoint in LEFT_OUT or not rule.arguments <= {*values, "edition_id"}:
                continue
            if "edition_id" not in rule.arguments:
                yield _PLACE.sub(r"<\1>", rule.rule), _built(rule, values)
                continue
            for status, edition_id in editions.items():
                name = _PLACE.sub(lambda found, status=status: _named(found[1], status), rule.rule)
                yield name, _built(rule, {**values, "edition_id": edition_id})


def _values(session: Session) -> dict[str, object]:
    """Return what stands in addresses, save for editions."""
    return {
        "public_id": session.scalar(sa.select(Subscriber.public_id).order_by(Subscriber.id).limit(1)),
        "newsletter_id": _newsletter_id(session),
        "schedule_id": session.scalar(sa.select(sa.func.min(Schedule.id))),
        "admin_id": session.scalar(sa.select(sa.func.min(Admin.id))),
        "article_id": 1,
        "story_id": 1,
        "source_id": 1,
        "which": "uncertain",
        "text_kind": "policy",
        "text_language": "fr",
        "version": 1,
    }


def _named(place: str, status: EditionStatus) -> str:
    return f"<{status.value}>" if place == "edition_id" else f"<{place}>"


def _built(rule: Rule, values: Mapping[str, object]) -> str:
    built = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
    if built is None:
        raise BenchFailed(f"no address of {rule.rule}")
    return built[1]


def _timed(client: FlaskClient, base_url: str, route: str, address: str) -> Page:
    took_ms: list[float] = []
    status = 0
    for _ in range(FIRST + MEASURED):
        begun = time.perf_counter()
        answer = client.get(address, base_url=base_url)
        took_ms.append((time.perf_counter() - begun) * 1000)
        status = answer.status_code
        answer.close()
    measured = sorted(took_ms[FIRST:])
    return Page(route, status, statistics.median(measured), measured[-(-len(measured) * 95 // 100) - 1])


def as_markdown(figures: Mapping[str, object]) -> str:
    """Return the table of pages, and a line that says where and on what this was measured."""
    machine, pages = figures["machine"], figures["pages"]
    assert isinstance(machine, Mapping)
    assert isinstance(pages, Sequence)
    rows = [
        [f"`{page['route']}`", str(page["status"]), f"{page['median_ms']:.0f}", f"{page['p95_ms']:.0f}"]
        for page in pages
    ]
    said = (
        f"{figures['readers']:,} readers, {figures['deliveries']:,} deliveries of editions that were sent, and one "
        f"edition on its way. The jobs took {figures['counting_s']} s to count all of it for the first time. "
        f"{machine_sentence(machine)}"
    )
    return f"{said}\n\n{as_table(('page', 'status', 'median ms', 'p95 ms'), rows)}\n"
