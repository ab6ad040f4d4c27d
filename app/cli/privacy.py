"""`flask privacy`: what the law wants written down, from what the code does."""

from pathlib import Path

import click

from app.cli.output import Commands
from app.clocks import rules
from app.errors import InputRefused
from app.keeping.holdings import document, with_document
from app.keeping.register import register_entry
from app.settings.retention import Retention
from app.web import product


@click.group("privacy", cls=Commands)
def group() -> None:
    """Register entry, and what is kept where."""


@group.command("register")
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
def register(language: str) -> None:
    """Print the entry of the register of processing activities (GDPR art. 30) as Markdown."""
    click.echo(register_entry(product().config, language))


@group.command("tables")
@click.option("--write", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put it into this file.")
def tables(write: Path | None) -> None:
    """Print what each table keeps and which clock ends it, with the default settings."""
    told = rules(Retention(), "en")
    if write is None:
        click.echo(document(told))
        return
    try:
        text = with_document(write.read_text(encoding="utf-8"), told)
    except ValueError as error:
        raise InputRefused(f"{write} cannot be written into: {error}") from error
    write.write_text(text, encoding="utf-8")
