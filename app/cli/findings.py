"""What checks found, in the words of the desk, for a terminal and for programs."""

from collections.abc import Iterable
from html import unescape

import click

from app.cli.output import Row
from app.gate.findings import Finding
from app.gate.unsettable import in_words
from app.templating import render


def finding_row(finding: Finding) -> Row:
    """Return a finding with its words in English."""
    words = unescape(render("admin/editions/_finding.txt", "en", finding=finding))
    what, _, mend = words.strip().partition("\n")
    return {
        "check": finding.check.value,
        "level": finding.level.value,
        "code": finding.what.value,
        "what": what.strip(),
        "where": finding.where or in_words(finding, "en"),
        "mend": mend.strip(),
    }


def print_findings(findings: Iterable[Finding]) -> None:
    """Print findings for people: what and where, and below it how it is mended."""
    rows = [finding_row(finding) for finding in findings]
    for row in rows:
        click.echo(f"{row['level']:8} {row['check']}: {row['what']} {row['where']}".rstrip())
        click.echo(f"{'':8} {row['mend']}")
    if not rows:
        click.echo("Nothing to mend.")
