"""What end-to-end tests do and see in the cloud: the operator's requests, and moves by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lab.nova import NovaLab
from lab.waiting import eventually

if TYPE_CHECKING:
    from lab.nova_client import Request


class Boot(Protocol):
    """Boots a server of the test's own; the fixture ``boot``."""

    def __call__(self, *, plan: str | None = None, host: str | None = None) -> str:
        """Return its id."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the operator that changes something in the cloud.

    Attributes:
        word: live-migrate, cold-migrate, abort, force-complete, confirm or revert.
        status: what the operator got: an HTTP status, ``"cut"``, or ``None`` while there is no answer.
    """

    word: str
    status: int | str | None
    request_id: str | None
    t: float


def calls(nova: NovaLab, server: str, word: str | None = None, *, since: int = 0) -> list[Call]:
    """Return what the operator asked the cloud to do with a server, oldest first; with ``word`` only those."""
    requests = requests_about(nova, server, since=since)
    found = [call for request in requests if (call := _to_call(request)) is not None]
    return [call for call in found if word in {None, call.word}]


def requests_about(nova: NovaLab, server: str, *, since: int = 0) -> list[Request]:
    """Return all requests of the operator that name a server, in path or query, oldest first.

    Args:
        nova: the cloud.
        server: its id.
        since: a mark of its request log; what came before it is left out.
    """
    return [
        request
        for request in nova.control.requests(since=since)
        if server in request["path"] and (request["user_agent"] or "").startswith("osmig")
    ]


def _to_call(request: Request) -> Call | None:
    words = {
        ("POST", "os-migrateLive"): "live-migrate",
        ("POST", '"migrate"'): "cold-migrate",
        ("POST", "confirmResize"): "confirm",
        ("POST", "revertResize"): "revert",
        ("POST", "force_complete"): "force-complete",
        ("DELETE", ""): "abort",
    }
    for (method, body), word in words.items():
        if request["method"] == method and body in (request["body"] or ""):
            return Call(word, request["status"], request["request_id"], request["t"])
    return None


def wide_cloud() -> NovaLab:
    """Prepare a Nova that moves many servers at once: the lab's hosts share one queue, whatever their number."""
    hosts = ("cmp1", "cmp2", "cmp3", "cmp4")
    return NovaLab("--max-concurrent", "16", "--report-interval", "5", "--service-down-time", "60", computes=hosts)


def occupy(nova: NovaLab, server: str) -> None:
    """Move a server as somebody else would, by Nova's API, and wait until the hypervisor has it."""
    nova.nova.live_migrate(server)
    eventually(lambda: is_moving(nova, server), what="the other move runs")


def act(nova: NovaLab, server: str, action: str) -> None:
    """Do something to a server as somebody else would, by Nova's API."""
    nova.nova.post(f"/servers/{server}/action", {action: None})


def is_moving(nova: NovaLab, server: str) -> bool:
    """Whether a hypervisor is moving the server, so that the test can steer the move."""
    return any(run["server"] == server for run in nova.control.runs())


def end_moves(nova: NovaLab, server: str) -> None:
    """End what moves a server, also what is still on its way to the hypervisor; a cold move that arrived stays so."""
    if not _has_active_move(nova, server):
        return
    nova.control.plan(server, "finish,duration=0,precheck_delay=0,pre_delay=0")

    def is_over() -> bool:
        if is_moving(nova, server):
            nova.control.steer(server, "cancel")
        return not _has_active_move(nova, server)

    eventually(is_over, what=f"no move of server {server}")


def _has_active_move(nova: NovaLab, server: str) -> bool:
    active = {"accepted", "queued", "preparing", "running", "running (post-copy)"}
    return any(record["status"] in active for record in nova.nova.migrations(server))


def until_idle(nova: NovaLab, server: str, *, host: str | None = None) -> None:
    """Wait until Nova does nothing with the server, and with ``host`` until it is there."""

    def probe() -> bool:
        now = nova.nova.server(server)
        is_idle = now["OS-EXT-STS:task_state"] is None and now["status"] in {"ACTIVE", "ERROR"}
        return is_idle and host in {None, now["OS-EXT-SRV-ATTR:host"]}

    eventually(probe, what=f"server idle on {host or 'any host'}")
