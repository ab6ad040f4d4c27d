"""`flask consents`: proof of consent. Keys, seals, verification, receipts."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.admins.models import AuditAct
from app.cli import renewals
from app.cli.acts import note_act
from app.cli.output import Commands, as_json, print_row, print_rows
from app.clock import now
from app.errors import AppError, InputRefused, NotFound
from app.keeping.duties import Keeping
from app.mail.address import parse_address
from app.seals.documents import document_of, own_files, read_files, write_files
from app.seals.making import make_due_seals
from app.seals.models import all_seals
from app.seals.problems import Report
from app.seals.verifying import verify_ledger
from app.subscriptions.models import Subscriber
from app.subscriptions.rights.receipt_checks import check_receipt
from app.subscriptions.rights.receipts import make_receipt
from app.web import product

#: Exit codes of what verifies: nothing wrong, something wrong, could not tell.
WRONG, UNABLE = 1, 2


@click.group("consents", cls=Commands)
def group() -> None:
    """Prove consent: keys, seals, verification, receipts."""


group.add_command(renewals.group)


@group.command("key")
@as_json
def key(as_json: bool) -> None:
    """Print the public keys by which receipts and seals are checked, oldest first; the last one signs."""
    keys = product().proof_keys.public_keys
    if as_json:
        print_rows([asdict(each) for each in keys], as_json=True)
        return
    click.echo("".join(f"# {each.key_id}\n{each.pem}" for each in keys), nl=False)


@group.command("seal")
def seal() -> None:
    """Seal the days that are over and have no seal yet, as the scheduler does each day."""
    wired = product()
    made = make_due_seals(wired.database, keys=wired.proof_keys, now=now())
    with wired.database.reading() as session:
        write_files(list(session.scalars(all_seals())), wired.config.seals_dir)
    click.echo("\n".join(f"{each.day} {each.digest}" for each in made) or "All days that are over are sealed.")


@group.command("seals")
@as_json
def seals(as_json: bool) -> None:
    """List seals, oldest first; as JSON, the signed documents."""
    with product().database.reading() as session:
        found = list(session.scalars(all_seals()))
    if as_json:
        print_rows([document_of(each) for each in found], as_json=True)
        return
    columns = ("day", "chains", "events", "audit_entries", "key_id", "made_at", "digest")
    print_rows([{name: getattr(each, name) for name in columns} for each in found], as_json=False)


@group.command("verify")
@click.option(
    "--seal", "kept", type=click.Path(exists=True, path_type=Path), help="A seal kept elsewhere, or a folder of them."
)
@as_json
def verify(kept: Path | None, as_json: bool) -> None:
    """Verify the whole ledger: 0 nothing is wrong, 1 something is, 2 it could not be told.

    Without --seal it is held against the files of this machine: who can only write to the database cannot change them.
    """
    wired = product()
    with unable():
        files = read_files(kept) if kept else own_files(wired.config.seals_dir)
        keeping = Keeping(wired.config, now())
        report = verify_ledger(
            wired.database,
            keys=wired.proof_keys,
            now=keeping.now,
            kept_since=keeping.proofs_end,
            log_months=keeping.retention.log_months,
            files=files,
        )
    print_report(report, as_json=as_json)
    sys.exit(WRONG if report.problem_count else 0)


@group.command("receipt")
@click.argument("email")
def receipt(email: str) -> None:
    """Print a reader's receipt, signed, as JSON."""
    wired = product()
    with wired.database.transaction() as session:
        subscriber = session.scalar(select(Subscriber).where(Subscriber.email_key == parse_address(email).key))
        if subscriber is None:
            raise NotFound(f"no subscriber {email}")
        made = make_receipt(session, subscriber, product=wired, now=now())
        note_act(session, AuditAct.RECEIPT_MADE, f"reader:{subscriber.public_id}")
    click.echo(json.dumps(made.document, ensure_ascii=False, indent=1))


@group.command("check-receipt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def check(file: Path, as_json: bool) -> None:
    """Check a receipt that somebody brings: 0 it holds, 1 it does not, 2 it is no receipt."""
    wired = product()
    with unable(), wired.database.reading() as session:
        found = check_receipt(session, _read(file), keys=wired.proof_keys)
    print_row({**asdict(found), "verdict": "; ".join(found.faults) or "it holds"}, as_json=as_json)
    sys.exit(WRONG if found.faults else 0)


def print_report(report: Report, *, as_json: bool) -> None:
    """Print what was verified: a line for each problem, then the counts."""
    counts = {name: value for name, value in asdict(report).items() if name != "problems"}
    if as_json:
        problems = [{**asdict(each), "line": str(each)} for each in report.problems]
        print_row({**counts, "problems": problems}, as_json=True)
        return
    for problem in report.problems:
        click.echo(str(problem))
    click.echo(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in counts.items()), err=True)


@contextmanager
def unable() -> Iterator[None]:
    """Turn what keeps us from verifying into one line and an exit code of its own."""
    try:
        yield
    except (AppError, OperationalError, ProgrammingError, ValueError) as error:
        click.echo(f"Error: {str(getattr(error, 'orig', error)).splitlines()[0]}", err=True)
        sys.exit(UNABLE)


def _read(file: Path) -> dict[str, object]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputRefused(f"{file} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputRefused(f"{file} is no receipt")
    return document
