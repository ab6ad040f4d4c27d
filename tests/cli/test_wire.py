"""Looking at feeds and pages on the command line, without a database; floods and embargoes, with one."""

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.admins.models import AuditAct, AuditEntry
from app.articles.floods import hold
from app.articles.models import Article, FloodReason
from app.clock import now
from app.product import Product
from tests import make
from tests.articles.test_intake import item, rss

PROSE = "Le port a rouvert lundi, après onze jours de silence radio. Les navires attendent encore au large."


def test_a_preview_tells_what_would_come_in_and_needs_no_tables(app_without_tables: Flask, tmp_path: Path) -> None:
    feed = tmp_path / "fil.xml"
    feed.write_bytes(rss(item("a", pubDate="Mon, 16 Mar 2026 10:00:00 GMT", author="x@wire.example (Ada Lovelace)")))
    told = app_without_tables.test_cli_runner().invoke(args=["sources", "preview", str(feed), "--json"])
    assert told.exit_code == 0, told.output
    shown = json.loads(told.output)
    assert (shown["title"], shown["language"]) == ("Le Fil", "fr")
    [article] = shown["articles"]
    assert (article["title"], article["link"], article["author"]) == ("a", "https://wire.example/a", "Ada Lovelace")
    assert article["published"] == "2026-03-16T10:00:00+00:00"


def test_what_is_no_feed_is_said_in_a_line(app_without_tables: Flask, tmp_path: Path) -> None:
    told = app_without_tables.test_cli_runner().invoke(args=["sources", "preview", str(tmp_path / "none.xml")])
    assert told.exit_code == 1
    assert "cannot be read" in told.output


def test_pages_are_extracted_a_line_each_without_tables(app_without_tables: Flask, tmp_path: Path) -> None:
    page, text = tmp_path / "port.html", tmp_path / "port.txt"
    told = "".join(f"<p>{PROSE} {n}.</p>" for n in range(3))
    page.write_text(f"<html lang='fr'><title>Le port rouvre</title><article>{told}</article></html>", encoding="utf-8")
    text.write_text(PROSE, encoding="utf-8")
    runner = app_without_tables.test_cli_runner()
    lines = runner.invoke(args=["articles", "extract", str(page), str(text), "--json"]).output.splitlines()
    first, second = map(json.loads, lines)
    assert (first["title"], first["language"]) == ("Le port rouvre", "fr")
    assert first["text"].startswith(PROSE)
    assert (second["title"], second["text"]) == (None, PROSE)
    assert {"title", "text", "language", "published", "author", "link"} <= set(second)


@pytest.mark.parametrize("command", ["extract", "classify"])
def test_a_bad_file_is_named_and_stops_no_other(app_without_tables: Flask, tmp_path: Path, command: str) -> None:
    bad, good = tmp_path / "bad.txt", tmp_path / "good.txt"
    bad.write_bytes(b"\xff\xfe")
    good.write_text(PROSE, encoding="utf-8")
    args = ["articles", command, str(bad), str(good), "/dev/zero", "--json"]
    told = app_without_tables.test_cli_runner().invoke(args=args)
    assert told.exit_code == 1
    assert [json.loads(line)["file"] for line in told.stdout.splitlines()] == [str(good)]
    assert f"{bad}: the file is UTF-16" in told.stderr
    assert "/dev/zero: the file is larger than 2 MB" in told.stderr


@pytest.mark.parametrize("command", ["extract", "classify"])
@pytest.mark.parametrize("source", [PROSE, f"\n<html><head><title>Le port</title></head><body><p>{PROSE * 3}</p>"])
def test_an_article_is_read_from_stdin(app_without_tables: Flask, command: str, source: str) -> None:
    told = app_without_tables.test_cli_runner().invoke(args=["articles", command, "-", "--json"], input=source)
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["title"] == (
        "Le port" if "<title>" in source else None if command == "extract" else ""
    )


def test_an_article_is_put_in_and_given_another_text(app: Flask, tmp_path: Path) -> None:
    file, runner = tmp_path / "port.md", app.test_cli_runner()
    file.write_text(PROSE, encoding="utf-8")
    asked = ["articles", "add", "--language", "fr", "--title", "Le port rouvre", "--json", str(file)]
    added = json.loads(runner.invoke(args=asked).output)
    file.write_text(PROSE.replace("lundi", "mardi"), encoding="utf-8")
    revised = json.loads(runner.invoke(args=["articles", "revise", str(added["id"]), str(file), "--json"]).output)
    assert (revised["id"], revised["revision"], revised["title"]) == (added["id"], 2, "Le port rouvre")
    assert "mardi" in revised["summary"]
    assert f"article {added['id']} has this text already" in runner.invoke(args=asked).output
    again = runner.invoke(args=["articles", "revise", str(added["id"]), str(file)])
    assert (again.exit_code, "the text that" in again.output) == (1, True)


def test_an_article_that_is_known_is_not_said_to_be_added(app: Flask, product: Product, tmp_path: Path) -> None:
    first, second = tmp_path / "a.md", tmp_path / "b.md"
    first.write_text(f"# Un\n\n{PROSE}", encoding="utf-8")
    second.write_text(f"# Deux\n\n{PROSE}", encoding="utf-8")
    args = ["--language", "fr", "--link", "https://wire.example/a"]
    assert app.test_cli_runner().invoke(args=["articles", "add", str(first), *args]).exit_code == 0
    told = app.test_cli_runner().invoke(args=["articles", "add", str(second), *args])
    assert (told.exit_code, told.stdout) == (1, "")
    assert "article 1 has this link already" in told.stderr
    with product.database.reading() as session:
        acts = session.scalars(select(AuditEntry.act)).all()
    assert [act for act in acts if act is AuditAct.ARTICLE_ADDED] == [AuditAct.ARTICLE_ADDED]


def test_a_flood_is_listed_and_let_through(app: Flask, product: Product) -> None:
    with product.database.transaction() as session:
        source = make.make_source(session)
        flood_id = hold(session, source=source, reason=FloodReason.SURGE, number=1, now=now())
        article = make.make_article(session, source=source)
        article.flood_id = flood_id
    runner = app.test_cli_runner()
    assert json.loads(runner.invoke(args=["sources", "floods", "--json"]).output)[0]["reason"] == "surge"
    assert "Free to leave: 1 article\n" in runner.invoke(args=["sources", "pass", str(flood_id)]).output
    with product.database.reading() as session:
        assert session.get_one(Article, article.id).flood_id is None


def test_an_embargo_needs_a_time_with_its_zone(app: Flask, product: Product) -> None:
    with product.database.transaction() as session:
        article_id = str(make.make_article(session).id)
    runner = app.test_cli_runner()
    assert "zone" in runner.invoke(args=["articles", "embargo", article_id, "--until", "2099-01-01T06:00"]).output
    assert runner.invoke(args=["articles", "embargo", article_id]).exit_code == 2
    set_ = runner.invoke(args=["articles", "embargo", article_id, "--until", "2099-01-01T06:00+01:00"])
    assert (set_.exit_code, set_.stdout) == (0, f"Article {article_id} is kept back until 2099-01-01T06:00+01:00.\n")
    with product.database.reading() as session:
        until = session.get_one(Article, int(article_id)).embargo_until
        assert until is not None
        assert until.isoformat() == "2099-01-01T05:00:00+00:00"


def test_an_embargo_that_changes_nothing_is_refused(app: Flask, product: Product) -> None:
    with product.database.transaction() as session:
        article_id = str(make.make_article(session).id)
    runner = app.test_cli_runner()
    past = runner.invoke(args=["articles", "embargo", article_id, "--until", "2020-01-01T06:00+01:00"])
    assert (past.exit_code, "is past" in past.stderr) == (1, True)
    none = runner.invoke(args=["articles", "embargo", article_id, "--end"])
    assert (none.exit_code, "is not kept back" in none.stderr) == (1, True)
    runner.invoke(args=["articles", "embargo", article_id, "--until", "2099-01-01T06:00+01:00"])
    ended = runner.invoke(args=["articles", "embargo", article_id, "--end"])
    assert (ended.exit_code, ended.stdout) == (0, f"Article {article_id} may leave.\n")


def test_a_source_that_is_none_is_said_to_be_none(app: Flask) -> None:
    told = app.test_cli_runner().invoke(args=["sources", "fetch", "999"])
    assert (told.exit_code, "no source 999" in told.stderr) == (1, True)


def test_a_source_is_stopped_taken_up_again_and_removed(app: Flask, product: Product) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["sources", "add", "https://wire.example/feed"])

    def told(*args: str) -> tuple[int, str]:
        answer = runner.invoke(args=["sources", *args])
        return answer.exit_code, answer.stderr

    def is_active() -> bool:
        return bool(json.loads(runner.invoke(args=["sources", "list", "--json"]).stdout)[0]["is_active"])

    assert told("stop", "1") == (0, "")
    assert not is_active()
    assert told("stop", "1") == (1, "Error: this source is off already\n")
    assert told("resume", "1") == (0, "")
    assert is_active()
    assert told("resume", "1") == (1, "Error: this source is not off\n")
    assert told("remove", "1") == (0, "")
    assert told("remove", "1") == (1, "Error: no source 1\n")
    with product.database.transaction() as session:
        source_id = make.make_article(session, source=make.make_source(session)).source_id
    assert told("remove", str(source_id)) == (1, "Error: articles came from this source; stop it instead\n")
