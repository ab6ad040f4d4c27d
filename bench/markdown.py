"""Tables in the pages under docs/, and the marks between which they stand."""

from collections.abc import Mapping, Sequence
from typing import Any


def as_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """Return a Markdown table; with `numbers` all columns but the first stand to the right."""
    alignments = ["---", *["--:" if numbers else "---"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, alignments, *rows))


def machine_sentence(machine: Mapping[str, Any]) -> str:
    """Return a line that says on what was measured."""
    server = f"PostgreSQL {machine['postgresql']}, " if "postgresql" in machine else ""
    return (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gb']} GB; Python {machine['python']}, "
        f"{server}SQLite {machine['sqlite']}, Postfix {machine['postfix']}."
    )


def put_between_marks(page: str, table: str, script: str) -> str:
    """Return `page` with the table in the place of what stood between the marks of `script`.

    Raises ValueError where the page has no such marks.
    """
    opening, closing = f"<!-- {script}: begin -->", f"<!-- {script}: end -->"
    before, begin, rest = page.partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise ValueError(f"the page has no {opening} … {closing}")
    return f"{before}{opening}\n\n{table}\n{closing}{after}"
