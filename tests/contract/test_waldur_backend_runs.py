"""The Waldur adapter against the double: runs are found on every page, and followed through every joint state."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.waiting import eventually_async
from lab.waldur import WaldurLab
from lab.waldurlab.catalogue import SOURCE, SOURCE_WITHOUT_LIMITS
from osmig.domain.errors import Absent
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from waldur_support import MARKER, UNKNOWN, USERS, connected, ordered

if TYPE_CHECKING:
    from lab.waldurlab.replication import Outcome


async def is_asked_for(waldur: WaldurLab, page: str) -> bool:
    """Tell whether a page of a list was asked for."""
    return any(["page", page] in request["query"] for request in waldur.control.requests())


async def test_34_runs_are_read_over_all_pages_oldest_first_and_the_one_on_page_4_is_found(waldur: WaldurLab) -> None:
    waldur.control.page_rows(10)
    waldur.control.seed(count=33, name="other", created="2026-11-01T00:00:00+00:00")
    [ours] = waldur.control.seed(name=MARKER, created="2026-11-02T00:00:00+00:00")

    async with connected(waldur) as backend:
        runs = await backend.runs(SOURCE)

    assert len(runs) == 34
    assert (runs[-1].id, runs[-1].replica_name) == (ours, MARKER)
    pages = [dict(request["query"])["page"] for request in waldur.control.requests()]
    assert pages == ["1", "2", "3", "4"]


async def test_no_source_is_mixed_up_with_another_even_if_the_server_ignores_the_filter(waldur: WaldurLab) -> None:
    waldur.control.seed(count=2)

    async with connected(waldur) as backend:
        assert await backend.runs(UNKNOWN) == ()
        [one, other] = await backend.runs(SOURCE)
        waldur.control.change(one.id, src_resource_uuid=SOURCE_WITHOUT_LIMITS)
        assert [run.id for run in await backend.runs(SOURCE)] == [other.id]


async def test_a_row_without_mappings_and_one_that_is_broken_hide_no_other(waldur: WaldurLab) -> None:
    [null, broken, good] = waldur.control.seed(count=3)
    waldur.control.change(null, mappings=None)
    waldur.control.change(broken, drop=["uuid"])

    async with connected(waldur) as backend:
        assert [run.id for run in await backend.runs(SOURCE)] == [null, good]
        assert (await backend.run(null)).id == null


async def test_a_list_that_shrinks_while_it_is_read_is_read_anew(waldur: WaldurLab) -> None:
    """Rows that are deleted pull others to the page that was read already, where they would be overlooked."""
    waldur.control.page_rows(10)
    ids = waldur.control.seed(count=21)
    waldur.control.fault(path="page=2", action="pass", hold=True)

    async with connected(waldur) as backend:
        reading = asyncio.create_task(backend.runs(SOURCE))
        await eventually_async(lambda: is_asked_for(waldur, "2"), what="page 2 asked for")
        waldur.control.forget(ids[0])
        waldur.control.release()
        runs = await reading

    assert [run.id for run in runs] == ids[1:]


async def test_runs_of_an_old_server_are_read() -> None:
    with WaldurLab(age="before-7.6.4") as old:
        [uuid] = old.control.seed(name=MARKER)
        async with connected(old) as backend:
            run = await backend.run(uuid)

    assert (run.stage, run.status) == (RunStage.SCHEDULED, "Creation Scheduled")
    assert (run.replica_stage, run.replica_status, run.error) == (ReplicaStage.UNKNOWN, None, "")


@pytest.mark.parametrize("run_id", [UNKNOWN, UNKNOWN.replace("-", ""), "42", ""])
async def test_a_run_that_there_is_not_is_absent(waldur: WaldurLab, run_id: str) -> None:
    async with connected(waldur) as backend:
        with pytest.raises(Absent) as caught:
            await backend.run(run_id)

    assert caught.value.reason == "RecordGone"


async def test_another_users_run_is_not_seen(waldur: WaldurLab) -> None:
    run = await ordered(waldur)

    async with connected(waldur, "rival") as backend:
        assert await backend.runs(SOURCE) == ()
        with pytest.raises(Absent):
            await backend.run(run.id)
    async with connected(waldur, "staff") as backend:
        assert (await backend.run(run.id)).user_id == USERS["owner"]


@pytest.mark.parametrize(
    ("outcome", "stages"),
    [
        (
            "success",
            [
                (RunStage.SCHEDULED, ReplicaStage.CREATING),
                (RunStage.CREATING, ReplicaStage.CREATING),
                (RunStage.CREATING, ReplicaStage.OK),
                (RunStage.OK, ReplicaStage.OK),
            ],
        ),
        ("fails-early", [(RunStage.SCHEDULED, ReplicaStage.CREATING), (RunStage.ERRED, ReplicaStage.TERMINATED)]),
        ("fails-late", [(RunStage.SCHEDULED, ReplicaStage.CREATING), (RunStage.ERRED, ReplicaStage.ERRED)]),
        ("worker-lost", [(RunStage.SCHEDULED, ReplicaStage.CREATING), (RunStage.CREATING, ReplicaStage.ERRED)]),
        ("broker-lost", [(RunStage.SCHEDULED, ReplicaStage.CREATING), (RunStage.SCHEDULED, ReplicaStage.ERRED)]),
        ("destination-lost", [(RunStage.OK, ReplicaStage.TERMINATING), (RunStage.OK, ReplicaStage.TERMINATED)]),
    ],
)
async def test_every_joint_state_is_seen_on_its_way(
    waldur: WaldurLab, outcome: Outcome, stages: list[tuple[RunStage, ReplicaStage]]
) -> None:
    waldur.control.choose(outcome)
    run = await ordered(waldur)
    seen = []
    async with connected(waldur) as backend:
        for _ in range(7):
            now = await backend.run(run.id)
            seen.append((now.stage, now.replica_stage))
            waldur.control.advance(run.id)

    assert [stage for stage in dict.fromkeys(seen) if stage in stages] == stages


async def test_a_failure_tells_its_cause_in_a_line_and_never_its_traceback(waldur: WaldurLab) -> None:
    waldur.control.choose("fails-late", error='ConnectFailure("Unable to connect to http://10.0.0.7:5000/v3")')
    run = await ordered(waldur)
    waldur.control.advance(run.id, 9)

    async with connected(waldur) as backend:
        failed = await backend.run(run.id)

    assert failed.error.startswith('ConnectFailure("Unable to connect to ')
    for inside in ("10.0.0.7", "Traceback", "/opt/waldur", "keystone"):
        assert inside not in repr(failed)
