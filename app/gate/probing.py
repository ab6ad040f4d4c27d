"""What was found by asking the network, kept in rows: pages read it and never wait for a stranger's server."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.gate.findings import Finding, What
from app.gate.models import Probe

#: Rows older than this are of no use: nobody looks at that edition any more.
KEPT = timedelta(days=14)


class ProbeKind(StrEnum):
    """Whom a probe asks."""

    LINKS = "links"
    SENDER = "sender"
    SPAM = "spam"


#: The kind of a row that says when somebody wanted a subject looked at anew.
_ASKED = "asked"


@dataclass(frozen=True)
class Probed:
    """What a probe found, and when; it counts until the next one, which somebody may have asked for since."""

    at: datetime
    findings: tuple[Finding, ...]
    is_asked_anew: bool


def edition_subject(edition_id: int, fingerprint: str) -> str:
    """Return what names an edition, as it stands, in probes."""
    return f"edition:{edition_id}:{fingerprint}"


def read_probes(session: Session, subjects: Iterable[str]) -> Mapping[ProbeKind, Probed]:
    """Return what is known of some subjects, by kind."""
    rows = session.scalars(select(Probe).where(Probe.subject.in_(list(subjects)))).all()
    asked = {row.subject: row.at for row in rows if row.kind == _ASKED}
    return {
        ProbeKind(row.kind): Probed(row.at, read_findings(row.findings), row.at < asked.get(row.subject, row.at))
        for row in rows
        if row.kind != _ASKED
    }


def keep_probe(session: Session, kind: ProbeKind, subject: str, findings: Sequence[Finding], *, now: datetime) -> None:
    """Keep what a probe found, in place of what it found before."""
    _keep(session, kind.value, subject, write_findings(findings), now)


def ask_anew(session: Session, subjects: Iterable[str], *, now: datetime) -> None:
    """Have some subjects looked at anew; what was found of them stands until then, so that nothing slips through."""
    for subject in subjects:
        _keep(session, _ASKED, subject, write_findings(()), now)


def read_asked(session: Session, *, since: datetime, limit: int) -> set[int]:
    """Return the editions that somebody wanted looked at anew, the last ones."""
    asked = select(Probe.subject).where(Probe.kind == _ASKED, Probe.at > since, Probe.subject.startswith("edition:"))
    return {int(subject.split(":")[1]) for subject in session.scalars(asked.order_by(Probe.at.desc()).limit(limit))}


def drop_old_probes(session: Session, *, now: datetime) -> None:
    """Delete what is of no use any more."""
    session.execute(sa.delete(Probe).where(Probe.at < now - KEPT))


def _keep(session: Session, kind: str, subject: str, findings: str, now: datetime) -> None:
    values = {"at": now, "findings": findings}
    insert = insert_into(session, Probe).values(kind=kind, subject=subject, **values)
    session.execute(insert.on_conflict_do_update(index_elements=["kind", "subject"], set_=values))


def write_findings(findings: Sequence[Finding]) -> str:
    """Return findings as a row keeps them."""
    rows = [[each.what.value, each.where, each.measured, *each.names] for each in findings]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def read_findings(text: str) -> tuple[Finding, ...]:
    """Return findings as they were kept; what an older version found under a name that is gone is left out."""
    known = {what.value: what for what in What}
    rows = (row for row in json.loads(text) if row[0] in known)
    return tuple(Finding(known[row[0]], row[1], row[2], tuple(row[3:])) for row in rows)
