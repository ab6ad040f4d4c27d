"""`flask schedules`: the same rules as at the desk."""

import json

from flask import Flask
from sqlalchemy import select

from app.admins.models import AuditAct, AuditEntry
from app.product import Product


def test_one_is_added_changed_stopped_and_taken_up_again(app: Flask, product: Product) -> None:
    runner = app.test_cli_runner()
    assert runner.invoke(args=["schedules", "add", "vigie", "fr", "30 7 * * 2"]).exit_code == 0
    refused = runner.invoke(args=["schedules", "change", "1", "* * * * *"])
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: line: digests leave an hour apart at least; what cannot wait is a flash\n",
    )
    assert runner.invoke(args=["schedules", "change", "1", "0 18 * * *"]).exit_code == 0
    assert runner.invoke(args=["schedules", "stop", "1"]).exit_code == 0
    assert runner.invoke(args=["schedules", "stop", "1"]).exit_code == 1
    (row,) = json.loads(runner.invoke(args=["schedules", "list", "--json"]).output)
    assert (row["cron"], row["is_active"], row["next_run_at"]) == ("0 18 * * *", False, None)
    assert runner.invoke(args=["schedules", "resume", "1"]).exit_code == 0
    with product.database.reading() as session:
        acts = session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts == [
        AuditAct.SCHEDULE_ADDED,
        AuditAct.SCHEDULE_CHANGED,
        AuditAct.SCHEDULE_STOPPED,
        AuditAct.SCHEDULE_RESUMED,
    ]
