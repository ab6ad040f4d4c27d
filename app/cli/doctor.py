"""`flask doctor`: whether receivers can tell that letters are ours."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.findings import finding_row, print_findings
from app.cli.output import as_json, print_rows, refusals_in_words
from app.clock import now
from app.gate.findings import Level, level_of
from app.gate.host import check_host
from app.gate.probing import ProbeKind, keep_probe
from app.gate.records import FileRecords, LiveRecords
from app.gate.sender import check_sender
from app.web import product


@click.command("doctor")
@with_appcontext
@click.option(
    "--records",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read DNS records from this zone file instead of asking DNS.",
)
@as_json
def doctor(records: Path | None, as_json: bool) -> None:
    """Check SPF, DKIM and DMARC of the sender, and the host's name; exit code 1 where something fails.

    The gate keeps what DNS said of the sender.
    """
    config = product().config
    with refusals_in_words():
        asked = FileRecords(records) if records else LiveRecords()
        found = check_sender(config, asked)
        if records is None:
            with product().database.transaction() as session:
                keep_probe(session, ProbeKind.SENDER, config.mail.sender_domain, found, now=now())
        found += check_host(config.mail.ehlo_name or config.mail.sender_domain, asked)
        if as_json:
            print_rows([finding_row(finding) for finding in found], as_json=True)
        else:
            print_findings(found)
    if level_of(found) is Level.FAILURE:
        raise click.exceptions.Exit(1)
