"""Newsletters: what holds for each, what it is called in its languages, and whether its editions want two people."""

from collections.abc import Mapping
from dataclasses import asdict

from flask import render_template, request, url_for
from sqlalchemy import select
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app import i18n
from app.admins.models import AuditAct, Role
from app.clock import now, zones
from app.digests.newsletters import (
    Face,
    add_newsletter,
    change_mark,
    change_newsletter,
    close_newsletter,
    find_newsletter,
    is_label_fixed,
    open_newsletter,
    put_face,
    require_approval,
)
from app.errors import ChangedMeanwhile, FieldsRefused
from app.newsletters.letterhead import OwnAddresses, is_sender_idle, letterhead_of
from app.newsletters.models import Newsletter
from app.web import product
from app.web.admin import NEWSLETTER, bp
from app.web.admin.access import desk_language, needs, require
from app.web.admin.acts import note_act


@bp.get("/newsletters")
@needs(Role.VIEWER)
def newsletters() -> str:
    """List the newsletters, and for whoever may, offer to add one."""
    return _list()


@bp.post("/newsletters")
@needs(Role.ADMIN)
def newsletter_add_submit() -> Response | tuple[str, int]:
    """Add a newsletter."""
    form, config = request.form, product().config
    slug = form.get("slug", "").strip()
    names = {
        code: (form.get(f"name-{code}", "").strip(), form.get(f"description-{code}", "").strip())
        for code in i18n.LANGUAGES
    }
    try:
        with product().database.transaction() as session:
            added = add_newsletter(
                session,
                slug=slug,
                names=names,
                addresses=_addresses(form),
                config=config,
                actor=require().email,
                now=now(),
            )
            note_act(session, AuditAct.NEWSLETTER_ADDED, f"newsletter:{added.id}", slug)
    except FieldsRefused as refusal:
        return _list(typed=form, faults=refusal.faults), 422
    return redirect(url_for("admin.newsletter", newsletter_id=added.id, note="newsletter-added"), code=303)


@bp.get(NEWSLETTER)
@needs(Role.VIEWER)
def newsletter(newsletter_id: int) -> str:
    """Show a newsletter, and for whoever may, the forms that change it."""
    return _page(newsletter_id)


@bp.post(NEWSLETTER)
@needs(Role.ADMIN)
def newsletter_submit(newsletter_id: int) -> Response | tuple[str, int]:
    """Change what holds for all of it."""
    form, wired = request.form, product()
    timezone, sends_welcome, addresses = form.get("timezone", "").strip(), "welcome" in form, _addresses(form)
    try:
        with wired.database.transaction() as session:
            changed = change_newsletter(
                session,
                newsletter_id=newsletter_id,
                seen=form.get("seen", ""),
                timezone=timezone,
                sends_welcome=sends_welcome,
                addresses=addresses,
                config=wired.config,
                now=now(),
            )
            head = letterhead_of(changed, i18n.DEFAULT_LANGUAGE, wired.config)
            note_act(session, AuditAct.NEWSLETTER_CHANGED, f"newsletter:{newsletter_id}", head.addresses)
    except (FieldsRefused, ChangedMeanwhile) as refusal:
        typed: Mapping[str, str | bool] = {"timezone": timezone, "welcome": sends_welcome, **asdict(addresses)}
        return _page(newsletter_id, form="whole", typed=typed, refusal=refusal), _status(refusal)
    return redirect(url_for("admin.newsletter", newsletter_id=newsletter_id, note="newsletter"), code=303)


@bp.post(f"{NEWSLETTER}/languages")
@needs(Role.ADMIN)
def face_submit(newsletter_id: int) -> Response | tuple[str, int]:
    """Change what it is called in a language, or add the language."""
    form = request.form
    language = form.get("face", "")
    typed = {name: form.get(name, "").strip() for name in ("name", "description", "list_label")}
    try:
        with product().database.transaction() as session:
            put_face(
                session,
                newsletter_id=newsletter_id,
                seen=form.get("seen", ""),
                language=language,
                face=Face(**typed),
                config=product().config,
                actor=require().email,
                now=now(),
            )
            note_act(session, AuditAct.NEWSLETTER_CHANGED, f"newsletter:{newsletter_id}", language)
    except (FieldsRefused, ChangedMeanwhile) as refusal:
        return _page(newsletter_id, form=language, typed=typed, refusal=refusal), _status(refusal)
    return redirect(url_for("admin.newsletter", newsletter_id=newsletter_id, note="newsletter"), code=303)


@bp.post(f"{NEWSLETTER}/approval")
@needs(Role.ADMIN)
def approval_need_submit(newsletter_id: int) -> Response:
    """Say whether each edition that somebody sends wants somebody else's word."""
    is_needed = request.form.get("answer") == "needed"
    with product().database.transaction() as session:
        require_approval(session, newsletter_id=newsletter_id, is_needed=is_needed, now=now())
        detail = "needed" if is_needed else "not-needed"
        note_act(session, AuditAct.APPROVAL_NEEDED, f"newsletter:{newsletter_id}", detail)
    return redirect(url_for("admin.newsletter", newsletter_id=newsletter_id, note="newsletter"), code=303)


@bp.post(f"{NEWSLETTER}/sign-up")
@needs(Role.ADMIN)
def newsletter_sign_up_submit(newsletter_id: int) -> Response:
    """Close it to new readers, or open it again."""
    is_closed = request.form.get("answer") == "closed"
    act = AuditAct.NEWSLETTER_CLOSED if is_closed else AuditAct.NEWSLETTER_OPENED
    with product().database.transaction() as session:
        if is_closed:
            close_newsletter(session, newsletter_id=newsletter_id, now=now())
        else:
            open_newsletter(session, newsletter_id=newsletter_id)
        note_act(session, act, f"newsletter:{newsletter_id}")
    return redirect(url_for("admin.newsletter", newsletter_id=newsletter_id, note="newsletter"), code=303)


def _list(*, typed: Mapping[str, str] | None = None, faults: Mapping[str, str] | None = None) -> str:
    with product().database.reading() as session:
        rows = session.scalars(select(Newsletter).order_by(Newsletter.id)).all()
    return render_template(
        "admin/house/newsletters.html",
        rows=rows,
        public_url=product().links.public_url,
        typed=typed or {},
        faults=faults or {},
        sender=product().config.mail.sender,
        sender_domain=product().config.mail.sender_domain,
    )


def _page(
    newsletter_id: int,
    *,
    form: str = "",
    typed: Mapping[str, str | bool] | None = None,
    refusal: FieldsRefused | ChangedMeanwhile | None = None,
) -> str:
    config = product().config
    with product().database.reading() as session:
        found = find_newsletter(session, newsletter_id)
        fixed = {each.language: is_label_fixed(session, newsletter_id, each.language) for each in found.languages}
    return render_template(
        "admin/house/newsletter.html",
        newsletter=found,
        sign_up=[product().links.home(each.language, found.address_slug) for each in found.languages],
        fixed=fixed,
        missing=[code for code in i18n.LANGUAGES if code not in found.language_codes],
        seen=change_mark(found.changed_at),
        sender=config.mail.sender,
        sender_domain=config.mail.sender_domain,
        letterhead=letterhead_of(found, desk_language(), config),
        is_sender_idle=is_sender_idle(found, config.mail),
        zones=sorted(zones()),
        form=form,
        typed=typed or {},
        faults=refusal.faults if isinstance(refusal, FieldsRefused) else {},
        is_late=isinstance(refusal, ChangedMeanwhile),
    )


def _addresses(form: Mapping[str, str]) -> OwnAddresses:
    return OwnAddresses(form.get("sender", "").strip(), form.get("reply_to", "").strip())


def _status(refusal: FieldsRefused | ChangedMeanwhile) -> int:
    return 422 if isinstance(refusal, FieldsRefused) else 409
