"""What did not pass and should have left by itself: kept back, told on the desk's first page, looked at again."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.editions.events import record_event
from app.editions.records import EditionAct
from app.editions.typeset import Parts
from app.gate.findings import Finding, What, failures
from app.gate.letter import check_contents, check_parts
from app.gate.looking import Look
from app.gate.models import Hold
from config import Config

log = logging.getLogger(__name__)

#: An edition that nobody changed is looked at again after this time: an address may answer by then, or DNS.
LOOK_AGAIN_AFTER = timedelta(minutes=1)


def wanting_of_digest(look: Look, variants: Sequence[Parts], config: Config) -> frozenset[What]:
    """Return what keeps a digest of a schedule back: what fails of it, or of the parts of one of its variants.

    All are set from one template, so that the first stands for the looks of thousands. Whom the digest goes to is for
    its plan to say: it may be empty itself, or for nobody, and its variants not.
    """
    found = {what for parts in variants[:1] for what in failures(check_parts(parts.html, parts.text, config))}
    found |= {what for parts in variants[1:] for what in failures(check_contents(parts.html, parts.text, config))}
    return look.not_passed(look.failures | found) - {What.EMPTY, What.NOBODY}


def read_hold(session: Session, edition_id: int) -> Hold | None:
    """Return why an edition is kept back, or None where it is not."""
    return session.get(Hold, edition_id)


def with_held(look: Look, hold: Hold | None) -> Look:
    """Return a look with what the last one found of the variants, as well: they are planned anew for each start."""
    if hold is None or hold.fingerprint != look.fingerprint:
        return look
    names = set(hold.failures.split()) - {what.value for what in look.failures}
    return replace(look, findings=(*look.findings, *(Finding(what) for what in What if what.value in names)))


def drop_hold(session: Session, edition_id: int) -> None:
    """Forget that an edition was held."""
    hold = session.get(Hold, edition_id)
    if hold is not None:
        session.delete(hold)


def hold_edition_back(
    session: Session, edition_id: int, fingerprint: str, failures: Iterable[str], *, now: datetime
) -> None:
    """Note that an edition is kept back, and for what; the first time for the same content is an event and an alarm."""
    names = " ".join(sorted(failures))
    hold = session.get(Hold, edition_id)
    if hold is not None and (hold.fingerprint, hold.failures) == (fingerprint, names):
        hold.looked_at = now
        session.flush()
        return
    if hold is None:
        hold = Hold(edition_id=edition_id, since=now)
        session.add(hold)
    hold.fingerprint, hold.failures, hold.looked_at = fingerprint, names, now
    record_event(session, edition_id=edition_id, act=EditionAct.HELD, actor=None, note=names or None, now=now)
    log.error("edition %d is held back: %s", edition_id, names or "it was changed after its approval")


def is_looked_at(session: Session, edition_id: int, fingerprint: str, *, now: datetime) -> bool:
    """Return whether an edition was found wanting, as it stands, a moment ago."""
    hold = session.get(Hold, edition_id)
    return hold is not None and hold.fingerprint == fingerprint and hold.looked_at > now - LOOK_AGAIN_AFTER
