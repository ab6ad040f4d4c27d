"""Readers: found by how their address begins and by filters, which can be saved, and taken out as a list.

Looking changes nothing of theirs, but who looked is in the audit log (GDPR art. 32; RFC 9110 §9.2.1 on safe methods).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Response, render_template, request, url_for
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from app.admins.models import AuditAct, Role
from app.choices.models import Cadence
from app.clock import now
from app.errors import InputRefused
from app.readership.exporting import export_readers
from app.readership.filters import Origin, ReaderFilter, count_up_to, find_readers
from app.readership.models import SavedFilter
from app.readership.saved import drop_filter, save_filter, saved_filters
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.topics.topic import TopicKind
from app.web import product, taxonomy_in_use
from app.web.admin import bp
from app.web.admin.access import desk_language, freshly, needs
from app.web.admin.acts import note_act
from app.web.admin.choice import read_choice
from app.web.admin.listing import PAGE_LENGTH, asked_before, newest_first, whole
from app.web.forms import printable

SEARCH_MAX = 254


@dataclass(frozen=True)
class Found:
    """A page of readers. The next ones are those `before` a subscription's number or, by address, `after` that one."""

    rows: Sequence[Subscription]
    before: int | None = None
    after: int | None = None


@bp.get("/readers")
@needs(Role.ADMIN)
def readers() -> str:
    """List readers, newest first; or by address those whose address begins with what is searched for."""
    return _page()


@bp.post("/readers/filters")
@needs(Role.ADMIN)
def filter_save_submit() -> BaseResponse | tuple[str, int]:
    """Save the filter in use under a name."""
    wanted, name = ReaderFilter.from_query(request.form), request.form.get("name", "").strip()
    try:
        with product().database.transaction() as session:
            save_filter(session, name=name, wanted=wanted, now=now())
            note_act(session, AuditAct.FILTER_SAVED, "filters", ", ".join(sorted(wanted.as_query())))
    except InputRefused:
        return _page(wanted, problem="name"), 422
    return redirect(f"{url_for('admin.readers')}?{urlencode({**wanted.as_query(), 'note': 'filter-saved'})}", code=303)


@bp.post(f"/readers/filters/<int(max={2**31 - 1}):filter_id>/end")
@needs(Role.ADMIN)
def filter_drop_submit(filter_id: int) -> BaseResponse:
    """Drop a saved filter."""
    with product().database.transaction() as session:
        drop_filter(session, filter_id)
        note_act(session, AuditAct.FILTER_DROPPED, f"filter:{filter_id}")
    return redirect(url_for("admin.readers", note="filter-dropped"), code=303)


@bp.post("/readers/export")
@needs(Role.ADMIN)
@freshly
def readers_export_submit() -> Response:
    """Give the readers that a filter means as a CSV file, written as it is read."""
    wanted, database = ReaderFilter.from_query(request.form), product().database
    with database.transaction() as session:
        note_act(session, AuditAct.READERS_EXPORTED, "readers", ", ".join(sorted(wanted.as_query())) or None)
    name = f"readers-{now().date().isoformat()}.csv"
    return Response(
        (piece.encode() for piece in export_readers(database, wanted)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _page(wanted: ReaderFilter | None = None, *, problem: str | None = None) -> str:
    wanted, search = wanted or ReaderFilter.from_query(request.args), _asked_address()
    query = find_readers(wanted, beginning=search)
    with product().database.reading() as session:
        found = _by_address(session, query) if search else _newest(session, query)
        number = count_up_to(session, query)
        saved = session.scalars(saved_filters()).all()
        choice = read_choice(session)
    with product().database.transaction() as session:  # apart: nobody else writes to SQLite while one is open
        note_act(session, AuditAct.READERS_LISTED, "readers", f"rows {len(found.rows)}")
    return render_template(
        "admin/readers/readers.html",
        found=found,
        total=number,
        search=search,
        wanted=wanted,
        query=wanted.as_query(),
        saved=saved,
        used=_in_use(saved, wanted),
        problem=problem,
        choice=choice,
        names=choice.names(desk_language()),
        statuses=SubscriptionStatus,
        cadences=Cadence,
        origins=Origin,
        topics=[taxonomy_in_use().of_kind(kind, desk_language()) for kind in TopicKind],
    )


def _newest(session: Session, query: Select[Subscription]) -> Found:
    page = newest_first(session, query, Subscription.id, before=asked_before())
    return Found(page.rows, before=page.before)


def _by_address(session: Session, query: Select[Subscription]) -> Found:
    after = request.args.get("after", type=whole)
    if after is not None:
        shown = select(Subscriber.email_key).join(Subscriber.subscriptions).where(Subscription.id == after)
        last = sa.func.coalesce(shown.scalar_subquery(), "")  # erased meanwhile: from the top, since nobody knows where
        # A reader of two newsletters has two rows, between which a page may end.
        query = query.where(Subscriber.email_key >= last, sa.or_(Subscriber.email_key > last, Subscription.id > after))
    rows = session.scalars(query.order_by(Subscriber.email_key, Subscription.id).limit(PAGE_LENGTH + 1)).all()
    if len(rows) <= PAGE_LENGTH:
        return Found(rows)
    return Found(rows[:PAGE_LENGTH], after=rows[PAGE_LENGTH - 1].id)


def _in_use(saved: Sequence[SavedFilter], wanted: ReaderFilter) -> SavedFilter | None:
    return next((each for each in saved if ReaderFilter.from_query(each.query) == wanted), None)


def _asked_address() -> str:
    """Return what is searched for; control characters are in no address, and PostgreSQL takes no NUL."""
    return printable(request.args.get("q", "").strip()[:SEARCH_MAX])
