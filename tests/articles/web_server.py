"""A web server on loopback that says exactly what a test wants, octet by octet."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = bytes | Callable[[socket.socket], None]


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(target: str, status: str = "302 Found") -> bytes:
    """An answer that sends elsewhere."""
    return answer(b"", f"Location: {target}", status=status)


@dataclass
class WebServer:
    """`answers` by path; `requests` are the header blocks that came, as they came."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def url(self, path: str = "/feed", host: str = "127.0.0.1", scheme: str = "http") -> str:
        """The address of `path` here."""
        return f"{scheme}://{host}:{self.port}{path}"

    @property
    def origin(self) -> str:
        """What a newsroom would allow."""
        return f"127.0.0.1:{self.port}"

    def handle(self, connection: socket.socket) -> None:
        """Answer one request."""
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (piece := connection.recv(65_536)):
                head += piece
            self.requests.append(head.decode("latin-1"))
            path = head.split(b" ")[1].decode() if head.count(b" ") > 1 else ""
            reply = self.answers.get(path, answer(status="404 Not Found"))
            connection.sendall(reply) if isinstance(reply, bytes) else reply(connection)


@contextmanager
def web_server(tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """A running server; with `tls`, an https one."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = WebServer(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            server.handle(tls.wrap_socket(connection, server_side=True) if tls else connection)
        connection.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield server
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in [accepting, *threads]:
        thread.join(5)
