"""A week of real feeds, lived through under a moved clock by six readers who differ as real ones do.

python bench/week.py                          print what each reader got
python bench/week.py --letters instance/week  write each letter's two parts into a folder
python bench/week.py --into PAGE.md           put the table into a page, between its two marks
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.editions.models import EditionKind
from bench.markdown import as_table, put_between_marks
from bench.week_check import Account, account_of, body_of, known_articles, read_letters
from bench.week_feeds import DAYS, FIRST_DAY, Wire, read_wires
from bench.week_readers import READERS, Reader
from bench.week_replay import live, opened_house

#: Nothing new is published after the week, but weekly letters still go.
AFTERWARDS = 3
SCRIPT = "bench/week.py"


def run_week(
    wires: Sequence[Wire], readers: Sequence[Reader], folder: Path, *, since: datetime, until: datetime
) -> list[Account]:
    """Live from `since` to `until` on a database in `folder`; return what became of each reader."""
    with opened_house(folder, since) as product:
        sent = live(product, wires, readers, since=since, until=until, folder=folder)
        with product.database.reading() as session:
            articles = known_articles(session)
            return [account_of(reader, read_letters(session, reader, sent), articles) for reader in readers]


def as_markdown(accounts: Sequence[Account]) -> str:
    """Return the table: of each reader and day how many stories came, and on how many topics."""
    of_week = [(FIRST_DAY + timedelta(days=number)).date() for number in range(DAYS + AFTERWARDS)]
    rows = [
        (
            account.reader.about, *(_cell(account, day) for day in of_week),
            *(str(len(each)) for each in (account.repeated, account.missed, account.without_room)),
        )
        for account in accounts
    ]  # fmt: skip
    headings = ("reader", *(f"{day:%-d %b}" for day in of_week), "repeated", "missed", "without room")
    return as_table(headings, rows) + "\n"


def write_letters(accounts: Sequence[Account], folder: Path) -> None:
    """Write the HTML and the text of each letter, named by reader and time."""
    folder.mkdir(parents=True, exist_ok=True)
    for account in accounts:
        for letter in account.letters:
            stem = folder / f"{account.reader.name}-{letter.at:%d-%Hh}-{letter.kind}"
            stem.with_suffix(".html").write_text(body_of(letter.message, "html"), encoding="utf-8")
            text = f"Subject: {letter.subject}\n\n{body_of(letter.message, 'plain')}"
            stem.with_suffix(".txt").write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=Path, help="write the letters into this folder")
    parser.add_argument("--into", type=Path, help="put the table into a page, between its marks")
    arguments = parser.parse_args()
    wires = read_wires()
    if not wires:
        print("no corpora beside the repository, in ../shared/corpora")
        return 1
    with tempfile.TemporaryDirectory(prefix="week-") as folder:
        until = FIRST_DAY + timedelta(days=DAYS + AFTERWARDS)
        accounts = run_week(wires, READERS, Path(folder), since=FIRST_DAY, until=until)
    table = as_markdown(accounts)
    print(table)
    if arguments.letters:
        write_letters(accounts, arguments.letters)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, SCRIPT), encoding="utf-8")
    return 1 if any(account.repeated or account.missed for account in accounts) else 0


def _cell(account: Account, day: date) -> str:
    """Return the stories and topics of a day's letters, each kind of letter for itself."""
    cells = [
        f"{len(stories)} on {len(topics)}" if letter.kind is EditionKind.NUMBER else letter.kind
        for letter, stories, topics in zip(account.letters, account.stories, account.topics, strict=True)
        if letter.at.date() == day
    ]
    return ", ".join(cells) or "–"


if __name__ == "__main__":
    sys.exit(main())
