"""Fixtures of the pages' tests."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.conftest import PATIENCE_MS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

#: What a browser tells that is no fault of a page: an answer of 4xx that is asked for, and a connection that the small
#: server of the tests dropped on a busy machine; a resource that is missing for good is told as a status. A letter that
#: is shown without its pictures is told by each of them. And a test that fills a field before the browser has moved the
#: focus, which waits for the style sheets, keeps the focus that it has: so would a reader who is as quick. Messages are
#: sent by axe-core alone, to frames too that are sealed off.
NO_FAULT = (
    "status of 4",
    "net::ERR_CONNECTION_RESET",
    "net::ERR_SOCKET_NOT_CONNECTED",
    "\"img-src 'none'\"",
    "Failed to execute 'postMessage'",
    "Autofocus processing was blocked because a document already has a focused element.",
)


@pytest.fixture
def open_page(browser: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Opens pages that fail the test for what the browser complains of."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(**options: object) -> "Page":
        context = browser.new_context(**{"locale": "fr-FR", **options})  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults_among(complaints) == []


def faults_among(complaints: list[str], *also_none: str) -> list[str]:
    """What a browser complained of that is a page's fault."""
    return [each for each in complaints if not any(told in each for told in (*NO_FAULT, *also_none))]
