"""One request as the routes see it, and a page of a list as they answer it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlencode

from lab.waldurlab.answers import Answer, answer_detail, answer_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.waldurlab.cloud import Cloud
    from lab.waldurlab.objects import User

Row = TypeVar("Row")
PAGE_ROWS = 10
"""How many rows a page has if the caller does not say."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose sender is known.

    Attributes:
        base: Scheme, host and port as the caller wrote them.
        path: Without the query.
        query: Undecoded.
        ids: What the route's pattern found in the path.
    """

    cloud: Cloud
    user: User
    base: str
    path: str
    query: str
    content: bytes
    ids: tuple[str, ...] = ()

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query's names and values, in their order."""
        return parse_qsl(self.query, keep_blank_values=True)

    def parameter(self, name: str) -> str | None:
        """Return the last value of a parameter; None if it is not there."""
        return dict(self.parameters).get(name)

    def body(self) -> object:
        """Return the parsed body; an empty one is an empty object.

        Raises:
            json.JSONDecodeError: It is no JSON.
        """
        return json.loads(self.content) if self.content.strip() else {}

    def link(self, path: str) -> str:
        """Return the absolute URL of a path below ``/api/``."""
        return f"{self.base}/api/{path}/"


def answer_object(call: Call, row: dict[str, object]) -> Answer:
    """Answer with one object, or with those of its fields that were asked for."""
    return answer_json(pick_fields(call, row))


def pick_fields(call: Call, row: dict[str, object]) -> dict[str, object]:
    """Return those of a row's fields that were asked for, all if none was."""
    wanted = [value for name, value in call.parameters if name == "field"]
    return {name: value for name, value in row.items() if name in wanted} if wanted else row


def answer_page_of(
    call: Call, rows: Sequence[Row], view: Callable[[Call, Row], dict[str, object]], *, has_fields: bool = True
) -> Answer:
    """Answer with the page that was asked for, with the headers that count and link the pages.

    Args:
        call: Asks for it.
        rows: All rows that it may see.
        view: Returns a row's members.
        has_fields: Whether the route knows the parameter ``field``.
    """
    size = _parse_size(call)
    pages = max(1, -(-len(rows) // size))
    number = _parse_page(call, pages)
    if number is None:
        return answer_detail("Invalid page.", 404)
    shown = [view(call, row) for row in rows[(number - 1) * size : number * size]]
    body = [pick_fields(call, row) for row in shown] if has_fields else shown
    ends = {"first": 1, "prev": number - 1, "next": number + 1, "last": pages}
    links = [f'<{_link(call, page)}>; rel="{rel}"' for rel, page in ends.items() if 1 <= page <= pages]
    return answer_json(body, headers={"x-result-count": str(len(rows)), "link": ", ".join(links)})


def _parse_size(call: Call) -> int:
    given = call.parameter("page_size") or ""
    wanted = int(given) if given.isdecimal() and int(given) > 0 else PAGE_ROWS
    return min(wanted, call.cloud.max_page_rows)


def _parse_page(call: Call, pages: int) -> int | None:
    given = call.parameter("page") or "1"
    if given == "last":
        return pages
    return int(given) if given.isdecimal() and 1 <= int(given) <= pages else None


def _link(call: Call, page: int) -> str:
    others = [(name, value) for name, value in call.parameters if name != "page"]
    query = urlencode(sorted([*others, *([("page", str(page))] if page > 1 else [])], key=lambda pair: pair[0]))
    return f"{call.base}{call.path}" + (f"?{query}" if query else "")
