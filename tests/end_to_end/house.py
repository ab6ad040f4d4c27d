"""The whole product as its users meet it: real processes, a real SMTP server, commands on the command line."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from aiosmtpd.controller import Controller

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
SEED = SHARED / "seeds" / "000_066c727f836a5b3d.txt"
FEEDS = SHARED / "corpora" / "feeds-real" / "open.tar.gz"

#: Real feeds of several publishers, by the language they are in.
REAL_FEEDS = {
    "fr": (
        "ESACambrai__processing__lemonde.rss", "jcggs__mon-flux-rss__radiofrance.xml",
        "sogata-aw__SAE1.012__francetvinfo-titres.xml", "rometools__rome__rsr.xml",
        "MarieGerard__fluxRssLeMonde__lemonde.xml",
    ),
    "en": (
        "1902139__lede__underreported.xml", "gesab001__headlines__aljazeeraenglish.xml", "gesab001__headlines__bbc.xml",
        "gesab001__headlines__nytimes.xml", "gesab001__headlines__fox.xml",
    ),
}  # fmt: skip


class Postbox:
    """A real SMTP server that keeps what it is given."""

    def __init__(self) -> None:
        self.raw: list[tuple[str, str, bytes]] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), ready_timeout=30)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.raw.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.original_content))
        return "250 2.0.0 taken"

    def __enter__(self) -> "Postbox":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def letters_to(self, address: str) -> list[EmailMessage]:
        """The letters that `address` got, oldest first."""
        found = [message_from_bytes(data, policy=policy.default) for _, to, data in self.raw if to == address]
        return found  # type: ignore[return-value]

    def wait_for(self, address: str, number: int, *, seconds: float = 60) -> EmailMessage:
        """The `number`-th letter to `address`, as soon as it is there."""
        wait_until(lambda: len(self.letters_to(address)) >= number, f"letter {number} to {address}", seconds=seconds)
        return self.letters_to(address)[number - 1]


class House:
    """A running Vigie."""

    def __init__(self, folder: Path, smtp_port: int, **environ: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            **{name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PUBLIC_URL"}},
            "VIGIE_DATA_DIR": str(folder),
            "PORT": str(self.port),
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(smtp_port),
            "SIGNUPS_PER_NETWORK": "100",  # all readers of a test come from this machine
            **environ,
        }
        self.output = folder / "output.txt"

    def flask(
        self, *arguments: str, check: bool = True, stdin: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command and return it, ended."""
        command = [sys.executable, "-m", "flask", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=check, input=stdin, timeout=240
        )

    def flask_json(self, *arguments: str) -> Any:
        """Run a command with --json and return what it printed."""
        return json.loads(self.flask(*arguments, "--json").stdout)

    @contextmanager
    def process(self, *command: str, is_up: Callable[[], bool] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a process until the block ends, then stop it as Ctrl-C would."""
        with self.output.open("ab") as output:
            running = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=self.environ, stdout=output, stderr=output
            )
        try:
            if is_up:
                wait_until(lambda: running.poll() is not None or is_up(), f"{command}", seconds=60)
            assert running.poll() is None, self.output.read_text()
            yield running
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGINT)
            running.wait(timeout=60)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run everything in one process."""
        with self.process("flask", "serve", is_up=self.answers):
            yield

    @contextmanager
    def scaled_out(self) -> Iterator[None]:
        """Run the pages, two schedulers and two workers as processes of their own."""
        self.flask("db", "upgrade")
        with ExitStack() as processes:
            for command in ("scheduler", "scheduler", "worker", "worker"):
                processes.enter_context(self.process("flask", command))
            bind = f"127.0.0.1:{self.port}"
            web = ("gunicorn", "--bind", bind, "--workers", "2", "--threads", "4", "wsgi:app")
            processes.enter_context(self.process(*web, is_up=self.answers))
            yield

    def answers(self) -> bool:
        """Whether the sign-up page is served."""
        try:
            with urlopen(f"{self.url}/fr/", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False


def real_feeds(language: str, folder: Path) -> list[Path]:
    """Unpack the real feeds of `language` into `folder`."""
    feeds = [folder / name for name in REAL_FEEDS[language]]
    with tarfile.open(FEEDS) as archive:
        for name, feed in zip(REAL_FEEDS[language], feeds, strict=True):
            packed = archive.extractfile(name)
            assert packed is not None
            feed.parent.mkdir(parents=True, exist_ok=True)
            feed.write_bytes(packed.read())
    return feeds


def link_in(letter: EmailMessage, part: str) -> str:
    """The first link of the text part whose address contains `part`."""
    body = letter.get_body(("plain",))
    assert body is not None
    found = re.search(rf"https?://\S*{re.escape(part)}\S*", body.get_content())
    assert found, f"no link with {part}"
    return found.group()


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Look again and again until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
