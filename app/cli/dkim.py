"""`flask dkim`: the keys that letters are signed with, and what DNS is to say of them."""

from pathlib import Path

import click

from app.cli.output import Commands, as_json, print_rows
from app.mail.dkim import Algorithm, SigningKey, create_keys, key_path, split_record, stored_keys
from app.web import product

#: Each key has a selector of its own: one name in DNS holds one key (RFC 6376 §3.6.2.2).
SECOND_KEY_SUFFIX = "-ed"
ALGORITHMS = click.Choice(["both", *(algorithm.value for algorithm in Algorithm)])

domain_option = click.option("--domain", help="The domain that signs; else the sender's.")


@click.group("dkim", cls=Commands)
def group() -> None:
    """Make and list DKIM keys."""


@group.command("generate")
@click.argument("selector")
@domain_option
@click.option("--algorithm", type=ALGORITHMS, default="both", show_default=True)
def generate(selector: str, domain: str | None, algorithm: str) -> None:
    """Make keys under SELECTOR, best a date like 2026-11, and print the TXT records to publish.

    With both algorithms the Ed25519 key goes under SELECTOR-ed. No key is ever overwritten.
    """
    if algorithm == "both":
        selectors = {Algorithm.RSA: selector, Algorithm.ED25519: selector + SECOND_KEY_SUFFIX}
    else:
        selectors = {Algorithm(algorithm): selector}
    for key in create_keys(_folder(), selectors):
        click.echo(_zone_lines(key, domain))
    names = ",".join(selectors.values())
    click.echo(f"Publish this, wait until DNS answers it everywhere, then set DKIM_SELECTORS={names} and restart.")
    if Algorithm.RSA not in selectors:
        click.echo("Name an RSA key there as well: many receivers know nothing else.")


@group.command("list")
@domain_option
@as_json
def list_keys(domain: str | None, as_json: bool) -> None:
    """List keys with their files and TXT records, RSA first, oldest first."""
    keys = stored_keys(_folder())
    if keys and not as_json:
        click.echo("\n".join(_zone_lines(key, domain) for key in keys))
        return
    rows = [
        {
            "selector": key.selector,
            "algorithm": key.algorithm.value,
            "file": str(key_path(_folder(), key)),
            "name": key.record_name(_domain(domain)),
            "record": key.record,
        }
        for key in keys
    ]
    print_rows(rows, as_json=as_json)


def _folder() -> Path:
    return product().config.data_dir / "dkim"


def _domain(given: str | None) -> str:
    return given or product().config.mail.sender_domain


def _zone_lines(key: SigningKey, domain: str | None) -> str:
    """Return the record as zone files and most DNS forms take it, with its key's file as a comment."""
    strings = "\n  ".join(f'"{string}"' for string in split_record(key.record))
    name = key.record_name(_domain(domain))
    return f"; {key.algorithm}, selector {key.selector}, {key_path(_folder(), key)}\n{name}. IN TXT (\n  {strings} )\n"
