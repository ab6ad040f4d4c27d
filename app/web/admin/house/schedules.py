"""When digests leave by themselves: the usual schedules, which people set, and those that readers chose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from babel.dates import get_day_names
from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.choices.choosing import timing_of
from app.choices.models import Cadence, Rhythm
from app.clock import now
from app.digests.newsletters import change_mark, find_newsletter
from app.digests.recurrence import Every, Recurrence, cron_of, next_clock_change, offset_of, upcoming
from app.digests.scheduling import (
    add_schedule,
    change_schedule,
    find_schedule,
    readers_schedules,
    resume_schedule,
    stop_schedule,
    usual_schedules,
)
from app.editions.compile import look_through
from app.editions.lines import Line, Schedule
from app.errors import ChangedMeanwhile, FieldsRefused, TransitionRefused
from app.newsletters.models import Newsletter
from app.web import product
from app.web.admin import SCHEDULE, bp
from app.web.admin.access import desk_language, needs
from app.web.admin.acts import note_act
from app.web.admin.listing import asked_before, newest_first, whole

#: Moments that the page of a schedule names.
NAMED = 4
#: What the form of a schedule that does not exist yet says.
WEEKLY = Recurrence(Every.WEEK, "07:30", 1, "")


@dataclass(frozen=True)
class Moment:
    """When a digest leaves, and how far the clocks of its zone are ahead of UTC then."""

    at: datetime
    offset: str

    @classmethod
    def of(cls, at: datetime, zone: str) -> "Moment":
        """Return a moment on the clocks of `zone`."""
        return cls(at, offset_of(at, zone))


@bp.get("/schedules")
@needs(Role.VIEWER)
def schedules() -> str:
    """List the schedules, and offer one where a newsletter has a language without."""
    return _list_page()


@bp.post("/schedules")
@needs(Role.PUBLISHER)
def schedule_add_submit() -> Response | tuple[str, int]:
    """Add a schedule."""
    newsletter_id, _, language = request.form.get("line", "").partition("-")
    try:
        with product().database.transaction() as session:
            added = add_schedule(
                session, newsletter_id=_number(newsletter_id), language=language, cron=_typed_cron(), now=now()
            )
            note_act(session, AuditAct.SCHEDULE_ADDED, f"schedule:{added.id}", added.cron)
    except FieldsRefused as refusal:
        return _list_page(typed=request.form, faults=refusal.faults), 422
    return redirect(url_for("admin.schedule", schedule_id=added.id, note="schedule"), code=303)


@bp.get(SCHEDULE)
@needs(Role.VIEWER)
def schedule(schedule_id: int) -> str:
    """Show when its next digests leave, and the form that changes that."""
    return _page(schedule_id)


@bp.post(SCHEDULE)
@needs(Role.PUBLISHER)
def schedule_submit(schedule_id: int) -> Response | tuple[str, int]:
    """Change when its digests leave."""
    form = request.form
    try:
        with product().database.transaction() as session:
            changed = change_schedule(
                session, schedule_id=schedule_id, seen=form.get("seen", ""), cron=_typed_cron(), now=now()
            )
            note_act(session, AuditAct.SCHEDULE_CHANGED, f"schedule:{schedule_id}", changed.cron)
    except FieldsRefused as refusal:
        return _page(schedule_id, typed=form, faults=refusal.faults), 422
    except ChangedMeanwhile:
        return _page(schedule_id, typed=form, is_late=True), 409
    return redirect(url_for("admin.schedule", schedule_id=schedule_id, note="schedule"), code=303)


@bp.post(f"{SCHEDULE}/stop")
@needs(Role.PUBLISHER)
def schedule_stop_submit(schedule_id: int) -> Response | tuple[str, int]:
    """Let no digest leave by itself any more."""
    try:
        with product().database.transaction() as session:
            stop_schedule(session, schedule_id=schedule_id, now=now())
            note_act(session, AuditAct.SCHEDULE_STOPPED, f"schedule:{schedule_id}")
    except TransitionRefused:
        return _page(schedule_id, is_late=True), 409
    return redirect(url_for("admin.schedule", schedule_id=schedule_id, note="schedule-stopped"), code=303)


@bp.post(f"{SCHEDULE}/resume")
@needs(Role.PUBLISHER)
def schedule_resume_submit(schedule_id: int) -> Response | tuple[str, int]:
    """Let digests leave by themselves again."""
    try:
        with product().database.transaction() as session:
            resume_schedule(session, schedule_id=schedule_id, now=now())
            note_act(session, AuditAct.SCHEDULE_RESUMED, f"schedule:{schedule_id}")
    except TransitionRefused:
        return _page(schedule_id, is_late=True), 409
    return redirect(url_for("admin.schedule", schedule_id=schedule_id, note="schedule-resumed"), code=303)


@bp.get(f"{SCHEDULE}/digest")
@needs(Role.VIEWER)
def schedule_digest(schedule_id: int) -> str:
    """Show what the next digest would carry if it left now; nothing is stored."""
    at, half_life = now(), product().config.story_half_life
    with product().database.reading() as session:
        found = find_schedule(session, schedule_id)
        newsletter = find_newsletter(session, found.newsletter_id)
        since, articles = look_through(session, Line.of(session, found), until=at, now=at, half_life=half_life)
    return render_template(
        "admin/house/digest.html", schedule=found, newsletter=newsletter, since=since, articles=articles
    )


def _list_page(*, typed: ImmutableMultiDict[str, str] | None = None, faults: Mapping[str, str] | None = None) -> str:
    with product().database.reading() as session:
        newsletters = {each.id: each for each in session.scalars(select(Newsletter).order_by(Newsletter.id))}
        usual = session.scalars(usual_schedules()).all()
        chosen = newest_first(session, readers_schedules(), Schedule.id, before=asked_before())
        rhythms = _rhythms(session, chosen.rows)
    known = {(each.newsletter_id, each.language) for each in usual}
    return render_template(
        "admin/house/schedules.html",
        newsletters=newsletters,
        usual=[(each, Recurrence.of(each.cron), Moment.of(each.next_run_at, each.timezone)) for each in usual],
        chosen=chosen,
        rhythms=rhythms,
        missing=[
            (newsletter, face.language)
            for newsletter in newsletters.values()
            for face in newsletter.languages
            if (newsletter.id, face.language) not in known
        ],
        line=typed.get("line", "") if typed else "",
        **_form(WEEKLY, typed, faults),
    )


def _page(
    schedule_id: int,
    *,
    typed: ImmutableMultiDict[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    is_late: bool = False,
) -> str:
    with product().database.reading() as session:
        found = find_schedule(session, schedule_id)
        newsletter = find_newsletter(session, found.newsletter_id)
    cron, zone = found.cron, found.timezone
    moments = [Moment.of(at, zone) for at in islice(upcoming(cron, zone, now()), NAMED)]
    change = next_clock_change(cron, zone, now())
    return render_template(
        "admin/house/schedule.html",
        schedule=found,
        newsletter=newsletter,
        recurrence=Recurrence.of(cron),
        moments=moments,
        change=change,
        around=[Moment.of(at, zone) for at in (change.last, change.first) if at] if change else [],
        seen=change_mark(found.changed_at),
        is_late=is_late,
        is_typed=typed is not None,
        **_form(Recurrence.of(cron), typed, faults),
    )


def _form(
    recurrence: Recurrence, typed: ImmutableMultiDict[str, str] | None, faults: Mapping[str, str] | None
) -> dict[str, object]:
    """Return what the fields of a schedule hold: what was typed, or else what holds."""
    own = {
        "every": recurrence.every.value,
        "time": recurrence.time,
        "weekday": str(recurrence.day) if recurrence.every is Every.WEEK else "1",
        "monthday": str(recurrence.day) if recurrence.every is Every.MONTH else "1",
        "line": recurrence.cron,
    }
    names = {"line": "cron"}
    shown = {name: typed.get(names.get(name, name), "") for name in own} if typed is not None else own
    return {"shown": shown, "faults": faults or {}, "weekdays": weekdays(desk_language())}


def weekdays(language: str) -> list[str]:
    """Return the names of the days of a week, from Monday on."""
    names = get_day_names("wide", locale=language)
    return [names[number] for number in range(7)]


def _typed_cron() -> str:
    """Return the line of cron that the form says. Raises FieldsRefused."""
    form = request.form
    return cron_of(
        every=form.get("every", ""),
        time=form.get("time", "").strip(),
        weekday=form.get("weekday", ""),
        monthday=form.get("monthday", "").strip(),
        line=" ".join(form.get("cron", "").split()),
    )


def _number(text: str) -> int:
    try:
        return whole(text)
    except ValueError as error:
        raise FieldsRefused({"language": "language"}) from error


def _rhythms(session: Session, rows: list[Schedule]) -> dict[int, tuple[Cadence, Recurrence]]:
    """Return the rhythms of schedules that readers chose, by schedule; those in real time have a daily rest."""
    ids = {each.rhythm_id for each in rows}
    known = {each.id: timing_of(each) for each in session.scalars(select(Rhythm).where(Rhythm.id.in_(ids)))}
    return {
        each.id: (known[each.rhythm_id].cadence, Recurrence.of(known[each.rhythm_id].cron))
        for each in rows
        if each.rhythm_id in known
    }
