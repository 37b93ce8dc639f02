"""What tests say to the lab's Waldur: its control API, and the API itself without the client under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, Unpack

from lab.nova_client import call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.waldurlab.replication import Outcome

MIGRATIONS = "/api/openstack-migrations/"


class WaldurFault(TypedDict):
    """One rule that breaks the next ``count`` requests matching it; ``waldurlab/faults.py`` has the meaning."""

    path: NotRequired[str]
    method: NotRequired[str]
    body_match: NotRequired[str]
    user: NotRequired[str]
    when: NotRequired[Literal["before", "after"]]
    action: NotRequired[Literal["status", "cut", "pass"]]
    status: NotRequired[int]
    body: NotRequired[object]
    headers: NotRequired[dict[str, str]]
    delay_s: NotRequired[float]
    hold: NotRequired[bool]
    skip: NotRequired[int]
    count: NotRequired[int]


class WaldurRequest(TypedDict):
    """One request that arrived; status and answered_t are None until it is answered, see ``waldurlab/journal.py``."""

    n: int
    t: float
    method: str
    path: str
    query: list[list[str]]
    body: str
    user: str | None
    user_agent: str | None
    fault: int | None
    status: int | Literal["cut"] | None
    real_status: int | None
    answered_t: float | None


class SeededRow(TypedDict):
    """How a row is that is made without a POST; ``waldurlab/steering.py`` has the defaults."""

    count: NotRequired[int]
    name: NotRequired[str]
    user: NotRequired[str]
    outcome: NotRequired[Outcome]
    steps: NotRequired[int]
    created: NotRequired[str]
    modified: NotRequired[str]
    source: NotRequired[str]
    mappings: NotRequired[dict[str, Any]]
    uuid: NotRequired[str]
    destination: NotRequired[str]
    error: NotRequired[str]


class WaldurControl:
    """The control API of the double. A replication is named by its id, also when its row is gone."""

    def __init__(self, url: str) -> None:
        """Speak to the control API at ``url``."""
        self.url = url.rstrip("/")

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows, also those that are gone, with outcome, step and is_gone."""
        return list(self._call("rows"))

    def choose(self, outcome: Outcome, replication: str | None = None, *, error: str | None = None) -> None:
        """Say how one replication goes on, or all that come; ``error`` is the text of a failure."""
        self._call("choose", outcome=outcome, replication=replication, error=error)

    def advance(self, replication: str, steps: int = 1) -> dict[str, Any]:
        """Take the next steps on its way, if there are any; return the row."""
        return dict(self._call("advance", replication=replication, steps=steps))

    def change(self, replication: str, *, drop: Sequence[str] = (), **fields: object) -> dict[str, Any]:
        """Show other values in a row (unknown words, ``mappings=None``), or leave fields out; return the row."""
        return dict(self._call("change", replication=replication, drop=list(drop), **fields))

    def mend(self, replication: str) -> dict[str, Any]:
        """Undo ``change``, except for the destination's name and state."""
        return dict(self._call("mend", replication=replication))

    def rename(self, replication: str, suffix: str = "_x1z") -> str:
        """Let the destination's name be taken in Keystone; return its new name."""
        return str(self._call("rename", replication=replication, suffix=suffix))

    def progress(self, replication: str, done: int, *, is_next_begun: bool = True) -> None:
        """Let so many of the destination's networks and subnets be ready, the next one in the making, the rest not."""
        self._call("progress", replication=replication, done=done, is_next_begun=is_next_begun)

    def sweep(self) -> int:
        """Mark tenants that are stuck as erred, as the server does after three hours; return how many there were."""
        return int(self._call("sweep"))

    def forget(self, replication: str) -> None:
        """Remove a row; its destination stays."""
        self._call("forget", replication=replication)

    def seed(self, **row: Unpack[SeededRow]) -> list[str]:
        """Make rows without any POST; return their ids."""
        return list(self._call("seed", **row))

    def end_termination(
        self, resource: str, state: Literal["done", "erred"] = "done", *, error: str | None = None
    ) -> None:
        """End the order to terminate a resource; after erred it is OK again, and only its tenant has the words."""
        self._call("end_termination", resource=resource, state=state, error=error)

    def user(self, name: str, **fields: object) -> None:
        """Change an account: any field of ``waldurlab/objects.py``'s ``User``, such as token, is_active, is_expired."""
        self._call("user", name=name, **fields)

    def limits(self, resource: str, limits: dict[str, int]) -> None:
        """Set the limits of a resource."""
        self._call("limits", resource=resource, limits=limits)

    def network(self, tenant: str, name: str, cidrs: Sequence[str]) -> str:
        """Add a network with subnets to a tenant; return its id."""
        return str(self._call("network", tenant=tenant, name=name, cidrs=list(cidrs)))

    def routes(self, tenant: str, *routes: tuple[str, str]) -> None:
        """Set the routes of a tenant's router: pairs of destination and nexthop."""
        self._call("routes", tenant=tenant, routes=routes)

    def rules(self, tenant: str, *cidrs: str) -> None:
        """Set the CIDRs in the rules of a tenant's security group."""
        self._call("rules", tenant=tenant, cidrs=cidrs)

    def version(self, text: str) -> None:
        """Be a server of this version: before 7.6.4, 7.7.0 and 8.1.0 some things are otherwise."""
        self._call("version", text=text)

    def order_takes(self, seconds: float) -> None:
        """Let an order take so long, in one transaction; ``release`` ends the waiting."""
        self._call("order_takes", seconds=seconds)

    def page_rows(self, most: int) -> None:
        """Never answer with more rows a page, whatever the caller asks for."""
        self._call("page_rows", most=most)

    def pace(self, seconds: float | None) -> None:
        """Let everything go on by itself, a step in so many seconds; None: by command alone, as at the start."""
        self._call("pace", seconds=seconds)

    def fault(self, **rule: Unpack[WaldurFault]) -> int:
        """Break the next matching requests; return the fault's number, which the request log names."""
        return int(self._call("fault", **rule))

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are still armed."""
        return list(self._call("faults"))

    def clear_faults(self) -> None:
        """Disarm all faults; what waits goes on waiting."""
        self._call("clear_faults")

    def release(self) -> int:
        """Let the requests go on that a fault holds or delays; return how many."""
        return int(self._call("release"))

    def requests(self, *, since: int = 0) -> list[WaldurRequest]:
        """Return the requests that arrived after number ``since``, oldest first, the unanswered included."""
        return list(self._call("requests", since=since))

    def request_mark(self) -> int:
        """Return the number of the newest request, for ``requests(since=...)``."""
        return int(self._call("request_mark"))

    def clear_requests(self) -> None:
        """Forget the logged requests; their numbers go on."""
        self._call("clear_requests")

    def _call(self, verb: str, **members: object) -> Any:  # noqa: ANN401 - parsed JSON
        return call("POST", f"{self.url}/{verb}", body=members)[0]["result"]


class Waldur:
    """Waldur's own API over plain HTTP, as one user."""

    def __init__(self, url: str, token: str) -> None:
        """Speak to the server ``url``, which ends before ``/api``."""
        self.url = url.rstrip("/")
        self.token = token

    def request(self, method: str, path: str, body: object = None) -> tuple[Any, dict[str, str]]:
        """Send any request; return the parsed body and the headers with lower-case names.

        Raises:
            HttpError: The answer was 400 or more.
            OSError: There was no answer.
        """
        return call(method, self.url + path, body=body, headers={"Authorization": f"Token {self.token}"})

    def get(self, path: str) -> Any:  # noqa: ANN401 - parsed JSON
        """GET a path such as ``/api/version/``; return the parsed body."""
        return self.request("GET", path)[0]

    def create(self, source: str, offering: str, plan: str, **fields: object) -> dict[str, Any]:
        """POST a replication; return its row."""
        body = {"src_resource": source, "dst_offering": offering, "dst_plan": plan, **fields}
        return dict(self.request("POST", MIGRATIONS, body)[0])

    def retrieve(self, replication: str) -> dict[str, Any]:
        """GET one row."""
        return dict(self.get(f"{MIGRATIONS}{replication}/"))
