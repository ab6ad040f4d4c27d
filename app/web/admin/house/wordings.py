"""What readers are shown when they agree to something: wordings and privacy policies, all their versions, and new ones.

A version can be read for ever and changed by nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask import render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, load_only
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app import i18n
from app.admins.models import AuditAct, Role
from app.clock import now
from app.errors import ChangedMeanwhile, FieldsRefused, NotFound
from app.newsletters.models import ConsentWording, PrivacyPolicy, WordingPurpose
from app.newsletters.wordings import LINK, audit_name, cut_statement
from app.newsletters.writing import BODY_MAX, WordingText, clean_policy, write_policy, write_wording
from app.readership.agreements import read_agreements
from app.readership.models import ShownText
from app.web import product
from app.web.admin import bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.choice import read_choice
from app.web.admin.listing import whole
from app.web.security import MAX_BODY_BYTES


class Kind(StrEnum):
    """Where a text stands: on the sign-up form, beside the box that allows counting, on the page of the policy."""

    FORM = "form"
    COUNTING = "counting"
    POLICY = "policy"

    @property
    def purpose(self) -> WordingPurpose:
        """What a wording of this kind asks consent for."""
        return WordingPurpose.NEWSLETTER if self is Kind.FORM else WordingPurpose.MEASUREMENT


TEXT = f"/wordings/<any({', '.join(Kind)}):text_kind>/<any({', '.join(i18n.LANGUAGES)}):text_language>"
#: Octets of one character.
UTF8_MAX = 4
FIELDS = ("heading", "statement", "button", "body")


@dataclass(frozen=True)
class Listed:
    """One version in the list; `number` is how often readers agreed with it in view."""

    version: int
    created_at: datetime
    written_by: str | None
    number: int


@bp.get("/wordings")
@needs(Role.VIEWER)
def wordings() -> str:
    """List all versions, by language and kind."""
    with product().database.reading() as session:
        choice = read_choice(session)
        wordings, policies = _all_versions(session, choice.newsletter.id)
        agreed = read_agreements(session)
    texts: dict[tuple[str, Kind], list[Listed]] = {}
    for each in wordings:
        kind = Kind.FORM if each.purpose is WordingPurpose.NEWSLETTER else Kind.COUNTING
        number = agreed.get((ShownText.WORDING, each.id), 0)
        texts.setdefault((each.language, kind), []).append(_listed(each, number))
    for policy in policies:
        number = agreed.get((ShownText.POLICY, policy.id), 0)
        texts.setdefault((policy.language, Kind.POLICY), []).append(_listed(policy, number))
    return render_template("admin/house/wordings.html", texts=texts, kinds=Kind, choice=choice)


@bp.get(f"{TEXT}/<int(max={2**31 - 1}):version>")
@needs(Role.VIEWER)
def wording(text_kind: str, text_language: str, version: int) -> str:
    """Show a version as readers saw it, and for whoever may, the form that writes the next one from it."""
    return _page(Kind(text_kind), text_language, version)


@bp.post(TEXT)
@needs(Role.ADMIN)
def wording_submit(text_kind: str, text_language: str) -> Response | str | tuple[str, int]:
    """Show what was written as readers would see it, or put it in force as a new version."""
    _make_room()
    form, which = request.form, Kind(text_kind)
    if "preview" in form:
        return _page(which, text_language, _seen() or None, typed=form)
    try:
        with product().database.transaction() as session:
            choice = read_choice(session)
            written = _write(session, which, choice.newsletter.id, text_language)
            if isinstance(written, PrivacyPolicy):
                note_act(session, AuditAct.POLICY_CHANGED, f"policy:{text_language} {written.version}")
            else:
                note_act(session, AuditAct.WORDING_CHANGED, audit_name(choice.newsletter.slug, written))
    except FieldsRefused as refusal:
        return _page(which, text_language, None, typed=form, faults=refusal.faults), 422
    except ChangedMeanwhile:
        return _page(which, text_language, None, typed=form, is_late=True), 409
    address = url_for(
        "admin.wording", text_kind=text_kind, text_language=text_language, version=written.version,
        newsletter=choice.named, note="wording",
    )  # fmt: skip
    return redirect(address, code=303)


@bp.post(f"{TEXT}/preview")
@needs(Role.ADMIN)
def wording_preview_submit(text_kind: str, text_language: str) -> str:
    """Show what is being written as readers would see it; nothing is saved."""
    _make_room()
    which = Kind(text_kind)
    return render_template(
        "admin/house/_text.html", kind=which, text_language=text_language, **_shown(which, request.form)
    )


def _make_room() -> None:
    """Let the longest policy in, whatever letters it is written with, beside what any form may hold."""
    request.max_content_length = request.max_form_memory_size = UTF8_MAX * BODY_MAX + MAX_BODY_BYTES


def _page(
    kind: Kind,
    language: str,
    version: int | None,
    *,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    is_late: bool = False,
) -> str:
    with product().database.reading() as session:
        choice = read_choice(session)
        newest = session.scalars(_versions(kind, choice.newsletter.id, language).limit(1)).one_or_none()
        found = newest
        if version is not None:
            found = session.scalar(_versions(kind, choice.newsletter.id, language, version=version))
    if found is None:
        raise NotFound("there is no such version")
    own = {name: getattr(found, name, "") for name in FIELDS}
    return render_template(
        "admin/house/wording.html",
        kind=kind,
        text_language=language,
        choice=choice,
        found=found,
        newest=newest,
        own={"body": Markup(found.body)} if kind is Kind.POLICY else _shown(kind, own),  # noqa: S704 - as it was stored
        values=typed if typed is not None else own,
        shown=_shown(kind, typed) if typed is not None else None,
        faults=faults or {},
        is_late=is_late,
    )


def _versions(kind: Kind, newsletter_id: int, language: str, *, version: int | None = None) -> Select[Any]:
    """Select the versions of a text, newest first, or the one that is asked for."""
    if kind is Kind.POLICY:
        policies = select(PrivacyPolicy).where(PrivacyPolicy.language == language)
        return _of_version(policies, PrivacyPolicy.version, version)
    wordings = select(ConsentWording).where(
        ConsentWording.newsletter_id == newsletter_id,
        ConsentWording.language == language,
        ConsentWording.purpose == kind.purpose,
    )
    return _of_version(wordings, ConsentWording.version, version)


def _of_version(texts: Select[Any], number: InstrumentedAttribute[int], version: int | None) -> Select[Any]:
    return texts.order_by(number.desc()) if version is None else texts.where(number == version)


def _all_versions(session: Session, newsletter_id: int) -> tuple[Sequence[ConsentWording], Sequence[PrivacyPolicy]]:
    """Return all versions of a newsletter's texts and of the policy, newest first, without what they say."""
    wording, policy = ConsentWording, PrivacyPolicy
    listed = (
        load_only(wording.purpose, wording.language, wording.version, wording.created_at, wording.written_by),
        load_only(policy.language, policy.version, policy.created_at, policy.written_by),
    )
    return (
        session.scalars(
            select(wording)
            .where(wording.newsletter_id == newsletter_id)
            .options(listed[0])
            .order_by(wording.version.desc())
        ).all(),
        session.scalars(select(policy).options(listed[1]).order_by(policy.version.desc())).all(),
    )


def _write(session: Session, kind: Kind, newsletter_id: int, language: str) -> ConsentWording | PrivacyPolicy:
    form, actor = request.form, require().email
    if kind is Kind.POLICY:
        return write_policy(session, language=language, body=form.get("body", ""), seen=_seen(), actor=actor, now=now())
    text = _typed(kind, form)
    return write_wording(
        session, newsletter_id=newsletter_id, purpose=kind.purpose, language=language, text=text, seen=_seen(),
        actor=actor, now=now(),
    )  # fmt: skip


def _shown(kind: Kind, values: Mapping[str, str]) -> dict[str, object]:
    """Return what a text looks like; of a statement whose link is not there yet, all that stands around it."""
    if kind is Kind.POLICY:
        return {"body": Markup(clean_policy(values.get("body", "")))}  # noqa: S704 - what the cleaner left
    text = _typed(kind, values)
    has_link = len(LINK.findall(text.statement)) == 1
    return {"text": text, "statement": cut_statement(text.statement) if has_link else None}


def _typed(kind: Kind, values: Mapping[str, str]) -> WordingText:
    heading, statement, button = (values.get(name, "") for name in FIELDS[:3])
    return WordingText.typed(kind.purpose, heading=heading, statement=statement, button=button)


def _listed(text: ConsentWording | PrivacyPolicy, number: int) -> Listed:
    return Listed(text.version, text.created_at, text.written_by, number)


def _seen() -> int:
    """Return the version that the form was filled in from."""
    try:
        return min(whole(request.form.get("seen", "")), 2**31 - 1)
    except ValueError:
        return 0
