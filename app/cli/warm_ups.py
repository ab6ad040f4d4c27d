"""`flask newsletters warm-up`: new sending addresses and domains that begin slowly."""

from datetime import datetime

import click

from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.newsletters import group
from app.cli.output import Row, as_json, print_row, print_rows
from app.clock import now
from app.delivery.senders import WarmUpDay
from app.delivery.warm_ups import WarmUpReport, day_of, read_warm_up, stop_warm_up
from app.digests.newsletters import find_by_slug
from app.editions.warm_up import plan_warm_up
from app.mail.warm_up import Allowance
from app.web import product


@group.group("warm-up")
@click.argument("slug")
@click.pass_context
def warm_up(context: click.Context, slug: str) -> None:
    """Let a new sending address or domain begin slowly; SLUG names the newsletter."""
    context.obj = slug


@warm_up.command("start")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The first day, in UTC; else today.")
@click.pass_obj
def start(slug: str, on: datetime | None) -> None:
    """Start a warm-up: 200 letters on the first day, twice as many after each good one."""
    at = now()
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        starts_on = on.date() if on else day_of(at)
        plan_warm_up(session, newsletter_id=newsletter_id, starts_on=starts_on, now=at)
        report = read_warm_up(session, newsletter_id=newsletter_id, now=at)
        note_act(session, AuditAct.WARM_UP_STARTED, f"newsletter:{newsletter_id}", starts_on.isoformat())
    assert report is not None
    click.echo(f"The warm-up starts on {starts_on}; as things stand it will end on {report.ends_on}.")


@warm_up.command("stop")
@click.pass_obj
def stop(slug: str) -> None:
    """Stop the warm-up: all that waits for it goes at once."""
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        stop_warm_up(session, newsletter_id=newsletter_id, now=now())
        note_act(session, AuditAct.WARM_UP_STOPPED, f"newsletter:{newsletter_id}")
    click.echo("The warm-up is over: what waited goes now.")


@warm_up.command("show")
@as_json
@click.pass_obj
def show(slug: str, as_json: bool) -> None:
    """Show the day, its allowance and what of it was used, when the warm-up will end, and what each day came to."""
    with product().database.reading() as session:
        report = read_warm_up(session, newsletter_id=find_by_slug(session, slug).id, now=now())
    if report is None or report.ended_at is not None:
        print_row({"warm_up": None, "ended_at": report.ended_at if report else None}, as_json=as_json)
        return
    row, days = _row(report), [_day_row(report, day) for day in report.days]
    if as_json:
        print_row({"warm_up": {**row, "days": days}, "ended_at": None}, as_json=True)
        return
    print_row(row, as_json=False)
    print_rows(days, as_json=False)


def _row(report: WarmUpReport) -> Row:
    allowance = report.allowance
    return {
        "starts_on": report.warm_up.starts_on.isoformat(),
        "ends_on": report.ends_on.isoformat(),
        "day": report.day_number,
        "allowance": allowance.total if allowance else None,
        "allowance_per_provider": allowance.per_provider if allowance else None,
        "drawn_today": report.drawn,
        "readers": report.warm_up.audience,
        "held_days": report.held_days,
        "idle_days": report.idle_days,
    }


def _day_row(report: WarmUpReport, day: WarmUpDay) -> Row:
    held = report.held(day) if day.day < report.today else None
    return {
        "day": day.day.isoformat(),
        "allowance": Allowance.doubled(day.doublings).total,
        "drawn": day.drawn,
        "deferred": day.deferred,
        "held": held.value if held else None,
    }
