"""`flask consents renew`: asking for consent anew."""

from datetime import datetime

import click

from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.meant import newsletter_option
from app.cli.output import Commands, Row, as_json, counted, print_row
from app.clock import now
from app.digests.newsletters import find_meant
from app.subscriptions.questions.concerned import keep_concerned, read_concerned
from app.subscriptions.questions.counts import RenewalReport, count_renewal
from app.subscriptions.questions.renewal import (
    end_of_day,
    start_renewal,
    stop_renewal,
)
from app.web import product


@click.group("renew", cls=Commands)
def group() -> None:
    """Ask for consent anew those readers who agreed to an older wording."""


@group.command("start")
@newsletter_option
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="The last day to answer, in the newsletter's zone.",
)
@click.option("--per-day", type=click.IntRange(1, 1_000_000), help="Letters a day; else QUESTIONS_PER_DAY.")
@click.option("--remind", type=click.IntRange(1, 90), help="Remind once, so many days before the end.")
@click.option("--yes", is_flag=True, help="Do not ask whether that many readers may be asked.")
def start(slug: str | None, until: datetime, per_day: int | None, remind: int | None, yes: bool) -> None:
    """Start: who has not answered by the date is no longer mailed."""
    wired = product()
    keep_concerned(wired.database, now())
    with wired.database.reading() as session:
        newsletter = find_meant(session, slug)
        newsletter_id = newsletter.id
        readers = read_concerned(session, newsletter_id) or 0
    if not yes:
        click.confirm(
            f"Ask {counted(readers, 'reader')}, and end what they do not answer by {until.date()}?", abort=True
        )
    with wired.database.transaction() as session:
        start_renewal(
            session,
            newsletter_id=newsletter_id,
            until=end_of_day(until.date(), newsletter.timezone),
            per_day=per_day or wired.config.retention.questions_per_day,
            remind_days=remind,
            expected=readers,
            actor="cli",
            now=now(),
        )
        note_act(session, AuditAct.RENEWAL_STARTED, f"newsletter:{newsletter_id}", f"readers {readers}")
    click.echo(f"Asked: {counted(readers, 'reader')}, until {until.date()}.")


@group.command("status")
@newsletter_option
@as_json
def status(slug: str | None, as_json: bool) -> None:
    """Tell how many were asked, agreed, have yet to answer, and no longer get letters."""
    with product().database.reading() as session:
        report = count_renewal(session, find_meant(session, slug).id)
    print_row(_row(report) if report else {"renewal": None}, as_json=as_json)


@group.command("stop")
@newsletter_option
def stop(slug: str | None) -> None:
    """Stop: nobody is asked any more, and nothing ends; answers to letters that went still count."""
    with product().database.transaction() as session:
        newsletter_id = find_meant(session, slug).id
        stop_renewal(session, newsletter_id=newsletter_id, now=now())
        note_act(session, AuditAct.RENEWAL_STOPPED, f"newsletter:{newsletter_id}")
    click.echo("Nobody is asked any more.")


def _row(report: RenewalReport) -> Row:
    renewal = report.renewal
    return {
        "started_at": renewal.started_at,
        "until": renewal.until,
        "ended_at": renewal.ended_at,
        "readers": renewal.readers,
        "asked": report.asked,
        "agreed": report.agreed,
        "open": report.open,
        "lapsed": report.lapsed,
        "void": report.void,
    }
