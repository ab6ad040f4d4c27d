"""A newsletter in one language on the command line: commands that name no language mean the one that it has."""

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.editions.models import Edition
from app.newsletters.models import newsletter_by_slug
from app.product import Product
from app.subscriptions.models import Subscription
from tests import make

ADD = ("newsletters", "add", "north")
ENGLISH = ("--name-en", "North Cape", "--description-en", "Far.")
HERE = ("--newsletter", "north")


def languages(product: Product) -> list[str]:
    with product.database.reading() as session:
        return list(session.scalars(select(Subscription.language)))


def test_it_is_added_in_the_languages_that_are_named(app: Flask, product: Product) -> None:
    run = app.test_cli_runner()
    none = run.invoke(args=ADD)
    assert (none.exit_code, none.output) == (
        1, "Error: languages: give it a name and a description in one language at least\n",
    )  # fmt: skip
    half = run.invoke(args=[*ADD, *ENGLISH, "--name-fr", "Cap Nord"])
    assert (half.exit_code, half.output) == (1, "Error: description-fr: write something, in one line\n")
    added = run.invoke(args=[*ADD, *ENGLISH])
    assert added.output == f"Readers sign up at {product.links.home('en', 'north')}.\n"
    rows = json.loads(run.invoke(args=["newsletters", "list", "--json"]).stdout)
    assert [row["language"] for row in rows if row["slug"] == "north"] == ["en"]
    words = ("--name", "Cap Nord", "--description", "Loin.", "--label", "fr.north")
    assert run.invoke(args=["newsletters", "language", "north", "fr", *words]).exit_code == 0
    with product.database.reading() as session:
        assert session.scalars(newsletter_by_slug("north")).one().language_codes == ("en", "fr")


@pytest.mark.parametrize(
    ("named", "spoken"), [([], ["en"]), (["--language", "en"], ["en"]), (["--language", "fr"], [])]
)
def test_readers_come_in_its_language(app: Flask, product: Product, named: list[str], spoken: list[str]) -> None:
    run = app.test_cli_runner()
    run.invoke(args=[*ADD, *ENGLISH])
    added = run.invoke(args=["subscribers", "add", "a@reader.example", *HERE, *named])
    assert (added.exit_code == 0, languages(product)) == (bool(spoken), spoken)
    assert ("north is not in fr, but in en" in added.output) is not bool(spoken)


def test_a_list_comes_in_its_language(app: Flask, product: Product, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email,language\na@reader.example,\nb@reader.example,fr\n")
    run = app.test_cli_runner()
    run.invoke(args=[*ADD, *ENGLISH])
    done = run.invoke(args=["subscribers", "import", str(path), *HERE, "--json"])
    assert (
        f"{path}:3: language: A language is fr or en, or its name in either, and one that the newsletter has."
        in done.stderr
    )
    assert languages(product) == ["en"]
    assert run.invoke(args=["subscribers", "import", str(path), *HERE, "--language", "fr"]).exit_code == 1


def test_nothing_is_compiled_scheduled_or_corrected_in_another(app: Flask, product: Product) -> None:
    with product.database.transaction() as session:
        north = make.add_french(session, product.config)
        reader = make.make_subscription(session, newsletter_id=north.id).subscriber
    run = app.test_cli_runner()
    for command in (
        ("editions", "compile", *HERE, "--language", "en"),
        ("schedules", "add", "north", "en", "30 7 * * 2"),
        ("subscribers", "language", reader.email, "en"),
    ):
        assert run.invoke(args=command).exit_code == 1, command
    assert languages(product) == ["fr"]
    with product.database.reading() as session:
        assert session.scalars(select(Edition)).all() == []
