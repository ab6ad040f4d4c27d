"""`flask bounces`: returned mail."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.cli.output import Commands, as_json, print_rows
from app.cli.running import wait_for_signal
from app.clock import now
from app.errors import InputRefused
from app.feedback.intake import Taken, make_intake
from app.feedback.listener import listening
from app.feedback.mailbox import poll
from app.mail.reports.parts import SIZE_MAX_OCTETS
from app.mail.reports.reading import read_report
from app.mail.reports.report import Report
from app.web import product


class _Told(TypedDict):
    """One line of output."""

    file: str
    verdict: str
    recipients: list[str]
    status: str | None
    diagnostic: str | None


@click.group("bounces", cls=Commands)
def group() -> None:
    """Read returned mail, and take it in."""


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


@group.command("ingest")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option("--recipient", help="The envelope's recipient, where the mail server knows it.")
def ingest(files: Sequence[Path], recipient: str | None) -> None:
    """Take in mails (FILE… or - for stdin), as a mail server's pipe does; also those that are no bounces.

    Code 75 tells the mail server to try again: the database is away.
    """
    intake, at = make_intake(product()), now()
    try:
        for file in files:
            taken = intake.take(_octets(file), recipients=[recipient] if recipient else [], at=at, now=at)
            click.echo(f"{file}: {taken.value}")
            if taken is Taken.TOO_MANY:
                sys.exit(os.EX_TEMPFAIL)
    except (OperationalError, ProgrammingError) as error:
        click.echo(f"vigie: the database cannot answer: {error.orig}", err=True)
        sys.exit(os.EX_TEMPFAIL)


@group.command("poll")
def poll_mailbox() -> None:
    """Take in what lies in the mailbox of IMAP_HOST now; the scheduler does so every minute."""
    wired = product()
    settings = wired.config.returns
    if not settings.imap_host:
        raise InputRefused("IMAP_HOST must be set")
    moved = poll(make_intake(wired), settings, now=now())
    click.echo(", ".join(f"{number} to {folder}" for folder, number in sorted(moved.items())) or "Nothing there.")


@group.command("listen")
def listen() -> None:
    """Listen for returned mail on BOUNCE_BIND and BOUNCE_PORT until told to stop; LMTP where BOUNCE_LMTP is set."""
    wired = product()
    settings = wired.config.returns
    if not settings.port:
        raise InputRefused("BOUNCE_PORT must be set")
    with listening(make_intake(wired), settings):
        click.echo(f"Listening on {settings.bind}:{settings.port}; Ctrl-C or SIGTERM ends it.")
        wait_for_signal()


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
