"""What runs by itself: each periodic job's last run and the next one, and the button that asks for one now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import render_template, request, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.errors import NotFound
from app.jobs.models import JobRun
from app.jobs.runs import ask_run, last_runs
from app.jobs.schedule import JOBS, Job
from app.web import product
from app.web.admin import bp
from app.web.admin.access import needs
from app.web.admin.acts import note_act


@dataclass(frozen=True)
class KnownJob:
    """A job and what is known of it; `next_at` is when it is due again, or None where it has never run."""

    job: Job
    run: JobRun | None
    next_at: datetime | None


@bp.get("/jobs")
@needs(Role.ADMIN)
def jobs() -> str:
    """List the jobs; those that failed last come first."""
    with product().database.reading() as session:
        known = last_runs(session)
    rows = [_known(job, known.get(job.name)) for job in JOBS]
    rows.sort(key=lambda each: not (each.run and each.run.failures))
    return render_template("admin/house/jobs.html", rows=rows)


@bp.post("/jobs")
@needs(Role.ADMIN)
def job_submit() -> Response:
    """Let a job run as soon as the scheduler sees it: it runs there, not in this request. Raises NotFound."""
    name = request.form.get("job", "")
    if name not in {job.name for job in JOBS}:
        raise NotFound("there is no such job")
    with product().database.transaction() as session:
        ask_run(session, name=name, now=now())
        note_act(session, AuditAct.JOB_ASKED, f"job:{name}")
    return redirect(url_for("admin.jobs", note="job-asked"), code=303)


def _known(job: Job, run: JobRun | None) -> KnownJob:
    started_at = run.started_at if run else None
    return KnownJob(job, run, None if started_at is None else started_at + timedelta(seconds=job.every_s))
