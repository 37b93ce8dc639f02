"""The bench at a size that every test run can afford; its figures of time and memory are shown, not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from load.scale import Size, run_size

if TYPE_CHECKING:
    from pathlib import Path

    from load.figures import Table

COUNT = 30
MAX_REQUESTS = 7.5
"""Five that no move can do without, one look for the record, another one where a sample came too late; and a rest."""
MAX_SERVER_READS = 2
"""One after the end; another one where the server had not settled yet: as all end together, that may be every move."""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Thirty moves at once, each by the whole operator on a real API server."""
    folder: Path = tmp_path_factory.mktemp("load")
    return run_size(Size(count=COUNT, move_s=6.0, idle_s=1.0, timeout_s=90.0, is_smoke=True), folder, print)


def test_a_burst_starts_every_server_once_and_ends_well(table: Table) -> None:
    assert table.find("servers not started exactly once") == 0
    assert table.find("Migrations that did not succeed in one attempt") == 0


def test_an_attempt_takes_no_more_status_writes_than_its_budget(table: Table) -> None:
    assert table.find("status writes per attempt, without progress: most") <= 9
    assert table.find("status writes refused as stale") == 0


def test_a_move_takes_hardly_more_requests_than_the_floor(table: Table) -> None:
    assert table.find("requests per Migration without samples and sweeps (floor 5)") <= MAX_REQUESTS, table.render()
    assert table.find("requests: server") <= MAX_SERVER_READS * COUNT, table.render()
