"""`flask consents` and `flask audit`: what they print, and the codes they end with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskCliRunner

from app.admins.models import AuditEntry
from app.cli.database import upgrade_database
from app.product import Product
from app.seals.models import ConsentSeal
from app.subscriptions.models import Subscriber
from app.subscriptions.records import ConsentEvent
from tests.seals.ledger import VERIFIED_AT, build, chain_of


@pytest.fixture
def runner(app: Flask, product: Product) -> FlaskCliRunner:
    """A shell, on a ledger of three sealed days."""
    build(product)
    return app.test_cli_runner()


def run(runner: FlaskCliRunner, *words: str) -> tuple[int, str]:
    with time_machine.travel(VERIFIED_AT, tick=False):
        result = runner.invoke(args=list(words))
    return result.exit_code, result.output


def test_it_ends_with_0_where_all_holds_and_with_1_where_not(runner: FlaskCliRunner, product: Product) -> None:
    code, output = run(runner, "consents", "verify", "--json")
    told = json.loads(output)
    assert (code, told["problem_count"], told["chains"], told["seals"]) == (0, 0, 4, 3)
    chain = chain_of(product, "alice")
    with product.database.transaction() as session:
        session.execute(sa.update(ConsentEvent).where(ConsentEvent.chain_id == chain).values(form_url="x"))
    code, output = run(runner, "consents", "verify")
    assert code == 1
    assert f"chain {chain} 1: its hash is not that of what it says" in output.splitlines()


def test_it_ends_with_2_where_it_cannot_tell(runner: FlaskCliRunner, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    code, output = run(runner, "consents", "verify", "--seal", str(tmp_path / "x.json"))
    assert code == 2
    assert "x.json is not a seal" in output
    (tmp_path / "x.json").write_text('{"form": 1}')
    assert run(runner, "consents", "check-receipt", str(tmp_path / "x.json"))[0] == 2


def test_seals_are_made_listed_and_checked_from_elsewhere(
    runner: FlaskCliRunner, product: Product, tmp_path: Path
) -> None:
    assert run(runner, "consents", "seal") == (0, "All days that are over are sealed.\n")
    told = json.loads(run(runner, "consents", "seals", "--json")[1])
    assert [each["day"] for each in told] == ["2026-03-17", "2026-03-18", "2026-03-19"]
    folder = product.config.seals_dir
    assert run(runner, "consents", "verify", "--seal", str(folder))[0] == 0
    assert run(runner, "consents", "verify", "--seal", str(folder / "2026-03-19.json"))[0] == 0
    assert "2026-03-19" in run(runner, "consents", "seals")[1]


def test_a_ledger_sealed_anew_differs_from_the_files_of_this_machine(runner: FlaskCliRunner, product: Product) -> None:
    run(runner, "consents", "seal")
    chain = chain_of(product, "alice")
    with product.database.transaction() as session:
        session.execute(sa.delete(ConsentSeal))
        session.execute(sa.delete(Subscriber).where(Subscriber.chain_id == chain))
        session.execute(sa.delete(ConsentEvent).where(ConsentEvent.chain_id == chain))
    assert len(run(runner, "consents", "seal")[1].split()) == 2, "the real key signs what is left"
    code, output = run(runner, "consents", "verify")
    assert code == 1
    assert "file 2026-03-19: the database has another seal of this day" in output


def test_a_receipt_is_printed_and_checked(runner: FlaskCliRunner, product: Product, tmp_path: Path) -> None:
    code, output = run(runner, "consents", "receipt", "Alice@reader.example")
    assert code == 0
    file = tmp_path / "receipt.json"
    file.write_text(output)
    assert "it holds" in run(runner, "consents", "check-receipt", str(file))[1]
    file.write_text(output.replace("fr/privacy/1", "fr/privacy/2"))
    code, output = run(runner, "consents", "check-receipt", str(file), "--json")
    assert (code, json.loads(output)["faults"]) == (1, ["its signature is not that of what it says"])
    assert run(runner, "consents", "receipt", "nobody@reader.example")[0] == 1
    with product.database.reading() as session:
        last = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert last.act.value == "receipt-made"
    assert last.actor.startswith("cli:")


def test_the_audit_log_is_listed_and_verified(runner: FlaskCliRunner, product: Product) -> None:
    told = json.loads(run(runner, "audit", "list", "--actor", "ada@desk.example", "--json")[1])
    assert [each["act"] for each in told] == ["reader-shown"] * 4
    assert json.loads(run(runner, "audit", "list", "--act", "sign-in", "--json")[1]) == []
    assert run(runner, "audit", "verify")[0] == 0
    with product.database.transaction() as session:
        session.execute(sa.update(AuditEntry).values(detail="x"))
    code, output = run(runner, "audit", "verify", "--json")
    assert code == 1
    assert json.loads(output)["problem_count"] == 4


def test_the_public_keys_are_printed(runner: FlaskCliRunner, product: Product) -> None:
    assert run(runner, "consents", "key")[1].startswith(f"# {product.proof_keys.key_id}\n-----BEGIN PUBLIC KEY-----")


def test_a_new_text_of_policy_or_form_is_an_act(app_without_tables: Flask) -> None:
    product: Product = app_without_tables.extensions["vigie"]
    identity = replace(product.config.identity, publisher="Autre Presse")
    for config in (product.config, product.config, replace(product.config, identity=identity)):
        app_without_tables.extensions["vigie"] = replace(product, config=config)
        with app_without_tables.app_context():
            upgrade_database()
    with product.database.reading() as session:
        told = [(row.act.value, row.target) for row in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))]
    texts = [("policy", ""), ("wording", "vigie measurement "), ("wording", "vigie newsletter ")]
    assert told == [
        (f"{kind}-changed", f"{kind}:{purpose}{language} {version}")
        for version in (1, 2)
        for kind, purpose in texts
        for language in ("en", "fr")
    ]
