"""Bursts: answered with 429 ahead of everything else, never at the cost of a departure; in memory and in Redis."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.product import Product
from app.settings.form import Bursts
from app.subscriptions.kinds import SubscriptionStatus
from app.web.bursts import Tally
from config import Config
from tests import make
from tests.conftest import NOW, create_tables
from tests.end_to_end.house import free_port
from tests.web import desk
from tests.web.visitor import only


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database is enough: bursts are counted elsewhere."""
    url = f"sqlite:///{tmp_path / 'vigie.db'}"
    create_tables(url)
    return url


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """The distribution's Redis, on a free port of this machine, keeping nothing."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("install the distribution's redis: apt-get install redis-server")
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        await_redis(url)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def await_redis(url: str) -> None:
    with redis.Redis.from_url(url) as store:
        for _ in range(200):
            try:
                store.ping()
            except redis.exceptions.ConnectionError:
                time.sleep(0.05)
            else:
                return
    raise AssertionError("redis-server did not start")


def patient_app(config: Config, **changes: object) -> Flask:
    """The app with bursts of three posts and five pages a minute."""
    return create_app(replace(config, bursts=replace(Bursts(), posts_per_minute=3, pages_per_minute=5, **changes)))  # type: ignore[arg-type]


def posts(client: FlaskClient, path: str, count: int, *, network: str = "192.0.2.1") -> list[int]:
    """The answers to so many posts of one network."""
    return [client.post(path, environ_overrides={"REMOTE_ADDR": network}).status_code for _ in range(count)]


@pytest.mark.parametrize("path", ["/fr/subscribe", "/fr/confirm/x", "/fr/preferences/x", "/admin/sign-in"])
def test_what_strangers_post_to_has_its_burst(config: Config, app: Flask, path: str) -> None:
    client = patient_app(config).test_client()
    with time_machine.travel(NOW, tick=False) as clock:
        answers = posts(client, path, 5)
        assert 429 not in answers[:3]
        assert answers[3:] == [429, 429]
        assert 429 not in posts(client, path, 1, network="192.0.2.2")
        clock.shift(timedelta(seconds=61))
        assert 429 not in posts(client, path, 1)


def test_a_burst_over_many_pages_is_one(config: Config, app: Flask) -> None:
    client = patient_app(config).test_client()
    paths = ["/fr/subscribe", "/en/my-data", "/fr/preferences/x", "/admin/sign-in"]
    assert [path for path in paths if client.post(path).status_code == 429] == paths[3:]
    pages = ["confirm", "preferences", "my-data", "address", "renew", "stay", "unsubscribe"]
    assert [page for page in pages if client.get(f"/fr/{page}/x").status_code == 429] == ["stay"], "never the way out"


def test_only_leaving_has_no_burst_among_what_strangers_post_to(config: Config, app: Flask) -> None:
    patient = patient_app(config)
    client, urls = patient.test_client(), patient.url_map.bind("127.0.0.1")
    unlimited: set[str] = set()
    asked: list[str] = []
    for rule in patient.url_map.iter_rules():
        is_open = rule.endpoint.startswith("public.") or rule.endpoint in desk.OPEN
        if is_open and "POST" in (rule.methods or ()):
            values = {name: {"language": "fr"}.get(name, "x") for name in rule.arguments}
            network = f"192.0.2.{len(asked)}"
            asked.append(rule.endpoint)
            if 429 not in posts(client, urls.build(rule.endpoint, values, method="POST"), 4, network=network):
                unlimited.add(rule.endpoint)
    assert unlimited == {"public.unsubscribe_submit"}


@pytest.mark.parametrize(("language", "words"), [("fr", "Un peu trop vite"), ("en", "A little too fast")])
def test_the_answer_says_how_long_to_wait(config: Config, app: Flask, language: str, words: str) -> None:
    client = patient_app(config).test_client()
    answers = [client.post(f"/{language}/subscribe") for _ in range(4)]
    assert (answers[-1].status_code, answers[-1].headers["Retry-After"]) == (429, "60")
    assert words in answers[-1].text


def test_pages_of_letters_have_a_burst_and_other_pages_none(config: Config, app: Flask) -> None:
    client = patient_app(config).test_client()
    answers = [client.get("/fr/preferences/x").status_code for _ in range(7)]
    assert answers == [400] * 5 + [429] * 2
    assert {client.get("/fr/legal").status_code for _ in range(9)} == {200}


def test_the_search_has_a_burst(config: Config, app: Flask) -> None:
    client = patient_app(config).test_client()
    assert [client.get("/fr/search?q=mer").status_code for _ in range(7)] == [200] * 5 + [429] * 2


def test_many_networks_at_once_cost_no_more_than_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is over is looked for now and then, not with each request."""
    monkeypatch.setattr("app.web.bursts.KEPT", 100)
    tally, looks = Tally(), 0
    with time_machine.travel(NOW, tick=False) as clock:
        for number in range(1_000):
            counts = tally._counts
            tally.incr(f"network {number}", 60)
            looks += tally._counts is not counts
        assert looks < 6
        clock.shift(timedelta(seconds=61))
        for number in range(1_000):
            tally.incr(f"other {number}", 60)
        assert len(tally._counts) < 1_700


def test_no_departure_is_ever_lost_to_a_burst(config: Config, app: Flask) -> None:
    wired: Product = app.extensions["vigie"]
    with wired.database.transaction() as session:
        reader = make.make_subscription(session)
    path = f"/fr/unsubscribe/{wired.link_tokens.sign('unsubscribe', reader.public_id)}"
    client = patient_app(config).test_client()
    assert posts(client, "/fr/unsubscribe/x", 50) == [400] * 50
    assert posts(client, path, 20) == [200] * 20
    with wired.database.reading() as session:
        assert only(session).status is SubscriptionStatus.UNSUBSCRIBED


def test_processes_count_together_in_redis_which_learns_no_address(config: Config, app: Flask, redis_url: str) -> None:
    clients = [patient_app(config, storage_url=redis_url).test_client() for _ in range(2)]
    answers = [clients[number % 2].post("/fr/subscribe").status_code for number in range(5)]
    assert answers == [422] * 3 + [429] * 2
    with redis.Redis.from_url(redis_url, decode_responses=True) as store:
        names = store.keys()
        assert len(names) == 1
        assert "127.0.0.1" not in names[0]
        assert 0 < store.ttl(names[0]) <= 60


def test_without_its_redis_a_process_counts_alone(config: Config, app: Flask) -> None:
    client = patient_app(config, storage_url=f"redis://127.0.0.1:{free_port()}/0").test_client()
    assert posts(client, "/fr/subscribe", 5) == [422] * 3 + [429] * 2
