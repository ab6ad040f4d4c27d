"""Measure the sign-up answer under load with the SMTP server down: p50, p95, p99 in ms, answers per second.

Starts `flask serve` on a fresh SQLite file with MAIL_SERVER pointing at a closed port, fetches one form, waits until it
is old enough, then posts it from CLIENTS threads with a fresh address each. Exit code 1 where p95 is over LIMIT_MS.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 20
LIMIT_MS = 60.0
FORM_MIN_AGE_S = 2.5
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
        "MAIL_PORT": str(free_port()),
    }  # fmt: skip
    for name in ("DATABASE_URL", "PUBLIC_URL"):
        environ.pop(name, None)
    command = [sys.executable, "-m", "flask", "serve"]
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def load(port: int, posts: int) -> tuple[list[float], int, float]:
    """Return the time of each answer in seconds, the number of answers that were no redirect, and the whole time."""
    fields = read_form(port)
    time.sleep(FORM_MIN_AGE_S)
    numbers, times, wrong, lock = iter(range(posts)), [], [], threading.Lock()

    def client() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            body = urlencode({**fields, "email": f"reader{number}@load.example"})
            begun = time.perf_counter()
            connection.request("POST", "/fr/subscribe", body, {"Content-Type": "application/x-www-form-urlencoded"})
            response = connection.getresponse()
            response.read()
            with lock:
                times.append(time.perf_counter() - begun)
                if response.status != 303:
                    wrong.append(response.status)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(wrong), time.perf_counter() - begun


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
