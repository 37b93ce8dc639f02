"""Which servers go next: the plan's order, and its limits over what is ordered and has not arrived."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

from osmig.api.migration import MigrationSpec, Placement, ServerRef
from osmig.api.migration_options import DeletionPolicy
from osmig.api.names import MigrationType, Verb
from osmig.api.plan_names import Judgement
from osmig.api.plan_options import PlanOrder
from osmig.domain.plans.again import find_retry_token
from osmig.domain.plans.decisions import CreateChild, OrderChild
from osmig.domain.plans.naming import label_child, name_child
from osmig.domain.plans.scenes import UNDER_WAY, Place

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from osmig.api.plan import MigrationPlan, PlanSpec
    from osmig.api.plan_options import PlanLimits
    from osmig.api.provider import Limits
    from osmig.domain.plans.fitting import Fitting
    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.scenes import PlannedServer, Scene

MAX_MADE = 10_000
"""Migrations of one plan: it needs a tenth of them at most, unless its cloud makes servers up or brings them back."""

_NO_TIME = dt.datetime.min.replace(tzinfo=dt.UTC)


def choose(
    scene: Scene,
    plan: MigrationPlan,
    *,
    within: Limits,
    ready_hosts: Container[str],
    kept_back: Container[str],
    fitting: Fitting,
) -> tuple[CreateChild | OrderChild, ...]:
    """Return the Migrations to make, and those to try again, as many as the limits leave places for.

    Args:
        scene: every server.
        plan: whose limits and order.
        within: the Provider's limits: what is made beyond them would only stand in the queue before others.
        ready_hosts: hosts that servers may leave now.
        kept_back: names that somebody else's Migrations have, and those that were refused lately.
        fitting: which moves would end before their window does; others let smaller ones pass.
    """
    taken = _Taken(plan.spec, within)
    for planned in scene.at(*UNDER_WAY):
        taken.add(planned, scene)
    chosen: list[CreateChild | OrderChild] = []
    for planned in sort_planned_servers(scene.at(Place.PENDING), plan.spec.order):
        if taken.is_full:
            break
        is_ready = host_of(planned) in ready_hosts and fitting.has_room(planned) and taken.has_place(planned, scene)
        order = _make_order(planned, plan) if is_ready else None
        if order is None or order.name in kept_back:
            continue
        taken.add(planned, scene)
        chosen.append(order)
    return tuple(chosen)


def has_made_all(observation: PlanObservation) -> bool:
    """Whether a plan has made as many Migrations as one plan may make."""
    return len(observation.children) >= MAX_MADE


def sort_planned_servers(planned_servers: Iterator[PlannedServer], order: PlanOrder) -> list[PlannedServer]:
    """Sort servers in the plan's order; of equals the name decides, then the id."""
    reverse = order in {PlanOrder.LARGEST_MEMORY_FIRST, PlanOrder.NEWEST_FIRST}
    by_name = sorted(planned_servers, key=lambda one: (one.row.name if one.row else "", one.server_id))
    if order is PlanOrder.NAME:
        return by_name
    return sorted(by_name, key=lambda one: _key(one, order), reverse=reverse)


def _key(planned: PlannedServer, order: PlanOrder) -> Any:  # noqa: ANN401 - numbers or moments, never both
    if order in {PlanOrder.OLDEST_FIRST, PlanOrder.NEWEST_FIRST}:
        return (planned.row.created if planned.row is not None else None) or _NO_TIME
    return planned.memory_mib


class _Taken:
    """How many places are taken, of each limit."""

    def __init__(self, spec: PlanSpec, within: Limits) -> None:
        self._limits = _narrow(spec.bounds, within)
        self._destination = spec.destination_host
        self._count: Counter[tuple[str, str]] = Counter()

    @property
    def is_full(self) -> bool:
        """Whether nothing more fits, whatever it is."""
        return self._count["plan", ""] >= self._limits.max_in_flight

    def has_place(self, planned: PlannedServer, scene: Scene) -> bool:
        """Whether one more fits."""
        return all(self._count[key] < limit for key, limit in self._keys(planned, scene))

    def add(self, planned: PlannedServer, scene: Scene) -> None:
        """Take a place."""
        self._count.update(key for key, _ in self._keys(planned, scene))

    def _keys(self, planned: PlannedServer, scene: Scene) -> Iterator[tuple[tuple[str, str], int]]:
        limits, row = self._limits, planned.row
        yield ("plan", ""), limits.max_in_flight
        yield ("host", host_of(planned)), limits.max_in_flight_per_source_host
        destination = self._find_destination(planned)
        if destination is not None and limits.max_in_flight_per_destination_host is not None:
            yield ("destination", destination), limits.max_in_flight_per_destination_host
        for group in scene.groups.get(planned.server_id, ()):
            yield ("group", group), limits.max_in_flight_per_server_group
        if row is not None and limits.max_in_flight_per_project is not None:
            yield ("project", row.project_id), limits.max_in_flight_per_project

    def _find_destination(self, planned: PlannedServer) -> str | None:
        """Return the host that the server goes to, as its Migration has it, else as the plan names it."""
        has_child = planned.is_again or planned.place is not Place.PENDING
        return planned.child.destination_host if has_child and planned.child is not None else self._destination


def _narrow(limits: PlanLimits, within: Limits) -> PlanLimits:
    """Return a plan's limits, none above the Provider's."""
    to_one = limits.max_in_flight_per_destination_host, within.max_in_flight_per_destination_host
    changes = {
        "max_in_flight": min(limits.max_in_flight, within.max_in_flight),
        "max_in_flight_per_source_host": min(
            limits.max_in_flight_per_source_host, within.max_in_flight_per_source_host
        ),
        "max_in_flight_per_destination_host": min(limit for limit in to_one if limit is not None),
    }
    return limits.model_copy(update=changes)


def host_of(planned: PlannedServer) -> str:
    """Return the host that the server leaves, or has left, by its anonymous name where hosts are hidden."""
    if planned.row is not None and (place := planned.row.place):
        return place
    return (planned.child.source_host if planned.child is not None else None) or ""


def _make_order(planned: PlannedServer, plan: MigrationPlan) -> CreateChild | OrderChild:
    child = planned.child
    token = find_retry_token(child, plan.status) if planned.is_again and child is not None else None
    if child is not None and token is not None:
        return OrderChild(name=child.name, verb=Verb.RETRY, token=token)
    index = 1 + (child.index if child is not None else 0)
    host = host_of(planned)
    return CreateChild(
        name=name_child(plan, planned.server_id, index),
        labels=label_child(plan, planned.server_id, host, index, memory_mib=planned.memory_mib),
        spec=_write_spec(planned, plan, host),
    )


def _write_spec(planned: PlannedServer, plan: MigrationPlan, host: str) -> MigrationSpec:
    """Write a child's spec; its source host makes a second one for the same server harmless."""
    is_cold = planned.verdict is not None and planned.verdict.judgement is Judgement.COLD
    spec: dict[str, Any] = {
        "provider_ref": plan.spec.provider_ref,
        "type": MigrationType.COLD_MIGRATION if is_cold else MigrationType.LIVE_MIGRATION,
        "server": ServerRef(id=planned.server_id),
        "placement": _place(planned, plan, host),
        "deletion_policy": DeletionPolicy(plan.spec.deletion_policy),
    }
    template = plan.spec.template
    if template is not None:
        options = {"cold": template.cold} if is_cold else {"live": template.live}
        spec |= options | {"deadline_seconds": template.deadline_seconds, "on_deadline": template.on_deadline}
        spec["retry"] = template.retry
    return MigrationSpec(**spec)


def _place(planned: PlannedServer, plan: MigrationPlan, host: str) -> Placement:
    if planned.row is not None and planned.row.host is None:
        return Placement(source_host_id=host)
    return Placement(source_host=host, destination_host=plan.spec.destination_host)
