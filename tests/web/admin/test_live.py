"""The stream of a run's figures: what it tells, how long it lives, and what it costs."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.admins.models import AdminSession
from app.cli.serving import in_one_thread
from app.clock import now
from app.delivery.models import DeliveryState
from app.delivery.senders import ProviderOutcomes
from app.editions import counts
from app.editions.audience import finish_editions, pause_edition
from app.product import Product
from app.web.admin.editions import live as streaming
from app.web.admin.editions.live import KEY, LIFE_S, SEATS, Live
from tests import make
from tests.conftest import ON_SQLITE
from tests.statements import statements
from tests.web import desk
from tests.web.admin.test_sending import second_look

#: One kind of database is enough here: no query of its own is tested.
pytestmark = ON_SQLITE


@pytest.fixture
def run(admin: FlaskClient, product: Product) -> int:
    draft = desk.make_draft(product, articles=2, readers=12)
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    return draft


def settle(product: Product, number: int) -> None:
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.ACCEPTED, number, now=now())


def finish(product: Product) -> None:
    with product.database.transaction() as session:
        finish_editions(session, now=now())


def opened(admin: FlaskClient, run: int) -> TestResponse:
    """A stream on a server that has many threads."""
    return admin.get(f"/admin/editions/{run}/progress", multithread=True)


def pieces_of(stream: TestResponse) -> Iterator[str]:
    return (piece.decode() for piece in stream.response)


def next_event(pieces: Iterator[str]) -> str:
    return next(piece for piece in pieces if piece.startswith("event: "))


def test_a_stream_tells_what_changes_and_ends_with_the_run(admin: FlaskClient, product: Product, run: int) -> None:
    pieces = pieces_of(opened(admin, run))
    assert next(pieces).startswith("retry: ")
    assert 'max="12" value="0"' in next_event(pieces)
    settle(product, 5)
    assert 'max="12" value="5"' in next_event(pieces)
    settle(product, 7)
    finish(product)
    assert next_event(pieces) == "event: over\ndata: over\n\n"
    assert list(pieces) == []


def test_every_line_of_an_event_is_data(admin: FlaskClient, run: int) -> None:
    answer = admin.get(f"/admin/editions/{run}/progress")
    assert answer.content_type == "text/event-stream; charset=utf-8"
    assert set(answer.headers["Cache-Control"].split(", ")) == {"no-store", "no-transform"}
    assert answer.headers["X-Accel-Buffering"] == "no"
    fields = {line.partition(":")[0] for line in answer.text.splitlines() if line}
    assert fields == {"retry", "event", "id", "data"}


def test_the_first_event_says_what_the_page_says(admin: FlaskClient, run: int) -> None:
    """To the letter: what differed would be replaced, and a live region said again, with nothing changed."""
    lines = admin.get(f"/admin/editions/{run}/progress").text.splitlines()
    told = "\n".join(line.removeprefix("data: ") for line in lines if line.startswith("data: "))
    assert told.strip() in admin.get(f"/admin/editions/{run}").text


def test_who_comes_back_is_not_told_again_what_they_know(admin: FlaskClient, product: Product, run: int) -> None:
    told = admin.get(f"/admin/editions/{run}/progress").text
    known = told.partition("\nid: ")[2].partition("\n")[0]
    again = admin.get(f"/admin/editions/{run}/progress", headers={"Last-Event-ID": known}).text
    assert "event:" not in again
    assert ": still" in again
    settle(product, 1)
    time.sleep(0.6)  # until what was read a moment ago no longer counts
    assert "event: figures" in admin.get(f"/admin/editions/{run}/progress", headers={"Last-Event-ID": known}).text


def test_a_paused_run_is_told_as_over(admin: FlaskClient, product: Product, run: int) -> None:
    with product.database.transaction() as session:
        pause_edition(session, edition_id=run, actor=desk.EMAIL, now=now())
    assert "event: over" in admin.get(f"/admin/editions/{run}/progress").text


def test_streams_leave_threads_to_pages(app: Flask, admin: FlaskClient, run: int) -> None:
    streams = [opened(admin, run) for _ in range(SEATS)]
    for stream in streams:
        next_event(pieces_of(stream))
    begun = time.monotonic()
    assert "event: figures" in opened(admin, run).text
    assert time.monotonic() - begun < LIFE_S / 5
    live: Live = app.extensions[KEY]
    with live.seat() as is_free:
        assert not is_free
    for stream in streams:
        stream.close()
    with live.seat() as is_free:
        assert is_free


def test_a_server_of_one_thread_is_told_once(app: Flask, admin: FlaskClient, run: int) -> None:
    app.wsgi_app = in_one_thread(app.wsgi_app)  # type: ignore[method-assign]
    begun = time.monotonic()
    assert "event: figures" in opened(admin, run).text
    assert time.monotonic() - begun < LIFE_S / 5


def test_all_who_follow_share_one_look_and_hold_no_connection(
    app: Flask, admin: FlaskClient, product: Product, run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "TICK_S", 60)  # a busy machine may take more than a second for one look
    with statements(product.database) as alone:
        Live().look(product.database, run)
    live = Live()
    with statements(product.database) as shared, ThreadPoolExecutor(8) as pool:
        moments = list(pool.map(lambda _: live.look(product.database, run), range(8)))
    assert len({id(moment) for moment in moments}) == 1
    assert len(shared) <= len(alone)
    app.extensions[KEY] = live
    next_event(pieces_of(opened(admin, run)))
    assert product.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_rights_are_looked_at_each_time(admin: FlaskClient, product: Product, run: int) -> None:
    with product.database.transaction() as session:
        session.execute(sa.update(AdminSession).values(ended_at=now()))
    answer = admin.get(f"/admin/editions/{run}/progress")
    assert answer.location.startswith("/admin/sign-in")


def test_the_page_shows_providers_with_numbers_beside_pictures(admin: FlaskClient, product: Product, run: int) -> None:
    page = admin.get(f"/admin/editions/{run}").text
    row = page.partition('<th scope="row">reader.example')[2].partition("</tr>")[0]
    assert row.count('<rect class="part part-waiting"') == 1
    assert re.findall(r"<td[^>]*>(\d+)</td>", row) == ["0", "12", "0", "0", "0"]


def test_a_large_edition_is_not_counted_for_its_page(
    admin: FlaskClient, product: Product, run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "COUNTED_AT_ONCE", 11)
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.REJECTED, 3, now=now())
    counts.count_editions(product.database, now=now())
    with product.database.transaction() as session:
        told = {"edition_id": run, "provider": "reader.example", "sender": "m-1", "uncertain": 0, "given_up": 0}
        session.add(ProviderOutcomes(**told, waiting=-6, deferred=1, accepted=2, rejected=3))
    with statements(product.database) as asked:
        page = admin.get(f"/admin/editions/{run}").text
    assert 'max="12" value="5"' in page
    assert re.findall(r"<dd>(\d+)</dd>", page.partition('class="tally"')[2])[:5] == ["6", "0", "2", "1", "3"]
    assert '<td class="num">3</td>' in page.partition('class="table causes"')[2]
    assert "Reasons as counted on" in page
    assert not any("GROUP BY state" in each or "count(*)" in each for each in asked if "deliveries" in each)
