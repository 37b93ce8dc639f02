"""What the tests of cold moves share: jobs, and the way to the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.waiting import eventually_async
from nova_support import GRANTED, record_in
from osmig.domain.calls import Operation
from osmig.domain.operations import MoveKind
from osmig.drivers.servers.nova.translate import to_stage
from osmig.drivers.servers.views import Job, ServerView

if TYPE_CHECKING:
    from lab.nova import NovaLab
    from lab.nova_client import Transition
    from osmig.domain.operations import RecordView, Stage
    from osmig.drivers.servers.ports import ServerBackend

Change = tuple[str, str, "Stage | None"]
"""What changed, in which words, and the stage if it was a migration."""
COLD = Operation.COLD_MIGRATE


def cold(server_id: str, host: str | None = None) -> Job:
    """Describe a cold move."""
    return Job(server_id=server_id, destination_host=host, kind=MoveKind.COLD)


async def moved(backend: ServerBackend, server_id: str) -> ServerView:
    """Wait until the server awaits confirmation."""

    async def probe() -> ServerView | None:
        server = await backend.server(server_id)
        return server if server.awaits_confirmation else None

    server = await eventually_async(probe, what="the server awaits confirmation")
    assert server is not None
    return server


async def to_the_gate(backend: ServerBackend, server_id: str, host: str | None = None) -> RecordView:
    """Move a server cold, and wait until it awaits confirmation."""
    await backend.start(cold(server_id, host), GRANTED)
    await moved(backend, server_id)
    return await record_in(backend, server_id, "finished")


def changes(lab: NovaLab, server_id: str) -> list[Change]:
    """Return what Nova wrote of a server and its migrations, in order."""
    told = [_change(entry) for entry in lab.control.transitions(server_id)]
    return list(dict.fromkeys(told))


def _change(entry: Transition) -> Change:
    if entry["kind"] == "migration":
        return "migration", entry["status"], to_stage(entry["status"])
    return "server", f"{entry['vm_state']}/{entry['task_state']}@{entry['host']}", None
