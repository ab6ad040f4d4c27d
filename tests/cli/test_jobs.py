"""`flask jobs` and `flask readership` as somebody on the machine uses them."""

import json

from flask import Flask

from app.jobs.runs import take_asked
from app.jobs.schedule import JOBS, count_readers
from app.product import Product


def test_jobs_are_listed_and_one_is_asked_for(app: Flask, product: Product) -> None:
    runner = app.test_cli_runner()
    listed = json.loads(runner.invoke(args=["jobs", "list", "--json"]).output)
    assert [row["job"] for row in listed] == [job.name for job in JOBS]
    refused = runner.invoke(args=["jobs", "run", "nothing"])
    assert refused.exit_code == 1
    assert "there is no job" in refused.output
    assert runner.invoke(args=["jobs", "run", "seals"]).exit_code == 0
    assert take_asked(product.database, ["seals"]) == ["seals"]


def test_a_recount_of_what_is_right_says_so(app: Flask, product: Product) -> None:
    count_readers(product)
    assert app.test_cli_runner().invoke(args=["readership", "recount"]).output == "none\n"
