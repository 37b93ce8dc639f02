"""A plan that names servers, whose process is killed while it makes their Migrations: each server moves once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from crash.plan_stage import Stage, open_stage
from lab.nova import NovaLab

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from crash.conftest import SideBySide

pytestmark = pytest.mark.timeout(900)

KILLED = -9
SERVERS = 3
AT_ONCE = 2
"""So the last server has its turn only when another one has moved."""
LISTED, PROJECT, OWN = TARGETS = ("listed servers", "a project", "a manager's own project")
MOMENTS = {
    "before the first is made": ("before-create", 1, 0),
    "before anything tells of the first": ("after-create", 1, 1),
    "in the middle of the list": ("before-create", 2, 1),
    "before anything tells of the second": ("after-create", 2, 2),
}
"""The point, how often it is reached before the kill, and how many Migrations there are then."""
WORST = ("before anything tells of the first", "in the middle of the list")
SCENES = [(target, moment) for target in TARGETS for moment in MOMENTS if target == LISTED or moment in WORST]


@pytest.fixture(scope="module")
def racks() -> Iterator[NovaLab]:
    """A cloud of which each scene has a project of its own."""
    with NovaLab("--max-concurrent", "8", computes=("rack1", "rack2", "rack3")) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, racks: NovaLab) -> Mapping[tuple[str, str], Future[None]]:
    """What came of each story; they are played side by side."""

    def open_one(folder: Path) -> AbstractContextManager[Stage]:
        return open_stage(side_by_side.cluster, racks, folder, spares=side_by_side.spares)

    stories = {scene: partial(kill_at, target=scene[0], moment=scene[1]) for scene in SCENES}
    return side_by_side.play_in(open_one, stories)


@pytest.mark.parametrize("scene", SCENES, ids=", ".join)
def test_servers_that_a_plan_names_move_once_wherever_its_process_was_killed(
    outcomes: Mapping[tuple[str, str], Future[None]], scene: tuple[str, str]
) -> None:
    outcomes[scene].result()


def kill_at(stage: Stage, *, target: str, moment: str) -> None:
    """Kill the process at one moment of the plan; another one goes on."""
    racks, (point, times, made) = stage.nova, MOMENTS[moment]
    project_id = uuid4().hex
    owner = f"operator:{project_id}:admin+manager+member+reader"
    servers = sorted(racks.boot(f"{project_id}-{number}", user=owner) for number in range(SERVERS))
    if target == OWN:
        stage.connect_as(f"manager:{project_id}:manager+member+reader")
    leader = stage.start_leader_at(point)
    listed = {"servers": [{"id": server} for server in servers]}
    named = listed if target == LISTED else {"projectID": project_id}
    stage.apply_plan(targets=named, limits={"maxInFlight": AT_ONCE})
    leader.wait_reached()
    if times > 1:
        leader.let_go(times - 1)
        leader.wait_reached(times)
    assert "startTime" in stage.status, "written down before anything was made"
    assert len(stage.migrations()) == made
    assert leader.run.kill() == KILLED

    stage.start().wait_leading()
    status = stage.until_succeeded()

    assert status["progressText"] == f"{SERVERS}/{SERVERS}"
    children = stage.migrations().values()
    assert sorted(child["spec"]["server"]["id"] for child in children) == servers
    starts = stage.starts(servers)
    assert {server: len(starts[server]) for server in servers} == dict.fromkeys(servers, 1)
    for server in servers:
        (record,) = racks.nova.migrations(server)
        assert record["status"] == "completed"
        assert racks.nova.server(server)["OS-EXT-SRV-ATTR:host"] == record["dest_compute"]
    sources = {tuple(child["spec"]["placement"]) for child in children}
    assert sources == {("sourceHostID",) if target == OWN else ("sourceHost",)}
