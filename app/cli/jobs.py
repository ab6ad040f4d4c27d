"""`flask jobs`: what runs by itself, and to have it run now."""

import click

from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.output import Commands, as_json, print_rows
from app.clock import now
from app.errors import NotFound
from app.jobs.runs import ask_run, last_runs
from app.jobs.schedule import JOBS
from app.web import product


@click.group("jobs", cls=Commands)
def group() -> None:
    """See what runs by itself, and have it run now."""


@group.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the periodic jobs and how each ran last."""
    with product().database.reading() as session:
        known = last_runs(session)
    rows = []
    for job in JOBS:
        run = known.get(job.name)
        rows.append(
            {
                "job": job.name,
                "every_s": job.every_s,
                "outcome": run.outcome if run else None,
                "started_at": run.started_at if run else None,
                "duration_ms": run.duration_ms if run else None,
                "failures": run.failures if run else 0,
                "error": run.error if run and run.failures else None,
            }
        )
    print_rows(rows, as_json=as_json)


@group.command("run")
@click.argument("name")
def run(name: str) -> None:
    """Have the job NAME run at once, in the process that runs the jobs."""
    if name not in {job.name for job in JOBS}:
        raise NotFound(f"there is no job {name!r}; `flask jobs list` names them")
    with product().database.transaction() as session:
        ask_run(session, name=name, now=now())
        note_act(session, AuditAct.JOB_ASKED, f"job:{name}")
    click.echo(f"The scheduler runs {name} within seconds, if one is running.")
