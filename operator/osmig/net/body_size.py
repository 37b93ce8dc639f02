"""How large a body is, and in how many pieces it comes."""

from __future__ import annotations

from osmig.net.bounds import LARGE_BYTES, MAX_ANSWER_BYTES, MAX_PIECES
from osmig.net.failures import TooLongError


class BodySize:
    """Holds the body of one answer to its bounds while it comes."""

    def __init__(self, told: str | None) -> None:
        """Count from nothing.

        Args:
            told: the answer's header Content-Length, if there is one.

        Raises:
            TooLongError: by what it tells, it will be longer than any answer may be.
        """
        self._told_bytes = _read_length(told)
        self._came_bytes = 0
        self._pieces = 0

    def add(self, piece: bytes) -> int | None:
        """Count a piece, and say how many bytes of the memory the answer takes; ``None`` for one that is small so far.

        Raises:
            TooLongError: it is longer than any answer may be, or comes in too many pieces.
        """
        self._came_bytes += len(piece)
        self._pieces += 1
        if self._came_bytes > MAX_ANSWER_BYTES or self._pieces > MAX_PIECES:
            raise TooLongError
        if self._told_bytes is None:
            return MAX_ANSWER_BYTES if self._came_bytes > LARGE_BYTES else None
        return self._told_bytes if self._told_bytes > LARGE_BYTES else None


def _read_length(told: str | None) -> int | None:
    if told is None or not told.isascii() or not told.isdigit():
        return None
    if len(told) > len(str(MAX_ANSWER_BYTES)) or int(told) > MAX_ANSWER_BYTES:
        raise TooLongError
    return int(told)
