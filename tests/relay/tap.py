"""A wire tap: passes octets between a client and a server, and keeps what each said, read by read."""

import socket
import threading
from contextlib import suppress

#: How a TLS record begins: change of cipher, alert, handshake, data (RFC 8446 §5.1).
_TLS = (b"\x14\x03", b"\x15\x03", b"\x16\x03", b"\x17\x03")


class Tap:
    """Listens on `port` while its context lasts. `said` has what clients said, a list for each connection; `answered`
    what came back.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._threads = [threading.Thread(target=self._accept)]
        self.port = int(self._listener.getsockname()[1])
        self.said: list[list[bytes]] = []
        self.answered: list[list[bytes]] = []

    def __enter__(self) -> "Tap":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                self.said.append([])
                self.answered.append([])
                for route in ((client, server, self.said[-1]), (server, client, self.answered[-1])):
                    thread = threading.Thread(target=self._pass_on, args=route)
                    self._threads.append(thread)
                    thread.start()

    def _pass_on(self, source: socket.socket, target: socket.socket, heard: list[bytes]) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                heard.append(data)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def in_clear(reads: list[bytes]) -> bytes:
    """What of one side of a connection anybody could read."""
    # Whoever speaks TLS writes whole records, and reads them apart often enough for the first octets to tell.
    is_secured = next((place for place, data in enumerate(reads) if data.startswith(_TLS)), len(reads))
    return b"".join(reads[:is_secured])
