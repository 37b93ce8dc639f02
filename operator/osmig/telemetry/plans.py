"""The newest sample of every MigrationPlan, turned into gauges at the moment of a scrape.

What is told of a plan's hosts stays as long as the plan does: a host that was left disabled must not be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osmig.api.names import ConditionStatus
from osmig.api.plan_names import PlanCondition, PlanPhase
from osmig.api.plan_servers import MAX_HOSTS
from osmig.domain.conditions import find_condition
from osmig.domain.plans.conditions import count_charged
from osmig.domain.plans.services import needs_release
from osmig.telemetry import plan_families
from osmig.telemetry.labels import PLAN_STATES
from osmig.telemetry.migrations import LINGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from prometheus_client.core import Metric

    from osmig.api.plan import MigrationPlan
    from osmig.api.plan_status import PlanCounts, PlanHost, PlanStatus
    from osmig.domain.clock import Clock
    from osmig.telemetry.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSample:
    """What the metrics say about one host of a plan.

    Attributes:
        is_drained: whether it is proven empty.
        is_disabled: whether the plan disabled it, or may have, and has not given it back.
    """

    name: str
    is_drained: bool
    is_disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSample:
    """What the metrics say about one MigrationPlan.

    Attributes:
        finished_at: ``status.completionTime``; ``None`` while the plan is not finished.
        servers: by word of `PLAN_STATES`; empty before they were counted.
        remaining_bytes: ``status.bytes.remainingBytes``; ``None`` before it was measured.
        budget_left: how many more failures the plan bears; below 0 once there were more.
        is_window_open: the condition ``WindowOpen``; true without windows.
        is_past_deadline: whether the condition ``WithinDeadline`` is False; ``None`` without it.
        opens_at: ``spec.schedule.notBeforeTime``.
        closes_at: ``spec.schedule.notAfterTime``.
        hosts: at most `MAX_HOSTS`.
    """

    namespace: str
    name: str
    phase: str
    finished_at: datetime | None = None
    servers: Mapping[str, int] = field(default_factory=dict)
    remaining_bytes: int | None = None
    budget_left: int = 0
    is_window_open: bool = True
    is_past_deadline: bool | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    hosts: tuple[HostSample, ...] = ()


def sample_plan(plan: MigrationPlan, status: PlanStatus) -> PlanSample:
    """Take from a plan, and the status that it has now, what the metrics say about it."""
    times = plan.spec.times
    window = find_condition(status.conditions, PlanCondition.WINDOW_OPEN)
    within = find_condition(status.conditions, PlanCondition.WITHIN_DEADLINE)
    return PlanSample(
        namespace=plan.metadata.namespace,
        name=plan.metadata.name,
        phase=status.phase or PlanPhase.PENDING,
        finished_at=status.completion_time,
        servers=_count_servers(status.counts) if status.counts is not None else {},
        remaining_bytes=status.bytes.remaining_bytes if status.bytes is not None else None,
        budget_left=plan.spec.budget.max_failures - count_charged(status),
        is_window_open=not times.windows or (window is not None and window.status == ConditionStatus.TRUE),
        is_past_deadline=within.status == ConditionStatus.FALSE if within is not None else None,
        opens_at=times.not_before_time,
        closes_at=times.not_after_time,
        hosts=tuple(_sample_host(host) for host in status.hosts[:MAX_HOSTS]),
    )


def _count_servers(counts: PlanCounts) -> dict[str, int]:
    return {state: getattr(counts, state) for state in sorted(PLAN_STATES)}


def _sample_host(host: PlanHost) -> HostSample:
    return HostSample(name=host.name, is_drained=host.drained_time is not None, is_disabled=needs_release(host))


@dataclass(frozen=True, slots=True)
class _Entry:
    sample: PlanSample
    earlier_phases: frozenset[str]


class PlanCollector:
    """A Prometheus collector over the newest samples, written and read as `MigrationCollector` is."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock that decides whether moves may begin, and when a finished plan's own series end."""
        self._clock = clock
        self._entries: dict[tuple[str, str], _Entry] = {}

    def observe(self, sample: PlanSample) -> None:
        """Replace what is known of the plan that the sample names."""
        key = (sample.namespace, sample.name)
        known = self._entries.get(key)
        earlier = known.earlier_phases | {known.sample.phase} if known else frozenset()
        self._entries[key] = _Entry(sample, earlier - {sample.phase})

    def forget(self, namespace: str, name: str) -> None:
        """Drop every series of a deleted plan; unknown ones are ignored."""
        self._entries.pop((namespace, name), None)

    def describe(self) -> Iterable[Metric]:
        """Name the families, so that the registry refuses a second collector for one of them."""
        return _render((), (), self._clock.now())

    def collect(self) -> Iterable[Metric]:
        """Build all families from the newest samples."""
        entries, now = tuple(self._entries.values()), self._clock.now()
        shown = [e for e in entries if e.sample.finished_at is None or e.sample.finished_at > now - LINGER]
        return _render([entry.sample for entry in entries], shown, now)


def _render(samples: Sequence[PlanSample], shown: Sequence[_Entry], now: datetime) -> list[Metric]:
    active = [entry.sample for entry in shown]
    return [
        _phases(shown),
        _servers(active),
        _numbers(plan_families.PLAN_REMAINING, active, lambda sample: sample.remaining_bytes),
        _numbers(plan_families.PLAN_BUDGET, active, lambda sample: sample.budget_left),
        _numbers(plan_families.PLAN_WINDOW, active, lambda sample: _is_open(sample, now)),
        _numbers(plan_families.PLAN_DEADLINE, active, lambda sample: sample.is_past_deadline),
        _numbers(plan_families.PLAN_COMPLETION, samples, _read_end),
        _hosts(plan_families.HOST_DRAINED, samples, lambda host: host.is_drained),
        _hosts(plan_families.HOST_DISABLED, samples, lambda host: host.is_disabled),
    ]


def _read_end(sample: PlanSample) -> float | None:
    return sample.finished_at.timestamp() if sample.finished_at is not None else None


def _is_open(sample: PlanSample, now: datetime) -> bool:
    has_come = sample.opens_at is None or sample.opens_at <= now
    is_over = sample.closes_at is not None and sample.closes_at <= now
    return sample.is_window_open and has_come and not is_over


def _phases(entries: Iterable[_Entry]) -> Metric:
    family = plan_families.PLAN_PHASE.scraped()
    for entry in entries:
        labels = (entry.sample.namespace, entry.sample.name)
        for phase in sorted(entry.earlier_phases):
            family.add_metric((*labels, phase), 0)
        family.add_metric((*labels, entry.sample.phase), 1)
    return family


def _servers(samples: Iterable[PlanSample]) -> Metric:
    family = plan_families.PLAN_SERVERS.scraped()
    for sample in samples:
        for state, count in sample.servers.items():
            family.add_metric((sample.namespace, sample.name, state), count)
    return family


def _numbers(declared: Family, samples: Iterable[PlanSample], select: Callable[[PlanSample], float | None]) -> Metric:
    family = declared.scraped()
    for sample in samples:
        value = select(sample)
        if value is not None:
            family.add_metric((sample.namespace, sample.name), value)
    return family


def _hosts(declared: Family, samples: Iterable[PlanSample], select: Callable[[HostSample], bool]) -> Metric:
    family = declared.scraped()
    for sample in samples:
        for host in sample.hosts:
            family.add_metric((sample.namespace, sample.name, host.name), select(host))
    return family
