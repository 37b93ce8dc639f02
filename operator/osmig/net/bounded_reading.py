"""Reading an answer over a blocking socket until a deadline, for the HTTP of the standard library.

A timeout of a socket is for one read alone, so that headers which drip outlast any. Here each read gets what is left
until the deadline, and the head of an answer has a bound of its own.
"""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from osmig.net.bounds import MAX_HEADER_BYTES, MAX_WIRE_BYTES
from osmig.net.failures import TooLongError

if TYPE_CHECKING:
    import socket

    from typing_extensions import Buffer

_BUFFER_BYTES = io.DEFAULT_BUFFER_SIZE


def left_until(deadline: float) -> float:
    """Return the seconds that are left.

    Raises:
        TimeoutError: none are.
    """
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        message = "the deadline has passed"
        raise TimeoutError(message)
    return left_s


class BoundedReader(io.RawIOBase):
    """A socket's bytes until a deadline."""

    def __init__(self, inner: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        """Read from ``inner``, which reads from ``sock``, until ``deadline`` by the monotonic clock."""
        self._inner = inner
        self._sock = sock
        self._deadline = deadline
        self._left_bytes = 0

    def allow(self, max_bytes: int) -> None:
        """Let so many bytes more be read."""
        self._left_bytes = max_bytes

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int | None:
        """Read what has come.

        Raises:
            TimeoutError: nothing came until the deadline.
            TooLongError: more came than is allowed.
        """
        if self._left_bytes <= 0:
            raise TooLongError
        self._sock.settimeout(left_until(self._deadline))
        count = self._inner.readinto(buffer)
        self._left_bytes -= count or 0
        return count

    @override
    def close(self) -> None:
        self._inner.close()
        super().close()


class BoundedResponse(HTTPResponse):
    """Inheritance because the library offers no other place to choose what an answer is read from."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **options: Any) -> None:  # noqa: ANN401 - the base class' own
        """Take what the library hands over, and until when the answer may come."""
        super().__init__(sock, *args, **options)
        self._reader = BoundedReader(self.fp.detach(), sock, deadline)
        self.fp = io.BufferedReader(self._reader, _BUFFER_BYTES)

    @override
    def begin(self) -> None:
        """Read the head."""
        self._reader.allow(MAX_HEADER_BYTES)
        super().begin()
        self._reader.allow(MAX_WIRE_BYTES)
