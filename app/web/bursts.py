"""Bursts: more requests of one network in a minute than any number of people behind it send. Ahead of all other rules.

Counted in memory, or in Redis where several processes shall count together (`RATE_STORAGE_URL`); a Redis that is away
is replaced by memory until it is back. The limits of sign-up hold without all this: they are rows.

Leaving is never limited: mail programs post one-click departures for many readers from few networks (RFC 8058), and a
request without a good token costs one signature check.
"""

import hmac
from threading import Lock

from flask import Flask, request
from flask_limiter import Limit, Limiter
from limits.storage import Storage

from app.clock import now
from app.settings.form import Bursts
from app.web.admin.access import is_for_strangers
from app.web.network import network
from app.web.proving import counter_keys
from app.web.security import TOKEN_ROUTES

#: Posts that are owed, however many come.
UNLIMITED_POSTS = frozenset({"public.unsubscribe_submit"})
#: The way out, and what leads on to an article, and what letters show: one proxy fetches that for many readers.
UNLIMITED_PAGES = frozenset({"public.unsubscribe", "public.go", "public.reading", "public.reading_image"})
#: What costs the database more than other open pages do.
LIMITED_PAGES = TOKEN_ROUTES - UNLIMITED_PAGES | {"public.search"}
#: Seconds that a Redis may take.
PATIENCE_S = 1
#: Counts in memory; beyond that, those that are over are looked for, and again once what was left has doubled.
KEPT = 10_000


class Tally(Storage):
    """Counts in the memory of one process. The library's own storage starts a thread with every request."""

    STORAGE_SCHEME = ["tally"]  # noqa: RUF012 - the library wants a list

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._counts: dict[str, tuple[int, float]] = {}
        self._kept = KEPT
        self._lock = Lock()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """No failure is a storage's here."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount`, and return how many it makes since the window of `expiry` seconds began."""
        at_s = now().timestamp()
        with self._lock:
            if len(self._counts) > self._kept:
                self._counts = {name: each for name, each in self._counts.items() if each[1] > at_s}
                self._kept = max(KEPT, 2 * len(self._counts))
            count, until_s = self._counts.get(key, (0, 0.0))
            if until_s <= at_s:
                count, until_s = 0, at_s + expiry
            self._counts[key] = (count + amount, until_s)
            return count + amount

    def get(self, key: str) -> int:
        """Return how many there are in the window."""
        count, until_s = self._counts.get(key, (0, 0.0))
        return count if until_s > now().timestamp() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, as seconds since 1970."""
        return self._counts.get(key, (0, 0.0))[1]

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget all; return how many."""
        forgotten = len(self._counts)
        self._counts = {}
        return forgotten

    def clear(self, key: str) -> None:
        """Forget one."""
        self._counts.pop(key, None)


def protect(app: Flask, bursts: Bursts) -> None:
    """Refuse bursts at `app`: answered as any other refusal, with 429."""
    is_redis = bool(bursts.storage_url)
    Limiter(
        hidden_network,
        app=app,
        default_limits=[
            Limit(f"{bursts.posts_per_minute} per minute", scope="posts", shared=True, exempt_when=is_no_open_post),
            Limit(f"{bursts.pages_per_minute} per minute", scope="pages", shared=True, exempt_when=is_no_limited_page),
        ],
        storage_uri=bursts.storage_url or "tally://",
        storage_options={"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S} if is_redis else {},
        in_memory_fallback_enabled=is_redis,
        swallow_errors=True,
    )


def hidden_network() -> str:
    """Return what stands for the network that asks: its HMAC, with the key of the day."""
    return hmac.digest(counter_keys(now()).daily, f"burst\0{network()}".encode(), "sha256").hex()


def is_no_open_post() -> bool:
    """Whether the request is none that a stranger may post, or one that is owed."""
    is_open = request.blueprint == "public" or is_for_strangers(request.endpoint)
    return request.method != "POST" or not is_open or request.endpoint in UNLIMITED_POSTS


def is_no_limited_page() -> bool:
    """Whether the request looks neither at the page of a link in a letter nor at one that costs much."""
    is_page = request.endpoint in LIMITED_PAGES
    return request.method not in {"GET", "HEAD"} or not is_page
