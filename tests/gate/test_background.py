"""What is asked of the network in the background: real pages and filters on loopback."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.articles.models import Article
from app.gate.background import DRAFTS_SINCE, FRESH, open_links, run_probes
from app.gate.findings import Finding, What
from app.gate.models import Probe
from app.gate.probing import ProbeKind, ask_anew, edition_subject
from app.gate.spam import check_spam
from app.product import Product
from app.settings.fetching import FetchSettings
from app.settings.gate import GateSettings
from tests.articles.web_server import WebServer, answer, redirect, web_server
from tests.conftest import NOW
from tests.gate.house import look, make_edition


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


def allowed(server: WebServer) -> FetchSettings:
    return FetchSettings(allowed_inward=frozenset({server.origin}))


def test_pages_are_opened_and_those_that_are_gone_are_told(server: WebServer) -> None:
    server.answers["/there"] = answer(b"x" * 6_000_000)
    server.answers["/moved"] = redirect(server.url("/there"))
    server.answers["/gone"] = answer(status="410 Gone")
    server.answers["/shy"] = answer(status="403 Forbidden")
    found = open_links([server.url(path) for path in ("/there", "/moved", "/gone", "/shy")], allowed(server))
    assert found == (
        Finding(What.LINK_DEAD, server.url("/gone"), "410"),
        Finding(What.LINK_SILENT, server.url("/shy"), "403"),
    )


def test_pages_inside_our_network_are_not_opened(server: WebServer) -> None:
    [found] = open_links([server.url("/there")], FetchSettings())
    assert found.what is What.LINK_SILENT
    assert server.requests == []


def with_gate(product: Product, **settings: object) -> Product:
    gate = replace(product.config.gate, **settings)  # type: ignore[arg-type]
    return replace(product, config=replace(product.config, gate=gate))


def probe(product: Product, now=NOW) -> int:
    return run_probes(product.database, config=product.config, links=product.links, now=now)


def test_the_links_of_drafts_are_looked_at_once_and_again_when_that_is_long_ago(
    product: Product, server: WebServer
) -> None:
    server.answers["/gone"] = answer(status="404 Not Found")
    product = with_gate(product, checks_links=True)
    product = replace(product, config=replace(product.config, fetch=allowed(server)))
    edition_id = make_edition(product)
    with product.database.transaction() as session:
        for article in session.scalars(select(Article).where(Article.link.is_not(None))):
            article.link = server.url(f"/gone?{article.id}")
    assert probe(product) == 1
    assert probe(product) == 0
    assert What.LINK_DEAD in look(product, edition_id).blocking
    assert probe(product, NOW + FRESH[ProbeKind.LINKS]) == 1


def test_a_draft_that_somebody_asks_about_is_looked_at_anew_and_fails_until_then(
    product: Product, server: WebServer
) -> None:
    product = with_gate(product, checks_links=True)
    product = replace(product, config=replace(product.config, fetch=allowed(server)))
    edition_id = make_edition(product, now=NOW - DRAFTS_SINCE)
    with product.database.transaction() as session:
        for article in session.scalars(select(Article).where(Article.link.is_not(None))):
            article.link = server.url(f"/{article.id}")
    assert probe(product) == 0, "the draft is too old for that"
    for minutes, answered in ((1, "404 Not Found"), (3, "200 OK")):
        asked = NOW + timedelta(minutes=minutes)
        server.answers.update({f"/{number}": answer(status=answered) for number in range(9)})
        with product.database.transaction() as session:
            subject = edition_subject(edition_id, look(product, edition_id).fingerprint)
            ask_anew(session, [subject, product.config.mail.sender_domain], now=asked)
        before = look(product, edition_id, now=asked).blocking
        assert (What.LINK_DEAD in before) is (minutes == 3), "what was found stands until the next answer"
        assert probe(product, asked + timedelta(minutes=1)) == 1
        assert probe(product, asked + timedelta(minutes=2)) == 0
    assert What.LINK_DEAD not in look(product, edition_id).blocking


def test_a_trial_asks_nobody(product: Product) -> None:
    make_edition(product)
    assert probe(product) == 0
    with product.database.reading() as session:
        assert session.scalars(select(Probe)).all() == []


@pytest.fixture
def spamd() -> Iterator[tuple[str, list[bytes], list[bytes]]]:
    """A daemon that answers once with what is put into its list: its address, what it was sent, its answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent: list[bytes] = []
    answers: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            data = b""
            while piece := connection.recv(65_536):
                data += piece
            sent.append(data)
            connection.sendall(answers[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}", sent, answers
    listener.close()


@pytest.mark.parametrize(("score", "wanted"), [("7.3", {What.SPAM_HIGH}), ("3.0", {What.SPAM_RAISED}), ("-1.2", set())])
def test_spamassassin_says_what_it_thinks_of_a_letter(spamd, score: str, wanted: set[What]) -> None:
    address, sent, answers = spamd
    answers.append(
        f"SPAMD/1.1 0 EX_OK\r\nContent-length: 20\r\nSpam: False ; {score} / 5.0\r\n\r\nHTML_MESSAGE,URI_X\n".encode()
    )
    found = check_spam(b"Subject: x\r\n\r\ny", GateSettings(spamd=address))
    assert {finding.what for finding in found} == wanted
    assert {finding.names for finding in found} <= {("HTML_MESSAGE", "URI_X")}
    assert sent == [b"SYMBOLS SPAMC/1.2\r\nContent-length: 15\r\n\r\nSubject: x\r\n\r\ny"]


def test_rspamd_says_what_it_thinks_of_a_letter(server: WebServer) -> None:
    told = {
        "score": 16.0,
        "required_score": 15.0,
        "symbols": {"A": {"score": 1}, "B": {"score": 9}, "C": {"score": -2}},
    }
    server.answers["/checkv2"] = answer(json.dumps(told).encode(), "Content-Type: application/json")
    found = check_spam(b"x", GateSettings(rspamd_url=f"http://{server.origin}"))
    assert found == (Finding(What.SPAM_HIGH, "rspamd", "16.0 / 15.0", ("B", "A")),)


@pytest.mark.parametrize("said", [b"", b"220 mail.example ESMTP\r\n", b"SPAMD/1.1 0 EX_OK\r\nSpam: maybe\r\n\r\n"])
def test_a_filter_that_speaks_otherwise_is_told_as_silent(spamd, said: bytes) -> None:
    address, _, answers = spamd
    answers.append(said)
    [found] = check_spam(b"x", GateSettings(spamd=address))
    assert found.what is What.SPAM_SILENT
