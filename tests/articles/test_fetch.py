"""Fetching from a stranger's server: where it may lead, how much it may bring, how long it may take."""

import gzip
import json
import socket
import ssl
import time
import zlib
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests

from app.articles.fetch import FetchLimits, fetch, parse_address
from app.articles.inward import is_inward, refuse_inward
from app.errors import FetchRefused
from tests.articles.conftest import corpus
from tests.articles.web_server import WebServer, answer, redirect, web_server

CERTIFICATE = Path(__file__).resolve().parents[1] / "mail" / "loopback.pem"
PUBLIC = "93.184.215.14"


@pytest.fixture
def limits(server: WebServer) -> FetchLimits:
    return FetchLimits(
        allowed_inward=frozenset({server.origin}), contact="https://news.example", total_s=2, connect_s=1
    )


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Make the system's resolver give `answers` one after another, the last one for ever; return the names asked."""
    asked: list[str] = []

    def getaddrinfo(host, port, *arguments, **options):
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def lead(monkeypatch: pytest.MonkeyPatch, address: str, port: int) -> list[object]:
    """Make connections to `address`, and to no other, end at `port` on loopback; return where connections went."""
    guarded, reached = socket.socket.connect, []

    def connect(self, target):
        reached.append(target)
        guarded(self, ("127.0.0.1", port) if target[0] == address else target)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return reached


def test_a_feed_is_fetched_with_its_headers(server, limits) -> None:
    server.answers["/feed"] = answer(b"<rss/>", 'ETag: "a1"', "Content-Type: application/rss+xml")
    fetched = fetch(server.url(), limits=limits)
    assert (fetched.status, fetched.body, fetched.url) == (200, b"<rss/>", server.url())
    assert (fetched.headers["etag"], fetched.headers["content-type"]) == ('"a1"', "application/rss+xml")
    assert "User-Agent: Vigie/0.1 (+https://news.example)" in server.requests[0]


def test_only_what_is_newer_is_asked_for(server, limits) -> None:
    server.answers["/feed"] = answer(status="304 Not Modified")
    fetched = fetch(server.url(), etag='"a1"', modified="Tue, 17 Mar 2026 09:00:00 GMT", limits=limits)
    assert fetched.status == 304
    assert 'If-None-Match: "a1"' in server.requests[0]
    assert "If-Modified-Since: Tue, 17 Mar 2026 09:00:00 GMT" in server.requests[0]


def test_the_body_of_an_error_page_is_not_read(server, limits) -> None:
    server.answers["/feed"] = answer(b"x" * 100, status="500 Oops")
    fetched = fetch(server.url(), limits=limits)
    assert (fetched.status, fetched.body) == (500, b"")


@pytest.mark.parametrize(
    "url",
    ["ftp://feeds.example/", "file:///etc/passwd", "gopher://feeds.example/", "javascript:alert(1)", "feeds.example",
     "",
     "http://", "http://user@feeds.example/", "http://user:secret@feeds.example/", "http://:@feeds.example/",
     "https://feeds.example\\@127.0.0.1/", "http://feeds.example/" + "a" * 2_000, "http://[::1", "http://feeds.example:99999/"],
)  # fmt: skip
def test_only_plain_web_addresses_are_taken(url) -> None:
    with pytest.raises(FetchRefused):
        fetch(url)


@pytest.mark.parametrize(
    "url", ["http://feeds.example:8080/", "https://feeds.example:80/", "http://feeds.example:443/"]
)
def test_only_a_scheme_s_own_port_is_fetched_from(url, monkeypatch) -> None:
    asked = resolve_to(monkeypatch, [PUBLIC])
    with pytest.raises(FetchRefused, match="port"):
        fetch(url)
    assert not asked


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "0x7f000001", "0x7f.1", "2130706433", "017700000001", "0", "[::1]", "[::]",
     "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
     "[2002:7f00:1::]",
     "[fc00::1]", "[fe80::1]", "[ff02::1]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "224.0.0.1", "255.255.255.255", "127.0.0.1.", "localhost.", "①②⑦.⓪.⓪.①"],
)  # fmt: skip
def test_no_spelling_of_an_inward_address_is_connected_to(host, monkeypatch) -> None:
    reached = lead(monkeypatch, "nothing", 0)
    with pytest.raises(FetchRefused):
        fetch(f"http://{host}/")
    assert not reached


def test_no_inward_payload_of_the_corpus_is_connected_to(monkeypatch) -> None:
    """Names are not looked up in tests: what is left are the addresses, in all their spellings."""
    reached, real = lead(monkeypatch, "nothing", 0), socket.getaddrinfo

    def numbers_only(host, port, *arguments, **options):
        options["flags"] = socket.AI_NUMERICHOST
        return real(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", numbers_only)
    for url in json.loads(corpus("security-payloads/open/ssrf.json").read_text(encoding="utf-8")):
        with pytest.raises(FetchRefused):
            fetch(url, limits=FetchLimits(total_s=1, connect_s=1))
    assert not reached


@pytest.mark.parametrize("address", ["1.1.1.1", PUBLIC, "2606:4700:4700::1111", "2a00:1450:4007:80c::200e"])
def test_addresses_of_the_open_internet_are_not_inward(address) -> None:
    assert not is_inward(ip_address(address))


def test_one_inward_address_among_public_ones_spoils_a_name(monkeypatch) -> None:
    resolve_to(monkeypatch, [PUBLIC, "10.0.0.7"])
    with pytest.raises(FetchRefused, match="inside"):
        refuse_inward("feeds.example", 443)


@pytest.mark.parametrize("second", ["127.0.0.1", "10.0.0.1", "::127.0.0.1", "fec0::1"])
def test_a_name_that_points_elsewhere_the_second_time_is_not_followed(second, monkeypatch) -> None:
    asked, reached = resolve_to(monkeypatch, [PUBLIC], [second]), lead(monkeypatch, "nothing", 0)
    with pytest.raises(FetchRefused, match="inside"):
        fetch("http://feeds.example/")
    assert asked == ["feeds.example", "feeds.example"]
    assert not reached


def test_the_connection_goes_to_the_checked_address_and_keeps_the_host(server, monkeypatch) -> None:
    server.answers["/feed"] = answer(b"<rss/>")
    asked, reached = resolve_to(monkeypatch, [PUBLIC]), lead(monkeypatch, PUBLIC, server.port)
    assert fetch("http://feeds.example/feed").body == b"<rss/>"
    assert reached == [(PUBLIC, 80)]
    assert "Host: feeds.example\r\n" in server.requests[0]
    assert asked == ["feeds.example", "feeds.example", PUBLIC]


def test_tls_is_spoken_in_the_name_of_the_host_not_of_the_address(monkeypatch) -> None:
    context, names = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(CERTIFICATE)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with web_server(context) as server:
        resolve_to(monkeypatch, [PUBLIC])
        lead(monkeypatch, PUBLIC, server.port)
        with pytest.raises(FetchRefused, match="certificate"):
            fetch("https://feeds.example/feed")
    assert names == ["feeds.example"]


def test_a_port_that_is_allowed_inward_opens_no_other(server, limits) -> None:
    with web_server() as other, pytest.raises(FetchRefused):
        fetch(other.url(), limits=limits)
    assert not other.requests


def test_no_stranger_s_server_leads_to_what_is_allowed_inward(server, limits, monkeypatch) -> None:
    """The newsroom allowed its own feeds; nobody else may have us ask its machines, and print what they say."""
    server.answers |= {"/feed": redirect(server.url("/drafts")), "/drafts": answer(b"secret")}
    resolve_to(monkeypatch, [PUBLIC])
    lead(monkeypatch, PUBLIC, server.port)
    with pytest.raises(FetchRefused):
        fetch("http://wire.example/feed", limits=limits)
    assert len(server.requests) == 1


def test_three_redirects_are_followed_and_a_fourth_is_not(server, limits) -> None:
    server.answers |= {f"/{n}": redirect(f"/{n + 1}") for n in range(4)} | {"/4": answer(b"x")}
    assert fetch(server.url("/1"), limits=limits).url == server.url("/4")
    with pytest.raises(FetchRefused, match="more than 3 times"):
        fetch(server.url("/0"), limits=limits)


def test_redirects_in_a_circle_end(server, limits) -> None:
    server.answers["/feed"] = redirect("/feed")
    with pytest.raises(FetchRefused, match="redirects"):
        fetch(server.url(), limits=limits)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "target", ["http://localhost/", "//127.1/", "http://[::1]:6379/", "file:///etc/passwd", "http://u:p@feeds.example/"]
)
def test_each_hop_is_checked_anew(target, server, limits) -> None:
    server.answers["/feed"] = redirect(target)
    with pytest.raises(FetchRefused):
        fetch(server.url(), limits=limits)
    assert len(server.requests) == 1


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_redirect_never_leads_from_https_to_http(server, monkeypatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    plain_get = requests.Session.get
    monkeypatch.setattr(requests.Session, "get", lambda self, url, **o: plain_get(self, url, verify=False, **o))
    with web_server(context) as secure:
        secure.answers["/feed"] = redirect(server.url())
        limits = FetchLimits(allowed_inward=frozenset({secure.origin, server.origin}))
        with pytest.raises(FetchRefused, match="https to http"):
            fetch(secure.url(scheme="https"), limits=limits)
    assert not server.requests


def test_a_large_answer_is_given_up(server, limits) -> None:
    server.answers["/feed"] = answer(b"a" * 300_000)
    with pytest.raises(FetchRefused, match=r"larger than 0\.2 MB"):
        fetch(server.url(), limits=replace(limits, max_bytes=200_000))


def test_an_endless_answer_is_given_up(server, limits) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"<rss>" * 10_000)

    server.answers["/feed"] = endless
    with pytest.raises(FetchRefused, match="larger than 5 MB"):
        fetch(server.url(), limits=replace(limits, total_s=10))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_unpacks_to_far_more_than_it_was_is_given_up(encoding, server, limits) -> None:
    packed = (gzip.compress if encoding == "gzip" else zlib.compress)(b"\0" * 60_000_000)
    server.answers["/feed"] = answer(packed, f"Content-Encoding: {encoding}")
    started = time.monotonic()
    with pytest.raises(FetchRefused, match=r"unpacks|larger"):
        fetch(server.url(), limits=limits)
    assert time.monotonic() - started < 5


def test_a_packed_answer_in_chunks_is_measured_too(server, limits) -> None:
    packed = gzip.compress(b"\0" * 2_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answers["/feed"] = head + b"%x\r\n" % len(packed) + packed + b"\r\n0\r\n\r\n"
    with pytest.raises(FetchRefused, match="100 times"):
        fetch(server.url(), limits=limits)


def test_an_ordinary_packed_answer_is_unpacked(server, limits) -> None:
    server.answers["/feed"] = answer(gzip.compress(b"<rss>" + bytes(range(32, 127)) * 50), "Content-Encoding: gzip")
    assert fetch(server.url(), limits=limits).body.startswith(b"<rss> !")


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip, gzip", "gzip, br", "zstd", "rot13"])
def test_packing_that_was_not_asked_for_is_refused(encoding, server, limits) -> None:
    server.answers["/feed"] = answer(b"x", f"Content-Encoding: {encoding}")
    with pytest.raises(FetchRefused, match="compresses"):
        fetch(server.url(), limits=limits)


def drip(head: bytes):
    """An answer that begins with `head` and then sends one octet every 50 ms."""

    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(400):
            connection.sendall(b"x")
            time.sleep(0.05)

    return send


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n270f\r\n"],
    ids=["status line", "headers", "body without length", "body", "chunk"],
)  # fmt: skip
def test_a_server_that_sends_octet_by_octet_is_cut_off_at_the_deadline(head, server, limits) -> None:
    server.answers["/feed"] = drip(head)
    started = time.monotonic()
    with pytest.raises(FetchRefused, match=r"longer than 0\.5 s"):
        fetch(server.url(), limits=replace(limits, total_s=0.5))
    assert time.monotonic() - started < 5


def test_a_server_that_stays_silent_is_cut_off(server, limits) -> None:
    server.answers["/feed"] = lambda _connection: time.sleep(2)
    with pytest.raises(FetchRefused, match=r"longer than 0\.5 s|in time"):
        fetch(server.url(), limits=replace(limits, total_s=0.5))


def test_a_tls_handshake_that_drips_is_cut_off() -> None:
    with web_server() as server:
        server.handle = lambda connection: drip(b"\x16\x03\x03\x40\x00")(connection)  # type: ignore[method-assign]
        limits = FetchLimits(allowed_inward=frozenset({server.origin}), total_s=0.5, connect_s=30)
        started = time.monotonic()
        with pytest.raises(FetchRefused):
            fetch(server.url(scheme="https"), limits=limits)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_answer_that_is_not_compressed_as_it_says_is_refused_as_such(encoding, server, limits) -> None:
    server.answers["/feed"] = answer(b"hello", f"Content-Encoding: {encoding}")
    with pytest.raises(FetchRefused, match="not compressed as it says"):
        fetch(server.url(), limits=limits)


@pytest.mark.parametrize(
    "reply",
    [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"220 mail.example ESMTP\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ids=["closes", "garbage", "short", "other protocol", "not gzip", "bad chunk"],
)  # fmt: skip
def test_an_answer_that_is_no_good_http_is_refused_in_words(reply, server, limits) -> None:
    server.answers["/feed"] = reply
    with pytest.raises(FetchRefused, match=r"server|answer"):
        fetch(server.url(), limits=limits)


def test_a_closed_port_is_refused_in_words(limits) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(FetchRefused, match="no connection"):
        fetch(f"http://{origin}/", limits=replace(limits, allowed_inward=frozenset({origin})))


def test_a_proxy_in_the_environment_is_not_used(server, limits, monkeypatch) -> None:
    with web_server() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        monkeypatch.setenv("no_proxy", "")
        server.answers["/feed"] = answer(b"direct")
        assert fetch(server.url(), limits=limits).body == b"direct"
        assert not proxy.requests


def test_an_address_is_spelled_as_it_is_sent() -> None:
    assert (
        parse_address("HTTPS://Émile.example/Été?a=b c#part").url
        == "https://xn--mile-9oa.example/%C3%89t%C3%A9?a=b%20c"
    )
