"""Turn the figures of bench/send.py into a Markdown table.

python bench/table.py FIGURES.json                    print it
python bench/table.py FIGURES.json --into PAGE.md     put it into a page, between its two marks
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- bench/send.py: begin -->", "<!-- bench/send.py: end -->"

#: Key of the figures, and the name in the table, in the table's order.
SENDERS = (
    ("smtp_source", "`smtp-source`, {connections} sessions (C, no record)"),
    ("postgresql", "Vigie, PostgreSQL"),
    ("sqlite", "Vigie, SQLite"),
    ("smtplib", "smtplib, ready bytes, one connection (no record)"),
    ("smtplib_threads", "smtplib, ready bytes, {connections} threads (no record)"),
    ("flask_mail", "Flask-Mail loop (no record)"),
)
SINKS = ((None, "`smtp-sink`"), ("fast_sink", "the fast sink"))
HEADINGS = ("sender", "letters/s", "ratio", "min–max", "CPU µs/letter", "database µs/letter", "peak RSS MB")

Figures = Mapping[str, Any]


def as_markdown(figures: Figures) -> str:
    """Return a table for each sink, and a line that says where and how this was measured."""
    parts = [_sentence(figures)]
    for key, name in SINKS:
        rows = [
            _row(label.format(connections=figures["connections"]), figures[sender][key] if key else figures[sender])
            for sender, label in SENDERS
            if sender in figures
        ]
        parts.append(f"Into {name}:\n\n{_table(rows)}")
    return "\n\n".join(parts) + "\n"


def put_between_marks(page: str, table: str) -> str:
    """Return `page` with the table in the place of what stood between the marks. Raises ValueError without marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table}\n{END}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    table = as_markdown(json.loads(arguments.figures.read_text(encoding="utf-8")))
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table), encoding="utf-8")
    else:
        print(table)
    return 0


def _sentence(figures: Figures) -> str:
    machine = figures["machine"]
    server = f"PostgreSQL {machine['postgresql']}, " if "postgresql" in machine else ""
    return (
        f"{figures['letters']:,} letters of {figures['letter_octets'] / 1000:.1f} kB, median of {figures['rounds']} "
        f"rounds. {machine['cores']} cores ({machine['cpu']}), {machine['memory_gb']} GB; Python {machine['python']}, "
        f"{server}SQLite {machine['sqlite']}, Postfix {machine['postfix']}."
    )


def _row(label: str, figures: Figures) -> Sequence[str]:
    has_ratio = "ratio" in figures
    return (
        label,
        f"{figures['letters_per_s']:,.0f}",
        f"{figures['ratio']:.2f}" if has_ratio else "1",
        f"{figures['ratio_min']:.2f}–{figures['ratio_max']:.2f}" if has_ratio else "",
        f"{figures['cpu_us']:,.0f}",
        f"{figures['database_cpu_us']:,.0f}" if "database_cpu_us" in figures else "",
        f"{figures['rss_mb']:,.0f}",
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    alignments = ["---", *["--:"] * (len(HEADINGS) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (HEADINGS, alignments, *rows))


if __name__ == "__main__":
    sys.exit(main())
