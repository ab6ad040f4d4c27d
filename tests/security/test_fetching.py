"""Addresses that lead inward, in every spelling: nothing is connected to, whoever names them."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

import pytest

from app.articles.fetch import FetchLimits, fetch
from app.articles.intake import fetch_due
from app.articles.sources import add_source
from app.errors import FetchRefused, InputRefused
from app.product import Product
from app.settings.fetching import FetchSettings
from tests.articles.web_server import redirect, web_server
from tests.conftest import NOW, ON_SQLITE
from tests.security.payloads import encodable, payloads

#: Where names of the payloads lead: they were chosen, or are bound, to mean something inside.
INWARD = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254", "100.100.100.200")


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where inward connections went; names lead inward, numbers are read as the system reads them."""
    connections: list[tuple[str, int]] = []
    real_connect, real_look_up = socket.socket.connect, socket.getaddrinfo

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        if ip_address(address[0]).is_global:
            raise ConnectionRefusedError  # some payloads are decoys, which lead outward
        connections.append(address[:2])
        real_connect(self, address)

    def look_up(host: str, port: int, *arguments: int, **options: int) -> list[tuple[object, ...]]:
        try:
            return list(real_look_up(host, port, *arguments, **{**options, "flags": socket.AI_NUMERICHOST}))
        except socket.gaierror:
            return list(real_look_up(INWARD[len(host) % len(INWARD)], port, *arguments, **options))

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return connections


def addresses() -> Iterator[str]:
    """All payloads as addresses to fetch: as they are, and as hosts; networks by their first address."""
    for payload in payloads("ssrf", "ssrf-ip", "open-redirect", "crlf", "naughty-strings"):
        host = payload.partition("/")[0]
        yield from (payload, f"http://{host}/", f"http://[{host}]/", f"http://wire.example@{host}/")


def test_no_payload_is_fetched(reached: list[tuple[str, int]]) -> None:
    for address in addresses():
        with pytest.raises(FetchRefused):
            fetch(address, limits=FetchLimits(total_s=1, connect_s=1))
    assert not reached


def test_no_redirect_to_a_payload_is_followed(reached: list[tuple[str, int]]) -> None:
    with web_server() as server:
        limits = FetchLimits(allowed_inward=frozenset({server.origin}), total_s=2, connect_s=1)
        for payload in payloads("ssrf", "open-redirect"):
            server.answers["/feed"] = redirect(encodable("".join(payload.splitlines())))
            with suppress(FetchRefused):  # some are paths of the server itself
                fetch(server.url(), limits=limits)
        assert set(reached) == {("127.0.0.1", server.port)}


@ON_SQLITE
def test_no_source_at_a_payload_is_read(product: Product, reached: list[tuple[str, int]]) -> None:
    for payload in payloads("ssrf"):
        if "://" in payload:
            with suppress(InputRefused), product.database.transaction() as session:
                add_source(session, location=payload, language="fr", name=None, now=NOW)
    reports = fetch_due(product.database, settings=FetchSettings(), now=lambda: NOW)
    assert len(reports) > 20
    assert all(report.failure for report in reports)
    assert not reached
