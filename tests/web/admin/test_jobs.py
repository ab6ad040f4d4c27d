"""The page of jobs: how each ran last, and that somebody asks for one, which the scheduler grants."""

from datetime import timedelta

from flask.testing import FlaskClient

from app.admins.models import AuditAct, AuditEntry
from app.clock import now
from app.jobs import runs
from app.jobs.models import JobRun
from app.jobs.schedule import JOBS, Job
from app.jobs.scheduler import Scheduler
from app.product import Product


def test_all_jobs_have_a_name_and_those_that_failed_come_first(admin: FlaskClient, product: Product) -> None:
    page = admin.get("/admin/jobs").text
    assert page.count('name="job"') == len(JOBS)
    assert page.count("Has not run yet") == len(JOBS)
    for job in JOBS:
        assert f">{job.name}<" not in page, "it has a name that people understand"
    assert all(said in page for said in (">every 3 s<", ">every minute<", ">every 5 minutes<"))
    runs.begin_run(product.database, name="seals", now=now())
    runs.fail_run(product.database, name="seals", error=RuntimeError("no <disk>\nmore"), now=now())
    page = admin.get("/admin/jobs").text
    assert "RuntimeError: no &lt;disk&gt;" in page
    assert "more</" not in page
    assert page.index("Seal the ledger") < page.index("Fetch feeds")


def test_a_run_that_is_asked_for_is_granted_by_the_scheduler_once(admin: FlaskClient, product: Product) -> None:
    assert admin.post("/admin/jobs", data={"job": "nothing"}).status_code == 404
    assert admin.post("/admin/jobs", data={"job": "seals"}).status_code == 303
    assert "at once" in admin.get("/admin/jobs").text
    with product.database.reading() as session:
        entry = session.query(AuditEntry).filter_by(act=AuditAct.JOB_ASKED).one()
        assert entry.target == "job:seals"
        run = session.get_one(JobRun, "seals")
        assert (run.started_at, run.outcome) == (None, None), "nothing runs in the request"
    names = [job.name for job in JOBS]
    assert runs.take_asked(product.database, names) == ["seals"]
    assert runs.take_asked(product.database, names) == []


def test_a_tick_leaves_what_it_did(product: Product) -> None:
    def fail(_: Product) -> None:
        raise RuntimeError("boom")

    scheduler = Scheduler(product)
    for _ in range(2):
        scheduler.tick(Job("odd", 5, fail))
    with product.database.reading() as session:
        run = session.get_one(JobRun, "odd")
        assert (run.outcome, run.failures, run.error) == ("failed", 2, "RuntimeError: boom")
    scheduler.tick(Job("odd", 5, lambda _: None))
    with product.database.reading() as session:
        run = session.get_one(JobRun, "odd")
        assert (run.outcome, run.failures) == ("done", 0)
        assert run.duration_ms is not None
        assert run.started_at is not None
        assert now() - run.started_at < timedelta(minutes=1)
