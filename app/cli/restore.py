"""`flask restore`: after a database was restored, whoever departed since stays so, and nothing leaves twice."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

import click
from sqlalchemy.orm import Session

from app.admins.models import AuditAct
from app.cli.acts import note_act, system_actor
from app.cli.output import Commands, as_json, print_row, print_rows
from app.clock import now
from app.digests.restored import Leaving, find_leaving, keep_from_leaving
from app.keeping.departing import keeper_of
from app.web import product


@click.group("restore", cls=Commands)
def group() -> None:
    """What a restored database has forgotten: departures, and what has left."""


@group.command("replay")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@as_json
def replay(dry_run: bool, as_json: bool) -> None:
    """Do again what the journals of departures tell and the database does not know; every start does so too."""
    keeper = keeper_of(product())
    replayed = keeper.would_replay() if dry_run else keeper.catch_up(now())
    print_row(asdict(replayed), as_json=as_json)


@group.command("settle")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@as_json
def settle(dry_run: bool, as_json: bool) -> None:
    """Keep what may have left since the dump from leaving again, before anything starts; a second run does nothing.

    Schedules leave out the periods that have come; digests that were compiled and not started are called off; approved
    editions become drafts; those being sent are paused. Single letters go: a second confirmation harms nobody.
    """
    with product().database.transaction() as session:
        leaving = find_leaving(session, now())
        if not dry_run:
            keep_from_leaving(session, leaving, actor=system_actor(), now=now())
            _note(session, leaving)
    print_row(
        {
            "schedules_moved_on": _ids(leaving.schedules, as_json),
            "digests_called_off": _ids(leaving.compiled, as_json),
            "editions_made_drafts": _ids(leaving.approved, as_json),
            "editions_paused": _ids(leaving.under_way, as_json),
        },
        as_json=as_json,
    )


@group.command("status")
@as_json
def status(as_json: bool) -> None:
    """Tell how the journals stand against the database: exit code 1 where lines are missing on either side."""
    keeper = keeper_of(product())
    states = keeper.states()
    rows = [
        {
            "journal": state.journal_id,
            "file": str(state.path) if state.path else None,
            "known_lines": state.position,
            "lines": state.end,
            "missed": state.missed,
            "damaged": state.damaged,
            "is_lost": state.is_lost,
        }
        for state in states
    ]
    if as_json:
        print_row({"waiting": keeper.count_waiting(), "journals": rows}, as_json=True)
    else:
        click.echo(f"departures that wait to be written down: {keeper.count_waiting()}")
        print_rows(rows, as_json=False)
    is_well = any(not state.is_lost for state in states) and not any(state.missed or state.damaged for state in states)
    sys.exit(0 if is_well else 1)


def _note(session: Session, leaving: Leaving) -> None:
    for schedule_id in leaving.schedules:
        note_act(session, AuditAct.SCHEDULE_CHANGED, f"schedule:{schedule_id}", "after a restore")
    acts = (
        (AuditAct.EDITION_CANCELLED, leaving.compiled),
        (AuditAct.EDITION_STOPPED, leaving.approved),
        (AuditAct.EDITION_PAUSED, leaving.under_way),
    )
    for act, editions in acts:
        for edition_id in editions:
            note_act(session, act, f"edition:{edition_id}", "after a restore")


def _ids(ids: Sequence[int], as_json: bool) -> object:
    return list(ids) if as_json else " ".join(map(str, ids)) or "none"
