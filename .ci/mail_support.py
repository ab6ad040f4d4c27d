"""Derives `app/gate/support.csv` from the data of caniemail: which mail programs understand which HTML and CSS.

    python .ci/mail_support.py support-latest.csv SOURCE.txt > app/gate/support.csv

The input holds a row for each feature, client and platform, with the support of its newest tested version.
"""

import csv
import re
import sys
from pathlib import Path

CLIENTS = (
    "gmail", "outlook", "apple-mail", "yahoo", "orange", "laposte", "sfr", "free-fr", "protonmail", "thunderbird",
)  # fmt: skip
LETTERS = {"yes": "y", "no": "n", "partial": "p", "unknown": "u"}


def derive(rows: list[dict[str, str]], source: str) -> list[str]:
    """Return the lines of the table: a letter for each client and platform, `u` where nobody has tested."""
    columns = sorted(
        {(row["client"], row["platform"]) for row in rows if row["client"] in CLIENTS},
        key=lambda column: (CLIENTS.index(column[0]), column[1]),
    )
    found: dict[str, dict[tuple[str, str], str]] = {}
    for row in rows:
        found.setdefault(row["feature"], {})[row["client"], row["platform"]] = LETTERS[row["support"]]
    lines = [
        f"# Support of HTML and CSS by mail programs, from Can I email (caniemail.com), {source}, MIT licence,",
        "# copyright Rémi Parmentier (hteumeuleu) and contributors. Made by .ci/mail_support.py; do not edit.",
        "# y: understood, n: not, p: in part, u: not tested.",
        ",".join(["feature", *("/".join(column) for column in columns)]),
    ]
    for feature, known in sorted(found.items()):
        lines.append(",".join([feature, *(known.get(column, "u") for column in columns)]))
    return lines


if __name__ == "__main__":
    table, origin = (Path(name).read_text(encoding="utf-8") for name in sys.argv[1:3])
    named = re.search(r"caniemail @ ([0-9a-f]{12})[0-9a-f]* (\d{4}-\d{2}-\d{2})", origin)
    if named is None:
        sys.exit("the source names no commit and date")
    sys.stdout.write("\n".join(derive(list(csv.DictReader(table.splitlines())), f"{named[2]}, {named[1]}")) + "\n")
