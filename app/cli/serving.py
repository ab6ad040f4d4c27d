"""The pages of `flask serve`: a server process of its own, so that sending never makes a reader wait."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from flask import Flask

from app import create_app
from app.demo.catcher import Mailbox
from app.logs import configure_logging
from app.web import mailbox
from config import Config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STOP_TIMEOUT_S = 30
#: How long the pages may take to answer, and how often that is tried, before their places are told all the same.
START_TIMEOUT_S, START_LOOK_S = 20.0, 0.05


def make_pages() -> Flask:
    """Return the app as the server process runs it: with the mailbox, where the mail catcher runs."""
    configure_logging()
    config = Config.from_env(os.environ)
    app = create_app(config)
    app.wsgi_app = in_one_thread(app.wsgi_app)  # type: ignore[assignment, method-assign]
    if config.uses_catcher:
        mailbox.register(app, Mailbox(config.mailbox_dir))
    return app


def in_one_thread(inner: "WSGIApplication") -> "WSGIApplication":
    """Return `inner`, told that no second request is answered meanwhile (PEP 3333), whatever its server says.

    An answer that takes its time would keep everybody waiting.
    """

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["wsgi.multithread"] = False
        return inner(environ, start_response)

    return answer


@contextmanager
def serving_pages(config: Config) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the server process, and end it with the block, which begins when the pages answer or the server ended.

    One thread runs Python: with more, they hand the interpreter's lock to each other at every statement SQLite runs,
    which costs more than it gains (`make bench`). Reading slow clients is the server's own, outside Python.
    """
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", config.bind, "--port", str(config.port),
        "--workers", "1", "--blocking-threads", "1", "--no-ws", "--log-level", "warning",
        "--factory", f"{__name__}:{make_pages.__name__}",
    ]  # fmt: skip
    # A session of its own: Ctrl-C reaches us alone, and the server with its worker is ended by us, once.
    server = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own interpreter and settings
    try:
        await_pages(config, server)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # a worker that outlived its server would keep the port


def await_pages(config: Config, server: "subprocess.Popen[bytes]") -> None:
    """Wait until the server takes connections, ends, or its time is over: nobody should be sent to a closed door."""
    until = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.create_connection((config.bind, config.port), START_LOOK_S):
            return
        time.sleep(START_LOOK_S)
