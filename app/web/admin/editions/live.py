"""The figures of a run as they move: a stream of server-sent events (HTML Living Standard, §9.2) for the page of a run.

A stream takes a thread of the server, so there are few of them, each ends soon, and whoever finds none free is told
once and asks again. None holds a connection to the database while it waits.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from threading import BoundedSemaphore, Lock

from flask import Response, copy_current_request_context, current_app, g, render_template, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import OperationalError

from app.admins.models import Role
from app.clock import now
from app.db import Database
from app.editions.models import Edition, EditionStatus
from app.errors import NotFound
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import current_session, needs
from app.web.admin.editions.run import Run, read_run

#: How often figures are read, once for all who follow an edition in this process.
TICK_S = 1.0
#: After this long a stream ends and the browser begins the next: rights are looked at anew, and a server that is to
#: stop (gunicorn gives 30 s) need not cut it off.
LIFE_S = 25.0
#: Streams that may wait in one process at a time: the other threads are for pages.
SEATS = 3
#: How long a browser waits before it asks again, in milliseconds.
RETRY_MS = 1000
#: Where what is shared by the streams of a process stands in `app.extensions`.
KEY = "vigie-live"


@dataclass(frozen=True)
class Moment:
    """A run as it was read, `read_at` of the monotonic clock."""

    edition: Edition
    run: Run
    read_at: float


class Live:
    """What the streams of one process share: the last look at each run, and seats."""

    def __init__(self) -> None:
        self._seats = BoundedSemaphore(SEATS)
        self._looking = Lock()
        self._moments: dict[int, Moment] = {}

    @contextmanager
    def seat(self) -> Iterator[bool]:
        """Yield whether a stream may wait, which holds until the block ends."""
        is_free = self._seats.acquire(blocking=False)
        try:
            yield is_free
        finally:
            if is_free:
                self._seats.release()

    def look(self, database: Database, edition_id: int) -> Moment:
        """Return how an edition's run stands, read within the last tick. Raises NotFound."""
        with self._looking:
            at, kept = time.monotonic(), self._moments.get(edition_id)
            if kept is None or at - kept.read_at > TICK_S / 2:
                self._moments = {key: each for key, each in self._moments.items() if at - each.read_at < LIFE_S}
                self._moments[edition_id] = kept = _read(database, edition_id, at)
            return kept


@bp.record_once
def _share(state: BlueprintSetupState) -> None:
    state.app.extensions[KEY] = Live()


@bp.get(f"{EDITION}/progress")
@needs(Role.VIEWER)
def progress(edition_id: int) -> Response:
    """Stream the figures of a run until it is over. Where only one thread serves all pages, a stream tells once."""
    live: Live = current_app.extensions[KEY]
    look = partial(live.look, product().database, edition_id)
    look()  # what is not there is not found, before anything is sent
    asking = current_session()

    @copy_current_request_context
    def render(moment: Moment) -> str:
        g.admin_session = asking
        return render_template("admin/editions/_progress.html", edition=moment.edition, run=moment.run)

    life_s = LIFE_S if request.is_multithread else 0.0
    return Response(
        _events(live, look, render, seen=request.headers.get("Last-Event-ID", ""), life_s=life_s),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-transform", "X-Accel-Buffering": "no"},
    )


def _events(
    live: Live, look: Callable[[], Moment], render: Callable[[Moment], str], *, seen: str, life_s: float
) -> Iterator[str]:
    """Yield what changed since the event `seen`, and a comment where nothing did: a write is how a server learns that
    its reader has gone.
    """
    yield f"retry: {RETRY_MS}\n\n"
    with live.seat() as may_wait:
        until = time.monotonic() + (life_s if may_wait else 0)
        while True:
            try:
                moment = look()
            except (OperationalError, NotFound):
                return  # the browser asks again, and is told by a page
            if moment.edition.status is not EditionStatus.SENDING:
                yield "event: over\ndata: over\n\n"
                return
            html = render(moment)
            key = sha256(html.encode()).hexdigest()[:16]
            yield _event("figures", key, html) if key != seen else ": still\n\n"
            seen = key
            if time.monotonic() + TICK_S > until:
                return
            time.sleep(TICK_S)


def _event(name: str, key: str, text: str) -> str:
    """Write an event; its text is the page's own, blank lines and all, so that the page replaces only what changed."""
    lines = "\n".join(f"data: {line}" for line in text.splitlines())
    return f"event: {name}\nid: {key}\n{lines}\n\n"


def _read(database: Database, edition_id: int, at: float) -> Moment:
    with database.reading() as session:
        edition = session.get(Edition, edition_id)
        if edition is None:
            raise NotFound(f"no edition {edition_id}")
        return Moment(edition, read_run(session, edition=edition, now=now()), at)
