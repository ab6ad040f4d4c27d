"""Connections that end at a deadline and, unless the newsroom allows it, never lead inward."""

import socket
import threading
from types import TracebackType
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from app.articles.inward import refuse_inward_address


class Deadline:
    """Shuts the connections opened under it when the time is up.

    A socket's own time-out is per read: a server that sends one octet now and then, in its handshake, headers or
    body, never meets it.
    """

    def __init__(self, seconds: float) -> None:
        self.has_passed = False
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def watch(self, connection: socket.socket) -> None:
        """Shut `connection` too when the time is up, or now if it is."""
        with self._lock:
            # A duplicate, because TLS takes the descriptor out of the socket it wraps; shutting one shuts both.
            handle = connection.dup()
            self._handles.append(handle)
            if self.has_passed:
                _shut(handle)

    def _pass(self) -> None:
        with self._lock:
            self.has_passed = True
            for handle in self._handles:
                _shut(handle)


class OpenAdapter(HTTPAdapter):
    """Connects to wherever the newsroom allowed, under a deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools, with connections that the deadline watches."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _watched_pools(self._deadline)


class OutwardAdapter(IPFilterAdapter):  # type: ignore[misc] # the library has no types
    """Checks the address that a name has at the moment of connecting, and connects to that very one."""

    def __init__(self, deadline: Deadline, *, is_https: bool) -> None:
        self._deadline = deadline
        super().__init__(is_https_proto=is_https)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools, with connections that the deadline watches."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _watched_pools(self._deadline)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: str | tuple[str, str] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return where to connect: the library pins the address, ours is the longer list of what is refused."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        refuse_inward_address(host["host"].strip("[]"))
        return host, pool


def _watched_pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    return {"http": _watched(HTTPConnectionPool, deadline), "https": _watched(HTTPSConnectionPool, deadline)}


def _watched(pool: type[HTTPConnectionPool], deadline: Deadline) -> type[HTTPConnectionPool]:
    base: Any = pool.ConnectionCls

    class WatchedConnection(base):  # type: ignore[misc] # plain or TLS, by the pool
        def _new_conn(self) -> socket.socket:
            connection: socket.socket = super()._new_conn()
            deadline.watch(connection)
            return connection

    return type("WatchedPool", (pool,), {"ConnectionCls": WatchedConnection})


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was quicker
