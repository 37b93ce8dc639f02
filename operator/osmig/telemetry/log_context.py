"""What every log line below a step says of the step's object; bound once, as structlog binds context variables.

A context variable belongs to one asyncio task: two steps at the same time do not mix. A task that a step starts, and
``asyncio.to_thread``, take a copy; a thread pool does not, so its caller runs the call in a copied context.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_bound: ContextVar[Mapping[str, str]] = ContextVar("osmig_log_fields", default=MappingProxyType({}))


@contextmanager
def bind(**fields: str) -> Iterator[None]:
    """Add ``fields`` to every line that is logged inside the block, to those bound around it; the inner one wins."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def read_bound() -> Mapping[str, str]:
    """Return the fields bound here."""
    return _bound.get()
