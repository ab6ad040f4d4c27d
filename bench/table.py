"""Turn the figures of bench/send.py or bench/scale.py into a Markdown table.

python bench/table.py FIGURES.json                    print it
python bench/table.py FIGURES.json --into PAGE.md     put it into a page, between its two marks
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import costs
from bench.markdown import as_table, machine_sentence, put_between_marks

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
    """Return bench/send.py's table for each sink, and a line that says where and how this was measured."""
    parts = [_sentence(figures)]
    for key, name in SINKS:
        rows = [
            _row(label.format(connections=figures["connections"]), figures[sender][key] if key else figures[sender])
            for sender, label in SENDERS
            if sender in figures
        ]
        parts.append(f"Into {name}:\n\n{as_table(HEADINGS, rows)}")
    return "\n\n".join(parts) + "\n"


#: Who writes the figures of a script.
WRITERS = {"bench/send.py": as_markdown, "bench/scale.py": costs.as_markdown}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    figures = json.loads(arguments.figures.read_text(encoding="utf-8"))
    table = WRITERS[figures["script"]](figures)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, figures["script"]), encoding="utf-8")
    else:
        print(table)
    return 0


def _sentence(figures: Figures) -> str:
    return (
        f"{figures['letters']:,} letters of {figures['letter_octets'] / 1000:.1f} kB, median of {figures['rounds']} "
        f"rounds. {machine_sentence(figures['machine'])}"
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


if __name__ == "__main__":
    sys.exit(main())
