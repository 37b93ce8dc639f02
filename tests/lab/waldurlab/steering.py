"""The control API: what a test may do to the double, one verb per path."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab.waldurlab.answers import Answer, answer_json
from lab.waldurlab.call import Call
from lab.waldurlab.cloud import Cloud, parse_version
from lab.waldurlab.copying import Wanted
from lab.waldurlab.objects import Network, Subnet
from lab.waldurlab.views import show_replication

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.waldurlab.replication import Replication

MAX_PROJECT_NAME = 64
"""Keystone's limit for the name of a project."""


class Steering:
    """The verbs that change the cloud; the caller holds its lock."""

    def __init__(self, cloud: Cloud) -> None:
        """Steer this cloud."""
        self._cloud = cloud

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows with what the API does not tell: outcome, step, is_gone."""
        return [self._show(row) for row in self._cloud.replications.values()]

    def choose(self, outcome: str, replication: str | None = None, error: str | None = None) -> None:
        """Say how a replication goes on, or all that come, and with which error text."""
        self._cloud.choose(outcome, self._find(replication) if replication else None, error)

    def advance(self, replication: str, steps: int = 1) -> dict[str, Any]:
        """Take steps; the way's end stops them. The row may be gone already."""
        row = self._find(replication)
        for _ in range(steps):
            self._cloud.advance(row)
        return self._show(row)

    def change(self, replication: str, drop: Sequence[str] = (), **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any
        """Show other values in a row than the server would, or leave fields out; the destination really changes."""
        row = self._find(replication)
        resource = self._cloud.resources[row.destination]
        if "dst_resource_state" in fields:
            resource.state = fields.pop("dst_resource_state")
        if "dst_resource_name" in fields:
            resource.name = fields.pop("dst_resource_name")
        row.overrides |= fields
        row.dropped |= set(drop)
        return self._show(row)

    def mend(self, replication: str) -> dict[str, Any]:
        """Show a row again as the server would."""
        row = self._find(replication)
        row.overrides.clear()
        row.dropped.clear()
        return self._show(row)

    def rename(self, replication: str, suffix: str = "_x1z") -> str:
        """Do what happens if the destination's name is taken in Keystone; return the new name."""
        row = self._find(replication)
        resource = self._cloud.resources[row.destination]
        resource.name = resource.name[: MAX_PROJECT_NAME - len(suffix)] + suffix
        return resource.name

    def progress(self, replication: str, done: int, *, is_next_begun: bool = True) -> None:
        """Let so many of the destination's networks and subnets be ready, the next one in the making, the rest not."""
        row = self._find(replication)
        tenant = self._cloud.resources[row.destination].tenant
        self._cloud.set_progress(tenant, done, is_next_begun=is_next_begun)

    def sweep(self) -> int:
        """Mark tenants that are stuck as erred, as the server does after three hours; return how many there were."""
        return self._cloud.sweep()

    def forget(self, replication: str) -> None:
        """Remove a row behind everybody's back; its destination stays."""
        self._find(replication).is_gone = True

    def seed(  # noqa: PLR0913 - the fields of a row, all named
        self,
        *,
        count: int = 1,
        name: str = "seeded",
        user: str = "owner",
        outcome: str = "success",
        steps: int = 0,
        created: str | None = None,
        modified: str | None = None,
        mappings: dict[str, Any] | None = None,
        source: str | None = None,
        uuid: str | None = None,
        destination: str | None = None,
        error: str | None = None,
    ) -> list[str]:
        """Make rows without any POST, each with ``steps`` steps behind it; return their ids.

        Several get names that end in -0, -1, ...; created and modified are in ISO 8601.
        """
        cloud = self._cloud
        wanted = Wanted(
            source=cloud.resources[source or cloud.world.source],
            offering=cloud.world.offering,
            plan=cloud.world.plan,
            name=name,
            mappings=mappings,
        )
        made = []
        for number in range(count):
            given: dict[str, Any] = {"outcome": outcome, "error": error, "destination": destination}
            if uuid:
                given["uuid"] = uuid
            if created:
                given["created"] = given["modified"] = datetime.fromisoformat(created)
            row = cloud.start(cloud.users[user], wanted, **given)
            cloud.resources[row.destination].name = f"{name}-{number}" if count > 1 else name
            made.append(row.uuid)
            self.advance(row.uuid, steps)
            if modified:
                row.modified = datetime.fromisoformat(modified)
        return made

    def end_termination(self, resource: str, state: str = "done", error: str | None = None) -> None:
        """End the order to terminate a resource: done, or erred with words that the tenant has then."""
        self._cloud.end_termination(self._cloud.resources[resource], state, error)

    def user(self, name: str, **fields: Any) -> None:  # noqa: ANN401 - any
        """Change an account: any field of ``objects.User``, such as token, may_replicate, is_active, is_expired.

        Raises:
            ValueError: The account has no such field.
        """
        account = self._cloud.users[name]
        for field, value in fields.items():
            if not hasattr(account, field):
                raise ValueError(f"a user has no {field}")
            setattr(account, field, value)

    def limits(self, resource: str, limits: dict[str, int]) -> None:
        """Set the limits of a resource."""
        self._cloud.resources[resource].limits = limits

    def network(self, tenant: str, name: str, cidrs: Sequence[str]) -> str:
        """Add a network with subnets to a tenant; return its id."""
        subnets = [Subnet(self._cloud.new_id(), f"{name}-{cidr}", cidr) for cidr in cidrs]
        network = Network(self._cloud.new_id(), name, tenant, subnets)
        self._cloud.networks[network.uuid] = network
        return network.uuid

    def routes(self, tenant: str, routes: Sequence[tuple[str, str]]) -> None:
        """Set the routes of a tenant's router: pairs of destination and nexthop."""
        self._cloud.tenants[tenant].routes = [(destination, nexthop) for destination, nexthop in routes]

    def rules(self, tenant: str, cidrs: Sequence[str]) -> None:
        """Set the CIDRs in the rules of a tenant's security group."""
        self._cloud.tenants[tenant].rules = list(cidrs)

    def version(self, text: str) -> None:
        """Be a server of this version: before 7.6.4, 7.7.0 and 8.1.0 some things are otherwise."""
        self._cloud.version = parse_version(text)

    def order_takes(self, seconds: float) -> None:
        """Let an order take so long, in one transaction."""
        self._cloud.order_s = seconds

    def page_rows(self, most: int) -> None:
        """Never answer with more rows a page."""
        self._cloud.max_page_rows = most

    def pace(self, seconds: float | None) -> None:
        """Let replications and terminations go on by themselves, a step in so many seconds; None: by command alone."""
        self._cloud.pace_s = seconds

    def _find(self, replication: str) -> Replication:
        return self._cloud.replications[replication]

    def _show(self, row: Replication) -> dict[str, Any]:
        reader = Call(self._cloud, self._cloud.users["staff"], "", "", "", b"")
        hidden = {"outcome": row.outcome, "step": row.step, "is_gone": row.is_gone}
        return {**show_replication(reader, row), **hidden}


def answer_verb(verbs: dict[str, Callable[..., Any]], path: str, content: bytes) -> Answer:
    """Call the verb that the path names with the body's members; return its result as ``{"result": ...}``."""
    verb = verbs.get(path.strip("/"))
    if verb is None:
        return answer_json({"error": f"no verb {path}: there are {', '.join(sorted(verbs))}"}, 404)
    try:
        return answer_json({"result": verb(**json.loads(content or b"{}"))})
    except (LookupError, TypeError, ValueError) as error:
        return answer_json({"error": f"{path}: {error!r}"}, 400)
