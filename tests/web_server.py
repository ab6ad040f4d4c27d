"""A web server of this machine, for browsers."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@contextmanager
def served(app: "WSGIApplication", port: int = 0) -> Iterator[str]:
    """Serve `app` on 127.0.0.1 for as long as the block lasts, and give its address; port 0 is any free one."""
    server = make_server("127.0.0.1", port, _closed(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _closed(app: "WSGIApplication") -> "WSGIApplication":
    """`app`, closing its answers itself: werkzeug leaves one open, and its file, when the browser resets the line."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = app(environ, start_response)
        with closing(body):  # type: ignore[type-var]
            yield from body

    return answer
