"""Limits are never exceeded, whatever is applied at once, and everybody's turn comes."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from e2e_cloud import calls, wide_cloud
from e2e_move import HostPair
from e2e_status import condition
from e2e_tenant import Tenant, tenancy
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.cluster import Cluster
    from lab.nova import NovaLab
    from lab.nova_client import Transition
    from lab.osmig_run import OsmigRun

HOSTS = ("cmp1", "cmp2", "cmp3", "cmp4")
ACTIVE = {"accepted", "queued", "preparing", "running", "running (post-copy)"}


@pytest.fixture(scope="module")
def cloud(operator: OsmigRun) -> Iterator[NovaLab]:
    """A cloud that would itself move sixteen servers at a time."""
    assert operator.returncode is None
    with wide_cloud() as running:
        yield running


def limited(tenant: Tenant, cloud: NovaLab, **limits: int) -> None:
    """Bring a Provider with these limits."""
    tenant.connect(cloud, limits=limits)


def waits_for_slot(status: dict[str, Any]) -> bool:
    """Whether a Migration waits for a slot."""
    return (status.get("phase"), condition(status, "Succeeded").get("reason")) == ("Queued", "SlotsTaken")


def test_a_migration_over_the_limit_says_which_and_how_many_and_starts_when_one_ends(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    limited(empty_tenant, cloud, maxInFlight=1)
    first = empty_tenant.move(cloud.boot("limit-1", plan="hang", host="cmp1"), name="first")
    first.until_upstream("running")
    second = empty_tenant.move(cloud.boot("limit-2", host="cmp2"), name="second")
    status = second.until(waits_for_slot, what="waits for a slot")
    assert re.search(r"\b1/1\b", condition(status, "Succeeded")["message"])
    assert "cloud" in condition(status, "Succeeded")["message"], "the Provider is named"
    assert calls(cloud, second.server) == []
    first.order("abort")
    assert second.until_finished()["phase"] == "Succeeded"


@pytest.mark.parametrize("side", ["Source", "Destination"])
def test_a_host_over_its_limit_holds_back_its_own_moves_only(empty_tenant: Tenant, cloud: NovaLab, side: str) -> None:
    limited(empty_tenant, cloud, **{f"maxInFlightPer{side}Host": 1})
    near, far = ("cmp1", "cmp2") if side == "Source" else ("cmp2", "cmp1")
    source, destination = ("cmp1", "cmp3") if side == "Source" else ("cmp3", "cmp1")
    first = empty_tenant.move(
        cloud.boot(f"{side}-1", plan="hang", host=near), name="first", source=near, destination=far
    )
    first.until_upstream("running")
    server = cloud.boot(f"{side}-2", host=source)
    held = empty_tenant.move(server, name="held", source=source, destination=destination)
    status = held.until(waits_for_slot, what="waits for a slot")
    assert "host cmp1" in condition(status, "Succeeded")["message"]
    free = empty_tenant.move(cloud.boot(f"{side}-3", host="cmp3"), name="free", source="cmp3", destination="cmp4")
    assert free.until_finished()["phase"] == "Succeeded"
    assert waits_for_slot(held.status)
    first.order("abort")
    assert held.until_finished()["phase"] == "Succeeded"


def test_moves_that_somebody_else_started_count(empty_tenant: Tenant, cloud: NovaLab) -> None:
    limited(empty_tenant, cloud, maxInFlight=1)
    foreign = cloud.boot("foreign", plan="hang", host="cmp1")
    cloud.nova.live_migrate(foreign)
    empty_tenant.until_provider(lambda status: status["upstream"]["running"] == 1, what="sees the foreign move")
    held = empty_tenant.move(cloud.boot("held", host="cmp2"), name="held")
    held.until(waits_for_slot, what="waits for a slot")
    cloud.control.steer(foreign, "cancel")
    assert held.until_finished()["phase"] == "Succeeded"


def test_a_move_that_awaits_its_confirmation_takes_no_slot(empty_tenant: Tenant, cloud: NovaLab) -> None:
    limited(empty_tenant, cloud, maxInFlight=1)
    cold = empty_tenant.move_cold(cloud.boot("slot-cold", host="cmp1"), name="cold")
    cold.until_phase("AwaitingConfirmation")
    live = empty_tenant.move(cloud.boot("slot-live", host="cmp1"), name="live")
    assert live.until_finished()["phase"] == "Succeeded"
    cold.order("revert")
    assert cold.until_finished()["phase"] == "Reverted"


def test_one_server_moves_once_at_a_time_across_providers_of_one_cloud(empty_tenant: Tenant, cloud: NovaLab) -> None:
    limited(empty_tenant, cloud)
    empty_tenant.connect(cloud, name="again")
    server = cloud.boot("shared", plan="hang,duration=1", host="cmp1")
    first = empty_tenant.move(server, name="first")
    first.until_upstream("running")
    second = empty_tenant.move(server, name="second", provider="again")
    status = second.until_phase("Queued")
    assert "Migration first" in condition(status, "Succeeded")["message"]
    first.order("force-complete")
    first.until_finished()
    cloud.control.plan(server, "finish")
    assert second.until_finished()["phase"] == "Succeeded"


MIGRATIONS, SERVERS = 200, 20
STANDSTILL_S = 120.0
"""Within which one more of them ends; how long all take depends on who else has the processors."""


@pytest.fixture(scope="module")
def crowd(crds: Cluster, operator: OsmigRun, cloud: NovaLab) -> Iterator[Crowd]:
    """200 Migrations over 20 servers, applied at once, all at their end."""
    assert operator.returncode is None
    with tenancy(crds, cloud) as tenant:
        tenant.put_provider(
            credentials="cloud-credentials",
            limits={"maxInFlight": 3, "maxInFlightPerSourceHost": 1, "maxInFlightPerDestinationHost": 1},
        )
        cloud.control.clear_transitions()
        servers = [cloud.boot(f"crowd-{number}", host=HOSTS[number % 4]) for number in range(SERVERS)]
        yield Crowd(tenant, servers)


class Crowd:
    """Many Migrations at once."""

    def __init__(self, tenant: Tenant, servers: list[str]) -> None:
        """Apply them all in one go; wait for nothing."""
        self.tenant = tenant
        self.servers = servers
        self.moves = [
            HostPair(tenant, f"move-{number}", servers[number % len(servers)], tenant.cluster.audit_mark())
            for number in range(MIGRATIONS)
        ]
        tenant.cluster.apply(*(self._describe(number, move) for number, move in enumerate(self.moves)))

    def _describe(self, number: int, move: HostPair) -> dict[str, Any]:
        return {
            "apiVersion": "osmig.dev/v1alpha1",
            "kind": "Migration",
            "metadata": {"name": move.name, "namespace": self.tenant.namespace},
            "spec": {
                "providerRef": {"name": "cloud"},
                "type": "LiveMigration",
                "server": {"id": move.server},
                # the destination's limit holds from the start only where the destination is known
                "placement": {"destinationHost": HOSTS[(number + number // 50) % len(HOSTS)]},
            },
        }

    def phases(self) -> Counter[str]:
        """Count the phases."""
        listed = self.tenant.cluster.get("migrations", "--namespace", self.tenant.namespace)["items"]
        return Counter(body.get("status", {}).get("phase", "") for body in listed)

    def until_all_succeeded(self) -> None:
        """Wait as long as they go on.

        Raises:
            NotInTimeError: they stand still.
        """
        ended = 0

        def count_when_more() -> int:
            now = self.phases()["Succeeded"]
            return now if now > ended else 0

        while ended < MIGRATIONS:
            what = f"more than {ended} of {MIGRATIONS} succeeded"
            ended = eventually(count_when_more, what=what, timeout_s=STANDSTILL_S, every_s=3)


@pytest.mark.timeout(1600)
def test_200_migrations_over_20_servers_all_end_and_never_exceed_the_limits(crowd: Crowd, cloud: NovaLab) -> None:
    crowd.until_all_succeeded()
    starts = [call for server in crowd.servers for call in calls(cloud, server, "live-migrate")]
    assert {call.status for call in starts} == {202}
    assert len(starts) >= 2 * SERVERS, "most Migrations had something to do"
    most = count_at_once(cloud.control.transitions(), set(crowd.servers))
    assert most.pop("all") == 3, "the limit is used, and never exceeded"
    assert {host: count for host, count in most.items() if count > 1} == {}


def count_at_once(transitions: list[Transition], servers: set[str]) -> dict[str, int]:
    """Return the most moves that Nova ever had at once: in all, and per host as source and as destination."""
    under_way: dict[int, tuple[str, ...]] = {}
    most: Counter[str] = Counter()
    for change in transitions:
        if change["kind"] != "migration" or change["server"] not in servers:
            continue
        if change["status"] in ACTIVE:
            under_way[change["id"]] = ("all", f"from {change['source']}", f"to {change['dest']}")
        else:
            under_way.pop(change["id"], None)
        now = Counter(place for places in under_way.values() for place in places if place != "to None")
        most |= now
    return dict(most)
