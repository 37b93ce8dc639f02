"""Looks at hosts are shared, and a look that is too old or of another connection is none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from controller_fakes import PROVIDER
from fake_clock import FakeClock, give_way_until
from host_fakes import FakeHosts, server_on, service
from osmig.api.names import Kind
from osmig.api.plan_servers import PlanServer, PlanTargets
from osmig.controllers import plan_looks, plan_sweeps
from osmig.controllers.keys import Key
from osmig.controllers.plan_looks import (
    KEPT_S,
    LOOKS_AT_ONCE,
    MAX_CLOUD_BYTES,
    TARGETS_KEPT_S,
    TOO_MUCH,
    CloudLooks,
)
from osmig.controllers.plan_sweeps import MAX_ALL_BYTES, HostSweeps, name_targets
from osmig.domain.errors import NotPermitted, Transient, Unauthorized
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.sweeps import GroupRow, HostSweep, TargetSweep

if TYPE_CHECKING:
    from collections.abc import Mapping

LONG_AGO = float("-inf")
PROJECT = PlanTargets(project_id="p")
NOBODY = "00000009-0000-4000-8000-000000000000"


class Looks:
    """Looks at the hosts of one cloud by a clock that the test moves."""

    def __init__(self) -> None:
        """Two hosts, one with two servers."""
        self.clock = FakeClock()
        self.hosts = FakeHosts(
            services={name: service(name) for name in ("cmp1", "cmp2")},
            servers=[server_on("cmp1", 1), server_on("cmp1", 2)],
            clock_s=self.clock.boottime,
        )
        self.sweeps = HostSweeps(self.clock)

    def read(self, wanted: Mapping[str, float], *, connection: int = 1) -> None:
        """Ask for looks as one plan."""
        asyncio.run(self.sweeps.read(PROVIDER, connection, self.hosts, wanted))

    def read_targets(
        self, targets: PlanTargets, *, after: float = LONG_AGO, is_own: bool = False
    ) -> TargetSweep | None:
        """Ask for a look at servers as one plan; return the newest."""
        asyncio.run(self.sweeps.read_targets(PROVIDER, 1, self.hosts, targets, after, is_own=is_own))
        return self.sweeps.known_targets(PROVIDER, 1, targets)

    def known(self, host: str = "cmp1", *, connection: int = 1) -> HostSweep | None:
        """Return the newest look."""
        return self.sweeps.known(PROVIDER, connection, [host]).get(host)


def test_a_look_is_made_once_for_all_that_take_it() -> None:
    looks = Looks()
    looks.read({"cmp1": LONG_AGO, "cmp2": LONG_AGO})
    looks.read({"cmp1": looks.clock.boottime() - 1})
    assert looks.hosts.calls.count("sweep_host") == 2
    looks.read({"cmp1": looks.clock.boottime()})
    assert looks.hosts.calls.count("sweep_host") == 3


def test_two_plans_that_ask_at_once_get_the_same_look() -> None:
    looks = Looks()
    begun = asyncio.Event()
    go_on = asyncio.Event()
    inner = looks.hosts.sweep_host

    async def slow(host: str) -> HostSweep:
        begun.set()
        await go_on.wait()
        return await inner(host)

    async def story() -> None:
        looks.hosts.sweep_host = slow  # type: ignore[method-assign]
        both = [asyncio.ensure_future(looks.sweeps.read(PROVIDER, 1, looks.hosts, {"cmp1": 0.0})) for _ in range(2)]
        await give_way_until(begun.is_set)
        go_on.set()
        await asyncio.gather(*both)

    asyncio.run(story())
    assert looks.hosts.calls.count("sweep_host") == 1


def test_a_look_comes_with_the_groups_of_its_servers_which_are_listed_once() -> None:
    looks = Looks()
    mine, others = (
        GroupRow(id=name, name=name, policy="affinity", members=frozenset({member}))
        for name, member in (("mine", server_on("cmp1", 1).id), ("others", "elsewhere"))
    )
    looks.hosts.groups = (mine, others)
    looks.read({"cmp1": LONG_AGO, "cmp2": LONG_AGO})
    found = looks.known()
    assert found is not None
    assert found.groups == (mine,)
    assert looks.hosts.calls.count("list_groups") == 1
    looks.clock.advance(SWEEP_PERIOD_S)
    looks.read({"cmp1": looks.clock.boottime()})
    assert looks.hosts.calls.count("list_groups") == 2


def test_groups_are_listed_anew_for_a_look_that_must_be_younger() -> None:
    looks = Looks()
    looks.read({"cmp1": LONG_AGO})
    looks.clock.advance(2.0)
    looks.read({"cmp1": looks.clock.boottime() - 1.0, "cmp2": looks.clock.boottime() - 1.0})
    assert looks.hosts.calls.count("list_groups") == 2


def test_a_look_without_its_groups_proves_nothing() -> None:
    looks = Looks()
    looks.hosts.fail["list_groups"] = [Transient("Unreachable", "no answer", operation="list-server-groups")]
    looks.read({"cmp1": LONG_AGO})
    found = looks.known()
    assert found is not None
    assert (found.is_complete, found.problem) == (False, "server groups: no answer")


@pytest.mark.parametrize("method", ["sweep_host", "list_groups"])
def test_refused_credentials_are_no_look(method: str) -> None:
    looks = Looks()
    looks.hosts.fail[method] = [Unauthorized("Unauthorized", "no", operation="x")]
    with pytest.raises(Unauthorized):
        looks.read({"cmp1": LONG_AGO})
    assert looks.known() is None


def test_what_another_connection_showed_is_not_known_any_more() -> None:
    looks = Looks()
    looks.read({"cmp1": LONG_AGO})
    assert looks.known(connection=2) is None
    looks.sweeps.forget(PROVIDER)
    assert looks.known() is None


def test_a_look_that_nobody_asks_for_again_is_not_kept() -> None:
    looks = Looks()
    looks.read({"cmp1": LONG_AGO})
    looks.clock.advance(KEPT_S + 1)
    looks.read({"cmp2": LONG_AGO})
    assert looks.known() is None
    assert looks.known("cmp2") is not None


def test_all_hosts_are_listed_as_often_as_a_sweep_is_made() -> None:
    looks = Looks()

    def ask() -> Any:  # noqa: ANN401
        asyncio.run(looks.sweeps.read_hosts(PROVIDER, 1, looks.hosts))
        return looks.sweeps.known_hosts(PROVIDER, 1)

    assert looks.sweeps.known_hosts(PROVIDER, 1) is None
    assert {row.name for row in ask()} == {row.name for row in ask()} == {"cmp1", "cmp2"}
    assert looks.hosts.calls.count("list_hosts") == 1
    looks.clock.advance(SWEEP_PERIOD_S)
    looks.hosts.fail["list_hosts"] = [NotPermitted("NotPermitted", "no", operation="list-hosts")]
    with pytest.raises(NotPermitted):
        ask()
    assert looks.sweeps.known_hosts(PROVIDER, 1) is None


def list_ids(*ids: str) -> PlanTargets:
    """Name servers by their ids."""
    return PlanTargets(servers=tuple(PlanServer(id=id_) for id_ in ids))


ONE, TWO = server_on("cmp1", 1).id, server_on("cmp1", 2).id


def test_a_project_is_looked_at_once_for_all_that_take_it() -> None:
    looks = Looks()
    group = GroupRow(id="g", name="g", policy="affinity", members=frozenset({ONE}))
    looks.hosts.groups = (group, GroupRow(id="o", name="o", policy="affinity", members=frozenset({"elsewhere"})))
    sweep = looks.read_targets(PROJECT)
    assert sweep is not None
    assert ([row.id for row in sweep.servers], sweep.groups, sweep.is_complete) == ([ONE, TWO], (group,), True)
    assert looks.read_targets(PROJECT, after=sweep.started_s - 1) is sweep
    assert looks.read_targets(PROJECT, after=sweep.started_s) is not sweep
    assert looks.hosts.calls.count("sweep_project") == 2


def test_who_sees_no_hosts_asks_for_the_servers_of_the_own_project() -> None:
    looks = Looks()
    looks.read_targets(PROJECT, is_own=True)
    assert "sweep_own_project" in looks.hosts.calls
    assert "sweep_project" not in looks.hosts.calls


def test_servers_are_read_by_their_ids_and_what_is_no_server_is_missing() -> None:
    looks = Looks()
    sweep = looks.read_targets(list_ids(ONE, NOBODY))
    assert sweep is not None
    assert ([row.id for row in sweep.servers], sweep.missing, sweep.is_complete) == ([ONE], (NOBODY,), True)


def test_servers_that_were_read_before_a_failure_are_not_read_again() -> None:
    looks = Looks()
    inner, asked = looks.hosts.find_server, []

    async def find_server(server_id: str) -> Any:  # noqa: ANN401
        asked.append(server_id)
        if asked.count(TWO) == 1 and server_id == TWO:
            raise Transient("Unreachable", "a cell of the cloud did not answer", operation="read-server")
        looks.clock.advance(1.0)
        return await inner(server_id)

    looks.hosts.find_server = find_server  # type: ignore[method-assign]
    began_s = looks.clock.boottime()
    failed = looks.read_targets(list_ids(ONE, TWO), after=began_s - 1)
    assert failed is not None
    assert (failed.is_complete, failed.missing) == (False, ())
    sweep = looks.read_targets(list_ids(ONE, TWO), after=began_s - 1)
    assert sweep is not None
    assert asked == [ONE, TWO, TWO]
    assert (sweep.is_complete, sweep.started_s) == (True, began_s), "it is as old as its oldest row"


def test_credentials_that_are_refused_are_no_look_at_servers() -> None:
    looks = Looks()
    for targets, method in ((PROJECT, "sweep_project"), (list_ids(ONE), "find_server")):
        looks.hosts.fail[method] = [Unauthorized("Unauthorized", "no", operation="x")]
        with pytest.raises(Unauthorized):
            looks.read_targets(targets)
        assert looks.sweeps.known_targets(PROVIDER, 1, targets) is None


def test_a_look_at_servers_that_nobody_asks_for_again_is_not_kept() -> None:
    looks = Looks()
    looks.read_targets(list_ids(ONE))
    looks.clock.advance(TARGETS_KEPT_S + 1)
    looks.read_targets(PROJECT)
    assert looks.sweeps.known_targets(PROVIDER, 1, list_ids(ONE)) is None
    looks.read_targets(list_ids(ONE))
    assert looks.hosts.calls.count("find_server") == 2


def fat_hosts(looks: Looks, hosts: int, *, bytes_each: int) -> dict[str, float]:
    """Let each of some hosts have one server whose name takes so much; return that all are wanted."""
    names = [f"fat{number}" for number in range(hosts)]
    looks.hosts.services |= {name: service(name) for name in names}
    looks.hosts.servers += [
        replace(server_on(name, 1000 + number), name="x" * bytes_each) for number, name in enumerate(names)
    ]
    return dict.fromkeys(names, LONG_AGO)


def test_what_is_kept_of_one_cloud_is_bounded_and_what_is_beyond_proves_nothing() -> None:
    looks = Looks()
    looks.read(fat_hosts(looks, 20, bytes_each=2**20))
    known = looks.sweeps.known(PROVIDER, 1, [f"fat{number}" for number in range(20)])
    whole = [sweep for sweep in known.values() if sweep.is_complete]
    assert len(whole) == (MAX_CLOUD_BYTES >> 20) - 1
    assert {(sweep.problem, sweep.servers) for sweep in known.values() if not sweep.is_complete} == {(TOO_MUCH, ())}


def test_what_is_too_old_to_be_of_use_makes_room() -> None:
    looks = Looks()
    wanted = fat_hosts(looks, 20, bytes_each=2**20)
    looks.read(dict(list(wanted.items())[:10]))
    looks.clock.advance(SWEEP_PERIOD_S + 1)
    looks.read(dict(list(wanted.items())[10:]))
    assert all(sweep.is_complete for sweep in looks.sweeps.known(PROVIDER, 1, list(wanted)[10:]).values())
    assert looks.known("fat0") is None


def test_servers_that_are_read_by_their_ids_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (plan_looks, plan_sweeps):
        monkeypatch.setattr(module, "MAX_CLOUD_BYTES", 3000)
    looks = Looks()
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(100, 140)]
    sweep = looks.read_targets(list_ids(*ids))
    assert sweep is not None
    assert (sweep.problem, sweep.servers) == (TOO_MUCH, ())
    assert looks.hosts.calls.count("find_server") < 30
    looks.clock.advance(TARGETS_KEPT_S + SWEEP_PERIOD_S)
    sweep = looks.read_targets(list_ids(*ids[:5]))
    assert sweep is not None
    assert sweep.is_complete


def test_of_all_clouds_the_largest_loses_its_looks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_sweeps, "MAX_ALL_BYTES", 10 * 2**20)
    looks, small = Looks(), Key(Kind.PROVIDER, "other", "small")
    asyncio.run(looks.sweeps.read(small, 1, looks.hosts, {"cmp1": LONG_AGO}))
    looks.read(fat_hosts(looks, 12, bytes_each=2**20))
    assert looks.sweeps.known(small, 1, ["cmp1"])["cmp1"].is_complete
    assert len(looks.sweeps.known(PROVIDER, 1, [f"fat{number}" for number in range(12)])) < 10
    assert MAX_ALL_BYTES >= 2 * MAX_CLOUD_BYTES


def test_a_provider_that_nobody_looked_through_leaves_nothing() -> None:
    looks = Looks()
    nobody = Key(Kind.PROVIDER, "team-a", "never-was")
    looks.sweeps.known(nobody, 1, ["cmp1"])
    looks.sweeps.known_hosts(nobody, 1)
    looks.sweeps.known_targets(nobody, 1, PROJECT)
    assert looks.sweeps.providers == ()


def test_locks_of_looks_that_failed_are_dropped() -> None:
    cloud = CloudLooks(1)
    for number in range(20):
        cloud.lock(f"host-{number}")
    cloud.tidy(1000.0)
    assert cloud.locks == {}


def test_so_many_looks_are_made_side_by_side_and_no_more() -> None:
    looks = Looks()
    wanted = fat_hosts(looks, 20, bytes_each=1)
    inner, under_way, seen = looks.hosts.sweep_host, 0, []

    async def sweep_host(host: str) -> HostSweep:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        await asyncio.sleep(0)  # noqa: TID251 - gives way
        under_way -= 1
        return await inner(host)

    looks.hosts.sweep_host = sweep_host  # type: ignore[method-assign]
    looks.read(wanted)
    assert max(seen) == LOOKS_AT_ONCE
    assert len(seen) == 20


def test_a_list_of_a_thousand_ids_has_a_short_name() -> None:
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(1000)]
    names = {name_targets(list_ids(*ids)), name_targets(list_ids(*ids[1:])), name_targets(PROJECT)}
    assert len(names) == 3
    assert max(map(len, names)) < 100


def test_servers_that_were_dropped_while_others_were_read_make_a_look_incomplete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan_sweeps, "MAX_ALL_BYTES", 500)
    looks, other = Looks(), Key(Kind.PROVIDER, "other", "small")
    inner = looks.hosts.find_server

    async def find_server(server_id: str) -> Any:  # noqa: ANN401
        if server_id == TWO:
            await looks.sweeps.read(other, 1, looks.hosts, {"cmp1": LONG_AGO})
        return await inner(server_id)

    looks.hosts.find_server = find_server  # type: ignore[method-assign]
    sweep = looks.read_targets(list_ids(ONE, TWO))
    assert sweep is None or not sweep.is_complete
