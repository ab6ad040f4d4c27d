"""`flask newsletters`: the warm-up from the command line."""

import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.clock import now
from app.delivery.senders import WarmUpDay, WarmUpPlan
from app.delivery.warm_ups import day_of
from app.errors import FAULTS
from app.jobs.schedule import count_warming_readers
from app.newsletters.letterhead import fault_words
from app.product import Product
from tests import make
from tests.web import desk

WARM_UP = ("newsletters", "warm-up", "vigie")


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """A shell."""
    return app.test_cli_runner()


def test_it_is_started_shown_and_stopped(runner: FlaskCliRunner, product: Product) -> None:
    today = day_of(now())
    assert json.loads(runner.invoke(args=[*WARM_UP, "show", "--json"]).output) == {"warm_up": None, "ended_at": None}
    started = runner.invoke(args=[*WARM_UP, "start"])
    assert started.exit_code == 0
    assert f"starts on {today}" in started.output
    with product.database.transaction() as session:
        for number in range(201):
            make.make_subscription(session, email=f"r{number}@reader.example")
        yesterday = today - timedelta(days=1)
        session.get_one(WarmUpPlan, 1).starts_on = yesterday
        session.add(WarmUpDay(newsletter_id=1, day=yesterday, doublings=0, drawn=150, deferred=8))
    count_warming_readers(product)
    told = json.loads(runner.invoke(args=[*WARM_UP, "show", "--json"]).output)["warm_up"]
    assert told["days"] == [
        {"day": yesterday.isoformat(), "allowance": 200, "drawn": 150, "deferred": 8, "held": "deferred"}
    ]
    assert (told["day"], told["allowance"], told["allowance_per_provider"]) == (2, 200, 50)
    assert (told["drawn_today"], told["held_days"], told["idle_days"]) == (0, 1, 0)
    assert told["ends_on"] == (today + timedelta(days=3)).isoformat()
    assert "deferred" in runner.invoke(args=[*WARM_UP, "show"]).output
    assert runner.invoke(args=[*WARM_UP, "start"]).exit_code == 1
    assert runner.invoke(args=[*WARM_UP, "stop"]).exit_code == 0
    assert runner.invoke(args=[*WARM_UP, "stop"]).exit_code == 1
    assert json.loads(runner.invoke(args=[*WARM_UP, "show", "--json"]).output)["ended_at"] is not None


def test_it_is_planned_ahead_and_not_behind(runner: FlaskCliRunner, product: Product) -> None:
    assert runner.invoke(args=[*WARM_UP, "start", "--on", "2020-01-01"]).exit_code == 1
    first = day_of(now()) + timedelta(days=3)
    assert f"starts on {first}" in runner.invoke(args=[*WARM_UP, "start", "--on", first.isoformat()]).output
    with product.database.reading() as session:
        assert session.get_one(WarmUpPlan, 1).starts_on == first


def test_a_newsletter_that_is_none_is_one_line(runner: FlaskCliRunner) -> None:
    refused = runner.invoke(args=["newsletters", "warm-up", "nothing", "show"])
    assert refused.exit_code == 1
    assert refused.output.strip() == "Error: no newsletter nothing; there is vigie"


def test_sending_and_its_status_tell_of_the_warm_up(runner: FlaskCliRunner, product: Product) -> None:
    draft = desk.make_draft(product, readers=3)
    runner.invoke(args=[*WARM_UP, "start", "--on", (day_of(now()) + timedelta(days=1)).isoformat()])
    sent = runner.invoke(args=["editions", "send", str(draft), "--yes"])
    assert "at most 0 copies go today" in sent.output
    told = json.loads(runner.invoke(args=["editions", "status", str(draft), "--json"]).output)
    assert told["awaiting_warm_up"] == 0, "nobody has looked at them yet"


def test_sending_counts_the_readers_who_came_after_the_plan(runner: FlaskCliRunner, product: Product) -> None:
    runner.invoke(args=[*WARM_UP, "start"])
    draft = desk.make_draft(product, readers=201)
    assert "at most 200 copies go today" in runner.invoke(args=["editions", "send", str(draft), "--yes"]).output


def test_it_is_listed_changed_and_named_anew(runner: FlaskCliRunner, product: Product) -> None:
    assert runner.invoke(args=["newsletters", "change", "vigie", "--timezone", "Europe/Brussels"]).exit_code == 0
    refused = runner.invoke(args=["newsletters", "change", "vigie", "--timezone", "Brussels"])
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: timezone: there is no such time zone; write one as Europe/Paris\n",
    )
    addresses = ("--sender", "north@newsletter.example", "--reply-to", "desk@elsewhere.example")
    assert runner.invoke(args=["newsletters", "change", "vigie", *addresses]).exit_code == 0
    kept = runner.invoke(args=["newsletters", "change", "vigie", "--no-welcome"]).output
    assert "come from north@newsletter.example; replies go to desk@elsewhere.example." in kept
    elsewhere = runner.invoke(args=["newsletters", "change", "vigie", "--sender", "north@elsewhere.example"])
    assert elsewhere.exit_code == 1
    assert "signed for newsletter.example" in elsewhere.output
    taken_away = runner.invoke(args=["newsletters", "change", "vigie", "--welcome", "--sender", ""])
    assert f"come from {product.config.mail.sender}; replies go to desk@elsewhere.example." in taken_away.output
    words = ("--name", "The Jetty", "--description", "Of the sea.", "--label", "en.jetty")
    assert runner.invoke(args=["newsletters", "language", "vigie", "en", *words]).exit_code == 0
    listed = json.loads(runner.invoke(args=["newsletters", "list", "--json"]).output)
    assert [(row["language"], row["list_label"], row["timezone"], row["reply_to"]) for row in listed] == [
        ("fr", "fr.vigie", "Europe/Brussels", "desk@elsewhere.example"),
        ("en", "en.jetty", "Europe/Brussels", "desk@elsewhere.example"),
    ]
    assert all(row["welcome_letter"] and not row["needs_approval"] for row in listed)


def test_every_fault_of_a_field_has_a_sentence(app: Flask, product: Product) -> None:
    """The desk's form has one for each in its own words (`_house.html`); the command line says these."""
    assert app.jinja_loader is not None
    form, _, _ = app.jinja_loader.get_source(app.jinja_env, "admin/house/_house.html")
    codes = set(re.findall(r'[ {]"(\w+)": _\("', form.partition("macro fault")[2].partition("endmacro")[0]))
    assert {"slug", "taken", "often", "none", "domain"} <= codes
    assert codes == FAULTS.keys() | fault_words(product.config.mail).keys()
