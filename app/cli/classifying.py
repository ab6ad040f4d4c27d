"""`flask articles classify`: what articles are about, without any database."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

import click

from app.articles.extract import Extracted
from app.cli.articles import group
from app.cli.files import article_files, read_articles
from app.cli.output import as_json, print_rows
from app.topics.classify import Found, classify
from app.topics.taxonomy import Taxonomy, load
from app.web import product


class _Word(TypedDict):
    """A word that gave a topic."""

    word: str
    where: str
    times: int
    weight: float


class _Topic(TypedDict):
    """A topic as it is printed."""

    topic: str
    fr: str
    en: str
    rank: str
    weight: float
    words: list[_Word]


class _Told(TypedDict):
    """One line of output. `regions` are those in which the countries lie."""

    file: str
    title: str
    language: str | None
    themes: list[_Topic]
    places: list[_Topic]
    regions: list[str]


@group.command("classify")
@article_files
@click.option("--language", type=click.Choice(["fr", "en"]), help="Without it, words of both are looked for.")
@click.option("--title", help="Unless the files carry one; it counts more than the text.")
@as_json
def classify_files(files: Sequence[Path], language: str | None, title: str | None, as_json: bool) -> None:
    """Say what articles in text, Markdown or HTML files, or - for stdin, are about; with --json one line each.

    Nothing is stored.
    """
    taxonomy = load(product().config.topics_file)
    for file, extracted in read_articles(files):
        told = _told(taxonomy, file, extracted, title, language)
        if as_json:
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            click.echo(file)
            topics = [*told["themes"], *told["places"]]
            print_rows([{**topic, "words": _in_a_row(topic["words"])} for topic in topics], as_json=False)


def _told(taxonomy: Taxonomy, file: Path, extracted: Extracted, title: str | None, language: str | None) -> _Told:
    heading = title or extracted.title or ""
    found = classify(taxonomy, title=heading, text=extracted.text, language=language or "")
    return {
        "file": str(file),
        "title": heading,
        "language": language,
        "themes": _topics(taxonomy, found.themes),
        "places": _topics(taxonomy, found.places),
        "regions": sorted({region for place in found.places for region in taxonomy.regions_of(place.key)}),
    }


def _topics(taxonomy: Taxonomy, topics: Iterable[Found]) -> list[_Topic]:
    return [
        {
            "topic": topic.key,
            "fr": taxonomy.label(topic.key, "fr"),
            "en": taxonomy.label(topic.key, "en"),
            "rank": topic.rank.value,
            "weight": topic.weight,
            "words": [
                {"word": each.written, "where": each.zone.value, "times": each.times, "weight": each.weight}
                for each in topic.evidence
            ],
        }
        for topic in topics
    ]


def _in_a_row(words: Iterable[_Word]) -> str:
    return ", ".join(f"{each['word']} ({each['where']}, {each['times']})" for each in words)
