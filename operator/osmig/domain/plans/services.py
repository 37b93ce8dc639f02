"""The compute service of a host: disabled with the plan's mark, and enabled only while the mark is still there.

What the service was is written down before the first order to change it, so a crash between order and record leaves a
host that the next sweep recognises by its mark.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from osmig.api.names import EventReason
from osmig.api.plan_status import DisabledBy, ServiceBefore, ServiceState
from osmig.domain.backoff import grow_pause_s
from osmig.domain.observation import Note
from osmig.domain.plans.decisions import DisableService, EnableService
from osmig.domain.plans.naming import marker_of, word_reason
from osmig.domain.plans.observation import SWEEP_PERIOD_S, OrderRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.api.plan import MigrationPlan
    from osmig.api.plan_status import PlanHost
    from osmig.domain.plans.decisions import Effect
    from osmig.domain.plans.observation import PlanMemory, PlanObservation
    from osmig.domain.plans.sweeps import HostSweep, ServiceRow

FIRST_PAUSE_S, MAX_PAUSE_S = SWEEP_PERIOD_S, 600.0
"""After the first order that was refused, or has no effect, and at most, before the same is tried again."""

IN_VAIN = 3
"""Orders in a row without an effect, after which a person is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """What becomes of one host in a step: its new record, at most one order, and Events."""

    host: PlanHost
    effect: DisableService | EnableService | None = None
    notes: tuple[Note, ...] = ()


def fresh_sweep(observation: PlanObservation, name: str) -> HostSweep | None:
    """Return a host's sweep if it is young, and began after the last order that it must show (`PlanMemory`)."""
    sweep = observation.sweeps.get(name)
    return sweep if sweep is not None and sweep.started_s > oldest_s(observation, name) else None


def oldest_s(observation: PlanObservation, name: str) -> float:
    """Return the moment after which a host's sweep must have begun to be worth anything, by the monotonic clock."""
    return max(observation.clock_s - SWEEP_PERIOD_S, observation.memory.look_after_s.get(name, float("-inf")))


def note_service(host: PlanHost, sweep: HostSweep, observation: PlanObservation) -> HostChange:
    """Write down what a sweep shows of the service: who disabled it, and whether somebody else has changed it since."""
    service = sweep.service
    if service is None or not sweep.is_complete:
        return HostChange(host=host)
    known = host.model_copy(update={"service_id": service.id, "message": observation.problems.get(host.name)})
    if service.is_enabled or host.disabled_time is not None:
        return HostChange(host=known)
    is_ours = service.disabled_reason.startswith(marker_of(observation.plan))
    update: dict[str, object] = {
        "disabled_time": observation.now,
        "disabled_by": DisabledBy.PLAN if is_ours else DisabledBy.OTHER,
        "before": host.before or (None if is_ours else _describe(service)),
        "message": None,
    }
    if is_ours:
        note = Note(reason=EventReason.SERVICE_DISABLED, text=f"the compute service of {host.name} is disabled")
    else:
        note = _tell_not_ours(host, "it was disabled by somebody else, so the plan will never enable it")
    return HostChange(host=known.model_copy(update=update), notes=(note,))


def disable(host: PlanHost, sweep: HostSweep | None, observation: PlanObservation) -> HostChange:
    """Order an enabled service to be disabled, and write down before what it was.

    A host that was disabled once and is enabled now was enabled by somebody: that is not undone without ``resume``.
    """
    service = sweep.service if sweep is not None and sweep.is_complete else None
    if service is None or not service.is_enabled or host.disabled_time is not None:
        return HostChange(host=host)
    if pause_s(host.name, observation) > 0:
        return HostChange(host=_tell_in_vain(host, "disable", observation))
    ordered = host.model_copy(
        update={
            "service_id": service.id,
            "before": host.before or _describe(service),
            "order_time": host.order_time or observation.now,
        }
    )
    effect = DisableService(host=host.name, service_id=service.id, reason=word_reason(observation.plan))
    return HostChange(host=ordered, effect=effect)


def release(host: PlanHost, sweep: HostSweep | None, observation: PlanObservation) -> HostChange:
    """Order a service to be enabled that this plan disabled, if its mark is still there."""
    service = sweep.service if sweep is not None and sweep.is_complete else None
    if service is None or not needs_release(host):
        return HostChange(host=host)
    if service.is_enabled:
        note = Note(reason=EventReason.SERVICE_ENABLED, text=f"the compute service of {host.name} is enabled again")
        return HostChange(host=host.model_copy(update={"released_time": observation.now}), notes=(note,))
    marker = marker_of(observation.plan)
    if not service.disabled_reason.startswith(marker):
        text = "its reason is not the plan's any more, so it stays disabled"
        other = host.model_copy(update={"disabled_by": DisabledBy.OTHER, "message": text})
        return HostChange(host=other, notes=(_tell_not_ours(host, text),))
    if pause_s(host.name, observation) > 0:
        return HostChange(host=_tell_in_vain(host, "enable", observation))
    effect = EnableService(host=host.name, service_id=service.id, marker=marker)
    return HostChange(host=host, effect=effect)


def needs_release(host: PlanHost) -> bool:
    """Whether the plan disabled the service, or may have, and has not given it back."""
    is_maybe_ours = host.order_time is not None and host.disabled_by is not DisabledBy.OTHER
    return (host.disabled_by is DisabledBy.PLAN or is_maybe_ours) and host.released_time is None


def is_enabled_again(host: PlanHost, sweep: HostSweep | None) -> bool:
    """Whether a host that was seen disabled is enabled, which the plan did not order."""
    service = sweep.service if sweep is not None and sweep.is_complete else None
    return host.disabled_time is not None and service is not None and service.is_enabled


def describe_left(plan: MigrationPlan) -> Note | None:
    """Say which services the plan leaves disabled, and how they are enabled; ``None`` when it leaves none."""
    names = [host.name for host in plan.status.hosts if host.disabled_by is DisabledBy.PLAN and needs_release(host)]
    if not names:
        return None
    text = (
        f"disabled by this plan and left so: {', '.join(names)}; osmig.dev/release enables them, or "
        f"openstack compute service set --enable {names[0]} nova-compute"
    )
    return Note(reason=EventReason.SERVICE_LEFT_DISABLED, text=text[:1000], is_warning=True)


def remember_orders(memory: PlanMemory, effects: Iterable[Effect], clock_s: float) -> PlanMemory:
    """Note that services may have changed up to now: what a sweep showed before says nothing of them any more.

    Args:
        memory: of the plan.
        effects: that were made, or tried.
        clock_s: after the last of them, by the monotonic clock.
    """
    ordered = {effect.host: clock_s for effect in effects if isinstance(effect, DisableService | EnableService)}
    runs = {host: OrderRun(memory.orders[host].count + 1 if host in memory.orders else 1, clock_s) for host in ordered}
    return replace(
        memory,
        look_after_s={**memory.look_after_s, **ordered},
        orders={**memory.orders, **runs} if runs else memory.orders,
    )


def pause_s(name: str, observation: PlanObservation) -> float:
    """Return how many seconds it is until a host's service may be ordered again; 0 or less when it may be.

    An order that took effect is not given again, so each one before was refused, got lost, or was undone at once.
    """
    run = observation.memory.orders.get(name)
    if run is None:
        return 0.0
    return run.last_s + grow_pause_s(FIRST_PAUSE_S, MAX_PAUSE_S, run.count - 1) - observation.clock_s


def is_in_vain(name: str, observation: PlanObservation) -> bool:
    """Whether a host's service was ordered so often without effect that a person must look."""
    run = observation.memory.orders.get(name)
    return run is not None and run.count >= IN_VAIN


def forget_orders(memory: PlanMemory, hosts: Iterable[PlanHost]) -> PlanMemory:
    """Forget orders that took effect."""
    done = {host.name for host in hosts if host.disabled_time is not None}
    return replace(memory, orders={name: run for name, run in memory.orders.items() if name not in done})


def _tell_in_vain(host: PlanHost, verb: str, observation: PlanObservation) -> PlanHost:
    why = observation.problems.get(host.name) or "the cloud shows no effect"
    count = observation.memory.orders[host.name].count
    if count < IN_VAIN:
        return host.model_copy(update={"message": observation.problems.get(host.name)})
    return host.model_copy(update={"message": f"its service was ordered to {verb} {count} times in vain: {why}"})


def _describe(service: ServiceRow) -> ServiceBefore:
    state = ServiceState.ENABLED if service.is_enabled else ServiceState.DISABLED
    return ServiceBefore(state=state, disabled_reason=service.disabled_reason or None)


def _tell_not_ours(host: PlanHost, text: str) -> Note:
    return Note(
        reason=EventReason.SERVICE_NOT_OURS, text=f"the compute service of {host.name}: {text}", is_warning=True
    )
