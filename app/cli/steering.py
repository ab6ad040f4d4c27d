"""`flask editions approve`, `decline`, `stop`, `pause`, `resume`, `cancel`: what publishers do without a browser."""

from collections.abc import Callable
from datetime import timedelta

import click

from app.admins.models import AuditAct
from app.cli.acts import note_act, system_actor
from app.cli.editions import find_edition, group, look_at_edition
from app.cli.findings import print_findings
from app.cli.meant import ROW_ID
from app.cli.output import counted
from app.clock import now
from app.digests.coverage import call_off
from app.editions.audience import pause_edition, resume_edition
from app.gate.approvals import approve, decline, stop_scheduled
from app.gate.findings import Level
from app.web import product


@group.command("approve")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@click.option("--note", default="", help="A word for whoever asked.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--override", metavar="REASON", default="", help="Approve in spite of what fails, for this reason.")
def approve_command(edition_id: int, note: str, yes: bool, override: str) -> None:
    """Agree to an edition that somebody asks for approval of: it leaves by itself a few minutes later."""
    look, minutes = look_at_edition(edition_id), product().config.gate.undo_minutes
    print_findings(finding for finding in look.findings if finding.level is not Level.OK)
    if not yes:
        audience, wait = counted(look.readers, "reader"), counted(minutes, "minute")
        question = f"Let “{look.edition.subject}” leave to {audience} in {wait}?"
        click.confirm(question, abort=True)
    blocking, undo = " ".join(sorted(look.blocking)), timedelta(minutes=minutes)
    with product().database.transaction() as session:
        approve(
            session, look, actor=system_actor(), note=note, reason=override, shown=look.blocking, undo=undo, now=now()
        )
        if blocking:
            note_act(session, AuditAct.EDITION_OVERRIDDEN, f"edition:{edition_id}", f"{blocking}: {override}")
        note_act(session, AuditAct.APPROVAL_GIVEN, f"edition:{edition_id}")
    click.echo(f"It leaves in {minutes} minutes; `flask editions stop {edition_id}` keeps it here.")


@group.command("decline")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@click.option("--note", required=True, help="What is to be changed.")
def decline_command(edition_id: int, note: str) -> None:
    """Say no to an edition that somebody asks for approval of; it stays a draft."""
    with product().database.transaction() as session:
        decline(session, edition_id=edition_id, actor=system_actor(), note=note, now=now())
        note_act(session, AuditAct.APPROVAL_DECLINED, f"edition:{edition_id}")


@group.command("stop")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
def stop(edition_id: int) -> None:
    """Keep an approved edition here that waits to leave; it is a draft again."""
    _do(edition_id, stop_scheduled, AuditAct.EDITION_STOPPED)


@group.command("pause")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
def pause(edition_id: int) -> None:
    """Hold the copies that wait."""
    _do(edition_id, pause_edition, AuditAct.EDITION_PAUSED)


@group.command("resume")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
def resume(edition_id: int) -> None:
    """Let a paused edition go on."""
    _do(edition_id, resume_edition, AuditAct.EDITION_RESUMED)


@group.command("cancel")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@click.option("--yes", is_flag=True, help="Do not ask.")
def cancel(edition_id: int, yes: bool) -> None:
    """Give up the copies that wait, for good; what has left has left."""
    with product().database.reading() as session:
        subject = find_edition(session, edition_id).subject
    if not yes:
        click.confirm(f"Give up all that waits of “{subject}”?", abort=True)
    with product().database.transaction() as session:
        copies = call_off(session, edition_id=edition_id, actor=system_actor(), now=now())
        note_act(session, AuditAct.EDITION_CANCELLED, f"edition:{edition_id}")
    click.echo(f"Given up: {counted(copies, 'copy', 'copies')}.")


def _do(edition_id: int, rule: Callable[..., None], act: AuditAct) -> None:
    with product().database.transaction() as session:
        rule(session, edition_id=edition_id, actor=system_actor(), now=now())
        note_act(session, act, f"edition:{edition_id}")
