"""The gate of extras, which leave at once: their letter is looked at as it was set. Nobody is asked meanwhile; of what
the network has to tell, that counts which was seen last: DNS of the sender, and pages that were gone for a draft.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.editions.models import Edition
from app.editions.typeset import Parts
from app.gate.background import FRESH
from app.gate.findings import Finding, Level, What
from app.gate.form import links_of
from app.gate.identity import check_identity
from app.gate.letter import check_message
from app.gate.markup import parse_markup
from app.gate.models import Baseline, Probe
from app.gate.probing import ProbeKind, read_findings, read_probes
from app.gate.specimen import write_specimen
from app.links import Links
from app.newsletters.models import Newsletter
from config import Config


def check_extra(
    session: Session, edition: Edition, newsletter: Newsletter, parts: Parts, *, config: Config, links: Links,
    now: datetime,
) -> tuple[Finding, ...]:  # fmt: skip
    """Return what keeps an extra back whose letter is set; `edition` is no row. Asks nobody, and stores nothing."""
    raw = write_specimen(edition, newsletter, parts, config=config, links=links, now=now)
    found = [*check_message(raw, config), *_seen_of_sender(session, newsletter, config)]
    found += _seen_gone(session, parts, now)
    return tuple(dict.fromkeys(finding for finding in found if finding.level is Level.FAILURE))


def _seen_of_sender(session: Session, newsletter: Newsletter, config: Config) -> Iterator[Finding]:
    probed = read_probes(session, [config.mail.sender_domain]).get(ProbeKind.SENDER)
    yield from probed.findings if probed else ()
    started = select(Baseline).join(Edition, Edition.id == Baseline.edition_id)
    started = started.where(Edition.newsletter_id == newsletter.id).order_by(Baseline.edition_id.desc())
    last = session.scalar(started.limit(1))
    yield from check_identity(last, newsletter, config) if last else ()


def _seen_gone(session: Session, parts: Parts, now: datetime) -> Iterator[Finding]:
    """Yield the links of a letter whose pages were gone when the drafts of the last hours were looked at."""
    addresses = set(links_of(parse_markup(parts.html)))
    lately = select(Probe.findings).where(Probe.kind == ProbeKind.LINKS.value, Probe.at > now - FRESH[ProbeKind.LINKS])
    for kept in session.scalars(lately):
        yield from (each for each in read_findings(kept) if each.what is What.LINK_DEAD and each.where in addresses)
