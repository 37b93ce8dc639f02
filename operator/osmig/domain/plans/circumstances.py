"""What the verdicts on all servers of a plan depend on, put together once for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.domain.capabilities import Capability
from osmig.domain.plans.destinations import list_destinations
from osmig.domain.plans.judging import Circumstances, index_excludes
from osmig.domain.plans.sweeps import HostSweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.sweeps import GroupRow, HostRow, ServerRow, ServerSweep


def find_usable(observation: PlanObservation) -> tuple[HostRow, ...] | None:
    """Return the hosts that servers may go to, the named one at most; ``None`` until the cloud's hosts were read."""
    if observation.cloud_hosts is None:
        return None
    emptied = {host.name for host in observation.status.hosts}
    named = observation.plan.spec.destination_host
    return tuple(
        row
        for row in observation.cloud_hosts
        if row.is_up and row.is_enabled and row.name not in emptied and named in {None, row.name}
    )


def find_down(observation: PlanObservation) -> frozenset[str]:
    """Return the hosts of which the list of all hosts says that their compute service does not report."""
    return frozenset(row.name for row in observation.cloud_hosts or () if not row.is_up)


def list_sweeps(observation: PlanObservation) -> Iterator[ServerSweep]:
    """Yield the newest looks at the plan's servers."""
    if observation.target_sweep is not None:
        yield observation.target_sweep
    for host in observation.status.hosts:
        sweep = observation.sweeps.get(host.name)
        if sweep is not None:
            yield sweep


def list_memberships(observation: PlanObservation) -> dict[str, list[GroupRow]]:
    """List the groups of each server."""
    groups: dict[str, GroupRow] = {group.id: group for sweep in list_sweeps(observation) for group in sweep.groups}
    memberships: dict[str, list[GroupRow]] = {}
    for group in groups.values():
        for member in group.members:
            memberships.setdefault(member, []).append(group)
    return memberships


class AllCircumstances:
    """What the verdicts on all servers of one moment depend on, looked up once.

    Attributes:
        of_all: what holds of every server.
    """

    def __init__(self, observation: PlanObservation, memberships: Mapping[str, list[GroupRow]]) -> None:
        usable = find_usable(observation)
        self.of_all = Circumstances(
            usable=list_destinations(usable) if usable is not None else None,
            is_admin=observation.provider.can(Capability.HOSTS),
            destination=observation.plan.spec.destination_host,
            skips=frozenset(observation.status.skips),
            excluded=index_excludes(observation.plan.spec),
        )
        self._memberships = memberships
        self._down = find_down(observation)
        self._records = {
            (sweep.host, record.server_id): record.id
            for sweep in reversed(list(observation.sweeps.values()))
            for record in reversed(sweep.moves)
        }

    def of(self, row: ServerRow, sweep: ServerSweep) -> Circumstances:
        """Return what the verdict on one server depends on."""
        of_host = sweep if isinstance(sweep, HostSweep) else None
        return replace(
            self.of_all,
            groups=tuple(self._memberships.get(row.id, ())),
            awaited_record=self._records.get((of_host.host, row.id), "") if of_host is not None else "",
            is_host_up=of_host.is_up if of_host is not None else row.host not in self._down,
        )
