"""A plan whose process is killed at each step: no server gets two Migrations, and no host is forgotten or stolen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from crash.plan_stage import DRAIN_S, Stage, open_stage
from e2e_plan import host_of, list_orders, read_service, servers_on
from e2e_status import condition
from lab.nova import NovaLab
from lab.waiting import eventually
from nova_support import change_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from crash.conftest import SideBySide

pytestmark = pytest.mark.timeout(900)
"""A proof takes two sweeps that are 30 s apart."""

KILLED = -9
OURS, THEIRS = RELEASES = ("ours", "taken-over")
POINTS = ("before-disable", "after-disable", "before-create", "after-create")
SPARE = "spare"
"""Where all servers go: left to itself, Nova puts one on whatever host is enabled, also on that of another scene."""


@pytest.fixture(scope="module")
def racks() -> Iterator[NovaLab]:
    """A cloud of which each scene has a host of its own."""
    hosts = (*POINTS, *RELEASES, SPARE)
    with NovaLab("--max-concurrent", "4", "--service-down-time", "60", computes=hosts) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, racks: NovaLab) -> Mapping[str, Future[None]]:
    """What came of each story; they are played side by side, for most of each is waiting."""
    stories = {
        **{point: partial(kill_at, point=point) for point in POINTS},
        **{host: partial(give_back, host=host) for host in RELEASES},
    }

    def open_one(folder: Path) -> AbstractContextManager[Stage]:
        return open_stage(side_by_side.cluster, racks, folder, spares=side_by_side.spares)

    return side_by_side.play_in(open_one, stories)


@pytest.mark.parametrize("point", POINTS)
def test_a_plan_goes_on_where_its_process_was_killed(outcomes: Mapping[str, Future[None]], point: str) -> None:
    outcomes[point].result()


@pytest.mark.parametrize("host", RELEASES)
def test_a_host_is_given_back_once_and_only_while_it_is_ours(outcomes: Mapping[str, Future[None]], host: str) -> None:
    outcomes[host].result()


def kill_at(stage: Stage, *, point: str) -> None:
    """Kill the process at one point of a drain; another one goes on."""
    racks = stage.nova
    servers = {racks.boot(f"{point}-{number}", host=point) for number in range(2)}
    leader = stage.start_leader_at(point)
    stage.drain(point, template={"placement": {"destinationHost": SPARE}})
    leader.wait_reached()
    if point.endswith("disable"):
        host = host_of(stage.status, point)
        assert host["before"] == {"state": "Enabled"}, "written down before anything was sent"
        assert "disabledTime" not in host
    assert leader.run.kill() == KILLED

    stage.start().wait_leading()
    status = stage.until_succeeded()

    children = stage.migrations()
    assert sorted(child["spec"]["server"]["id"] for child in children.values()) == sorted(servers)
    assert servers_on(racks, point) == set()
    assert host_of(status, point)["disabledBy"] == "Plan"
    assert condition(status, "Drained")["status"] == "True"
    (order,) = [order for order in list_orders(racks) if f"/{stage.namespace}/" in order.get("disabled_reason", "")]
    assert order["status"] == "disabled"
    assert read_service(racks, point) == ("disabled", order["disabled_reason"])


def give_back(stage: Stage, *, host: str) -> None:
    """Kill the process right before it enables a host, which meanwhile may have become somebody else's."""
    racks, is_ours = stage.nova, host == OURS
    leader = stage.start_leader_at("before-enable")
    stage.drain(host, maintenance={"onFinish": "Leave"})
    stage.until_succeeded()
    stage.order("release")
    leader.wait_reached()
    assert leader.run.kill() == KILLED
    if not is_ours:
        change_service(racks, host, status="disabled", disabled_reason="masakari")

    stage.start().wait_leading()

    def is_done() -> bool:
        return any(control["result"] == "Done" for control in stage.status.get("controls", ()))

    eventually(is_done, what="the release is done", timeout_s=DRAIN_S, every_s=1.0)
    assert read_service(racks, host) == (("enabled", None) if is_ours else ("disabled", "masakari"))
    assert stage.status["phase"] == "Succeeded"
