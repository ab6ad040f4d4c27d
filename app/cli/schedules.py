"""`flask schedules`: when digests leave by themselves."""

import click

from app import i18n
from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.meant import ROW_ID
from app.cli.output import Commands, Row, as_json, print_rows
from app.clock import now
from app.digests.newsletters import change_mark, find_by_slug
from app.digests.scheduling import (
    add_schedule,
    change_schedule,
    find_schedule,
    resume_schedule,
    stop_schedule,
    usual_schedules,
)
from app.editions.lines import Schedule
from app.web import product


@click.group("schedules", cls=Commands)
def group() -> None:
    """When digests leave by themselves; those that readers chose otherwise for come with their choices."""


@group.command("list")
@as_json
def list_schedules(as_json: bool) -> None:
    """List schedules, each with its next digest in UTC."""
    with product().database.reading() as session:
        rows = [_row(schedule) for schedule in session.scalars(usual_schedules())]
    print_rows(rows, as_json=as_json)


@group.command("add")
@click.argument("slug")
@click.argument("language", type=click.Choice(list(i18n.LANGUAGES)))
@click.argument("cron")
def add(slug: str, language: str, cron: str) -> None:
    """Let digests of newsletter SLUG leave when CRON says, as "30 7 * * 2", by the newsletter's clocks."""
    with product().database.transaction() as session:
        newsletter = find_by_slug(session, slug)
        added = add_schedule(session, newsletter_id=newsletter.id, language=language, cron=cron, now=now())
        note_act(session, AuditAct.SCHEDULE_ADDED, f"schedule:{added.id}", cron)
    _say(added)


@group.command("change")
@click.argument("schedule_id", metavar="ID", type=ROW_ID)
@click.argument("cron")
def change(schedule_id: int, cron: str) -> None:
    """Let its digests leave when CRON says."""
    with product().database.transaction() as session:
        seen = change_mark(find_schedule(session, schedule_id).changed_at)
        changed = change_schedule(session, schedule_id=schedule_id, seen=seen, cron=cron, now=now())
        note_act(session, AuditAct.SCHEDULE_CHANGED, f"schedule:{schedule_id}", cron)
    _say(changed)


@group.command("stop")
@click.argument("schedule_id", metavar="ID", type=ROW_ID)
def stop(schedule_id: int) -> None:
    """Let no digest leave by itself any more."""
    with product().database.transaction() as session:
        stop_schedule(session, schedule_id=schedule_id, now=now())
        note_act(session, AuditAct.SCHEDULE_STOPPED, f"schedule:{schedule_id}")
    click.echo("No digest leaves by itself any more.")


@group.command("resume")
@click.argument("schedule_id", metavar="ID", type=ROW_ID)
def resume(schedule_id: int) -> None:
    """Let digests leave again; what was left out is not caught up."""
    with product().database.transaction() as session:
        resumed = resume_schedule(session, schedule_id=schedule_id, now=now())
        note_act(session, AuditAct.SCHEDULE_RESUMED, f"schedule:{schedule_id}")
    _say(resumed)


def _say(schedule: Schedule) -> None:
    click.echo(f"The next digest leaves on {schedule.next_run_at.isoformat()}.")


def _row(schedule: Schedule) -> Row:
    return {
        "id": schedule.id,
        "newsletter_id": schedule.newsletter_id,
        "language": schedule.language,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "next_run_at": schedule.next_run_at if schedule.is_active else None,
        "is_active": schedule.is_active,
    }
