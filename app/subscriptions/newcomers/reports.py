"""The report on an import: a CSV file with a line for each row that did not make a subscriber.

An address stands in it masked: whoever has the list finds the row by its line, and nobody else is to learn from the
report who complained or left.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from app.i18n import gettext
from app.mail.address import mask
from app.subscriptions.newcomers.cells import guard
from app.subscriptions.newcomers.columns import Column
from app.subscriptions.newcomers.imports import Arrival, Newcomer
from app.subscriptions.newcomers.lists import BadRow

#: What the report and the counts call a row that was refused.
REFUSED = "refused"
HEADINGS = ("Line", "Outcome", "Column", "Why", "Address")
#: What came of a row, and what the reader is told of it; whoever was subscribed is not in the report.
OUTCOMES = {REFUSED: "Refused", Arrival.KNOWN.value: "Known already", Arrival.SUPPRESSED.value: "Never mailed",
            Arrival.HELD.value: "Held for want of proof"}  # fmt: skip
COLUMN_WORDS = {Column.EMAIL: "E-mail address", Column.LANGUAGE: "Language", Column.SOURCE: "Source of the consent",
                Column.CONSENTED_ON: "Date of the consent", Column.STATUS: "Status"}  # fmt: skip

#: A row of a list and what came of it.
Outcome = tuple[Newcomer, Arrival] | BadRow


def append_report(path: Path, outcomes: Sequence[Outcome], *, size_bytes: int, language: str) -> int:
    """Write what came of more rows behind the first `size_bytes` octets of a report, and return its new size.

    What stands behind these was written by somebody whose transaction came to nothing.
    """
    lines = [line for outcome in outcomes if (line := _line(outcome, language))]
    if size_bytes == 0:
        lines.insert(0, [gettext(language, heading) for heading in HEADINGS])
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        file.truncate(size_bytes)
        file.seek(size_bytes)
        if size_bytes == 0:
            file.write(b"\xef\xbb\xbf")  # or spreadsheets would take it for another encoding
        file.write(text.getvalue().encode())
        return file.tell()


def _line(outcome: Outcome, language: str) -> list[object] | None:
    if isinstance(outcome, BadRow):
        column = gettext(language, COLUMN_WORDS[outcome.column]) if outcome.column else ""
        return [
            outcome.line,
            gettext(language, OUTCOMES[REFUSED]),
            column,
            gettext(language, outcome.fault.sentence),
            "",
        ]
    newcomer, arrival = outcome
    if arrival is Arrival.SUBSCRIBED:
        return None
    return [newcomer.line, gettext(language, OUTCOMES[arrival.value]), "", "", guard(mask(newcomer.address.display))]
