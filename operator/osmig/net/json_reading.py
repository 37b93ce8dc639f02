"""JSON of a stranger's server: bounded in depth and values before it is parsed, and without values that hurt later."""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from osmig.net.bounds import LARGE_BYTES, MAX_DEPTH, MAX_VALUES, PARSERS

if TYPE_CHECKING:
    from collections.abc import Iterator

ODD_VALUE_ERRORS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What code raises that meets a value of another kind or size than it reckoned with; a stranger chooses the values."""

_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A text, or what is left of one that was cut off: it always matches from a quote on, so that nothing is read twice."""

_MAX_QUOTES = 4 * MAX_VALUES
"""Round as many values and as many names."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = tuple({"[": 1, "{": 1, "]": -1, "}": -1}.get(chr(sign), 0) for sign in range(256))
_MAX_DIGITS = 19
"""Of an integer: what 64 bits hold. A longer one is no number of anybody's, and converting it takes quadratic time."""

_computing = threading.BoundedSemaphore(PARSERS)


class _Turn(threading.local):
    """Whether this very thread has the turn."""

    is_mine = False


_turn = _Turn()


class UnreadableError(ValueError):
    """An answer that is not in the form of the server that is asked for."""


@contextmanager
def take_turn(size_bytes: int) -> Iterator[None]:
    """Compute on a body; if it is large, with no other large one, and then leave the processor alone for as long.

    So whoever's server sends large answers all the time, half of one processor is left to the event loop at least. Such
    a body is never read on the event loop itself. Whoever has the turn keeps it for what belongs to the same body.
    """
    if size_bytes <= LARGE_BYTES or _turn.is_mine:
        yield
        return
    with _computing:
        began_s, _turn.is_mine = time.thread_time(), True
        try:
            yield
        finally:
            _turn.is_mine = False
            time.sleep(time.thread_time() - began_s)


def is_bounded(content: bytes) -> bool:
    """Whether a body, if it is JSON, keeps to the bounds of depth and of values; in linear time, without parsing it."""
    if not content.lstrip().startswith((b"{", b"[")):
        return True
    if content.count(b'"') > _MAX_QUOTES:
        return False
    bare = _TEXTS.sub(b"", content)
    brackets = bare.translate(None, _NOT_BRACKETS)
    if bare.count(b",") + len(brackets) // 2 > MAX_VALUES:
        return False
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) <= MAX_DEPTH


def parse_json(content: bytes, *, is_checked: bool = False) -> Any:  # noqa: ANN401 - JSON
    """Read JSON; a large body in its turn, so never on the event loop.

    A number that is none of anybody's (1e400, NaN, an integer of more than 64 bits) becomes null, a lone surrogate a
    question mark: what could not be written down anywhere must not be known at all.

    Args:
        content: the body.
        is_checked: it was found to be in bounds (`is_bounded`).

    Raises:
        UnreadableError: it is none, or beyond the bounds.
    """
    with take_turn(len(content)):
        if not (is_checked or is_bounded(content)):
            raise UnreadableError
        text = content.decode("utf-8-sig", errors="replace")
        try:
            value = json.loads(text, parse_int=_read_int, parse_float=_read_float, parse_constant=_drop)
        except (ValueError, RecursionError):
            raise UnreadableError from None
        return _replace_surrogates(value) if "\\ud" in text or "\\uD" in text else value


def _read_int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _read_float(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) < float("inf") else None


def _drop(_word: str) -> None:
    """Take NaN and Infinity, which JSON does not have, for null."""


def _replace_surrogates(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case str():
            return value.encode("utf-8", errors="replace").decode()
        case dict():
            return {_replace_surrogates(name): _replace_surrogates(inner) for name, inner in value.items()}
        case list():
            return [_replace_surrogates(inner) for inner in value]
        case _:
            return value
