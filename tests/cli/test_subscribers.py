"""`flask subscribers`: rights on the command line."""

import json

from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from app.cli.subscribers import group
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber
from app.subscriptions.records import ConsentEvent
from tests.web.reader import EMAIL, make_reader, open_mailbox
from tests.web.visitor import counts


def run(app: Flask, *arguments: str, typed: str | None = None, code: int = 0) -> str:
    runner: FlaskCliRunner = app.test_cli_runner()
    result = runner.invoke(group, list(arguments), input=typed)
    assert result.exit_code == code, result.output
    return result.output


def test_rights_are_used_by_address_and_put_on_record(app: Flask, product: Product) -> None:
    make_reader(product)
    assert json.loads(run(app, "dossier", EMAIL.upper()))["held"]["profile"][0]["email"] == EMAIL
    run(app, "restrict", EMAIL)
    run(app, "restrict", EMAIL, "--lift")
    run(app, "move", EMAIL, "new@reader.example")
    assert open_mailbox(product)["address-change"][0] == "new@reader.example"
    run(app, "language", EMAIL, "en")
    run(app, "object", EMAIL)
    run(app, "erase", EMAIL, typed="n\n", code=1)
    assert counts(product)["subscribers"] == 1
    erased = run(app, "erase", EMAIL, "--yes")
    with product.database.reading() as session:
        events = session.scalars(select(ConsentEvent).order_by(ConsentEvent.seq)).all()
        assert session.scalars(select(Subscriber)).all() == []
    kinds = [event.kind.value for event in events]
    assert kinds == [
        "requested",
        "exported",
        "restricted",
        "restriction-lifted",
        "language-changed",
        "objected",
        "erased",
    ]
    assert {event.actor for event in events[1:]} == {"cli"}
    assert events[-1].hash in erased
    assert EMAIL not in erased


def test_show_tells_what_was_done_with_all_of_a_reader_too(app: Flask, product: Product) -> None:
    make_reader(product)
    run(app, "restrict", EMAIL)
    assert [each["kind"] for each in json.loads(run(app, "show", EMAIL, "--json"))["events"]] == [
        "requested", "restricted",
    ]  # fmt: skip


def test_an_unknown_address_is_said_in_a_line(app: Flask) -> None:
    for command in ("dossier", "restrict", "object"):
        assert "no subscriber" in run(app, command, EMAIL, code=1)
    assert run(app, "requests", "--json").strip() == "[]"


def test_the_language_of_letters_that_do_not_come_is_not_corrected(app: Flask, product: Product) -> None:
    make_reader(product, status=SubscriptionStatus.UNSUBSCRIBED)
    assert run(app, "language", EMAIL, "en", code=1) == "Error: this reader has left: no letters come to them\n"
