"""`flask bounces`: returned mail."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import click

from app.cli.output import Commands, as_json, print_rows
from app.mail.reports.parts import SIZE_MAX_OCTETS
from app.mail.reports.reading import read_report
from app.mail.reports.report import Report


class _Told(TypedDict):
    """One line of output."""

    file: str
    verdict: str
    recipients: list[str]
    status: str | None
    diagnostic: str | None


@click.group("bounces", cls=Commands)
def group() -> None:
    """Read returned mail."""


@group.command("classify")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@as_json
def classify(files: Sequence[Path], as_json: bool) -> None:
    """Say what mails are (FILE… or - for stdin); with --json one line each. Nothing is stored."""
    rows = [_row(str(file), read_report(_octets(file))) for file in files]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
    else:
        print_rows([{**row, "recipients": " ".join(row["recipients"])} for row in rows], as_json=False)


def _octets(file: Path) -> bytes:
    """Return as much of a mail as is looked at."""
    if str(file) == "-":
        return sys.stdin.buffer.read(SIZE_MAX_OCTETS)
    with file.open("rb") as mail:
        return mail.read(SIZE_MAX_OCTETS)


def _row(name: str, report: Report) -> _Told:
    leading = next((finding for finding in report.findings if finding.verdict is report.verdict), None)
    return {
        "file": name,
        "verdict": report.verdict.value,
        "recipients": [finding.recipient for finding in report.findings if finding.recipient],
        "status": leading.status if leading else None,
        "diagnostic": leading.diagnostic if leading else None,
    }
