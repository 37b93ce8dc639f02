"""Lists and objects of Nova's answers, translated: bounded in rows, and an odd row hides no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from osmig.api.names import Reason
from osmig.domain.errors import TooManyRows
from osmig.drivers.servers.nova.classify import classify
from osmig.drivers.servers.nova.translate import text
from osmig.net.bounds import MAX_ROWS
from osmig.net.json_reading import ODD_VALUE_ERRORS, UnreadableError, take_turn
from osmig.net.wire import read_leniently

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_ROW_BYTES = 512
"""As long as a row is at least; what makes a body large makes its rows many."""


def too_many_rows(bound: str, operation: str) -> TooManyRows:
    """Say that a list is longer than what is read or kept of any: to read it again soon would bring no more of it."""
    return TooManyRows(Reason.TOO_MANY_ROWS, f"The cloud lists more than {bound} in {operation}", operation=operation)


def read_views(
    body: Mapping[str, Any],
    key: str,
    view: Callable[[Mapping[str, Any]], T],
    operation: str,
    *,
    max_rows: int = MAX_ROWS,
) -> list[T]:
    """Translate a list; a row that cannot be read hides no other.

    Raises:
        TooManyRows: it has more rows than are wanted.
        Transient: it is no list, or none of its rows can be read.
    """
    rows = body.get(key)
    if not isinstance(rows, list):
        raise classify(UnreadableError(key), operation=operation)
    if len(rows) > max_rows:
        raise too_many_rows(f"{max_rows} rows", operation)
    with take_turn(len(rows) * _ROW_BYTES):
        found = read_leniently(rows, view, of=key)
    if rows and not found:
        raise classify(UnreadableError(key), operation=operation)
    return found


def find_marker(body: Mapping[str, Any]) -> str | None:
    """Return what to ask for the next page with; ``None`` after the last one."""
    rows = body.get("migrations")
    last = rows[-1] if isinstance(rows, list) and rows and body.get("migrations_links") else None
    return text(last, "uuid") if isinstance(last, dict) else None


def read_one(body: Mapping[str, Any], key: str, view: Callable[[Mapping[str, Any]], T], operation: str) -> T:
    """Translate the object of an answer."""
    row = body.get(key)
    return read_view(view, row if isinstance(row, dict) else {}, operation)


def read_view(view: Callable[[Mapping[str, Any]], T], row: Mapping[str, Any], operation: str) -> T:
    """Translate one object.

    Raises:
        Transient: it cannot be read.
    """
    try:
        return view(row)
    except ODD_VALUE_ERRORS as failure:
        raise classify(failure, operation=operation) from None
