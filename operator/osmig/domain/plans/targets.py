"""What a plan is about: hosts are looked up once, and written down; servers that it names are looked for each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.plan_names import PlanPhase, PlanReason
from osmig.api.plan_servers import MAX_HOSTS
from osmig.domain.host_names import find_similar
from osmig.domain.plans.conditions import PlanVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from osmig.api.plan_servers import PlanTargets
    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.scenes import Scene
    from osmig.domain.plans.sweeps import HostRow


def resolve(targets: PlanTargets, cloud_hosts: Sequence[HostRow]) -> tuple[str, ...] | PlanVerdict:
    """Return the names of the hosts, sorted, or why the plan cannot be about them."""
    if targets.hosts is not None:
        names, of = sorted(targets.hosts), ""
    elif targets.aggregate is not None:
        names = sorted({row.name for row in cloud_hosts if targets.aggregate in row.aggregates})
        of = f"aggregate {targets.aggregate}"
    else:
        names = sorted({row.name for row in cloud_hosts if row.zone == targets.availability_zone})
        of = f"availability zone {targets.availability_zone}"
    if not names:
        return _stop(PlanReason.HOST_NOT_FOUND, f"the cloud has no compute host in {of}")
    if len(names) > MAX_HOSTS:
        return _stop(PlanReason.TOO_MANY_HOSTS, f"{of} has {len(names)} hosts, a plan empties at most {MAX_HOSTS}")
    return tuple(names)


def find_missing(observation: PlanObservation) -> PlanVerdict | None:
    """Stop at a name that is no compute service's: the cloud answers a misspelt host with an empty list."""
    missing = [
        host.name
        for host in observation.status.hosts
        if (sweep := observation.sweeps.get(host.name)) is not None and sweep.is_complete and sweep.service is None
    ]
    if not missing:
        return None
    there = [row.name for row in observation.cloud_hosts or ()]
    named = ", ".join(_name_similar(name, there) for name in missing)
    return _stop(PlanReason.HOST_NOT_FOUND, f"no compute service, or more than one, has the name {named}")


def _name_similar(name: str, there: Sequence[str]) -> str:
    similar = find_similar(name, there)
    return f"{name} (the cloud has {similar})" if similar is not None else name


def find_empty_project(observation: PlanObservation, scene: Scene) -> PlanVerdict | None:
    """End a plan for a project without servers: the cloud answers a misspelt project with an empty list."""
    project_id = observation.plan.spec.targets.project_id
    if project_id is None or scene.planned_servers:
        return None
    text = (
        f"the cloud has no server of project {project_id}: it is empty, or its id is another one; nothing was changed"
    )
    return PlanVerdict(phase=PlanPhase.FAILED, reason=PlanReason.SERVER_NOT_FOUND, message=text)


def _stop(reason: PlanReason, message: str) -> PlanVerdict:
    return PlanVerdict(phase=PlanPhase.WAITING, reason=reason, message=message, is_stalled=True)
