"""`flask subscribers import` and `held`: what a newsroom brings along, and asks."""

import json
from pathlib import Path

import pytest
from flask import Flask

from app.product import Product
from tests import make

LIST = "email,source,date\na@reader.example,fair,2025-03-01\nb@reader.example,,\nnobody,,\nb@reader.example,,\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "list.csv").write_text(LIST)
    return str(tmp_path / "list.csv")


def test_a_list_is_imported_and_its_bad_rows_named(app: Flask, product: Product, path: str) -> None:
    run = app.test_cli_runner()
    trial = run.invoke(args=["subscribers", "import", path, "--dry-run", "--json"])
    assert json.loads(trial.stdout) == {"bad": 1, "readable": 3}
    assert f"{path}:4: " in trial.stderr
    with product.database.reading() as session:
        assert make.subscriptions(session) == []
    done = run.invoke(args=["subscribers", "import", path, "--json"])
    assert json.loads(done.stdout) == {"bad": 1, "subscribed": 1, "held": 1, "known": 1, "suppressed": 0}
    assert json.loads(run.invoke(args=["subscribers", "held", "show", "--json"]).stdout)["held"] == 1
    assert run.invoke(args=["subscribers", "held", "ask"], input="n\n").exit_code == 1
    asked = run.invoke(args=["subscribers", "held", "ask", "--per-day", "10"], input="y\n")
    assert "1 held readers are asked, 10 a day." in asked.stdout
    assert run.invoke(args=["subscribers", "held", "stop"]).exit_code == 0


def test_half_a_proof_for_all_rows_is_refused(app: Flask, path: str) -> None:
    done = app.test_cli_runner().invoke(args=["subscribers", "import", path, "--source", "fair"])
    assert done.exit_code == 1
    assert "go together" in done.stderr
