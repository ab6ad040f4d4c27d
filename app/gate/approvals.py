"""Two people: somebody asks, somebody else agrees, and after a while in which anyone may stop it the edition starts.

An approval is of just the content that was looked at: any change of it makes the approval void.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import CursorResult, select
from sqlalchemy.orm import Session

from app.admins.models import Admin, AuditAct, AuditEntry, Role
from app.admins.signin import email_key_of
from app.delivery.queue import enqueue
from app.editions.audience import change_status
from app.editions.draft import draft, fingerprint
from app.editions.events import record_event
from app.editions.models import Edition, EditionItem, EditionStatus
from app.editions.records import EditionAct
from app.errors import ApprovalRefused, EditionChanged, InputRefused, TransitionRefused
from app.gate.holding import drop_hold
from app.gate.looking import Look
from app.gate.models import Approval, ApprovalState
from app.gate.passing import open_gate
from app.i18n import is_line
from app.mail.address import parse_address

#: The kind of the letter that asks, and its turn: somebody waits for it.
APPROVAL = "approval"
APPROVAL_PRIORITY = 1
NOTE_MAX = 500
OPEN = (ApprovalState.ASKED, ApprovalState.APPROVED)


@dataclass(frozen=True)
class Standing:
    """How an edition stands with its second person. `is_stale`: it was changed since; `may_answer`: you may."""

    approval: Approval | None
    is_stale: bool
    may_answer: bool
    others: int

    @property
    def is_asked(self) -> bool:
        """Whether somebody's answer is awaited, for the edition as it stands."""
        return self.is_waiting and not self.is_stale

    @property
    def is_waiting(self) -> bool:
        """Whether somebody's answer is awaited, be it for an edition that was another one then."""
        return self.approval is not None and self.approval.state is ApprovalState.ASKED


def read_standing(session: Session, edition: Edition, *, admin: Admin) -> Standing:
    """Return how an edition stands, as `admin` sees it."""
    others = select(sa.func.count().label("others")).where(_may_approve(), Admin.id != admin.id).subquery()
    newest = select(sa.func.max(Approval.id)).where(Approval.edition_id == edition.id).scalar_subquery()
    row = select(Approval, others.c.others, _last_editor(edition).scalar_subquery())
    row = row.select_from(others).outerjoin(Approval, Approval.id == newest)
    approval, number, last_editor = session.execute(row).one()
    if approval is None:
        return Standing(None, False, False, number)
    is_stale = approval.state in OPEN and (
        approval.fingerprint != fingerprint(edition)
        or (approval.state is ApprovalState.APPROVED and edition.status is EditionStatus.DRAFT)
    )
    return Standing(approval, is_stale, _may_answer(approval, admin.email, last_editor), number)


def ask_approval(
    session: Session, look: Look, *, actor: str, note: str, reason: str, shown: Collection[str] = (), now: datetime
) -> Approval:
    """Ask the others for their word on a draft as it was looked at; they get a letter.

    Raises GateClosed and InputRefused as `open_gate` does, EditionChanged, and TransitionRefused where somebody asked
    for the same already, or it is no draft.
    """
    edition = _hold(session, look)
    if edition.schedule_id is not None:
        raise TransitionRefused("a digest leaves by its schedule")
    open_gate(session, look, actor=actor, reason=reason, shown=shown, now=now)
    asked = (each for each in _open_of(session, edition.id) if each.state is ApprovalState.ASKED)
    if any(each.fingerprint == look.fingerprint for each in asked):
        raise TransitionRefused("somebody has asked for approval of this already")
    end_approval(session, edition.id, ApprovalState.VOID)
    approval = Approval(
        edition_id=edition.id, fingerprint=look.fingerprint, state=ApprovalState.ASKED, asked_by=actor, asked_at=now,
        note=checked_note(note),
    )  # fmt: skip
    session.add(approval)
    record_event(
        session, edition_id=edition.id, act=EditionAct.APPROVAL_ASKED, actor=actor, note=approval.note or None, now=now
    )
    drop_hold(session, edition.id)
    _tell_others(session, edition, approval, now)
    return approval


def approve(
    session: Session,
    look: Look,
    *,
    actor: str,
    note: str,
    reason: str,
    shown: Collection[str] = (),
    undo: timedelta,
    now: datetime,
) -> Approval:
    """Agree to a draft as it was looked at: it starts by itself after `undo`.

    Raises ApprovalRefused for whoever asked or changed it last, EditionChanged, GateClosed and InputRefused as
    `open_gate` does, and TransitionRefused where nobody asked, or somebody answered already.
    """
    edition = _hold(session, look)
    approval = _asked(session, edition, actor)
    if approval.fingerprint != look.fingerprint:
        raise EditionChanged("the edition was changed since approval was asked for")
    open_gate(session, look, actor=actor, reason=reason, shown=shown, now=now)
    starts_at = now + undo
    _answer(session, approval, ApprovalState.APPROVED, actor=actor, note=note, now=now, starts_at=starts_at)
    change_status(session, edition.id, from_statuses=(EditionStatus.DRAFT,), to=EditionStatus.SCHEDULED)
    _note_answer(session, approval, EditionAct.APPROVED, now)
    return approval


def decline(session: Session, *, edition_id: int, actor: str, note: str, now: datetime) -> Approval:
    """Refuse an edition, whatever was changed of it since, with a note that says why; it stays a draft.

    Raises ApprovalRefused and TransitionRefused as `approve` does, InputRefused without a note.
    """
    edition = draft(session, edition_id)
    approval = _asked(session, edition, actor)
    if not note.strip():
        raise InputRefused("say what is to be changed")
    _answer(session, approval, ApprovalState.DECLINED, actor=actor, note=note, now=now)
    _note_answer(session, approval, EditionAct.DECLINED, now)
    return approval


def withdraw(session: Session, *, edition_id: int, actor: str, now: datetime) -> None:
    """Take back that one asked for approval. Raises ApprovalRefused for others, TransitionRefused where it is over."""
    draft(session, edition_id)
    approval = _waiting(session, edition_id)
    if approval.asked_by.lower() != actor.lower():
        raise ApprovalRefused("somebody else asked for this approval")
    end_approval(session, edition_id, ApprovalState.VOID)
    record_event(session, edition_id=edition_id, act=EditionAct.APPROVAL_WITHDRAWN, actor=actor, now=now)


def stop_scheduled(session: Session, *, edition_id: int, actor: str, now: datetime) -> None:
    """Stop an edition that waits to start: it is a draft again. Raises TransitionRefused where it has started."""
    change_status(session, edition_id, from_statuses=(EditionStatus.SCHEDULED,), to=EditionStatus.DRAFT)
    end_approval(session, edition_id, ApprovalState.STOPPED)
    record_event(session, edition_id=edition_id, act=EditionAct.STOPPED, actor=actor, now=now)


def end_approval(session: Session, edition_id: int, state: ApprovalState) -> None:
    """End the approval of an edition, or what was asked for it, if that is open, as `state` says."""
    session.execute(
        sa.update(Approval)
        .where(Approval.edition_id == edition_id, Approval.state.in_(OPEN))
        .values(state=state)
        .execution_options(synchronize_session="fetch")
    )


def hold_approved(session: Session, approval: Approval) -> None:
    """Hold the edition of an approval, so that nobody stops it meanwhile.

    Raises TransitionRefused where the approval counts no longer: its edition may be scheduled by another one.
    """
    session.execute(select(Edition.id).where(Edition.id == approval.edition_id).with_for_update(key_share=True))
    state = session.scalar(select(Approval.state).where(Approval.id == approval.id))
    if state is not ApprovalState.APPROVED:
        raise TransitionRefused("it was stopped since it was approved")


def void_scheduled(session: Session, *, edition_id: int, now: datetime) -> None:
    """Make a scheduled edition a draft again that is no longer what was approved. Raises TransitionRefused."""
    change_status(session, edition_id, from_statuses=(EditionStatus.SCHEDULED,), to=EditionStatus.DRAFT)
    end_approval(session, edition_id, ApprovalState.VOID)
    record_event(session, edition_id=edition_id, act=EditionAct.APPROVAL_VOIDED, actor=None, now=now)


def due_approvals(session: Session, now: datetime) -> Sequence[Approval]:
    """Return what was approved and is to start by now."""
    due = select(Approval).join(Edition, Edition.id == Approval.edition_id)
    due = due.where(Approval.state == ApprovalState.APPROVED, Edition.status == EditionStatus.SCHEDULED)
    return session.scalars(due.where(Approval.starts_at <= now).order_by(Approval.starts_at)).all()


def checked_note(note: str) -> str:
    """Return a note as it is kept. Raises InputRefused for one that is too long."""
    note = "\n".join("".join(filter(is_line, line)).rstrip() for line in note.strip().splitlines())
    if len(note) > NOTE_MAX:
        raise InputRefused(f"a note has up to {NOTE_MAX} characters")
    return note


def _hold(session: Session, look: Look) -> Edition:
    """Return the draft, held, if it is still what was looked at."""
    edition = draft(session, look.edition.id)
    if fingerprint(edition) != look.fingerprint:
        raise EditionChanged("the edition was changed in the meantime; look at it again")
    return edition


def _asked(session: Session, edition: Edition, actor: str) -> Approval:
    approval = _waiting(session, edition.id)
    if not _may_answer(approval, actor, session.scalar(_last_editor(edition))):
        raise ApprovalRefused("whoever asked for approval, or changed the edition last, cannot give it")
    return approval


def _waiting(session: Session, edition_id: int) -> Approval:
    approval = next(iter(_open_of(session, edition_id)), None)
    if approval is None or approval.state is not ApprovalState.ASKED:
        raise TransitionRefused("nobody waits for approval of this edition")
    return approval


def _open_of(session: Session, edition_id: int) -> Sequence[Approval]:
    query = select(Approval).where(Approval.edition_id == edition_id, Approval.state.in_(OPEN))
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _may_answer(approval: Approval, email: str, last_editor: str | None) -> bool:
    """Return whether somebody is neither who asked nor who changed the edition last."""
    return email.lower() not in {approval.asked_by.lower(), (last_editor or "").lower()}


def _last_editor(edition: Edition) -> sa.Select[str]:
    """Select who changed an edition last, or the text of an article that it shows, as the audit log has it."""
    shown = {article_id for item in edition.items for article_id in (item.article_id, *_named_beside(item))}
    changes = select(AuditEntry.actor).where(
        AuditEntry.target.in_([f"edition:{edition.id}", *(f"article:{article_id}" for article_id in sorted(shown))]),
        AuditEntry.act.in_((AuditAct.EDITION_CHANGED, AuditAct.ARTICLE_REVISED)),
        AuditEntry.at >= edition.created_at,
    )
    return changes.order_by(AuditEntry.id.desc()).limit(1)


def _named_beside(item: EditionItem) -> list[int]:
    return [other.article_id for other in item.also]


def _answer(
    session: Session,
    approval: Approval,
    state: ApprovalState,
    *,
    actor: str,
    note: str,
    now: datetime,
    starts_at: datetime | None = None,
) -> None:
    """Write an answer in one guarded statement, so that of two at once only one counts."""
    changed = session.execute(
        sa.update(Approval)
        .where(Approval.id == approval.id, Approval.state == ApprovalState.ASKED)
        .values(state=state, answered_by=actor, answered_at=now, answer_note=checked_note(note), starts_at=starts_at)
        .execution_options(synchronize_session="fetch")
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise TransitionRefused("somebody has answered already")


def _note_answer(session: Session, approval: Approval, act: EditionAct, now: datetime) -> None:
    record_event(
        session, edition_id=approval.edition_id, act=act, actor=approval.answered_by, note=approval.answer_note or None,
        now=now,
    )  # fmt: skip


def _may_approve() -> sa.ColumnElement[bool]:
    """Return the condition that an admin may send, and so approve, editions."""
    return Admin.role.in_(Role.PUBLISHER.and_above)


def _tell_others(session: Session, edition: Edition, approval: Approval, now: datetime) -> None:
    session.flush()
    others = Admin.email_key != email_key_of(approval.asked_by)
    for admin in session.scalars(select(Admin).where(_may_approve(), others)):
        enqueue(
            session,
            kind=APPROVAL,
            language=admin.language,
            newsletter_id=edition.newsletter_id,
            address=parse_address(admin.email).ascii,
            reference=str(approval.id),
            priority=APPROVAL_PRIORITY,
            now=now,
        )
