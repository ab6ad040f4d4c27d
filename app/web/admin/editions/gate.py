"""The gate's page: all that is looked at before an edition leaves, and the roads that lead through."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from flask import render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.delivery.warm_ups import letters_left
from app.digests.schedule import is_too_late
from app.editions.draft import draft, fingerprint
from app.editions.models import Edition
from app.errors import ApprovalRefused, EditionChanged, GateClosed, InputRefused, ReasonRefused, TransitionRefused
from app.gate.approvals import approve, ask_approval, decline, read_standing, stop_scheduled, withdraw
from app.gate.findings import Level
from app.gate.holding import read_hold, with_held
from app.gate.looking import Look, look_at, read_sight
from app.gate.passing import open_gate
from app.gate.probing import ask_anew, edition_subject
from app.gate.starting import start_looked_at
from app.gate.support import table_source
from app.gate.unsettable import in_words
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import desk_language, may, needs, require
from app.web.admin.acts import note_act, shown_failures
from app.web.admin.editions.drafts import OTHERS_JOINED, load_edition

Answer = tuple[str, int] | Response


@bp.get(f"{EDITION}/send")
@needs(Role.EDITOR)
def send(edition_id: int) -> Answer:
    """Show everything that is looked at, who would get it, and what the next step is."""
    return _gate_page(edition_id)


@bp.post(f"{EDITION}/send")
@needs(Role.PUBLISHER)
def send_submit(edition_id: int) -> Answer:
    """Start the run, once: a repeated press finds the edition running and shows it."""
    if "confirmed" not in request.form:
        return _gate_page(edition_id, problem="unconfirmed", status=422)

    def start(session: Session, look: Look) -> None:
        wired, actor, reason = product(), require().email, request.form.get("reason", "")
        blocking = " ".join(sorted(look.blocking))
        copies = start_looked_at(
            session, look, actor=actor, reason=reason, shown=shown_failures(), config=wired.config, now=now(),
            announce=wired.announce,
        )  # fmt: skip
        if blocking:
            note_act(session, AuditAct.EDITION_OVERRIDDEN, f"edition:{edition_id}", f"{blocking}: {reason}")
        note_act(session, AuditAct.EDITION_STARTED, f"edition:{edition_id}", f"copies {copies}")

    return _through_gate(edition_id, start, to=url_for("admin.edition", edition_id=edition_id))


@bp.post(f"{EDITION}/override")
@needs(Role.PUBLISHER)
def override_submit(edition_id: int) -> Answer:
    """Let a digest pass that the schedule sends; it takes it up again within a minute, if it is not too late."""

    def let_pass(session: Session, look: Look) -> None:
        if is_too_late(look.edition, now()):
            raise TransitionRefused("the schedule sends no digest that was compiled so long ago")
        reason, blocking = request.form.get("reason", ""), " ".join(sorted(look.blocking))
        draft(session, edition_id)
        open_gate(session, look, actor=require().email, reason=reason, shown=shown_failures(), now=now())
        note_act(session, AuditAct.EDITION_OVERRIDDEN, f"edition:{edition_id}", f"{blocking}: {reason}")

    return _through_gate(edition_id, let_pass, to=url_for("admin.send", edition_id=edition_id, note="let-pass"))


@bp.post(f"{EDITION}/approval")
@needs(Role.EDITOR)
def approval_submit(edition_id: int) -> Answer:
    """Ask the others for approval."""

    def ask(session: Session, look: Look) -> None:
        reason = request.form.get("reason", "") if may("send_submit") else ""  # only who may send answers for failures
        blocking = " ".join(sorted(look.blocking))
        note, email = request.form.get("note", ""), require().email
        ask_approval(session, look, actor=email, note=note, reason=reason, shown=shown_failures(), now=now())
        if blocking:
            note_act(session, AuditAct.EDITION_OVERRIDDEN, f"edition:{edition_id}", f"{blocking}: {reason}")
        note_act(session, AuditAct.APPROVAL_ASKED, f"edition:{edition_id}")

    return _through_gate(edition_id, ask, to=url_for("admin.send", edition_id=edition_id, note="asked"))


@bp.post(f"{EDITION}/approval/answer")
@needs(Role.PUBLISHER)
def approval_answer_submit(edition_id: int) -> Answer:
    """Approve an edition, which then leaves after a while, or decline it with a note."""
    note, email = request.form.get("note", ""), require().email

    def agree(session: Session, look: Look) -> None:
        undo, reason = timedelta(minutes=product().config.gate.undo_minutes), request.form.get("reason", "")
        blocking = " ".join(sorted(look.blocking))
        approve(session, look, actor=email, note=note, reason=reason, shown=shown_failures(), undo=undo, now=now())
        if blocking:
            note_act(session, AuditAct.EDITION_OVERRIDDEN, f"edition:{edition_id}", f"{blocking}: {reason}")
        note_act(session, AuditAct.APPROVAL_GIVEN, f"edition:{edition_id}")

    def refuse(session: Session, _: Look) -> None:
        decline(session, edition_id=edition_id, actor=email, note=note, now=now())
        note_act(session, AuditAct.APPROVAL_DECLINED, f"edition:{edition_id}")

    answers = {"approve": (agree, "approved"), "decline": (refuse, "declined")}
    if (answer := request.form.get("answer")) not in answers:
        return _gate_page(edition_id, problem="answer", status=400)
    act, done = answers[answer]
    return _through_gate(edition_id, act, to=url_for("admin.send", edition_id=edition_id, note=done))


@bp.post(f"{EDITION}/approval/withdrawal")
@needs(Role.EDITOR)
def approval_withdrawal_submit(edition_id: int) -> Answer:
    """Take back that one asked."""
    try:
        with product().database.transaction() as session:
            withdraw(session, edition_id=edition_id, actor=require().email, now=now())
            note_act(session, AuditAct.APPROVAL_WITHDRAWN, f"edition:{edition_id}")
    except ApprovalRefused:
        return _gate_page(edition_id, problem="not-yours", status=409)
    return redirect(url_for("admin.send", edition_id=edition_id, note="withdrawn"), code=303)


@bp.post(f"{EDITION}/stop")
@needs(Role.PUBLISHER)
def stop_submit(edition_id: int) -> Response:
    """Stop an edition that waits to leave; it is a draft again."""
    with product().database.transaction() as session:
        stop_scheduled(session, edition_id=edition_id, actor=require().email, now=now())
        note_act(session, AuditAct.EDITION_STOPPED, f"edition:{edition_id}")
    return redirect(url_for("admin.send", edition_id=edition_id, note="stopped"), code=303)


@bp.post(f"{EDITION}/probes")
@needs(Role.EDITOR)
def probes_submit(edition_id: int) -> Response:
    """Have links, DNS and the spam filter asked anew, in the background."""
    with product().database.transaction() as session:
        subject = edition_subject(edition_id, fingerprint(load_edition(session, edition_id)))
        ask_anew(session, (subject, product().config.mail.sender_domain), now=now())
        note_act(session, AuditAct.EDITION_PROBED, f"edition:{edition_id}")
    return redirect(url_for("admin.send", edition_id=edition_id, note="probing"), code=303)


def _through_gate(edition_id: int, act: Callable[[Session, Look], None], *, to: str) -> Answer:
    """Look at an edition, do `act` with it if it is what the form showed, and go on; else show why not."""
    try:
        look = _look(edition_id)
        if look.fingerprint != request.form.get("seen"):
            raise EditionChanged("the edition is another one now")
        with product().database.transaction() as session:
            act(session, look)
    except EditionChanged:
        return _gate_page(edition_id, problem="changed", status=409)
    except GateClosed:
        return _gate_page(edition_id, problem="closed", status=422)
    except ApprovalRefused:
        return _gate_page(edition_id, problem="not-you", status=409)
    except ReasonRefused:
        return _gate_page(edition_id, problem="reason", status=422)
    except InputRefused:
        return _gate_page(edition_id, problem="note", status=422)
    except TransitionRefused:
        return redirect(url_for("admin.edition", edition_id=edition_id), code=303)  # somebody was first: see what is
    return redirect(to, code=303)


def _look(edition_id: int) -> Look:
    """Look at an edition as it stands. Raises NotFound, TransitionRefused."""
    wired, at = product(), now()
    with wired.database.snapshot() as session:
        edition = load_edition(session, edition_id, OTHERS_JOINED)
        sight = read_sight(session, edition, config=wired.config, now=at)
        hold = read_hold(session, edition_id) if is_by_schedule(edition) else None
    return with_held(look_at(sight, config=wired.config, links=wired.links, now=at), hold)


def is_by_schedule(edition: Edition) -> bool:
    """Return whether the schedule is to send an edition, once it passes; nobody else can."""
    return edition.schedule_id is not None


def _gate_page(edition_id: int, *, problem: str | None = None, status: int = 200) -> Answer:
    """Return the gate's page; of an edition that has started meanwhile, the way to its run."""
    try:
        look = _look(edition_id)
    except TransitionRefused:
        return redirect(url_for("admin.edition", edition_id=edition_id), code=303)
    edition = look.edition
    with product().database.reading() as session:
        standing = None if is_by_schedule(edition) else read_standing(session, edition, admin=require())
        left = letters_left(session, newsletter_id=edition.newsletter_id, readers=look.readers, now=now())
    page = render_template(
        "admin/editions/send.html",
        edition=edition,
        look=look,
        levels=Level,
        checks=[check for level in reversed(Level) for check in look.checks(level)],
        needs_approval=look.newsletter.needs_approval,
        standing=standing,
        by_schedule=is_by_schedule(edition),
        is_late=is_too_late(edition, now()),
        asks=product().config.gate,
        why=partial(in_words, language=desk_language()),
        probed={kind.value: probed for kind, probed in look.probes.items()},
        undo_minutes=product().config.gate.undo_minutes,
        letters_left=left,
        table_source=table_source(),
        problem=problem,
        typed=request.form,
    )
    return page, status
