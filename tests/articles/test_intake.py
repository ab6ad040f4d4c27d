"""From feeds to rows, over real HTTP: what is new comes in once, what fails is shown and stops nothing else."""

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from app.articles.extract import Extracted
from app.articles.intake import add_article, fetch_due
from app.articles.models import Article, Source, SourceKind
from app.articles.revisions import text_hash
from app.articles.sources import Reading, add_source, due_sources, record_fetch, remove_source, stop_source
from app.errors import InputRefused, NotFound
from app.settings.fetching import FetchSettings
from tests.articles.web_server import answer, redirect
from tests.conftest import NOW
from tests.refusing import refusing

HOUR = timedelta(hours=1)
PIECE = Extracted(None, "Un fait.\n\nUn autre.", "Un fait. Un autre.", authors="Ada Lovelace")


def rss(*items: str, language: str = "fr") -> bytes:
    """A feed of `items`."""
    listed = "".join(f"<item>{item}</item>" for item in items)
    inside = f"<title>Le Fil</title><language>{language}</language>{listed}"
    return f'<rss version="2.0"><channel>{inside}</channel></rss>'.encode()


def item(name: str, **more: str) -> str:
    """An item with a link and a GUID made of `name`."""
    parts = {
        "title": name,
        "link": f"https://wire.example/{name}",
        "guid": name,
        "description": f"Texte {name}.",
    } | more
    return "".join(f"<{tag}>{text}</{tag}>" for tag, text in parts.items())


@pytest.fixture
def settings(server) -> FetchSettings:
    return FetchSettings(allowed_inward=frozenset({server.origin}))


def add(product, location: str, **more: str | None) -> int:
    options = {"language": None, "name": None} | more
    with product.database.transaction() as session:
        return add_source(session, location=location, now=NOW, **options).id


def read(product, source_id: int) -> Source:
    with product.database.reading() as session:
        source = session.get(Source, source_id)
        assert source is not None
        return source


def articles(product) -> list[Article]:
    with product.database.reading() as session:
        return list(session.scalars(select(Article).order_by(Article.id)))


def test_a_feed_comes_in_once_and_a_second_import_adds_nothing(product, server, settings) -> None:
    server.answers["/feed"] = answer(rss(item("a", pubDate="Mon, 16 Mar 2026 10:00:00 GMT"), item("b")))
    source_id = add(product, server.url())
    [report] = fetch_due(product.database, settings=settings, now=lambda: NOW)
    assert (report.source_id, report.new, report.failure) == (source_id, 2, None)
    first, second = articles(product)
    assert (first.title, first.summary, first.language, first.link) == ("a", "Texte a.", "fr", "https://wire.example/a")
    assert (first.published_at, first.added_at) == (datetime(2026, 3, 16, 10, tzinfo=UTC), NOW)
    assert second.published_at == NOW
    assert fetch_due(product.database, settings=settings, now=lambda: NOW + HOUR)[0].new == 0
    assert len(articles(product)) == 2


def test_the_feed_names_itself_where_nobody_named_it(product, server, settings) -> None:
    server.answers["/feed"] = answer(rss(item("a"), language="en_GB"))
    own, given = add(product, server.url()), add(product, server.url("/feed?2"), language="fr", name="Mon nom")
    server.answers["/feed?2"] = server.answers["/feed"]
    fetch_due(product.database, settings=settings, now=lambda: NOW)
    assert [(read(product, n).name, read(product, n).language) for n in (own, given)] == [
        ("Le Fil", "en"),
        ("Mon nom", "fr"),
    ]


@pytest.mark.parametrize(
    ("again", "title"),
    [
        (item("a", title="Un titre corrigé"), "Un titre corrigé"),
        (item("a", link="https://wire.example/moved"), "a"),
        (item("a", guid="other", link="http://wire.example/a/?utm_source=rss"), "a"),
        (item("a", guid=""), "a"),
    ],
    ids=["revised", "moved", "other guid", "no guid"],
)
def test_a_revised_entry_is_not_a_new_article(again, title, product, server, settings) -> None:
    server.answers["/feed"] = answer(rss(item("a")))
    add(product, server.url())
    fetch_due(product.database, settings=settings, now=lambda: NOW)
    server.answers["/feed"] = answer(rss(again, item("b")))
    assert fetch_due(product.database, settings=settings, now=lambda: NOW + HOUR)[0].new == 1
    assert [article.title for article in articles(product)] == [title, "b"]


def test_one_page_in_two_feeds_is_one_article(product, server, settings) -> None:
    for path in ("/1", "/2"):
        server.answers[path] = answer(rss(item("a", guid=path)))
        add(product, server.url(path))
    assert sum(report.new for report in fetch_due(product.database, settings=settings, now=lambda: NOW)) == 1


def test_entries_that_share_a_link_in_one_feed_are_several_articles(product, server, settings) -> None:
    page = "https://wire.example/today"
    server.answers["/feed"] = answer(
        rss(item("a", link=page), item("b", link=page, guid=""), item("c", link=page, guid=""))
    )
    add(product, server.url())
    assert fetch_due(product.database, settings=settings, now=lambda: NOW)[0].new == 3
    assert fetch_due(product.database, settings=settings, now=lambda: NOW + HOUR)[0].new == 0


def test_a_date_in_the_future_becomes_now_and_an_impossible_one_too(product, server, settings) -> None:
    server.answers["/feed"] = answer(
        rss(item("a", pubDate="Fri, 01 Jan 2099 00:00:00 GMT"), item("b", pubDate="Thu, 01 Jan 1970 00:00:00 GMT"))
    )
    add(product, server.url())
    fetch_due(product.database, settings=settings, now=lambda: NOW)
    assert [article.published_at for article in articles(product)] == [NOW, NOW]


def test_very_long_names_fit_their_columns(product, server, settings) -> None:
    server.answers["/feed"] = answer(
        rss(
            item("a", title="é" * 2_000, guid="é" * 3_000, link="https://wire.example/" + "é" * 300),
            item("b", guid="é" * 3_001),
        )
    )
    add(product, server.url(), name="n" * 500)
    assert fetch_due(product.database, settings=settings, now=lambda: NOW)[0].new == 2
    assert fetch_due(product.database, settings=settings, now=lambda: NOW + HOUR)[0].new == 0


def test_what_has_not_changed_is_not_sent_again(product, server, settings) -> None:
    server.answers["/feed"] = answer(rss(item("a")), 'ETag: "v1"', "Last-Modified: Mon, 16 Mar 2026 10:00:00 GMT")
    source_id = add(product, server.url())
    fetch_due(product.database, settings=settings, now=lambda: NOW)
    server.answers["/feed"] = answer(status="304 Not Modified")
    [report] = fetch_due(product.database, settings=settings, now=lambda: NOW + HOUR)
    assert (report.new, report.failure) == (0, None)
    assert 'If-None-Match: "v1"' in server.requests[1]
    assert "If-Modified-Since: Mon, 16 Mar 2026 10:00:00 GMT" in server.requests[1]
    assert (read(product, source_id).etag, read(product, source_id).failure) == ('"v1"', None)


def test_a_source_is_due_again_after_the_interval_and_not_before(product, server, settings) -> None:
    server.answers["/feed"] = answer(rss(item("a")))
    source_id = add(product, server.url())
    fetch_due(product.database, settings=settings, now=lambda: NOW)
    assert fetch_due(product.database, settings=settings, now=lambda: NOW + timedelta(minutes=29)) == []
    assert read(product, source_id).next_fetch_at == NOW + timedelta(minutes=30)
    assert len(fetch_due(product.database, settings=settings, now=lambda: NOW, is_forced=True)) == 1
    assert len(fetch_due(product.database, settings=settings, now=lambda: NOW, only=[source_id])) == 1
    with pytest.raises(NotFound, match="no source 999"):
        fetch_due(product.database, settings=settings, now=lambda: NOW, only=[source_id, 999])


def test_one_broken_feed_never_stops_the_others(product, server, settings) -> None:
    """Every kind of broken feed at once, among two that are well."""
    server.answers |= {
        "/good": answer(rss(item("a"))),
        "/page": answer(b"<!DOCTYPE html><html><body>Hello</body></html>", "Content-Type: text/html"),
        "/huge": answer(b" " * 5_100_000),
        "/loop": redirect("/loop"),
        "/inward": redirect("http://169.254.169.254/latest/meta-data/"),
        "/entities": answer(b'<!DOCTYPE rss [<!ENTITY x "y">]>' + rss(item("x"))),
        "/error": answer(status="500 Oops"),
        "/empty": answer(b""),
        "/gone": answer(status="404 Not Found"),
        "/closes": b"",
        "/slow": lambda _connection: time.sleep(1),
        "/last": answer(rss(item("b"))),
    }
    ids = {path: add(product, server.url(path)) for path in server.answers}
    ids["inside"] = add(product, "http://10.0.0.1/feed")
    seen = []
    reports = fetch_due(product.database, settings=settings, now=lambda: NOW, progress=seen.append)
    failures = {report.source_id: report.failure or "" for report in reports}
    assert len(seen) == len(reports) == len(ids)
    assert sum(report.new for report in reports) == 2
    for path, words in {
        "/page": "web page", "/huge": "larger than 5 MB", "/loop": "redirects more than",
        "/inward": "inside this network",
        "/entities": "entities", "/error": "answers 500", "/empty": "empty", "/gone": "answers 404",
        "/closes": "no connection", "/slow": "no connection", "inside": "inside this network",
    }.items():  # fmt: skip
        assert words in failures[ids[path]], path
        assert words in (read(product, ids[path]).failure or ""), path


def test_a_defect_of_ours_stops_no_feed_either(product, server, settings, monkeypatch, caplog) -> None:
    server.answers |= {"/1": answer(rss(item("a"))), "/2": answer(rss(item("b")))}
    first, second = add(product, server.url("/1")), add(product, server.url("/2"))

    def broken(session, *, source_id, **more):
        if source_id == first:
            raise ZeroDivisionError
        return record_fetch(session, source_id=source_id, **more)

    monkeypatch.setattr("app.articles.intake.record_fetch", broken)
    reports = {report.source_id: report for report in fetch_due(product.database, settings=settings, now=lambda: NOW)}
    assert reports[first].failure == "what was fetched could not be stored"
    assert reports[second].new == 1
    assert "ZeroDivisionError" in caplog.text


def test_an_article_bears_the_time_at_which_it_could_be_seen(product, server, settings) -> None:
    server.answers = {path: answer(rss(item(path.strip("/")))) for path in ("/a", "/b")}
    for path in server.answers:
        add(product, server.url(path))
    hours = count()
    fetch_due(product.database, settings=settings, now=lambda: NOW + next(hours) * HOUR)
    first, second = sorted(article.added_at for article in articles(product))
    assert NOW < first < second, "no digest looked past it in the hours that the other feed took"


def test_failures_are_retried_ever_later_and_forgotten_when_it_works(product, server, settings) -> None:
    source_id = add(product, server.url())
    pauses, now = [], NOW
    for _ in range(8):
        fetch_due(product.database, settings=settings, now=lambda now=now: now)
        pauses.append((read(product, source_id).next_fetch_at - now) / timedelta(minutes=30))
        now = read(product, source_id).next_fetch_at
    assert pauses == [1, 2, 4, 8, 16, 32, 48, 48]
    assert read(product, source_id).failures == 8
    server.answers["/feed"] = answer(rss(item("a")))
    fetch_due(product.database, settings=settings, now=lambda: now)
    source = read(product, source_id)
    assert (source.failures, source.failure, source.next_fetch_at) == (0, None, now + timedelta(minutes=30))


def test_a_source_that_is_removed_or_stopped_while_it_is_read_is_no_defect(product, server, settings, caplog) -> None:
    ids = [add(product, server.url(path)) for path in ("/removed", "/stopped")]

    def after(act):
        def reply(connection) -> None:
            with product.database.transaction() as session:
                act(session)
            connection.sendall(answer(rss(item("a"))))

        return reply

    server.answers["/removed"] = after(lambda session: remove_source(session, ids[0]))
    server.answers["/stopped"] = after(lambda session: stop_source(session, ids[1]))
    reports = {each.source_id: each for each in fetch_due(product.database, settings=settings, now=lambda: NOW)}
    removed, stopped = (reports[source_id] for source_id in ids)
    assert (removed.failure, removed.new) == ("the source was removed meanwhile", 0)
    assert (stopped.failure, stopped.new) == (None, 1)
    assert not read(product, ids[1]).is_active
    assert "Traceback" not in caplog.text


def test_a_feed_that_is_gone_is_not_asked_again(product, server, settings) -> None:
    server.answers["/feed"] = answer(status="410 Gone")
    source_id = add(product, server.url())
    [report] = fetch_due(product.database, settings=settings, now=lambda: NOW)
    assert "gone" in (report.failure or "")
    assert not read(product, source_id).is_active
    assert fetch_due(product.database, settings=settings, now=lambda: NOW + timedelta(days=30)) == []


@pytest.mark.parametrize(
    ("status", "header", "pause"),
    [
        ("429 Too Many Requests", "7200", timedelta(hours=2)),
        ("503 Service Unavailable", "Wed, 18 Mar 2026 09:00:00 GMT", timedelta(days=1)),
        ("429 Too Many Requests", "999999999", timedelta(days=7)),
        ("429 Too Many Requests", "60", timedelta(minutes=30)),
        ("429 Too Many Requests", "soon", timedelta(minutes=30)),
        ("503 Service Unavailable", "Mon, 16 Mar 2026 09:00:00 GMT", timedelta(minutes=30)),
        ("503 Service Unavailable", "Mon, 16 Mar 99999999999999999999 09:00:00 GMT", timedelta(minutes=30)),
    ],
)
def test_a_server_that_asks_for_a_pause_gets_it(status, header, pause, product, server, settings) -> None:
    server.answers["/feed"] = answer(b"", f"Retry-After: {header}", status=status)
    source_id = add(product, server.url())
    [report] = fetch_due(product.database, settings=settings, now=lambda: NOW)
    assert "asks us to come back later" in (report.failure or "")
    assert read(product, source_id).next_fetch_at == NOW + pause


def test_a_feed_in_a_file_is_read_like_any_other(product, settings, tmp_path: Path) -> None:
    path = tmp_path / "été.xml"
    path.write_bytes(rss(item("a")))
    source_id = add(product, str(path))
    assert read(product, source_id).kind is SourceKind.FILE
    assert fetch_due(product.database, settings=settings, now=lambda: NOW)[0].new == 1
    path.unlink()
    assert "cannot be read" in (fetch_due(product.database, settings=settings, now=lambda: NOW + HOUR)[0].failure or "")


def test_the_bundled_feeds_are_good_ones(product, settings) -> None:
    for path in sorted((Path(__file__).resolve().parents[2] / "app" / "demo" / "feeds").glob("*.xml")):
        add(product, str(path), language=path.stem)
    assert [report.new for report in fetch_due(product.database, settings=settings, now=lambda: NOW)] == [8, 8]
    found = articles(product)
    assert {article.language for article in found} == {"fr", "en"}
    assert len({article.link for article in found}) == 16
    assert all(article.summary.endswith((".", "?")) and article.published_at < NOW for article in found)


@pytest.mark.parametrize(
    "location",
    [
        "nowhere.xml",
        "",
        "ftp://wire.example/",
        "http://user:pw@wire.example/",
        "https://",
        "http://wire.example/" + "a" * 2_000,
    ],
)
def test_a_location_that_is_none_is_refused_in_words(location, product) -> None:
    with pytest.raises(InputRefused, match=r"file|address"):
        add(product, location)


def test_a_source_is_added_once(product) -> None:
    first = add(product, "HTTPS://Wire.Example/feed#top")
    assert add(product, " https://wire.example/feed ", name="Le Fil") == first
    assert read(product, first).name == "Le Fil"
    with pytest.raises(InputRefused, match="language"):
        add(product, "https://wire.example/other", language="xx")


def test_only_active_sources_are_due_and_the_longest_waiting_first(product) -> None:
    ids = [add(product, f"https://wire.example/{n}") for n in range(3)]
    with product.database.transaction() as session:
        session.get_one(Source, ids[0]).is_active = False
        session.get_one(Source, ids[2]).next_fetch_at = NOW - HOUR
        session.flush()
        assert [source.id for source in due_sources(session, NOW)] == [ids[2], ids[1]]
        assert [source.id for source in due_sources(session, NOW - HOUR)] == [ids[2]]


def test_a_fetch_of_a_source_that_was_removed_is_said_so(product) -> None:
    with product.database.transaction() as session, pytest.raises(NotFound):
        record_fetch(session, source_id=999, reading=Reading(), interval=HOUR, now=NOW)


def test_an_article_by_hand_is_added_once(product) -> None:
    def add_one(**more: object) -> int:
        with product.database.transaction() as session:
            given = {"language": "fr", "title": "Un\u202e titre", "extracted": PIECE, "link": None, "now": NOW} | more
            return add_article(session, **given).id  # type: ignore[arg-type]

    first = add_one()
    with pytest.raises(InputRefused, match=f"article {first} has this text already"):
        add_one()
    assert add_one(title="Autre") != first
    linked = add_one(link="https://wire.example/a?utm_source=x")
    assert linked != first
    with pytest.raises(InputRefused, match=f"article {linked} has this link already"):
        add_one(link="http://wire.example/a", title="Encore")
    [article, *_] = articles(product)
    assert (article.title, article.body, article.summary) == ("Un titre", PIECE.text, PIECE.summary)
    assert (article.source_id, article.published_at, article.added_at) == (None, NOW, NOW)
    assert (article.authors, article.text_hash) == ("Ada Lovelace", text_hash("Un titre", PIECE.text))


@pytest.mark.parametrize(
    "wrong", [{"language": "xx"}, {"title": " "}, {"title": None}, {"link": "javascript:alert(1)"}]
)
def test_an_article_by_hand_that_lacks_something_is_refused(wrong, product) -> None:
    given = {"language": "fr", "title": "Un titre", "extracted": PIECE, "link": None, "now": NOW} | wrong
    with product.database.transaction() as session, pytest.raises(InputRefused):
        add_article(session, **given)


def test_a_json_feed_comes_in_too(product, server, settings) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Fil",
        "items": [{"id": "1", "content_text": "Un fait."}],
    }
    server.answers["/feed"] = answer(json.dumps(feed).encode(), "Content-Type: application/feed+json")
    add(product, server.url())
    assert fetch_due(product.database, settings=settings, now=lambda: NOW)[0].new == 1


def test_a_feed_that_cannot_be_stored_is_left_alone_like_one_that_fails(product, server, settings) -> None:
    """Else it would be asked again at every tick of the schedule, for ever."""
    server.answers["/feed"] = answer(rss(item("a"), item("poison")))
    server.answers["/other"] = answer(rss(item("b")))
    source_id = add(product, server.url())
    add(product, server.url("/other"))
    with refusing(product, "articles", "NEW.title = 'poison'"):
        reports = {each.source_id: each for each in fetch_due(product.database, settings=settings, now=lambda: NOW)}
    assert [article.title for article in articles(product)] == ["b"]
    assert reports[source_id].failure == read(product, source_id).failure == "what was fetched could not be stored"
    assert read(product, source_id).next_fetch_at >= NOW + timedelta(minutes=30)
