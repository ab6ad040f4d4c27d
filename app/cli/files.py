"""Article files that commands are given: read no further than an article goes, from a path or from stdin."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from app.articles.extract import FILE_MAX_BYTES, Extracted, extract_file
from app.errors import InputRefused

article_files = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)


def read_article(file: Path) -> Extracted:
    """Return the article in a file; in stdin where that is "-": text, or a web page. Raises InputRefused."""
    if str(file) != "-":
        with file.open("rb") as opened:
            return extract_file(opened.read(FILE_MAX_BYTES + 1), file.name)
    data = sys.stdin.buffer.read(FILE_MAX_BYTES + 1)
    return extract_file(data, "stdin.html" if data.lstrip().startswith(b"<") else "stdin")


def read_articles(files: Sequence[Path]) -> Iterator[tuple[Path, Extracted]]:
    """Yield the article in each file; one that holds none is named on stderr, and makes the code 1 after the others."""
    refused = 0
    for file in files:
        try:
            extracted = read_article(file)
        except InputRefused as refusal:
            click.echo(f"Error: {file}: {refusal}", err=True)
            refused += 1
        else:
            yield file, extracted
    if refused:
        raise click.exceptions.Exit(1)
