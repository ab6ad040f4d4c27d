"""No table without an answer, no answer that the documents do not give."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app import models
from app.clocks import CLOCKS, rules
from app.keeping.holdings import HOLDINGS, with_document
from app.keeping.register import register_entry
from app.product import Product
from app.settings.publication import Measurement
from app.settings.retention import Retention

PRIVACY = Path(__file__).resolve().parents[2] / "docs" / "privacy.md"


def test_every_table_says_what_ends_it() -> None:
    assert set(HOLDINGS) == set(models.Base.metadata.tables)
    assert not [table for table, holding in HOLDINGS.items() if bool(holding.clocks) == bool(holding.reason)]


def test_every_clock_is_some_tables_and_no_other_is_named() -> None:
    named = {clock for holding in HOLDINGS.values() for clock in holding.clocks}
    assert named == {clock.name for clock in CLOCKS} - {"departures"}, "the journal is no table"


def test_the_document_is_as_the_code_says() -> None:
    text = PRIVACY.read_text(encoding="utf-8")
    assert with_document(text, rules(Retention(), "en")) == text, "run: flask privacy tables --write docs/privacy.md"
    with pytest.raises(ValueError, match="marks"):
        with_document("nothing", [])


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_register_entry_has_all_that_the_law_lists(product: Product, language: str) -> None:
    """GDPR art. 30(1)(a) to (g)."""
    entry = register_entry(product.config, language)
    headings = re.findall(r"^## (.+)$", entry, re.MULTILINE)
    assert len(headings) == 7
    identity = product.config.identity
    for fact in (identity.publisher, identity.postal_address, identity.contact, identity.host):
        assert fact in entry
    for rule in rules(product.config.retention, language):
        assert f"| {rule.title} | {rule.rule} |" in entry
    assert not re.search(r"\{[{%#]|&\w+;", entry)
    assert {"fr": "GDPR", "en": "RGPD"}[language] not in entry


@pytest.mark.parametrize(("language", "none"), [("fr", "aucun pixel, aucun profil"), ("en", "no pixel, no profile")])
def test_the_register_entry_says_what_is_counted_of_reading(product: Product, language: str, none: str) -> None:
    def entry(measurement: Measurement) -> str:
        return register_entry(replace(product.config, measurement=measurement), language)

    counted = entry(Measurement.CONSENT)
    assert none not in counted
    assert counted.count("art. 82") == 1
    assert all(line.startswith("| ") for line in re.findall(r"^.*(?:art\. 82|7\(1\)).*$", counted, re.MULTILINE))
    for measurement in (Measurement.OFF, Measurement.TOTALS):
        assert none in entry(measurement)
        assert "art. 82" not in entry(measurement)


def test_the_commands_print_them(app: Flask, tmp_path: Path) -> None:
    runner = app.test_cli_runner()
    assert "# Lettre" in runner.invoke(args=["privacy", "register"]).output
    assert "# Newsletter" in runner.invoke(args=["privacy", "register", "--language", "en"]).output
    copy = tmp_path / "privacy.md"
    copy.write_text("a\n<!-- tables --><!-- end of tables -->\nb\n", encoding="utf-8")
    assert runner.invoke(args=["privacy", "tables", "--write", str(copy)]).exit_code == 0
    assert "| `subscribers` |" in copy.read_text(encoding="utf-8")
    assert "| `subscribers` |" in runner.invoke(args=["privacy", "tables"]).output


def test_a_file_without_the_marks_is_refused_and_stays_as_it_is(app: Flask, tmp_path: Path) -> None:
    other = tmp_path / "notes.md"
    for content in (b"notes\n", b"\xe9dition <!-- tables --><!-- end of tables -->"):
        other.write_bytes(content)
        refused = app.test_cli_runner().invoke(args=["privacy", "tables", "--write", str(other)])
        assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
        assert refused.stderr.startswith(f"Error: {other} cannot be written into: ")
        assert other.read_bytes() == content
