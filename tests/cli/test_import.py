"""`flask subscribers import`, `export` and `held`: what a newsroom brings along, takes out, and asks."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.clock import now
from app.digests.newsletters import close_newsletter
from app.product import Product
from app.readership.filters import ReaderFilter
from app.readership.saved import save_filter
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.models import Import, ImportStatus
from tests import make

LIST = "email,source,date\na@reader.example,fair,2025-03-01\nb@reader.example,,\nnobody,,\nb@reader.example,,\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "list.csv").write_text(LIST)
    return str(tmp_path / "list.csv")


def test_a_list_is_imported_and_its_bad_rows_named(app: Flask, product: Product, path: str) -> None:
    run = app.test_cli_runner()
    trial = run.invoke(args=["subscribers", "import", path, "--dry-run", "--json"])
    assert json.loads(trial.stdout) == {
        "encoding": "UTF-8", "lines": 5, "subscribed": 1, "held": 1, "known": 1, "suppressed": 0, "refused": 1,
    }  # fmt: skip
    assert f"{path}:4: email: This is no address" in trial.stderr
    with product.database.reading() as session:
        assert make.subscriptions(session) == []
        assert session.get(Import, 1) is None
    done = run.invoke(args=["subscribers", "import", path, "--json"])
    counts = json.loads(done.stdout)
    assert counts == {"import": counts["import"], **json.loads(trial.stdout)}
    assert json.loads(run.invoke(args=["subscribers", "held", "show", "--json"]).stdout)["held"] == 1
    assert run.invoke(args=["subscribers", "held", "ask"], input="n\n").exit_code == 1
    asked = run.invoke(args=["subscribers", "held", "ask", "--per-day", "10"], input="y\n")
    assert "Asked: 1 held reader, 10 a day." in asked.stdout
    assert run.invoke(args=["subscribers", "held", "stop"]).exit_code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--source", "fair"], "go together"), (["--map", "email=Nom"], "no 'Nom'"), (["--map", "email"], "--map takes"),
     (["--resume", "7"], "name a file")],
)  # fmt: skip
def test_what_makes_no_import_is_refused(app: Flask, path: str, options: list[str], words: str) -> None:
    done = app.test_cli_runner().invoke(args=["subscribers", "import", path, *options])
    assert done.exit_code == 1
    assert words in done.stderr


def test_an_import_that_is_not_there_is_not_gone_on_with(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["subscribers", "import", "--resume", "7"])
    assert (done.exit_code, "no import 7" in done.stderr) == (1, True)


def test_a_dry_run_drops_no_import_but_its_own(app: Flask, product: Product, path: str) -> None:
    run = app.test_cli_runner()
    run.invoke(args=["subscribers", "import", path])
    done = run.invoke(args=["subscribers", "import", "--resume", "1", "--dry-run"])
    assert (done.exit_code, "--dry-run is for a file" in done.stderr) == (1, True)
    with product.database.reading() as session:
        assert session.get_one(Import, 1).status is ImportStatus.DONE
    assert ImportFiles(product.config.imports_dir).report_of(1).exists()


def test_who_waits_for_another_process_says_so_once(
    app: Flask, product: Product, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = app.test_cli_runner()
    run.invoke(args=["subscribers", "import", path])
    files = ImportFiles(product.config.imports_dir)
    files.list_of(1).write_text(LIST)
    with product.database.transaction() as session:
        found = session.get_one(Import, 1)
        found.status, found.position, found.line, found.report_bytes = ImportStatus.IMPORTING, 0, 0, 0
        found.owner, found.lease_until = "another", now() + timedelta(seconds=0.5)
    monkeypatch.setattr("app.cli.lists.WAIT_S", 0.1)
    done = run.invoke(args=["subscribers", "import", "--resume", "1"])
    assert (done.exit_code, done.stderr.count("waiting for the process")) == (0, 1)


def test_an_import_into_a_newsletter_that_was_closed_is_not_waited_for(app: Flask, product: Product, path: str) -> None:
    run = app.test_cli_runner()
    run.invoke(args=["subscribers", "import", path])
    with product.database.transaction() as session:
        session.get_one(Import, 1).status = ImportStatus.IMPORTING
        close_newsletter(session, newsletter_id=1, now=now())
    done = run.invoke(args=["subscribers", "import", "--resume", "1"])
    assert (done.exit_code, "--resume 1 goes on once it is open again" in done.stderr) == (1, True)


def test_readers_are_taken_out_by_a_saved_filter_and_read_back(app: Flask, product: Product, tmp_path: Path) -> None:
    run = app.test_cli_runner()
    with product.database.transaction() as session:
        make.make_subscription(session, email="+a@reader.example")
        make.make_subscription(session, email="left@reader.example", status=SubscriptionStatus.UNSUBSCRIBED)
        save_filter(session, name="Subscribed", wanted=ReaderFilter(status=SubscriptionStatus.CONFIRMED), now=now())
    some = run.invoke(args=["subscribers", "export", "--filter", "Subscribed"])
    assert some.exit_code == 0, some.exception
    assert [line.partition(",")[0] for line in some.stdout.splitlines()] == ["email", "'+a@reader.example"]
    everybody = run.invoke(args=["subscribers", "export"]).stdout
    assert len(everybody.splitlines()) == 3
    (tmp_path / "out.csv").write_text(everybody)
    back = run.invoke(args=["subscribers", "import", str(tmp_path / "out.csv"), "--json"])
    assert [json.loads(back.stdout)[name] for name in ("subscribed", "known", "refused")] == [0, 1, 1]
    assert run.invoke(args=["subscribers", "export", "--filter", "Nobody"]).exit_code == 1


def test_a_list_that_is_refused_is_not_kept(app: Flask, product: Product, path: str) -> None:
    proof = ["--source", "fair", "--consented-at", "2999-01-01"]
    refused = app.test_cli_runner().invoke(args=["subscribers", "import", path, *proof])
    assert (refused.exit_code, "in the future" in refused.stderr) == (1, True)
    assert list(product.config.imports_dir.iterdir()) == []
