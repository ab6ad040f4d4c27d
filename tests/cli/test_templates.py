"""`flask newsletters template`: a look of one's own from the command line, by the rules of the desk."""

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from app.admins.models import AuditAct, AuditEntry
from app.newsletters.templates import product_template
from app.product import Product

TEMPLATE = ("newsletters", "template", "vigie")


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """A shell."""
    return app.test_cli_runner()


def test_it_is_shown_set_chosen_and_reset(runner: FlaskCliRunner, product: Product, tmp_path: Path) -> None:
    assert runner.invoke(args=[*TEMPLATE, "show"]).output == product_template()
    file = tmp_path / "own.mjml"
    for colour in ("#7a1020", "#105020"):
        file.write_text(product_template().replace("#a3171f", colour), encoding="utf-8")
        done = runner.invoke(args=[*TEMPLATE, "set", str(file), "--note", f"now {colour}"])
        assert (done.exit_code, "in force" in done.output) == (0, True), done.output
    assert "#105020" in runner.invoke(args=[*TEMPLATE, "show"]).output
    assert "Version 1" in runner.invoke(args=[*TEMPLATE, "use", "1"]).output
    assert "#7a1020" in runner.invoke(args=[*TEMPLATE, "show"]).output
    versions = json.loads(runner.invoke(args=[*TEMPLATE, "versions", "--json"]).output)
    assert [(each["version"], each["in_force"], each["note"]) for each in versions] == [
        (2, False, "now #105020"),
        (1, True, "now #7a1020"),
    ]
    assert runner.invoke(args=[*TEMPLATE, "reset"]).exit_code == 0
    assert runner.invoke(args=[*TEMPLATE, "show"]).output == product_template()
    assert "#105020" in runner.invoke(args=[*TEMPLATE, "show", "--version", "2"]).output
    with product.database.reading() as session:
        acts = session.execute(select(AuditEntry.act, AuditEntry.detail).order_by(AuditEntry.id)).all()
    saved, chosen = AuditAct.TEMPLATE_SAVED, AuditAct.TEMPLATE_CHOSEN
    assert [tuple(act) for act in acts][-6:] == [
        (saved, "1"), (chosen, "1"), (saved, "2"), (chosen, "2"), (chosen, "1"), (chosen, None)
    ]  # fmt: skip


def test_what_does_not_hold_is_refused_with_its_line_and_changes_nothing(
    runner: FlaskCliRunner, product: Product, tmp_path: Path
) -> None:
    file = tmp_path / "own.mjml"
    for old, new, said in [
        ("{{ reason }}", "{{ reasno }}", "Line 137: there is no variable “reasno”"),
        ('line-height="1.6" color="#565a61"', 'line-height="1.6" color="#fdfdfd"', "contrast-unreadable"),
        ("{{ contact }}", "", "{{ contact }} is missing"),
    ]:
        file.write_text(product_template().replace(old, new), encoding="utf-8")
        refused = runner.invoke(args=[*TEMPLATE, "set", str(file)])
        assert refused.exit_code == 1
        assert said in refused.output
    assert runner.invoke(args=[*TEMPLATE, "versions"]).output.strip() == "none"
    assert runner.invoke(args=[*TEMPLATE, "use", "1"]).exit_code == 1


def test_a_file_is_utf_8_and_may_say_so_at_its_start(runner: FlaskCliRunner, tmp_path: Path) -> None:
    file = tmp_path / "own.mjml"
    file.write_bytes("<!-- édition -->".encode("latin-1") + product_template().encode())
    refused = runner.invoke(args=[*TEMPLATE, "set", str(file)])
    assert (refused.exit_code, refused.stderr) == (1, f"Error: {file} is not UTF-8: save it as UTF-8 and try again\n")
    file.write_text(product_template(), encoding="utf-8-sig")
    assert runner.invoke(args=[*TEMPLATE, "set", str(file)]).exit_code == 0
    assert runner.invoke(args=[*TEMPLATE, "show"]).stdout_bytes == product_template().encode()
