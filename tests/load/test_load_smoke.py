"""The bench at a size that every test run can afford; its figures of pace, time and memory are shown, not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from load.scale import Size, run_size

if TYPE_CHECKING:
    from pathlib import Path

    from load.figures import Table

COUNT = 30


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Thirty moves at once, each by the whole operator on a real API server."""
    folder: Path = tmp_path_factory.mktemp("load")
    made = run_size(Size(count=COUNT, move_s=6.0, idle_s=1.0, timeout_s=240.0, is_smoke=True), folder, print)
    print(made.render())  # noqa: T201 - shown with a test that fails
    return made


def test_a_burst_starts_every_server_once_and_ends_well(table: Table) -> None:
    assert table.find("servers not started exactly once") == 0
    assert table.find("Migrations that did not succeed in one attempt") == 0


def test_every_figure_of_the_bench_is_there(table: Table) -> None:
    for what in (
        "status writes per attempt, without progress: most",
        "requests to the cloud ÷ floor",
        "requests per Migration without samples and sweeps (floor 5)",
        "CPU per watch event + own status write",
    ):
        assert table.find(what) > 0
