"""Measure the sign-up answer under load with the SMTP server down: p50, p95, p99 in ms, answers per second.

Starts `flask serve` on a fresh SQLite file with MAIL_SERVER pointing at a closed port, fetches one form, waits until it
is old enough, then posts it over CLIENTS connections with a fresh address each. Exit code 1 where p95 is over LIMIT_MS.
"""

import argparse
import json
import os
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 20
LIMIT_MS = 60.0
FORM_MIN_AGE_S = 2.5
#: All come from one network, for addresses of one domain: what is measured is counting, not refusing.
LIMITS = (
    "SIGNUPS_PER_NETWORK", "SIGNUPS_PER_NETWORK_DAILY", "SIGNUPS_PER_DOMAIN_HOURLY", "SIGNUP_BREAKER_FLOOR",
    "BURST_POSTS_PER_MINUTE",
)  # fmt: skip
FIELD = re.compile(r"<input[^>]*>")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=2000)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = start_server(Path(folder), port)
        try:
            wait_until_up(port)
            times, wrong, elapsed = load(port, arguments.posts)
        finally:
            process.terminate()
            process.wait(timeout=60)
    figures = {
        "posts": len(times), "clients": CLIENTS, "wrong_answers": wrong, "per_s": round(len(times) / elapsed, 1),
        **{f"p{share}_ms": round(percentile(times, share), 1) for share in (50, 95, 99)},
    }  # fmt: skip
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures))
    return 0 if figures["p95_ms"] < LIMIT_MS and not wrong else 1


def start_server(folder: Path, port: int) -> subprocess.Popen[bytes]:
    environ = {
        **os.environ, "VIGIE_DATA_DIR": str(folder), "PORT": str(port), "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(free_port()), **dict.fromkeys(LIMITS, "1000000"),
    }  # fmt: skip
    for name in ("DATABASE_URL", "PUBLIC_URL"):
        environ.pop(name, None)
    command = [sys.executable, "-m", "flask", "serve"]
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def load(port: int, posts: int) -> tuple[list[float], int, float]:
    """Return the time of each answer in seconds, the number of answers that were no redirect, and the whole time.

    CLIENTS connections, each with one request under way, from one thread with ready-made bytes: a heavier generator
    would measure itself.
    """
    requests = make_requests(port, posts)
    times: list[float] = []
    wrong = 0
    begun = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(CLIENTS):
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
            ask(selector, connection, requests)
        while selector.get_map():
            for key, _ in selector.select(timeout=60):
                asked_at, seen = key.data
                answer = seen + key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not is_whole(answer):
                    selector.modify(key.fileobj, selectors.EVENT_READ, (asked_at, answer))
                    continue
                times.append(time.perf_counter() - asked_at)
                wrong += not answer.startswith(b"HTTP/1.1 303")
                ask(selector, key.fileobj, requests)  # type: ignore[arg-type]
    return times, wrong, time.perf_counter() - begun


def ask(selector: selectors.BaseSelector, connection: socket.socket, requests: Iterator[bytes]) -> None:
    """Send the next request, or close the connection after the last."""
    request = next(requests, None)
    if request is None:
        selector.unregister(connection)
        connection.close()
        return
    selector.modify(connection, selectors.EVENT_READ, (time.perf_counter(), b""))
    connection.sendall(request)


def is_whole(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return bool(separator and length and len(body) >= int(length[1]))


def make_requests(port: int, posts: int) -> Iterator[bytes]:
    """Fetch one form, wait until it is old enough, and return `posts` requests with a fresh address each."""
    fields = read_form(port)
    time.sleep(FORM_MIN_AGE_S)
    made = []
    for number in range(posts):
        body = urlencode({**fields, "email": f"reader{number}@load.example"}).encode()
        head = (
            f"POST /fr/subscribe HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return iter(made)


def read_form(port: int) -> dict[str, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/fr/")
    page = connection.getresponse().read().decode()
    fields = {}
    for tag in FIELD.findall(page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden":
            fields[attributes["name"]] = attributes.get("value", "")
    return fields


def wait_until_up(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def percentile(values: list[float], share: int) -> float:
    """Return the `share` percentile of `values`, in milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


if __name__ == "__main__":
    sys.exit(main())
