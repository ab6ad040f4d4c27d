"""Two newsletters on the command line: one is added and closed, and commands that mean one want to hear which."""

import csv
import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.editions.models import Edition
from app.newsletters.models import Newsletter
from app.product import Product
from app.readership.filters import ReaderFilter
from app.readership.saved import save_filter
from app.subscriptions.models import Subscription
from tests import make
from tests.conftest import NOW, ON_SQLITE
from tests.web import desk

pytestmark = ON_SQLITE

NAMES = (
    "--name-fr",
    "Cap Nord",
    "--description-fr",
    "L’Arctique.",
    "--name-en",
    "North Cape",
    "--description-en",
    "Far.",
)
MEANING_ONE = (
    ("editions", "compile", "--language", "fr"),
    ("subscribers", "add", "a@reader.example"),
    ("subscribers", "export"),
    ("subscribers", "held", "show"),
    ("subscribers", "held", "ask", "--yes"),
    ("subscribers", "held", "stop"),
    ("consents", "renew", "status"),
)


def test_a_newsletter_is_added_closed_and_opened(app: Flask, product: Product) -> None:
    run = app.test_cli_runner()
    refused = run.invoke(args=["newsletters", "add", "north", *NAMES, "--sender", "north@elsewhere.example"])
    assert "an address that ends with @newsletter.example" in refused.output
    added = run.invoke(args=["newsletters", "add", "north", *NAMES, "--sender", "north@newsletter.example"])
    assert f"{product.config.public_url}/fr/newsletters/north/" in added.output
    assert "slug: there is one already" in run.invoke(args=["newsletters", "add", "north", *NAMES]).output
    for command, is_closed in (("close", True), ("open", False)):
        assert run.invoke(args=["newsletters", command, "north"]).exit_code == 0
        rows = json.loads(run.invoke(args=["newsletters", "list", "--json"]).stdout)
        assert [row["closed_at"] is not None for row in rows if row["slug"] == "north"] == [is_closed] * 2
        assert {row["sender"] for row in rows if row["slug"] == "north"} == {"north@newsletter.example"}


@pytest.mark.parametrize("command", MEANING_ONE, ids=" ".join)
def test_where_there_are_several_a_command_wants_to_know_which(
    app: Flask, product: Product, command: tuple[str, ...]
) -> None:
    run = app.test_cli_runner()
    alone = run.invoke(args=command)
    assert "--newsletter" not in alone.output
    with product.database.transaction() as session:
        make.add_second(session, product.config)
    refused = run.invoke(args=command)
    assert refused.exit_code == 1
    assert "name one with --newsletter: vigie, north" in refused.output
    assert "--newsletter" not in run.invoke(args=[*command, "--newsletter", "north"]).output


def test_a_list_is_imported_into_the_one_that_is_named(app: Flask, product: Product, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("email,source,date\na@reader.example,fair,2025-03-01\n")
    with product.database.transaction() as session:
        make.make_subscription(session)
        make.add_second(session, product.config)
    run = app.test_cli_runner()
    words = ["subscribers", "import", str(tmp_path / "list.csv")]
    assert run.invoke(args=words).exit_code == 1
    assert run.invoke(args=[*words, "--newsletter", "north"]).exit_code == 0
    with product.database.reading() as session:
        named = select(Newsletter.slug).join(Subscription).order_by(Subscription.id)
        assert session.scalars(named).all() == ["vigie", "north"]
    listed = run.invoke(args=["subscribers", "list", "--newsletter", "north", "--json"])
    assert [row["email"] for row in json.loads(listed.stdout)] == ["a@reader.example"]


def test_a_reader_of_two_is_shown_with_both(app: Flask, product: Product) -> None:
    with product.database.transaction() as session:
        first = make.make_subscription(session)
        second = make.add_second(session, product.config)
        session.add(Subscription(newsletter_id=second.id, subscriber=first.subscriber, language="fr",
                                 status=first.status, requested_at=first.requested_at))  # fmt: skip
    run = app.test_cli_runner()
    shown = json.loads(run.invoke(args=["subscribers", "show", "alice@reader.example", "--json"]).stdout)
    assert [row["newsletter"] for row in shown["subscriptions"]] == ["vigie", "north"]
    listed = json.loads(run.invoke(args=["subscribers", "list", "--limit", "1", "--json"]).stdout)
    assert [row["newsletter"] for row in listed] == ["vigie", "north"]


def test_editions_say_whose_they_are(app: Flask, product: Product) -> None:
    run = app.test_cli_runner()
    first = desk.make_draft(product)
    alone = run.invoke(args=["editions", "send", str(first)], input="n\n").output
    assert "readers?" in alone
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        session.get_one(Edition, first).newsletter_id = second.id
    for words in (["list"], ["list", "--newsletter", "north"]):
        rows = json.loads(run.invoke(args=["editions", *words, "--json"]).stdout)
        assert [row["newsletter"] for row in rows] == ["north"]
    assert json.loads(run.invoke(args=["editions", "list", "--newsletter", "vigie", "--json"]).stdout) == []
    assert json.loads(run.invoke(args=["editions", "show", str(first), "--json"]).stdout)["newsletter"] == "north"
    assert "readers of Cap Nord?" in run.invoke(args=["editions", "send", str(first)], input="n\n").output


def test_an_export_holds_one_newsletter_and_names_it(app: Flask, product: Product) -> None:
    run = app.test_cli_runner()
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        first = make.make_subscription(session, email="both@reader.example")
        session.add(Subscription(newsletter_id=second.id, subscriber=first.subscriber, language="fr",
                                 status=first.status, requested_at=first.requested_at))  # fmt: skip
        save_filter(session, name="Far", wanted=ReaderFilter(newsletter="north"), now=NOW)
    for options in (["--newsletter", "north"], ["--filter", "Far"]):
        [row] = csv.DictReader(run.invoke(args=["subscribers", "export", *options]).stdout.splitlines())
        assert (row["email"], row["newsletter"]) == ("both@reader.example", "north")
    other = run.invoke(args=["subscribers", "export", "--filter", "Far", "--newsletter", "vigie"])
    assert (other.exit_code, "means the readers of north" in other.stderr) == (1, True)
