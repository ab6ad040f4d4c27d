"""The gate's questions to the network, asked between transactions for the editions that somebody may soon send."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.fetch import FetchLimits, ask
from app.db import Database
from app.editions.compose import Manuscript, read_manuscript, set_letter
from app.editions.draft import fingerprint
from app.editions.models import UNSENT, Edition, whole_editions
from app.errors import FetchRefused, InputRefused
from app.gate.findings import Finding, What
from app.gate.form import links_of
from app.gate.links import leads_home
from app.gate.markup import parse_markup
from app.gate.probing import Probed, ProbeKind, drop_old_probes, edition_subject, keep_probe, read_asked, read_probes
from app.gate.records import LiveRecords
from app.gate.sender import check_sender
from app.gate.spam import check_spam
from app.gate.specimen import write_specimen
from app.links import Links
from app.settings.fetching import FetchSettings
from config import Config

log = logging.getLogger(__name__)

#: How old an answer may grow before it is asked for anew.
FRESH = {
    ProbeKind.LINKS: timedelta(hours=6),
    ProbeKind.SPAM: timedelta(hours=6),
    ProbeKind.SENDER: timedelta(hours=1),
}
#: Drafts that are looked after: the newest, of the last days, and those that somebody asked about lately.
DRAFTS, DRAFTS_SINCE, ASKED_SINCE = 10, timedelta(days=7), timedelta(hours=1)
LINKS_MAX, AT_ONCE = 100, 8
LINK_LIMIT_S = 10.0
#: What tells that a page is gone; other refusals may be meant for machines only.
GONE = frozenset({404, 410})


@dataclass(frozen=True)
class Waiting:
    """An edition of which something is to be asked, and its subject in probes."""

    subject: str
    manuscript: Manuscript
    kinds: frozenset[ProbeKind]


def run_probes(database: Database, *, config: Config, links: Links, now: datetime) -> int:
    """Ask what is not known yet, or was asked too long ago; return how many answers were kept."""
    kept = 0
    if config.gate.checks_dns and _is_sender_due(database, config, now):
        kept += _keep(database, ProbeKind.SENDER, config.mail.sender_domain, check_sender(config, LiveRecords()), now)
    with database.reading() as session:
        waiting = _waiting(session, config, now)
    for each in waiting:
        for kind, findings in _answers(each, config=config, links=links, now=now):
            kept += _keep(database, kind, each.subject, findings, now)
    return kept


def open_links(addresses: Sequence[str], settings: FetchSettings) -> tuple[Finding, ...]:
    """Return which pages are not there, or could not be looked at. Opens them, from the open internet only."""
    limits = FetchLimits(settings.allowed_inward, settings.contact, total_s=LINK_LIMIT_S)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda address: _open(address, limits), addresses)
        return tuple(finding for finding in answers if finding is not None)


def _open(address: str, limits: FetchLimits) -> Finding | None:
    try:
        status = ask(address, limits=limits)
    except FetchRefused as refusal:
        return Finding(What.LINK_SILENT, address, str(refusal))
    if status in GONE:
        return Finding(What.LINK_DEAD, address, str(status))
    return Finding(What.LINK_SILENT, address, str(status)) if status >= 400 else None


def _waiting(session: Session, config: Config, now: datetime) -> list[Waiting]:
    wanted = frozenset(
        [ProbeKind.LINKS] * config.gate.checks_links
        + [ProbeKind.SPAM] * bool(config.gate.spamd or config.gate.rspamd_url)
    )
    found = []
    for edition in _looked_after(session, now) if wanted else ():
        subject = edition_subject(edition.id, fingerprint(edition))
        known = read_probes(session, [subject])
        kinds = frozenset(kind for kind in wanted if _is_due(kind, known.get(kind), now))
        if kinds and edition.items:
            try:
                manuscript = read_manuscript(session, edition_id=edition.id, now=now)
            except InputRefused as refusal:
                log.info("edition %d is not probed: %s", edition.id, refusal)  # the gate says why
            else:
                found.append(Waiting(subject, manuscript, kinds))
    return found


def _looked_after(session: Session, now: datetime) -> Sequence[Edition]:
    unsent = select(Edition.id).where(Edition.status.in_(UNSENT))
    newest = unsent.where(Edition.created_at > now - DRAFTS_SINCE).order_by(Edition.id.desc()).limit(DRAFTS)
    asked = unsent.where(Edition.id.in_(read_asked(session, since=now - ASKED_SINCE, limit=DRAFTS)))
    ids = {*session.scalars(newest), *session.scalars(asked)}
    return session.scalars(whole_editions().where(Edition.id.in_(ids)).order_by(Edition.id.desc())).all()


def _is_due(kind: ProbeKind, known: Probed | None, now: datetime) -> bool:
    return known is None or known.is_asked_anew or known.at <= now - FRESH[kind]


def _answers(
    waiting: Waiting, *, config: Config, links: Links, now: datetime
) -> Iterator[tuple[ProbeKind, tuple[Finding, ...]]]:
    edition, newsletter = waiting.manuscript.edition, waiting.manuscript.newsletter
    try:
        letter = set_letter(waiting.manuscript, config=config, links=links, now=now)
        raw = write_specimen(edition, newsletter, letter.parts, config=config, links=links, now=now)
    except InputRefused as refusal:
        log.info("edition %d is not probed: %s", edition.id, refusal)
        return
    if ProbeKind.LINKS in waiting.kinds:
        yield ProbeKind.LINKS, open_links(_outward(letter.parts.html, config), config.fetch)
    if ProbeKind.SPAM in waiting.kinds:
        yield ProbeKind.SPAM, check_spam(raw, config.gate)


def _outward(html: str, config: Config) -> list[str]:
    """Return the web addresses that a letter links to, our own left out."""
    addresses = dict.fromkeys(links_of(parse_markup(html)))
    web = (address for address in addresses if address.startswith(("https://", "http://")))
    return [address for address in web if not leads_home(address, config.public_url)][:LINKS_MAX]


def _is_sender_due(database: Database, config: Config, now: datetime) -> bool:
    with database.reading() as session:
        known = read_probes(session, [config.mail.sender_domain]).get(ProbeKind.SENDER)
    return _is_due(ProbeKind.SENDER, known, now)


def _keep(database: Database, kind: ProbeKind, subject: str, findings: Sequence[Finding], now: datetime) -> int:
    with database.transaction() as session:
        keep_probe(session, kind, subject, findings, now=now)
        drop_old_probes(session, now=now)
    return 1
