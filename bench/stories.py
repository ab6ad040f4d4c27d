"""Measure how articles are grouped into stories: right by labels made by reading, and at which cost.

python bench/stories.py                       print tables and misses
python bench/stories.py --into PAGE.md        put the tables into a page, between its two marks
python bench/stories.py --articles 50000      group so many invented articles too, and tell the cost by tenths
"""

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import func, insert, select

from app import models
from app.articles.models import Article, Source, SourceKind
from app.db import Database, make_migration_engine
from app.stories.grouping import BATCH, group_batch
from app.stories.models import Story
from app.topics.taxonomy import load
from bench.markdown import as_table, put_between_marks
from bench.story_labels import Item, read_items, read_others, read_pairs

#: Both are read well after the last item.
NOW = datetime(2032, 1, 1, tzinfo=UTC)
FIRST = datetime(2031, 3, 1, tzinfo=UTC)
Figures = tuple[float, float, float]


@contextmanager
def empty_database() -> Iterator[Database]:
    """Yield an SQLite database with all tables, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="stories-") as folder:
        url = f"sqlite:///{folder}/stories.db"
        engine = make_migration_engine(url)
        models.Base.metadata.create_all(engine)
        engine.dispose()
        database = Database(url)
        yield database
        database.dispose()


def group_items(database: Database, items: Sequence[Item]) -> dict[str, int]:
    """Store items as articles, group them day by day as they were published, and return the story of each."""
    ids: dict[str, int] = {}
    with database.transaction() as session:
        sources = {name: _source(name) for name in sorted({item.source for item in items})}
        session.add_all(sources.values())
        session.flush()
        for item in items:
            article = Article(
                source_id=sources[item.source].id, guid=item.id, language=item.language, title=item.title[:300],
                summary=item.summary, body=item.body, published_at=item.published_at, added_at=item.published_at,
                grouped_at=NOW,
            )  # fmt: skip
            session.add(article)
            session.flush()
            ids[item.id] = article.id
    for _, day in itertools.groupby(items, key=lambda item: item.published_at.date()):
        with database.transaction() as session:
            for item in day:
                session.get_one(Article, ids[item.id]).grouped_at = None
            session.flush()
            group_batch(session, load(), now=NOW, limit=len(items))
    with database.reading() as session:
        stories = {row.id: row.story_id for row in session.execute(select(Article.id, Article.story_id))}
    return {item_id: stories[article_id] for item_id, article_id in ids.items()}


def b_cubed(items: Sequence[Item], stories: dict[str, int], chosen: Callable[[Item], bool]) -> Figures:
    """Return precision, recall and F1 over the chosen items, each judged by all items (Bagga and Baldwin, 1998)."""
    given, labelled = defaultdict(set), defaultdict(set)
    for item in items:
        given[stories[item.id]].add(item.id)
        labelled[item.story].add(item.id)
    judged = [(given[stories[item.id]], labelled[item.story]) for item in items if chosen(item)]
    precision = sum(len(one & other) / len(one) for one, other in judged) / len(judged)
    recall = sum(len(one & other) / len(other) for one, other in judged) / len(judged)
    return precision, recall, 2 * precision * recall / (precision + recall)


def pairs_across_languages(items: Sequence[Item], stories: dict[str, int]) -> tuple[int, int, int]:
    """Return how many pairs of a French and an English item are rightly, wrongly, and wrongly not in one story."""
    right = wrong = missed = 0
    for one, other in itertools.combinations(items, 2):
        if one.language != other.language:
            given, labelled = stories[one.id] == stories[other.id], one.story == other.story
            right, wrong, missed = right + (given and labelled), wrong + (given > labelled), missed + (given < labelled)
    return right, wrong, missed


def as_markdown(items: Sequence[Item], pairs: Sequence[Item], stories: dict[str, int]) -> str:
    """Return the tables of all figures."""
    sizes = Counter(item.story for item in items)
    halves: list[tuple[str, Callable[[Item], bool]]] = [
        ("half looked at", lambda item: not item.is_of_check_half),
        ("other half", lambda item: item.is_of_check_half),
        ("all", lambda item: True),
    ]
    alone = {item.id: place for place, item in enumerate(items)}
    rows = []
    tried = [(name, chosen, stories) for name, chosen in halves]
    for name, chosen, given in (*tried, ("all, were each article a story", halves[-1][1], alone)):
        several = [item for item in items if chosen(item) and sizes[item.story] > 1]
        figures = b_cubed(items, given, chosen)
        among = b_cubed(items, given, lambda item, several=several: item in several)
        number = sum(map(chosen, items))
        rows.append((name, str(number), *_shown(figures), str(len(several)), *_shown(among)))
    headings = ("items", "number", "precision", "recall", "F1", "of stories with several", "precision", "recall", "F1")
    across = []
    for name, of_set in (
        ("public archives", items),
        *((f"own texts, {half}", [item for item in pairs if chosen(item)]) for half, chosen in halves),
    ):
        right, wrong, missed = pairs_across_languages(of_set, stories)
        across.append((name, str(right + missed), str(right), str(missed), str(wrong)))
    return (
        f"{as_table(headings, rows)}\n\n{as_table(('French and English', 'pairs', 'found', 'missed', 'wrong'), across)}"
    )


def measure_cost(database: Database, articles: int) -> Iterator[float]:
    """Group invented articles, a thousand a day, and yield the milliseconds of CPU that one took in each tenth."""
    chance = random.Random(5)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(4, 9))) for _ in range(40_000)]
    rarity = [1 / (rank + 10) for rank in range(len(words))]
    with database.transaction() as session:
        session.add_all(_source(f"wire-{number}.example") for number in range(50))
    taken = 0.0
    for first in range(0, articles, BATCH):
        with database.transaction() as session:
            rows = [_invented(chance, words, rarity, number) for number in range(first, first + BATCH)]
            session.execute(insert(Article), rows)
        started = time.process_time()
        with database.transaction() as session:
            group_batch(session, load(), now=NOW)
        taken += time.process_time() - started
        if (first + BATCH) % (articles // 10) == 0:
            yield taken * 1000 / (articles // 10)
            taken = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--articles", type=int, default=0)
    arguments = parser.parse_args()
    items, pairs = read_items(), read_pairs()
    if not items:
        print("no corpora beside the repository, in ../shared/corpora")
        return 1
    with empty_database() as database:
        stories = group_items(
            database, sorted([*items, *pairs, *read_others(items)], key=lambda item: item.published_at)
        )
    tables = as_markdown(items, pairs, stories) + "\n"
    print(tables)
    _print_misses([*items, *pairs], stories)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, tables, "bench/stories.py"), encoding="utf-8")
    if arguments.articles:
        with empty_database() as database:
            print("Milliseconds of CPU an article, by tenths:")
            for milliseconds in measure_cost(database, arguments.articles):
                print(f"  {milliseconds:.2f}", flush=True)
            with database.reading() as session:
                number = session.scalar(select(func.count()).where(Story.merged_into_id.is_(None)))
        print(f"{arguments.articles} articles are {number} stories.")
    return 0


def _source(name: str) -> Source:
    return Source(
        kind=SourceKind.URL, location=f"https://{name if '.' in name else name + '.example'}/feed", name=name,
        language="en", next_fetch_at=NOW, created_at=FIRST,
    )  # fmt: skip


def _invented(chance: random.Random, words: Sequence[str], rarity: Sequence[float], number: int) -> dict[str, object]:
    """Return an article of 40 words; every third retells, in part, one of the last hundred."""
    about = random.Random(number - number % 3 if number % 3 else number)
    own = chance.choices(words, rarity, k=30)
    text = " ".join([*about.choices(words, rarity, k=14), *own])
    at = FIRST + timedelta(days=1) * (number / 1_000)
    return {
        "source_id": chance.randint(1, 50), "guid": str(number), "language": "en", "title": text[:90],
        "summary": text, "body": text, "published_at": at, "added_at": at,
    }  # fmt: skip


def _shown(figures: Figures) -> Iterator[str]:
    return (f"{figure:.3f}" for figure in figures)


def _print_misses(items: Sequence[Item], stories: dict[str, int]) -> None:
    """Print what went wrong in the half that is looked at."""
    seen = [item for item in items if not item.is_of_check_half]
    for name, one, other in (
        ("In one story, though about several events:", lambda item: stories[item.id], lambda item: item.story),
        ("About one event, though in several stories:", lambda item: item.story, lambda item: stories[item.id]),
    ):
        print(name)
        groups = defaultdict(list)
        for item in seen:
            groups[one(item)].append(item)
        for members in groups.values():
            if len({other(item) for item in members}) > 1:
                print("  " + "; ".join(item.id for item in members))


if __name__ == "__main__":
    sys.exit(main())
