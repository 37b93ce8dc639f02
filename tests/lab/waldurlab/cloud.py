"""The state behind the double's API, and how a replication changes it."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lab.waldurlab.copying import Wanted, copy_networks, copy_routes, copy_rules, map_limits
from lab.waldurlab.objects import Network, Resource, Subnet, Tenant, User
from lab.waldurlab.replication import OUTCOMES, STEPS, Order, Replication

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lab.waldurlab.objects import Plan, World

STARTS_BY_ITSELF = (7, 6, 4)
"""The first version that needs no ``run``, and has today's words for states."""
FILTERS_BY_OFFERING = (7, 7, 0)
"""The first version whose volume types can be filtered by offering; older ones ignore it."""
OPENS_VERSION = (8, 1, 0)
"""The first version that tells its number to everybody."""
TIMED_OUT = "Provisioning has timed out."
NOT_DELETED = "simulated backend failure in delete_tenant"
_TENANT_STATES = {"Creating": "CREATING", "OK": "OK", "Erred": "ERRED", "Terminating": "DELETING"}


def parse_version(text: str) -> tuple[int, ...]:
    """Return the numbers of a version such as 7.8.2."""
    return tuple(int(part) for part in text.split("."))


class Cloud:
    """Everything that the server knows, in memory.

    Attributes:
        version: What the server is, as numbers; it decides what it can do.
        now: The clock of created, modified and of the pace.
        outcome: How the replications that come will go.
        error: The error text of those that will fail; None for a usual one.
        pace_s: Take a step by itself after this many seconds; None for only by command.
        order_s: How many seconds an order takes; nothing of it is there before they are over.
        max_page_rows: No page has more rows, whatever the caller asks for.
    """

    def __init__(self, world: World, version: str, *, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        """Fill in what there is at the start."""
        self.version = parse_version(version)
        self.now = now
        self.new_id = new_id
        self.outcome = "success"
        self.error: str | None = None
        self.pace_s: float | None = None
        self.order_s = 0.0
        self.max_page_rows = sys.maxsize
        self.world = world
        self.users = {user.name: user for user in world.users}
        self.offerings = {offering.uuid: offering for offering in world.offerings}
        self.resources = {resource.uuid: resource for resource in world.resources}
        self.tenants = {tenant.uuid: tenant for tenant in world.tenants}
        self.volume_types = {kind.uuid: kind for kind in world.volume_types}
        self.networks = {network.uuid: network for network in world.networks}
        self.replications: dict[str, Replication] = {}
        self.orders: list[Order] = []

    @property
    def is_old(self) -> bool:
        """Whether it speaks as servers before 7.6.4 did."""
        return self.version < STARTS_BY_ITSELF

    def find_user(self, token: str) -> User | None:
        """Return whose token it is."""
        return next((user for user in self.users.values() if user.token == token), None)

    def name_of_user(self, uuid: str) -> str:
        """Return the full name of a user."""
        return next(user.full_name for user in self.users.values() if user.uuid == uuid)

    def count_resources(self, plan: Plan) -> int:
        """Return how many resources use a plan."""
        return sum(one.plan == plan.uuid and one.state != "Terminated" for one in self.resources.values())

    def is_full(self, plan: Plan) -> bool:
        """Whether no more resources may use a plan."""
        return plan.most is not None and self.count_resources(plan) >= plan.most

    def visible(self, user: User) -> list[Replication]:
        """Return the rows that a user may see, oldest first."""
        rows = [row for row in self.replications.values() if not row.is_gone]
        mine = [row for row in rows if user.sees_all or row.created_by == user.uuid]
        return sorted(mine, key=lambda row: row.created)

    def start(self, user: User, wanted: Wanted, **given: Any) -> Replication:  # noqa: ANN401 - any field of the row
        """Make the destination's objects and the row; ``given`` has fields to set otherwise than the server would."""
        now = self.now()
        destination = str(given.pop("destination", None) or self.new_id())
        tenant = self._make_tenant(wanted)
        self.resources[destination] = Resource(
            destination,
            wanted.name,
            wanted.offering,
            wanted.plan,
            tenant.uuid,
            state="Creating",
            limits=map_limits(wanted, self.volume_types),
        )
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

    def _make_tenant(self, wanted: Wanted) -> Tenant:
        source = self.tenants[wanted.source.tenant]
        settings = self.offerings[wanted.offering].settings
        tenant = Tenant(self.new_id(), wanted.name, settings, state="CREATION_SCHEDULED")
        copies = copy_networks(wanted, self.networks.values(), tenant.uuid, self.new_id)
        tenant.routes = copy_routes(source, copies)
        tenant.rules = copy_rules(source, wanted.cidrs)
        self.tenants[tenant.uuid] = tenant
        self.networks |= {network.uuid: network for network in copies}
        return tenant

    def advance(self, row: Replication) -> bool:
        """Take the next step on the row's way; False at its end."""
        if row.step + 1 >= len(row.steps):
            return False
        row.step += 1
        before = row.state
        row.state, destination = row.steps[row.step]
        row.modified = self.now() if row.state != before else row.modified
        resource = self.resources[row.destination]
        if row.state == "ERRED":
            row.fail()
            self._stop_at_failure(resource, destination)
        else:
            self._move_destination(resource, destination)
        if row.is_final and row.state != before:
            state = "done" if row.state == "OK" else "erred"
            self.order(row.destination, "Create", state, row.error_message)
        return True

    def _stop_at_failure(self, resource: Resource, state: str) -> None:
        """Fail as the worker does: the tenant stays as it was, and so do its parts but the one that failed."""
        resource.state = state
        if state == "Erred":
            failed = next((part for part in self._list_parts(resource.tenant) if part.state != "OK"), None)
            if failed:
                failed.state = "ERRED"

    def _move_destination(self, resource: Resource, state: str) -> None:
        resource.state = state
        if state == "Terminated":
            self._remove_tenant(resource)
            return
        tenant = self.tenants[resource.tenant]
        tenant.state = _TENANT_STATES[state]
        if state == "Erred":
            tenant.error_message = TIMED_OUT
        if state == "OK":
            self.set_progress(tenant.uuid, None)

    def sweep(self) -> int:
        """Do what the server does once an hour to tenants that are stuck for three; return how many there were."""
        stuck = [tenant for tenant in self.tenants.values() if tenant.state in {"CREATION_SCHEDULED", "CREATING"}]
        for tenant in stuck:
            tenant.state, tenant.error_message = "ERRED", TIMED_OUT
        for resource in self.resources.values():
            if resource.state == "Creating" and any(resource.tenant == tenant.uuid for tenant in stuck):
                resource.state = "Erred"
        return len(stuck)

    def _remove_tenant(self, resource: Resource) -> None:
        self.tenants.pop(resource.tenant, None)
        for network in [network for network in self.networks.values() if network.tenant == resource.tenant]:
            del self.networks[network.uuid]

    def _list_parts(self, tenant: str) -> list[Network | Subnet]:
        """Return the networks and subnets of a tenant in the order in which they are made."""
        theirs = [network for network in self.networks.values() if network.tenant == tenant]
        parts: list[Network | Subnet] = []
        for network in theirs:
            parts += [network, *network.subnets]
        return parts

    def set_progress(self, tenant: str, done: int | None, *, is_next_begun: bool = True) -> None:
        """Let the first ``done`` networks and subnets of a tenant be OK, the next CREATING; None means all."""
        for number, part in enumerate(self._list_parts(tenant)):
            if done is None or number < done:
                part.state = "OK"
            else:
                part.state = "CREATING" if number == done and is_next_begun else "CREATION_SCHEDULED"

    def order(self, resource: str, kind: Any, state: str, error_message: str = "") -> Order:  # noqa: ANN401 - a literal
        """Write an order for a resource."""
        order = Order(self.new_id(), resource, kind, state, self.now(), error_message)
        self.orders.append(order)
        return order

    def terminate(self, resource: Resource) -> Order:
        """Order the end of a resource; it comes with ``end_termination``, or after the pace."""
        resource.state = "Terminating"
        if tenant := self.tenants.get(resource.tenant):
            tenant.state = "DELETING"
        return self.order(resource.uuid, "Terminate", "executing")

    def end_termination(self, resource: Resource, state: str, error: str | None = None) -> None:
        """End the order to terminate: done, or erred; then only the tenant tells why, and the resource is OK again."""
        order = next(o for o in reversed(self.orders) if o.resource == resource.uuid and o.kind == "Terminate")
        order.state = state
        if state == "done":
            self._move_destination(resource, "Terminated")
            return
        resource.state = "OK"
        if tenant := self.tenants.get(resource.tenant):
            tenant.state, tenant.error_message = "ERRED", error or NOT_DELETED

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
