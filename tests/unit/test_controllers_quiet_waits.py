"""Waiting is quiet: who waits writes once per lasting cause, not per turn of the queue, and asks the cloud once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from typing_extensions import override

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, PROVIDER
from controller_lab import Lab
from domain_samples import record, server
from osmig.api.names import Kind
from osmig.domain.operations import Stage
from server_fakes import FakeBackend

if TYPE_CHECKING:
    from osmig.controllers.keys import Key
    from osmig.drivers.servers.views import Job, PreStartState

SERVERS = 4
LIMITS = {"maxInFlight": 3, "maxInFlightPerSourceHost": 9}


@dataclass
class Fleet(FakeBackend):
    """A cloud that moves servers again and again, each move with a record of its own."""

    def fill(self) -> None:
        """Let the servers exist."""
        for number in range(SERVERS):
            name = str(UUID(int=number))
            self.views[name] = replace(server("cmp1"), id=name)

    @override
    async def pre_start_state(self, job: Job) -> PreStartState:
        """Show the server and the newest of its records."""
        state = await super().pre_start_state(job)
        newest = max((row.number for row in self.rows if row.server_id == state.server.id), default=0)
        return replace(state, baseline=state.baseline.model_copy(update={"previous_id": str(newest)}))

    @override
    async def progress(self, server_id: str, record_id: str) -> None:
        """Show no numbers."""

    def begin(self) -> None:
        """Run the start that was just ordered."""
        name = self.jobs[-1].server_id or ""
        view = self.views[name]
        self.views[name] = replace(view, is_busy=True)
        row = record(number=len(self.rows) + 1, server_id=name, source_host=view.host, destination=f"{view.host}+")
        self.rows = (*self.rows, row)

    def end_one(self) -> None:
        """Let the move arrive that has run longest."""
        running = [row for row in self.rows if not row.is_terminal]
        for row in running[:1]:
            self.views[row.server_id] = replace(self.views[row.server_id], is_busy=False, host=row.destination_host)
            ended = replace(row, stage=Stage.SUCCEEDED, status="completed")
            self.rows = tuple(ended if known is row else known for known in self.rows)


def key_of(number: int) -> Key:
    return MIGRATION._replace(name=f"m-{number:03}")


async def fleet_of(count: int) -> tuple[Lab, Fleet]:
    """An engine with so many new Migrations, several for each server."""
    cloud = Fleet()
    cloud.fill()
    cloud.on_start = cloud.begin
    lab = Lab(cloud=cloud)
    lab.offer(Kind.PROVIDER, provider_body(spec={"limits": LIMITS}))
    await lab.step(PROVIDER)
    for number in range(count):
        body = migration_body(spec={"server": {"id": str(UUID(int=number * SERVERS // count))}})
        body["metadata"] |= {"name": key_of(number).name, "uid": f"uid-{number}"}
        lab.offer(Kind.MIGRATION, body)
    lab.api.puts.clear()
    cloud.calls.clear()
    return lab, cloud


async def test_who_waits_for_a_server_and_a_slot_writes_once_per_lasting_cause() -> None:
    count = 40
    lab, cloud = await fleet_of(count)
    for _ in range(2 * count):
        await lab.run(seconds=3)
        cloud.end_one()
        lab.controllers.scheduler.wake(PROVIDER)
        await lab.clock.pass_by(10)
    await lab.run(seconds=3)
    waiting = Counter(name for name, status in lab.api.puts if status.get("phase") == "Queued")
    ended = [lab.api.status(key_of(number)).get("phase") for number in range(count)]
    assert ended == ["Succeeded"] * count
    assert max(waiting.values()) <= 3, "for the server, for a slot, and one race at the begin"
    assert sum(waiting.values()) <= 2 * count
    assert cloud.calls.count("pre_start") <= 3 * count


async def test_those_that_wait_cost_neither_writes_nor_requests() -> None:
    lab, cloud = await fleet_of(200)
    for _ in range(10):
        await lab.run(seconds=100)  # the rush is over, and with it every wording from it
    lab.api.puts.clear()
    cloud.calls.clear()
    lab.controllers.scheduler.wake(PROVIDER)
    await lab.run(seconds=1000)
    written = [name for name, status in lab.api.puts if status.get("phase") == "Queued"]
    assert (written, cloud.calls.count("pre_start")) == ([], 0)
