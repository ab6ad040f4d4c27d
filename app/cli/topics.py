"""`flask topics`: the taxonomy."""

from pathlib import Path

import click

from app.cli.output import Commands, as_json, print_row
from app.topics.taxonomy import OURS, TaxonomyInvalid, load
from app.topics.topic import TopicKind
from app.web import product


@click.group("topics", cls=Commands)
def group() -> None:
    """Look after the taxonomy: themes, places, and the words by which they are found."""


@group.command("check")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def check(file: Path | None, as_json: bool) -> None:
    """Say what is wrong with a taxonomy, one line each; code 1 if anything is. Without FILE, the one in use."""
    path = file or product().config.topics_file or OURS
    try:
        taxonomy = load(path)
    except TaxonomyInvalid as refusal:
        for problem in refusal.problems:
            click.echo(problem, err=True)
        raise click.ClickException(f"{path} cannot be used: {len(refusal.problems)} problem(s)") from refusal
    counts = {f"{kind.value}s": len(taxonomy.of_kind(kind, "en")) for kind in TopicKind}
    print_row(
        {
            "file": str(path),
            **counts,
            "actors": len(taxonomy.actors),
            "terms": taxonomy.terms,
            "digest": taxonomy.digest,
        },
        as_json=as_json,
    )
