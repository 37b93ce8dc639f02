"""The Waldur adapter against the double: all that goes on is listed, and a row is deleted only when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.waldurlab.catalogue import SOURCE
from osmig.domain.errors import Absent, NotInThisState, Transient
from osmig.domain.operations import Stage
from osmig.drivers.tenants.views import ReplicaStage
from waldur_support import EXPIRED, GRANTED, UNKNOWN, connected, ordered

if TYPE_CHECKING:
    from lab.waldur import WaldurLab
    from lab.waldurlab.replication import Outcome


async def test_every_replication_is_listed_whatever_its_source_in_few_requests(waldur: WaldurLab) -> None:
    run = await ordered(waldur)
    waldur.control.seed(count=33, name="other", outcome="success", steps=9)
    waldur.control.page_rows(10)
    mark = waldur.control.request_mark()

    async with connected(waldur) as backend:
        sweep = await backend.list_operations()
        requests = waldur.control.requests(since=mark)
        plain = await backend.sweep(None)

    assert (plain.records, plain.is_full) == ((), False), "what it does not list has not vanished"
    assert len(sweep.records) == 34
    [live] = [row for row in sweep.records if not row.is_terminal]
    assert (live.id, live.stage, live.status, live.server_id) == (run.id, Stage.QUEUED, "CREATION_SCHEDULED", SOURCE)
    assert [request["method"] for request in requests] == ["GET"] * 4
    assert not any(name == "src_resource_uuid" for request in requests for name, _ in request["query"])


@pytest.mark.parametrize("outcome", ["success", "fails-late"])
async def test_a_row_that_is_over_goes_and_the_replica_stays(waldur: WaldurLab, outcome: Outcome) -> None:
    waldur.control.choose(outcome)
    run = await ordered(waldur)
    waldur.control.advance(run.id, 9)
    async with connected(waldur) as backend:
        over = await backend.run(run.id)
        assert over.replica_id is not None
        await backend.delete_run(run.id, GRANTED)
        with pytest.raises(Absent):
            await backend.run(run.id)
        replica = await backend.replica(over.replica_id, None)
        with pytest.raises(Absent):
            await backend.delete_run(run.id, GRANTED)
    assert replica.stage in {ReplicaStage.OK, ReplicaStage.ERRED}
    assert [request["method"] for request in waldur.control.requests()].count("DELETE") == 1


@pytest.mark.parametrize("outcome", ["success", "worker-lost", "broker-lost"])
async def test_a_row_that_is_not_over_is_not_deleted_though_waldur_would(waldur: WaldurLab, outcome: Outcome) -> None:
    waldur.control.choose(outcome)
    run = await ordered(waldur)
    waldur.control.advance(run.id)
    async with connected(waldur) as backend:
        with pytest.raises(NotInThisState, match="so it is not over"):
            await backend.delete_run(run.id, GRANTED)
        assert (await backend.run(run.id)).id == run.id
    assert not [request for request in waldur.control.requests() if request["method"] == "DELETE"]


async def test_without_a_permit_or_a_row_nothing_is_deleted(waldur: WaldurLab) -> None:
    run = await ordered(waldur)
    waldur.control.advance(run.id, 9)
    async with connected(waldur) as backend:
        with pytest.raises(Transient):
            await backend.delete_run(run.id, EXPIRED)
        for nothing in (UNKNOWN, "no-uuid"):
            with pytest.raises(Absent):
                await backend.delete_run(nothing, GRANTED)
    assert not [request for request in waldur.control.requests() if request["method"] == "DELETE"]
