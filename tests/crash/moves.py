"""The moves of one scene: each has a server, a Migration, and one call that is tried in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crash.calls import BASIC, COLD, Call, End, is_own
from crash.operator_settings import USER_AGENT
from lab.nova_client import call as post
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crash.operators import Operator
    from crash.scene import Scene
    from lab.nova_client import Fault, Request

CONFIRMATION = "AwaitingConfirmation"
POLL_S = 0.3
"""Nova has more to do than to tell how it is."""


class Moves:
    """Several moves at once, so that what a scene tries is tried with every call.

    Attributes:
        calls: by the name of the Migration, as all that follows.
        servers: ids.
    """

    def __init__(self, scene: Scene, calls: Mapping[str, Call] = BASIC) -> None:
        """Take a server for each."""
        self._scene, self._nova = scene, scene.nova
        self.calls = calls
        self.servers = {name: scene.take_server(name) for name in calls}
        self._mark = self._nova.control.request_mark()
        self._known = {name: len(self._nova.nova.migrations(server)) for name, server in self.servers.items()}
        self._changes = {name: len(self._nova.control.transitions(server)) for name, server in self.servers.items()}
        self._faults: dict[str, int] = {}
        self._placements: dict[str, dict[str, Any]] = {name: {} for name in calls}

    @property
    def points(self) -> dict[str, str]:
        """Which call of each server has the point, for ``Scene.start``."""
        return {self.servers[name]: one.operation for name, one in self.calls.items()}

    def points_of(self, operations: Mapping[str, str]) -> dict[str, str]:
        """Return the same for other calls than those that are tried."""
        return {self.servers[name]: operation for name, operation in operations.items()}

    def manifests(self, **spec: object) -> list[dict[str, Any]]:
        """Return the Migrations; ``spec`` holds further fields, the same for all."""
        return [self._scene.describe(name, {**self.spec(name), **spec}) for name in self.calls]

    def spec(self, name: str) -> dict[str, Any]:
        """Return what a Migration of this move says."""
        return {**self.calls[name].spec, "server": {"id": self.servers[name]}, **self._placements[name]}

    def name_sources(self) -> None:
        """Let the Migrations name the hosts where their servers are now."""
        for name, server in self.servers.items():
            host = self._nova.nova.server(server)["OS-EXT-SRV-ATTR:host"]
            self._placements[name] = {"placement": {"sourceHost": host}}

    def order(self, **spec: object) -> None:
        """Apply the Migrations, and give the verbs that their calls want when the moves await them."""
        self._scene.cluster.apply(*self.manifests(**spec))
        waiting = [name for name, one in self.calls.items() if one.verb]
        if waiting:
            self._scene.wait_for(f"jsonpath={{.status.phase}}={CONFIRMATION}", *waiting)
            self._scene.cluster.apply(*(self._annotate(manifest) for manifest in self.manifests(**spec)))

    def _annotate(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        verb = self.calls[manifest["metadata"]["name"]].verb
        annotations = {f"osmig.dev/{verb}": "1"} if verb else {}
        return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Return what the Migrations say of themselves."""
        return {name: migration.get("status", {}) for name, migration in self._scene.migrations().items()}

    def touch(self) -> None:
        """Write something harmless into all Migrations, so that every view of them is stale."""
        self._scene.kubectl("label", "migration", *self.calls, "touched=yes")

    def wait_for(self, condition: str) -> None:
        """Wait as ``kubectl wait --for`` does, until it is so for all Migrations."""
        self._scene.wait_for(condition, *self.calls)

    def wait_for_reason(self, reason: str) -> None:
        """Wait until the condition Succeeded of all has a reason."""
        self.wait_for(f'jsonpath={{.status.conditions[?(@.type=="Succeeded")].reason}}={reason}')

    def break_calls(self, faults: Mapping[str, Fault]) -> None:
        """Break the next call of each of these moves; ``{action}`` in a header becomes the URL it is sent to."""
        for name, fault in faults.items():
            path = f"/servers/{self.servers[name]}/action"
            url = f"{self._nova.compute}{path}"
            headers = {key: value.replace("{action}", url) for key, value in fault.get("headers", {}).items()}
            target: Fault = {"path": f"{path}$", "method": "POST", "body_match": f'"{self.calls[name].action}"'}
            aimed: Fault = {**fault, **target, "headers": headers}
            self._faults[name] = self._nova.control.fault(**aimed)

    def hang(self) -> None:
        """Let the live moves run until ``finish_hanging``."""
        for server in self.servers.values():
            self._scene.plan(server, "hang")

    def finish_hanging(self) -> None:
        """Let the live moves that hang come to their end, and later ones too."""
        for server in self.servers.values():
            self._scene.plan(server, "finish")
        eventually(self._steer, what="no move hanging", every_s=POLL_S)

    def _steer(self) -> bool:
        running = [run["server"] for run in self._nova.control.runs()]
        for server in running:
            if server in self.servers.values():
                self._nova.control.steer(server, "finish")
        fresh = [record for name in self.calls for record in self.records(name)]
        return all(record["status"] == "completed" for record in fresh if record["migration_type"] == "live-migration")

    def requests(self) -> dict[str, list[Request]]:
        """Return what anybody asked Nova to do with each server, oldest first, also what was never answered."""
        requests = [one for one in self._nova.control.requests(since=self._mark) if one["method"] != "GET"]
        return {
            name: [one for one in requests if f"/servers/{server}/" in one["path"]]
            for name, server in self.servers.items()
        }

    def sent(self) -> dict[str, int]:
        """Count the calls of its kind that operators sent for each move."""
        return {name: sum(is_own(one, self.calls[name]) for one in found) for name, found in self.requests().items()}

    def wait_sent(self) -> None:
        """Wait until the call of each move has come to Nova."""
        eventually(lambda: all(self.sent().values()), what="every call sent", every_s=POLL_S)

    def records(self, name: str) -> list[dict[str, Any]]:
        """Return Nova's records of the server's moves since the beginning, oldest first."""
        return self._nova.nova.migrations(self.servers[name])[self._known[name] :]

    def act(self, name: str, body: Mapping[str, object], *, headers: Mapping[str, str] | None = None) -> None:
        """Ask Nova to do something with the server, as anybody might."""
        standard = {"X-Auth-Token": self._nova.nova.token, "OpenStack-API-Version": "compute 2.90"}
        url = f"{self._nova.compute}/servers/{self.servers[name]}/action"
        post("POST", url, body=body, headers={**standard, **(headers or {})})

    def deliver_late(self) -> None:
        """Hand Nova the calls that a dead operator had on its way, as a slow network does; wait for all they do."""
        for name, one in self.calls.items():
            self.act(name, one.body, headers={"User-Agent": f"{USER_AGENT}late"})
        for name, one in self.calls.items():
            self.wait_server(name, "VERIFY_RESIZE" if one is COLD else "ACTIVE")

    def wait_server(self, name: str, status: str) -> None:
        """Wait until the server of a move has a status and no task."""

        def is_there() -> bool:
            server = self._nova.nova.server(self.servers[name])
            return (server["status"], server["OS-EXT-STS:task_state"]) == (status, None)

        eventually(is_there, what=f"the server of {name} {status}", every_s=POLL_S)

    def finish(self, survivor: Operator) -> dict[str, End]:
        """Wait until all Migrations have ended, the last of them with ``survivor``; return what is true then."""
        self.wait_for("condition=Finished")
        migrations, requests = self._scene.migrations(), self.requests()
        duplicates = survivor.count("osmig_duplicate_starts_total")
        return {
            name: End(
                call=self.calls[name],
                migration=migrations[name],
                server=self._nova.nova.server(server),
                records=self.records(name),
                requests=requests[name],
                changes=self._nova.control.transitions(server)[self._changes[name] :],
                fault=self._faults.get(name),
                duplicates=duplicates,
            )
            for name, server in self.servers.items()
        }
