"""The last metre before the socket: permitted addresses only, within the deadline, and no request leaves unasked."""

from __future__ import annotations

import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from osmig.net.bounded_reading import BoundedResponse, left_until
from osmig.net.permits import SAFE_METHODS

if TYPE_CHECKING:
    from osmig.net.endpoints import EndpointGuard


class Supervisor(Protocol):
    """What a connection asks, from the thread that sends."""

    def admit(self, method: str, path: str, /) -> None:
        """Let a request leave, once the connection stands and before its first byte; raises to forbid it."""

    def read_deadline(self) -> float:
        """Tell until when, by the monotonic clock, the answer to the request under way may come."""


def open_socket(connection: HTTPConnection, host: str, guard: EndpointGuard, deadline: float) -> socket.socket:
    """Connect to the first address of the host that the guard lets pass and that answers before the deadline.

    Raises:
        EndpointRefusedError: the guard lets none pass.
        NameResolutionError, ConnectTimeoutError, NewConnectionError: as urllib3 itself does.
    """
    try:
        addresses = guard.look_up(host, connection.port).result(left_until(deadline))
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "the name was not resolved in time") from error
    except OSError as error:
        reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, reason) from error
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            return create_connection(
                (address, connection.port), left_until(deadline), socket_options=connection.socket_options
            )
        except OSError as error:
            failure = error
            if time.monotonic() >= deadline:
                break
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, "the connection timed out") from failure
    raise NewConnectionError(connection, "the connection failed") from failure


def guarded_pools(
    guard: EndpointGuard, supervisor: Supervisor, *, connect_s: float
) -> dict[str, type[HTTPConnectionPool]]:
    """Make the connection pools of one transport, by scheme.

    Both classes are made anew for each transport: urllib3 builds connections by class and hands them nothing of ours.
    """

    class Guarded(HTTPConnection):
        """Inheritance because urllib3 offers no other place to choose the address or to see the request off."""

        is_used = False

        @override
        def _new_conn(self) -> socket.socket:
            # all addresses together have the time of one, and never more than the call has left
            deadline = min(time.monotonic() + connect_s, supervisor.read_deadline())
            return open_socket(self, self._dns_host, guard, deadline)

        @override
        def connect(self) -> None:
            self.is_used = False
            super().connect()

        @override
        def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
            # A kept connection may be closed by the other side this very moment, which would look like an answer that
            # was lost: a request that changes something therefore always gets a new one.
            if self.is_used and method not in SAFE_METHODS:
                self.close()
            if self.sock is None:
                self.connect()
            self.is_used = True
            deadline = supervisor.read_deadline()
            self.timeout = left_until(deadline)
            self.response_class = partial(BoundedResponse, deadline=deadline)  # type: ignore[assignment] # it is only called
            supervisor.admit(method, url)
            super().request(method, url, *args, **options)

    class GuardedTls(Guarded, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Guarded  # type: ignore[mutable-override] # how urllib3 is told

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = GuardedTls  # type: ignore[mutable-override]

    return {"http": Pool, "https": TlsPool}
