"""The state behind the double's API, and how a replication changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lab.waldurlab import catalogue
from lab.waldurlab.catalogue import Network, Resource, Subnet, Tenant, User
from lab.waldurlab.replication import OUTCOMES, STEPS, Order, Replication

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_TENANT_STATES = {"Creating": "CREATING", "OK": "OK", "Erred": "ERRED", "Terminating": "DELETING"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked POST: what shall be replicated, and where to."""

    source: Resource
    offering: str
    plan: str
    name: str
    mappings: dict[str, Any] | None
    networks: tuple[str, ...] = ()
    cidrs: dict[str, str] = field(default_factory=dict)


class Cloud:
    """Everything that the server knows, in memory.

    Attributes:
        is_old: Speak as servers before 7.6.4 did.
        now: The clock of created, modified and of the pace.
        outcome: How the replications that come will go.
        error: The error text of those that will fail; None for a usual one.
        pace_s: Take a step by itself after this many seconds; None for only by command.
        max_page_rows: No page has more rows, whatever the caller asks for.
    """

    def __init__(self, *, is_old: bool, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        """Fill in the catalogue."""
        self.is_old = is_old
        self.now = now
        self.new_id = new_id
        self.outcome = "success"
        self.error: str | None = None
        self.pace_s: float | None = None
        self.max_page_rows = 200
        self.users = {user.name: user for user in catalogue.make_users()}
        self.offerings = {offering.uuid: offering for offering in catalogue.make_offerings()}
        self.resources = {resource.uuid: resource for resource in catalogue.make_resources()}
        self.tenants = {tenant.uuid: tenant for tenant in catalogue.make_tenants()}
        self.volume_types = {kind.uuid: kind for kind in catalogue.make_volume_types()}
        self.networks = {network.uuid: network for network in catalogue.make_networks()}
        self.replications: dict[str, Replication] = {}
        self.orders: list[Order] = []

    def find_user(self, token: str) -> User | None:
        """Return whose token it is."""
        return next((user for user in self.users.values() if user.token == token), None)

    def name_of_user(self, uuid: str) -> str:
        """Return the full name of a user."""
        return next(user.full_name for user in self.users.values() if user.uuid == uuid)

    def visible(self, user: User) -> list[Replication]:
        """Return the rows that a user may see, oldest first."""
        rows = [row for row in self.replications.values() if not row.is_gone]
        mine = [row for row in rows if user.sees_all or row.created_by == user.uuid]
        return sorted(mine, key=lambda row: row.created)

    def start(self, user: User, wanted: Wanted, **given: Any) -> Replication:  # noqa: ANN401 - any field of the row
        """Make the destination's objects and the row; ``given`` has fields to set otherwise than the server would."""
        now = self.now()
        destination = str(given.pop("destination", None) or self.new_id())
        tenant = Tenant(
            self.new_id(), wanted.name, self.offerings[wanted.offering].settings, state="CREATION_SCHEDULED"
        )
        self.tenants[tenant.uuid] = tenant
        self.resources[destination] = Resource(
            destination,
            wanted.name,
            wanted.offering,
            wanted.plan,
            tenant.uuid,
            state="Creating",
            limits=self._map_limits(wanted),
        )
        self._copy_networks(wanted, tenant)
        fields = {
            "uuid": self.new_id(),
            "created": now,
            "modified": now,
            "outcome": self.outcome,
            "error": self.error,
            **given,
        }
        row = Replication(
            created_by=user.uuid,
            source=wanted.source.uuid,
            offering=wanted.offering,
            destination=destination,
            mappings=wanted.mappings,
            **fields,
        )
        self.replications[row.uuid] = row
        return row

    def _map_limits(self, wanted: Wanted) -> dict[str, int]:
        given = wanted.source.limits
        limits = {name: limit for name, limit in given.items() if not name.startswith("gigabytes_")}
        for pair in (wanted.mappings or {}).get("volume_types", ()):
            ours, theirs = (self.volume_types[UUID(pair[name]).hex].name for name in ("src_type_uuid", "dst_type_uuid"))
            limits[f"gigabytes_{theirs}"] = given.get(f"gigabytes_{ours}", 0)
        return limits

    def _copy_networks(self, wanted: Wanted, tenant: Tenant) -> None:
        theirs = [network for network in self.networks.values() if network.tenant == wanted.source.tenant]
        for network in theirs:
            if wanted.networks and network.uuid not in wanted.networks:
                continue
            subnets = [
                Subnet(self.new_id(), subnet.name, wanted.cidrs.get(subnet.cidr, subnet.cidr), "CREATION_SCHEDULED")
                for subnet in network.subnets
            ]
            copy = Network(self.new_id(), network.name, tenant.uuid, subnets, "CREATION_SCHEDULED")
            self.networks[copy.uuid] = copy

    def advance(self, row: Replication) -> bool:
        """Take the next step on the row's way; False at its end."""
        if row.step + 1 >= len(row.steps):
            return False
        row.step += 1
        before = row.state
        row.state, destination = row.steps[row.step]
        row.modified = self.now() if row.state != before else row.modified
        if row.state == "ERRED":
            row.fail()
        self._move_destination(self.resources[row.destination], destination)
        if row.is_final and row.state != before:
            state = "done" if row.state == "OK" else "erred"
            self.order(row.destination, "Create", state, row.error_message)
        return True

    def _move_destination(self, resource: Resource, state: str) -> None:
        resource.state = state
        if state == "Terminated":
            self._remove_tenant(resource)
            return
        tenant = self.tenants[resource.tenant]
        tenant.state = _TENANT_STATES[state]
        if state == "Erred":
            tenant.error_message = "Provisioning has timed out."
        if state in {"OK", "Creating"}:
            self.set_progress(tenant.uuid, None if state == "OK" else 0)

    def _remove_tenant(self, resource: Resource) -> None:
        self.tenants.pop(resource.tenant, None)
        for network in [network for network in self.networks.values() if network.tenant == resource.tenant]:
            del self.networks[network.uuid]

    def set_progress(self, tenant: str, done: int | None) -> None:
        """Let the first ``done`` networks and subnets of a tenant be OK and the rest CREATING; None means all."""
        theirs = [network for network in self.networks.values() if network.tenant == tenant]
        parts: list[Network | Subnet] = []
        for network in theirs:
            parts += [network, *network.subnets]
        for number, part in enumerate(parts):
            part.state = "OK" if done is None or number < done else "CREATING"

    def order(self, resource: str, kind: Any, state: str, error_message: str = "") -> Order:  # noqa: ANN401 - a literal
        """Write an order for a resource."""
        order = Order(self.new_id(), resource, kind, state, self.now(), error_message)
        self.orders.append(order)
        return order

    def terminate(self, resource: Resource) -> Order:
        """Order the end of a resource; it comes with ``end_termination``, or after the pace."""
        resource.state = "Terminating"
        return self.order(resource.uuid, "Terminate", "executing")

    def end_termination(self, resource: Resource, state: str) -> None:
        """End the order to terminate: done, or erred, which leaves the resource as it was, OK."""
        order = next(o for o in reversed(self.orders) if o.resource == resource.uuid and o.kind == "Terminate")
        order.state = state
        if state == "done":
            self._move_destination(resource, "Terminated")
        else:
            order.error_message = "simulated backend failure in delete_tenant"
            resource.state = "OK"

    def tick(self) -> None:
        """Take the steps that the pace makes due; an old server starts nothing by itself."""
        if self.pace_s is None:
            return
        pace = timedelta(seconds=self.pace_s)
        for row in self.replications.values():
            if self.is_old and not row.step:
                continue
            while self.now() - row.paced_at >= pace and self.advance(row):
                row.paced_at += pace
        for order in self.orders:
            if order.state == "executing" and self.now() - order.created >= pace:
                self.end_termination(self.resources[order.resource], "done")

    def choose(self, outcome: str, row: Replication | None, error: str | None) -> None:
        """Say how one replication goes on, or all that come.

        Raises:
            ValueError: There is no such outcome, or the row has left its way already.
        """
        if outcome not in OUTCOMES:
            raise ValueError(f"outcome {outcome}: choose one of {', '.join(OUTCOMES)}")
        if row is None:
            self.outcome, self.error = outcome, error
            return
        so_far = row.steps[: row.step + 1]
        if STEPS[outcome][: len(so_far)] != so_far:
            raise ValueError(f"{row.uuid} is at {so_far[-1]}, which is no step on the way {outcome}")
        row.outcome, row.error = outcome, error
