"""The Waldur adapter against the double: what is told of a replica, and its termination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.waldurlab.catalogue import SOURCE
from osmig.domain.errors import Absent, NotInThisState, NotPermitted, Unauthorized
from osmig.drivers.tenants.views import OrderStage, ReplicaStage
from waldur_support import GRANTED, UNKNOWN, connected, job_for, ordered

if TYPE_CHECKING:
    from lab.waldur import WaldurLab
    from lab.waldurlab.replication import Outcome


async def test_a_replica_is_counted_by_its_networks_and_subnets(waldur: WaldurLab) -> None:
    run = await ordered(waldur)
    waldur.control.advance(run.id)
    waldur.control.progress(run.id, 3)

    async with connected(waldur) as backend:
        replica = await backend.replica(run.replica_id or "", None)

    assert (replica.stage, replica.status, replica.error) == (ReplicaStage.CREATING, "Creating", "")
    assert replica.items is not None
    assert (replica.items.of, replica.items.total, replica.items.done) == (
        "networks and subnets of the replica",
        4,
        3,
    )
    assert replica.order_stage is OrderStage.UNKNOWN


async def test_a_replica_that_stalled_has_its_own_error(waldur: WaldurLab) -> None:
    waldur.control.choose("worker-lost")
    run = await ordered(waldur)
    waldur.control.advance(run.id, 9)

    async with connected(waldur) as backend:
        replica = await backend.replica(run.replica_id or "", None)

    assert (replica.stage, replica.error) == (ReplicaStage.ERRED, "Provisioning has timed out.")


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_parts_of_a_replica_that_may_not_be_read_are_left_out(waldur: WaldurLab, status: int) -> None:
    run = await ordered(waldur)
    waldur.control.fault(path="/api/openstack-(tenants|networks|subnets)/", status=status, count=9)

    async with connected(waldur) as backend:
        replica = await backend.replica(run.replica_id or "", UNKNOWN)

    assert (replica.stage, replica.error, replica.items) == (ReplicaStage.CREATING, "", None)
    assert replica.order_stage is OrderStage.UNKNOWN


async def test_a_token_that_is_refused_on_the_way_is_never_an_absence(waldur: WaldurLab) -> None:
    run = await ordered(waldur)
    waldur.control.fault(path="/api/openstack-networks/", status=401)

    async with connected(waldur) as backend:
        with pytest.raises(Unauthorized) as caught:
            await backend.replica(run.replica_id or "", None)

    assert caught.value.reason == "Unauthorized"


def read_paths(waldur: WaldurLab) -> list[str]:
    """Return the kinds of things that were read since the log was cleared."""
    paths = [request["path"].split("/")[2] for request in waldur.control.requests() if request["method"] == "GET"]
    waldur.control.clear_requests()
    return paths


COUNTED = ["marketplace-resources", "openstack-networks", "openstack-subnets"]


async def test_a_look_at_a_replica_asks_for_no_more_than_is_wanted(waldur: WaldurLab) -> None:
    """The figures of requests per poll and per start rest on these."""
    run = await ordered(waldur)
    waldur.control.advance(run.id)
    async with connected(waldur) as backend:
        waldur.control.clear_requests()
        await backend.run(run.id)
        assert read_paths(waldur) == ["openstack-migrations"]
        await backend.replica(run.replica_id or "", None)
        assert read_paths(waldur) == COUNTED
        await backend.runs(SOURCE)
        assert read_paths(waldur) == ["openstack-migrations"]
        runs = await backend.runs(SOURCE)
        waldur.control.clear_requests()
        await backend.preflight(job_for(), runs)
        assert "openstack-migrations" not in read_paths(waldur)
        await backend.preflight(job_for(), None)
        assert read_paths(waldur).count("openstack-migrations") == 1


async def test_the_tenants_own_words_are_asked_for_where_something_went_wrong(waldur: WaldurLab) -> None:
    replica_id = await finished(waldur, "worker-lost")
    async with connected(waldur) as backend:
        await backend.replica(replica_id, None)
        assert read_paths(waldur) == [*COUNTED, "openstack-tenants"]


async def test_of_a_replica_that_is_terminated_no_parts_are_counted(waldur: WaldurLab) -> None:
    replica_id = await finished(waldur)
    async with connected(waldur) as backend:
        receipt = await backend.terminate(replica_id, GRANTED)
        waldur.control.clear_requests()
        await backend.replica(replica_id, receipt.request_id)
        assert read_paths(waldur)[:2] == ["marketplace-resources", "marketplace-orders"]


async def test_a_replica_that_may_not_be_seen_is_absent(waldur: WaldurLab) -> None:
    run = await ordered(waldur)
    async with connected(waldur, "user") as backend:
        with pytest.raises(Absent):
            await backend.replica(run.replica_id or "", None)


async def finished(waldur: WaldurLab, outcome: Outcome = "success") -> str:
    """Order a replication and let it end; return the replica."""
    waldur.control.choose(outcome)
    run = await ordered(waldur)
    waldur.control.advance(run.id, 9)
    waldur.control.clear_requests()
    return run.replica_id or ""


@pytest.mark.parametrize("outcome", ["success", "fails-at-port", "worker-lost"])
async def test_a_replica_is_terminated_by_an_order_that_is_followed(waldur: WaldurLab, outcome: Outcome) -> None:
    replica_id = await finished(waldur, outcome)

    async with connected(waldur) as backend:
        receipt = await backend.terminate(replica_id, GRANTED)
        assert receipt.request_id is not None
        under_way = await backend.replica(replica_id, receipt.request_id)
        waldur.control.end_termination(replica_id)
        ended = await backend.replica(replica_id, receipt.request_id)

    assert (under_way.stage, under_way.order_stage) == (ReplicaStage.TERMINATING, OrderStage.UNDER_WAY)
    assert (ended.stage, ended.order_stage, ended.items) == (ReplicaStage.TERMINATED, OrderStage.DONE, None)
    [change] = [request for request in waldur.control.requests() if request["method"] != "GET"]
    assert change["path"].replace("-", "") == f"/api/marketplaceresources/{replica_id}/terminate/"


async def test_an_order_to_terminate_may_fail_and_leave_the_replica(waldur: WaldurLab) -> None:
    replica_id = await finished(waldur)

    async with connected(waldur) as backend:
        receipt = await backend.terminate(replica_id, GRANTED)
        waldur.control.end_termination(replica_id, "erred", error="Tenant is busy (HTTP 409)")
        ended = await backend.replica(replica_id, receipt.request_id)

    assert (ended.stage, ended.order_stage, ended.order_error) == (ReplicaStage.OK, OrderStage.ERRED, "")
    assert (ended.tenant_status, ended.is_tenant_settled, ended.error) == (
        "ERRED",
        True,
        "Tenant is busy (HTTP 409)",
    )


async def test_a_replica_that_erred_at_a_network_has_a_tenant_that_is_not_terminated_until_it_is_swept(
    waldur: WaldurLab,
) -> None:
    replica_id = await finished(waldur, "fails-late")

    async with connected(waldur) as backend:
        stuck = await backend.replica(replica_id, None)
        with pytest.raises(NotInThisState) as caught:
            await backend.terminate(replica_id, GRANTED)
        waldur.control.sweep()
        freed = await backend.replica(replica_id, None)
        receipt = await backend.terminate(replica_id, GRANTED)

    assert (stuck.stage, stuck.tenant_status, stuck.is_tenant_settled) == (ReplicaStage.ERRED, "CREATING", False)
    assert (caught.value.reason, stuck.error) == ("Conflict", "")
    assert "Valid states for operation: OK, ERRED." in caught.value.message
    assert (freed.stage, freed.tenant_status, freed.is_tenant_settled) == (ReplicaStage.ERRED, "ERRED", True)
    assert receipt.request_id is not None


async def test_what_is_not_told_of_a_tenant_hinders_no_order(waldur: WaldurLab) -> None:
    replica_id = await finished(waldur)
    waldur.control.fault(path="/api/openstack-tenants/", status=403)

    async with connected(waldur) as backend:
        replica = await backend.replica(replica_id, None)

    assert (replica.tenant_status, replica.is_tenant_settled) == ("", True)


async def test_secrets_in_the_words_of_openstack_do_not_come_through(waldur: WaldurLab) -> None:
    waldur.control.choose("fails-at-port", error="Unauthorized: token 9f8e7d6c5b for password=hunter2x refused")
    run = await ordered(waldur)
    waldur.control.advance(run.id, 9)

    async with connected(waldur) as backend:
        failed = await backend.run(run.id)

    assert failed.error == "Unauthorized: token [redacted] for password=[redacted] refused"


async def test_a_replica_in_another_state_is_not_terminated_now(waldur: WaldurLab) -> None:
    run = await ordered(waldur)

    async with connected(waldur) as backend:
        with pytest.raises(NotInThisState) as caught:
            await backend.terminate(run.replica_id or "", GRANTED)

    assert caught.value.reason == "Conflict"
    assert "OK, Erred" in caught.value.message


async def test_without_the_right_to_terminate_it_is_named(waldur: WaldurLab) -> None:
    replica_id = await finished(waldur)
    waldur.control.user("owner", may_terminate=False)

    async with connected(waldur) as backend:
        with pytest.raises(NotPermitted, match="TERMINATE_RESOURCE"):
            await backend.terminate(replica_id, GRANTED)


async def test_a_replica_that_there_is_not_cannot_be_terminated(waldur: WaldurLab) -> None:
    async with connected(waldur) as backend:
        for replica_id in (UNKNOWN, "42"):
            with pytest.raises(Absent):
                await backend.terminate(replica_id, GRANTED)
