"""What tests say to the lab's Nova: its control API, and the Compute API itself without the SDK under test."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, Unpack

from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

NEWEST = "2.96"
"""A microversion that the lab's Nova speaks and that tests may rely on."""
TIMEOUT_S = 60.0
HELD_S = 50
"""A delay in a plan that a test ends itself (``Control.release``); Nova's own RPC calls give up after 60 s."""


class Fault(TypedDict):
    """One rule that breaks the next ``count`` requests matching it; ``nova_sources/README.md`` has the defaults."""

    path: NotRequired[str]
    method: NotRequired[str]
    body_match: NotRequired[str]
    when: NotRequired[Literal["before", "after"]]
    action: NotRequired[Literal["status", "cut", "delay"]]
    status: NotRequired[int]
    body: NotRequired[object]
    headers: NotRequired[dict[str, str]]
    delay: NotRequired[float]
    skip: NotRequired[int]
    count: NotRequired[int]


class Request(TypedDict):
    """One request that arrived; what follows ``fault`` is None until it is answered, with Keystone ``user`` too."""

    n: int
    t: float
    method: str
    path: str
    body: str
    microversion: str | None
    user_agent: str | None
    user: str | None
    fault: int | None
    status: int | Literal["cut"] | None
    nova_status: int | None
    request_id: str | None
    ms: float | None


class Transition(TypedDict):
    """One change of a migration or server, in the order in which they reached Nova's database."""

    kind: Literal["migration", "server"]
    server: str
    t: float
    id: NotRequired[int]
    status: NotRequired[str]
    type: NotRequired[str]
    source: NotRequired[str | None]
    dest: NotRequired[str | None]
    vm_state: NotRequired[str | None]
    task_state: NotRequired[str | None]
    host: NotRequired[str | None]
    power_state: NotRequired[int | None]


class HttpError(AssertionError):
    """An answer of 400 or more.

    Attributes:
        status: The HTTP status.
        headers: The headers of the answer.
        body: The text of the answer.
    """

    def __init__(self, what: str, status: int, headers: Mapping[str, str], body: str) -> None:
        """Keep the answer for the test."""
        super().__init__(f"{what}: {status} {body[:500]}")
        self.status = status
        self.headers = headers
        self.body = body


def call(
    method: str, url: str, *, body: object = None, headers: Mapping[str, str] | None = None
) -> tuple[Any, dict[str, str]]:
    """Send one request; return the parsed body (None if empty) and the headers with lower-case names.

    Raises:
        HttpError: The answer was 400 or more.
        OSError: There was no answer.
    """
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=sent, method=method)  # noqa: S310 - loopback
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - loopback
            text = answer.read()
            got = {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            raise HttpError(
                f"{method} {url}", error.code, dict(error.headers.items()), error.read().decode(errors="replace")
            ) from None
    return (json.loads(text) if text.strip() else None), got


class Control:
    """The control API of novalab: plans, faults, logs, and services that die."""

    def __init__(self, url: str) -> None:
        """Speak to the control API at ``url``."""
        self.url = url.rstrip("/")

    def plan(self, server_or_host: str, text: str) -> None:
        """Set how one server (id) or host behaves from now on, for example ``"hang,memory=4096"``."""
        self._call("PUT", f"plans/{server_or_host}", {"plan": text})

    def release(self, server: str, *steps: Literal["precheck", "pre", "cold", "finish", "confirm", "revert"]) -> None:
        """Let the steps of a server go on that its plan holds by a delay, also those that are still to come."""
        self.plan(server, ",".join(f"{step}_delay=0" for step in steps))

    def clear_plan(self, server_or_host: str) -> None:
        """Go back to the plan from the server's metadata or the host's start."""
        self._call("DELETE", f"plans/{server_or_host}")

    def runs(self) -> list[dict[str, Any]]:
        """Return the live migrations that the scripted hypervisors are running."""
        return list(self._call("GET", "runs")["runs"])

    def steer(
        self, server: str, verdict: Literal["finish", "fail", "crash", "cancel"] | None = None, **fields: object
    ) -> None:
        """Change a live migration: end it by ``verdict``, or set fields such as memory_remaining or status.

        Nova shows a server as migrating before its hypervisor has anything to steer: that is waited for.
        """

        def is_run() -> bool:
            return server in {run["server"] for run in self.runs()}

        eventually(is_run, what=f"a hypervisor migrates {server}")
        self._call("POST", f"runs/{server}", fields | ({"verdict": verdict} if verdict else {}))

    def fault(self, **rule: Unpack[Fault]) -> int:
        """Break the next matching requests; return the fault's id, which the request log names."""
        return int(self._call("POST", "faults", rule)["id"])

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are still armed."""
        return list(self._call("GET", "faults")["faults"])

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self._call("DELETE", "faults")

    def requests(self, *, since: int = 0) -> list[Request]:
        """Return the requests that arrived after number ``since``, oldest first, the unanswered included."""
        return list(self._call("GET", f"requests?since={since}")["requests"])

    def request_mark(self) -> int:
        """Return the number of the newest request, for ``requests(since=...)``."""
        return int(self._call("GET", f"requests?since={2**62}")["total"])

    def clear_requests(self) -> None:
        """Forget the logged requests; their numbers go on."""
        self._call("DELETE", "requests")

    def transitions(self, server: str | None = None) -> list[Transition]:
        """Return every status change of one server and its migrations, or of all."""
        return list(self._call("GET", f"transitions/{server}" if server else "transitions")["transitions"])

    def clear_transitions(self) -> None:
        """Forget the status changes."""
        self._call("DELETE", "transitions")

    def service(self, host: str, verb: Literal["stop", "start", "restart"]) -> None:
        """Let a compute host, novalab-conductor or novalab-scheduler die or come back."""
        self._call("POST", f"services/{host}/{verb}")

    def seed_migrations(self, count: int = 1, **fields: object) -> tuple[int, int]:
        """Write finished migration records; return the first and the last id."""
        answer = self._call("POST", "migrations", {"count": count, **fields})
        return answer["first_id"], answer["last_id"]

    def state(self) -> dict[str, Any]:
        """Return computes with guests, running migrations and counts."""
        return dict(self._call("GET", "state"))

    def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - parsed JSON
        answer, _ = call(method, f"{self.url}/{path}", body=body)
        return answer


class Compute:
    """Nova's own API over plain HTTP: the truth to compare with, and the hand of a rival."""

    def __init__(self, url: str, token: str) -> None:
        """Speak to the endpoint ``url`` with a token."""
        self.url = url.rstrip("/")
        self.token = token

    def get(self, path: str, *, microversion: str = NEWEST) -> Any:  # noqa: ANN401 - parsed JSON
        """GET a path such as ``/servers/ID``; return the parsed body."""
        return self.request("GET", path, microversion=microversion)[0]

    def post(self, path: str, body: object, *, microversion: str = NEWEST) -> Any:  # noqa: ANN401 - parsed JSON
        """POST; return the parsed body, or None."""
        return self.request("POST", path, body, microversion=microversion)[0]

    def delete(self, path: str, *, microversion: str = NEWEST) -> None:
        """DELETE."""
        self.request("DELETE", path, microversion=microversion)

    def request(
        self, method: str, path: str, body: object = None, *, microversion: str = NEWEST
    ) -> tuple[Any, dict[str, str]]:
        """Send any request; return the parsed body and the headers with lower-case names.

        Raises:
            HttpError: The answer was 400 or more.
            OSError: There was no answer.
        """
        headers = {"X-Auth-Token": self.token, "OpenStack-API-Version": f"compute {microversion}"}
        return call(method, self.url + path, body=body, headers=headers)

    def server(self, server: str) -> dict[str, Any]:
        """Return one server."""
        return dict(self.get(f"/servers/{server}")["server"])

    def migrations(self, server: str) -> list[dict[str, Any]]:
        """Return the migration records of one server, oldest first."""
        found = self.get(f"/os-migrations?instance_uuid={server}")["migrations"]
        return sorted(found, key=lambda record: int(record["id"]))

    def actions(self, server: str) -> list[dict[str, Any]]:
        """Return the instance actions of one server, oldest first."""
        return list(reversed(self.get(f"/servers/{server}/os-instance-actions")["instanceActions"]))

    def is_done(self, server: str) -> bool:
        """Whether Nova has finished all that belongs to the newest action of a server.

        A server is ``ACTIVE`` before: after a confirm Nova still forgets the old flavor, and so that of a move which
        somebody has ordered meanwhile. Of a live move this tells only that it has begun.
        """
        newest = self.actions(server)[-1]["request_id"]
        events = self.get(f"/servers/{server}/os-instance-actions/{newest}")["instanceAction"]["events"]
        return bool(events) and all(event["finish_time"] for event in events)

    def live_migrate(self, server: str, *, host: str | None = None) -> str:
        """Start a live migration, as anybody might; return Nova's request id."""
        body = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
        return self.request("POST", f"/servers/{server}/action", body)[1]["x-openstack-request-id"]
