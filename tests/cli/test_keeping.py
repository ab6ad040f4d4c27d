"""`flask consents renew`, `flask retention`: from the command line."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.clock import now
from app.clocks import CLOCKS
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from tests import make

RENEW = ("consents", "renew")
VIGIE = ("--newsletter", "vigie")


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """A shell."""
    return app.test_cli_runner()


def test_a_renewal_is_started_shown_and_stopped(runner: FlaskCliRunner, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session)
    until = (now() + timedelta(days=30)).date().isoformat()
    started = [*RENEW, "start", *VIGIE, "--until", until]
    assert runner.invoke(args=started, input="n\n").exit_code == 1
    assert json.loads(runner.invoke(args=[*RENEW, "status", *VIGIE, "--json"]).output) == {"renewal": None}
    assert "Asked: 1 reader, until " in runner.invoke(args=[*started, "--yes"]).output
    told = json.loads(runner.invoke(args=[*RENEW, "status", *VIGIE, "--json"]).output)
    assert (told["readers"], told["asked"], told["ended_at"]) == (1, 0, None)
    assert runner.invoke(args=[*RENEW, "stop", *VIGIE]).exit_code == 0
    assert runner.invoke(args=[*RENEW, "stop", *VIGIE]).exit_code == 1
    assert runner.invoke(args=[*RENEW, "status", "--newsletter", "nothing"]).exit_code == 1


def test_the_clocks_tell_what_is_due_and_do_it(runner: FlaskCliRunner, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, status=SubscriptionStatus.PENDING, at=now() - timedelta(days=15))
    for arguments, done in ((["--dry-run"], None), ([], 1)):
        rows = json.loads(runner.invoke(args=["retention", "run", "--json", *arguments]).output)
        assert [row["clock"] for row in rows] == [clock.name for clock in CLOCKS]
        assert (rows[0]["due"], rows[0]["done"]) == (1, done)
        assert rows[0]["oldest"] is not None
    assert json.loads(runner.invoke(args=["retention", "run", "--json"]).output)[0]["due"] == 0
