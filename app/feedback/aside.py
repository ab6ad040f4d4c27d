"""Fetching aside: one thread runs all pages, so whoever asks for what is far away is told to come again."""

import logging
from collections.abc import Callable
from threading import Lock, Thread

from app.errors import FetchRefused

log = logging.getLogger(__name__)

#: Answers that nobody came back for; an older one is forgotten.
KEPT = 8


class Aside:
    """Fetches one address at a time in a thread of its own. Each answer is given once, to whoever asks next."""

    def __init__(self, fetch: Callable[[str], bytes]) -> None:
        self._fetch = fetch
        self._lock = Lock()
        self._under_way = False
        self._answers: dict[str, bytes | FetchRefused] = {}

    def __call__(self, url: str) -> bytes:
        """Return what `url` answered. Raises FetchRefused at once, where that is not known yet or was a refusal."""
        with self._lock:
            answer = self._answers.pop(url, None)
            begins = answer is None and not self._under_way
            self._under_way |= begins
        if begins:
            Thread(target=self._run, args=(url,), name="fetch aside", daemon=True).start()
        if answer is None:
            raise FetchRefused("it is being fetched, or something else is")
        if isinstance(answer, FetchRefused):
            raise answer
        return answer

    def _run(self, url: str) -> None:
        answer: bytes | FetchRefused = FetchRefused("it could not be fetched")
        try:
            answer = self._fetch(url)
        except FetchRefused as error:
            log.warning("what a report asked for could not be fetched: %s", error)
            answer = error
        finally:
            with self._lock:
                kept = list(self._answers.items())[1 - KEPT :]
                self._answers = {**dict(kept), url: answer}
                self._under_way = False
