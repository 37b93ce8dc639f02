"""Nova's list of migrations at every boundary of its pages, and while it changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from http_upstream import answer
from old_clouds import SERVER, ask, speak
from osmig.domain.errors import TooManyRows, Transient
from osmig.domain.operations import MoveKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler

    from http_upstream import Upstream
    from osmig.domain.operations import Sweep
    from osmig.drivers.servers.ports import ServerBackend

PER_PAGE = 2
TOTALS = [0, 1, PER_PAGE, PER_PAGE + 1, 2 * PER_PAGE, 2 * PER_PAGE + 1]


class NovaList:
    """os-migrations as Nova pages it: a full page has a link to the next one, also if that is empty."""

    def __init__(self, total: int) -> None:
        self.rows = [self.make(number) for number in range(total)]
        self.before_page: Callable[[int], object] = lambda _: None
        self.pages = 0

    @staticmethod
    def make(number: int) -> dict[str, Any]:
        """Make a row, the greater the number the newer."""
        at = f"2026-11-21T10:00:{number:02}"
        row = {"id": number, "uuid": f"u{number}", "instance_uuid": SERVER, "migration_type": "resize"}
        return row | {"status": "migrating", "created_at": at, "updated_at": None}

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer with a page."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        if query.get("limit") != "1":
            self.pages += 1
            self.before_page(self.pages)
        newest = sorted(self.rows, key=lambda row: row["id"], reverse=True)
        if (marker := query.get("marker")) is not None:
            known = [row["uuid"] for row in newest]
            if marker not in known:
                answer(400, b'{"badRequest": {"code": 400, "message": "marker not found"}}')(handler)
                return
            newest = newest[known.index(marker) + 1 :]
        page = newest[: min(int(query["limit"]), PER_PAGE)]
        links = [{"rel": "next", "href": "x"}] if len(page) == PER_PAGE else []
        answer(200, json.dumps({"migrations": page, "migrations_links": links}).encode())(handler)


def sweep_nova(upstream: Upstream, given: NovaList) -> Sweep:
    speak(upstream, "2.90", os_migrations=given.respond)
    found: Sweep = ask(upstream, lambda backend: backend.sweep(None))
    return found


@pytest.mark.parametrize("total", TOTALS)
def test_a_cloud_that_grants_small_pages_is_listed_to_its_end(upstream: Upstream, total: int) -> None:
    given = NovaList(total)
    sweep = sweep_nova(upstream, given)
    assert sorted(int(row.id) for row in sweep.records) == list(range(total))
    assert {row.kind for row in sweep.records} <= {MoveKind.RESIZE}
    assert given.pages == total // PER_PAGE + 1


def test_a_move_that_begins_while_pages_are_read_is_found_by_the_next_sweep(upstream: Upstream) -> None:
    given = NovaList(5)
    given.before_page = lambda page: given.rows.append(NovaList.make(5)) if page == 2 else None
    sweep = sweep_nova(upstream, given)
    assert sorted(int(row.id) for row in sweep.records) == [0, 1, 2, 3, 4]
    assert sweep.cursor is not None
    assert f"{sweep.cursor:%Y-%m-%dT%H:%M:%S}" < given.rows[5]["created_at"]


def test_a_move_that_ends_while_pages_are_read_does_not_come_back(upstream: Upstream) -> None:
    given = NovaList(5)
    given.before_page = lambda page: given.rows[0].update(status="error") if page == 3 else None
    assert sorted(row.id for row in sweep_nova(upstream, given).records) == ["1", "2", "3", "4"]


def test_a_marker_whose_row_was_deleted_costs_one_sweep(upstream: Upstream) -> None:
    given = NovaList(5)
    given.before_page = lambda page: given.rows.pop(3) if page == 2 else None
    speak(upstream, "2.90", os_migrations=given.respond)

    async def story(backend: ServerBackend) -> Sweep:
        with pytest.raises(Transient) as caught:
            await backend.sweep(None)
        assert not isinstance(caught.value, TooManyRows)
        return await backend.sweep(None)

    sweep: Sweep = ask(upstream, story)
    assert sorted(row.id for row in sweep.records) == ["0", "1", "2", "4"]
