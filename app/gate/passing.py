"""Through the gate: an edition that was looked at starts, where nothing fails or somebody answers for what does."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from app.delivery.queue import Announce, announce_nothing
from app.editions.audience import start_edition
from app.editions.events import record_event
from app.editions.records import EditionAct
from app.errors import GateClosed, ReasonRefused
from app.gate.findings import What
from app.gate.holding import drop_hold
from app.gate.identity import keep_baseline
from app.gate.looking import Look
from app.gate.models import Override
from config import Config

#: A reason of fewer characters is none.
REASON_MIN, REASON_MAX = 10, 500


def start_passed(
    session: Session, look: Look, *, actor: str, config: Config, now: datetime, announce: Announce = announce_nothing
) -> int:
    """Start an edition that passed, and keep what the next one is compared with. Raises as `start_edition` does."""
    if look.letter is None:
        raise GateClosed(look.failures)
    copies = start_edition(session, letter=look.letter, actor=actor, now=now, announce=announce)
    keep_baseline(session, letter=look.letter, readers=copies, config=config)
    drop_hold(session, look.edition.id)
    return copies


def open_gate(
    session: Session, look: Look, *, actor: str, reason: str, shown: Collection[str] = (), now: datetime
) -> frozenset[What]:
    """Let an edition pass as it was looked at; return the failures that `reason` answers for, none where none blocks.

    A reason answers for the failures that were `shown` to who gave it, by name. Raises GateClosed where others block as
    well, which may have been found since, or no reason is given or helps, ReasonRefused for one that says nothing.
    """
    if look.is_impossible or (look.blocking and not reason.strip()) or not look.blocking.issubset(shown):
        raise GateClosed(look.blocking or look.failures)
    if not look.blocking:
        return frozenset()
    reason = checked_reason(reason)
    names = " ".join(sorted(look.blocking))
    session.add(
        Override(
            edition_id=look.edition.id, fingerprint=look.fingerprint, failures=names, reason=reason, by=actor, at=now
        )
    )
    record_event(
        session, edition_id=look.edition.id, act=EditionAct.OVERRIDDEN, actor=actor, note=f"{names}: {reason}"[:500],
        now=now,
    )  # fmt: skip
    return look.blocking


def checked_reason(reason: str) -> str:
    """Return a reason on one line. Raises ReasonRefused where it says nothing, or too much."""
    reason = " ".join("".join(filter(lambda sign: sign.isprintable() or sign.isspace(), reason)).split())
    if not REASON_MIN <= len(reason) <= REASON_MAX:
        raise ReasonRefused(f"a reason has {REASON_MIN} to {REASON_MAX} characters")
    return reason
