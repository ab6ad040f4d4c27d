"""Measure digests made for each reader: how long they take to compile, and how fast they go beside one edition for all.

    python bench/personal.py [--readers 100000] [--choices 2000] [--sqlite] [--json FILE] [--into PAGE.md]

Makes that many readers who chose among so many sets of topics, all French, and a wire of 300 stories on all topics.
One edition for all is compiled, started and sent by `flask worker` into Postfix's `smtp-sink`; then a digest of the
schedule, with a variant for each set of articles that comes out. The letters of both are of about one size. Compiling
is measured from the claim of the period to the last copy queued.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.choices.choices import Interests
from app.choices.choosing import profile_id
from app.clock import now
from app.digests.schedule import run_due_schedules
from app.editions.audience import edition_counts
from app.editions.lines import Schedule
from app.editions.models import Edition, whole_editions
from app.product import Product
from app.stories.models import Story
from app.subscriptions.models import Subscription
from app.topics.classify import Rank
from app.topics.models import ArticleTopic
from app.topics.taxonomy import load
from bench import newsroom
from bench.databases import Databases, Sqlite, running_postgresql
from bench.machine import describe_machine
from bench.markdown import machine_sentence, put_between_marks
from bench.measure import Run, Watch
from bench.newsroom import Started
from bench.sinks import SMTP_SINK, running_sink
from bench.texts import ARTICLES

LANGUAGE = "fr"
STORIES = 300
#: Drawn anew alike in every run.
SEED = 20260317
Figures = Mapping[str, Any]


def main() -> int:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as name, ExitStack() as parts:
        folder = Path(name)
        server = None if arguments.sqlite else parts.enter_context(running_postgresql(folder))
        databases: Databases = server or Sqlite(folder)
        databases.template("readers", lambda url: fill(url, folder, arguments.readers, arguments.choices))
        figures = {
            "script": "bench/personal.py", "machine": describe_machine(server), "readers": arguments.readers,
            "choices": arguments.choices, **measure(databases, folder),
        }  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    table = as_markdown(figures)
    print(table)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, "bench/personal.py"), encoding="utf-8")
    return 0


def fill(url: str, folder: Path, readers: int, choices: int) -> None:
    """Put in readers who chose, and a wire."""
    newsroom.fill(url, folder, readers)
    drawn = random.Random(SEED)
    with newsroom.opened(newsroom.settings(folder, url)) as product, product.database.transaction() as session:
        topics = [key for key in load().topics if not key.startswith("place:") or drawn.random() < 0.2]
        ids = [profile_id(session, interests) for interests in draw_interests(drawn, topics, choices)]
        place = Subscription.id % len(ids)
        for start in range(0, len(ids), 500):
            chosen = sa.case(dict(enumerate(ids[start : start + 500], start=start)), value=place)
            these = sa.update(Subscription).where(place >= start, place < start + 500)
            session.execute(these.values(profile_id=chosen, language=LANGUAGE))
        add_wire(session, drawn, topics)


def draw_interests(drawn: random.Random, topics: list[str], choices: int) -> list[Interests]:
    """Return so many different sets of choices: some topics followed, now and then one muted."""
    sets: dict[str, Interests] = {}
    while len(sets) < choices:
        followed = frozenset(drawn.sample(topics, drawn.randint(0, 6)))
        muted = frozenset(drawn.sample(topics, drawn.choice((0, 0, 1, 2))))
        interests = Interests(("en",) if drawn.random() < 0.3 else (), followed - muted, muted)
        sets[interests.digest] = interests
    return list(sets.values())


def add_wire(session: Session, drawn: random.Random, topics: list[str]) -> None:
    """Add stories of one article each, on one to three topics."""
    pieces = [piece for each in ARTICLES.values() for piece in each]
    for number in range(STORIES):
        at = now() - timedelta(minutes=10 + number)
        story = Story(first_at=at, last_at=at, ranks_at=at, sources=drawn.randint(1, 6), languages={})
        session.add(story)
        session.flush()
        _, title, summary = pieces[number % len(pieces)]
        link = f"https://wire.example/{number}"
        article = Article(
            guid=link, link=link, link_key=link, language=drawn.choice(("fr", "fr", "en")), title=f"{title} ({number})",
            summary=summary, body=summary, published_at=at, added_at=at, story_id=story.id, grouped_at=at,
        )  # fmt: skip
        session.add(article)
        session.flush()
        for topic in drawn.sample(topics, drawn.randint(1, 3)):
            row = {"article_id": article.id, "topic": topic, "weight": 1.0, "rank": Rank.PRIMARY, "words": []}
            session.add(ArticleTopic(**row, is_by_editor=False))


def measure(databases: Databases, folder: Path) -> Figures:
    """Compile and send the same readers one edition for all, then what each chose."""
    plain_s, plain, _ = send(databases, folder, is_personal=False)
    personal_s, personal, variants = send(databases, folder, is_personal=True)
    return {
        "variants": variants,
        "plain_compile_s": round(plain_s, 1), "personal_compile_s": round(personal_s, 1),
        "plain_per_s": round(plain.letters_per_s), "personal_per_s": round(personal.letters_per_s),
        "plain_letters": plain.letters, "personal_letters": personal.letters,
        "ratio": round(personal.letters_per_s / plain.letters_per_s, 2),
    }  # fmt: skip


def send(databases: Databases, folder: Path, *, is_personal: bool) -> tuple[float, Run, int]:
    """Return the seconds that compiling took, what sending showed, and the number of variants."""
    url = databases.copied("readers")
    with newsroom.opened(newsroom.settings(folder, url)) as product:
        begun = time.monotonic()
        started = start(product, is_personal=is_personal)
        compile_s = time.monotonic() - begun
        with (
            running_sink(SMTP_SINK, folder) as sink,
            newsroom.running_worker(folder, url, sink, connections=8, name=f"worker-{is_personal}") as worker,
        ):
            run = Watch(
                pids=[worker.pid], sinks=[sink], letters=started.copies,
                is_settled=lambda: newsroom.is_settled(product, started),
            ).run()  # fmt: skip
        with product.database.reading() as session:
            variants = session.scalar(sa.select(sa.func.count(Edition.variant_of)))
    return compile_s, run, variants or 0


def start(product: Product, *, is_personal: bool) -> Started:
    """Let the schedule of the language run; with nobody's choices, it sends one edition."""
    at = now()
    with product.database.transaction() as session:
        if not is_personal:
            session.execute(sa.update(Subscription).values(profile_id=None))
        due = sa.update(Schedule).where(Schedule.language == LANGUAGE)
        session.execute(due.values(next_run_at=at - timedelta(seconds=1)))
    begun = time.monotonic()
    run_due_schedules(product.database, now=at, config=product.config, links=product.links, announce=product.announce)
    freeze_s = time.monotonic() - begun
    with product.database.reading() as session:
        edition_id = session.scalars(whole_editions().with_only_columns(Edition.id)).one()
        copies = sum(edition_counts(session, edition_id).values())
    return Started((edition_id,), copies, freeze_s)


def as_markdown(figures: Figures) -> str:
    """Return a table of what was measured."""
    return (
        f"{figures['readers']:,} readers, {figures['choices']:,} sets of choices, {STORIES} stories; "
        f"{machine_sentence(figures['machine'])}\n\n"
        "| | compiled in s | letters | letters a second |\n| --- | --: | --: | --: |\n"
        f"| one edition for all | {figures['plain_compile_s']} | {figures['plain_letters']:,} "
        f"| {figures['plain_per_s']:,} |\n"
        f"| what each chose, {figures['variants']:,} variants | {figures['personal_compile_s']} "
        f"| {figures['personal_letters']:,} | {figures['personal_per_s']:,} ({figures['ratio']}) |\n"
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--choices", type=int, default=2_000)
    parser.add_argument("--sqlite", action="store_true", help="on SQLite, else on PostgreSQL")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--into", type=Path, help="put the table into a page, between its marks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
