"""A request as a driver's table makes it: a value, bound to no library and to no server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping


class Size(Enum):
    """How much an answer holds, which decides how long it is waited for and whether there is more."""

    ONE = auto()
    """An object, or a list of one row at most."""
    ALL = auto()
    """A list that the server does not page: any page is the whole list."""
    PAGES = auto()
    """A list that the server pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, ready to be sent.

    Attributes:
        operation: in our words, for metrics and errors.
        method: in upper case.
        path: behind the endpoint's own; of plain ASCII.
        parameters: of the query; a name may come more than once.
        body: sent as JSON, never shown; ``None`` sends none.
        size: how much the answer holds.
    """

    operation: str
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    size: Size = Size.ONE

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.parameters)}" if self.parameters else self.path

    def put_first(self, *parameters: tuple[str, str]) -> Request:
        """Ask the same with more parameters, such as those that name a page."""
        return replace(self, parameters=parameters + self.parameters)
