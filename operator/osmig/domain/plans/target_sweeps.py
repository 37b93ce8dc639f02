"""The look at servers that a plan names itself, by their ids or by their project: how old one may be, what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.capabilities import Capability
from osmig.domain.plans.observation import SWEEP_PERIOD_S

if TYPE_CHECKING:
    from osmig.api.plan_servers import PlanTargets
    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.sweeps import TargetSweep

SERVERS = ""
"""Stands for the servers that a plan names, where hosts have their names; no host has this one."""

PERIOD_PER_SERVER_S = 1.0
"""How much older a look may be for each server that is read by its id, in seconds: that is a request each."""


def may_look(observation: PlanObservation) -> bool:
    """Whether the credentials show what the plan is about: hosts, or the servers of the project that they are for.

    Without hosts a server is told to have moved by its host's anonymous name; who may order no move is not let begin.
    """
    provider, spec = observation.provider, observation.plan.spec
    if provider.can(Capability.HOSTS):
        return True
    is_mover = provider.can(Capability.LIVE_MIGRATION) or provider.can(Capability.COLD_MIGRATION)
    names_host = not spec.targets.names_servers or spec.destination_host is not None
    return is_mover and not names_host and spec.targets.project_id in {None, provider.project_id}


def period_s(targets: PlanTargets) -> float:
    """Return how old a look at the plan's servers may be, in seconds."""
    return max(SWEEP_PERIOD_S, PERIOD_PER_SERVER_S * len(targets.servers or ()))


def oldest_target_s(observation: PlanObservation) -> float:
    """Return the moment after which a look must have begun to be worth anything, by the monotonic clock."""
    oldest = observation.clock_s - period_s(observation.plan.spec.targets)
    return max(oldest, observation.memory.look_after_s.get(SERVERS, float("-inf")))


def fresh_target_sweep(observation: PlanObservation) -> TargetSweep | None:
    """Return the look at the plan's servers if it is young enough; one that failed is not for long."""
    sweep = observation.target_sweep
    if sweep is None or sweep.started_s <= oldest_target_s(observation):
        return None
    is_old = observation.clock_s - sweep.started_s >= SWEEP_PERIOD_S
    return None if sweep.problem and is_old else sweep


def is_unread(observation: PlanObservation) -> bool:
    """Whether the plan names servers, and they must be looked at."""
    return observation.plan.spec.targets.names_servers and fresh_target_sweep(observation) is None


def is_complete_or_unnamed(observation: PlanObservation) -> bool:
    """Whether all servers that the plan names are known; true of a plan that names none."""
    sweep = fresh_target_sweep(observation)
    return not observation.plan.spec.targets.names_servers or (sweep is not None and sweep.is_complete)


def word_problem(observation: PlanObservation) -> str:
    """Say why the servers that the plan names are not all known; empty when they are."""
    sweep = fresh_target_sweep(observation)
    if sweep is None or sweep.is_complete:
        return ""
    return sweep.problem or "the cloud listed servers of other projects"
