"""What the tests of articles share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.articles.web_server import WebServer, web_server

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
CORPORA = SHARED / "corpora"


def corpus(path: str) -> Path:
    """A file of the shared corpora; the test is skipped where they are not beside the repository."""
    found = CORPORA / path
    if not found.exists():
        pytest.skip(f"{path} is not beside the repository, in ../shared/corpora")
    return found


@pytest.fixture
def server() -> Iterator[WebServer]:
    """A web server on loopback."""
    with web_server() as running:
        yield running
