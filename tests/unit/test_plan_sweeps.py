"""Looks at hosts are shared, and a look that is too old or of another connection is none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from controller_fakes import PROVIDER
from fake_clock import FakeClock, give_way_until
from host_fakes import FakeHosts, server_on, service
from osmig.controllers.plan_sweeps import KEPT_S, HostSweeps
from osmig.domain.errors import NotPermitted, Transient, Unauthorized
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.sweeps import GroupRow, HostSweep

if TYPE_CHECKING:
    from collections.abc import Mapping

LONG_AGO = float("-inf")


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
