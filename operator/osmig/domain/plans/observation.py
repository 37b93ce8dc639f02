"""Everything that one decision about a plan may depend on. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osmig.api.provider import Limits

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from osmig.api.plan import MigrationPlan
    from osmig.api.plan_names import PlanVerb
    from osmig.api.plan_status import PlanStatus
    from osmig.domain.observation import ProviderView
    from osmig.domain.plans.children import ChildView
    from osmig.domain.plans.sweeps import HostRow, HostSweep, TargetSweep

SWEEP_PERIOD_S = 30.0
"""How old a sweep may be, and how far apart the two that prove a host empty are at least, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanVerbRequest:
    """One value of a verb's annotation that was seen on a plan, even if it is gone by now."""

    verb: PlanVerb
    token: str
    field_manager: str = ""


@dataclass(frozen=True, slots=True)
class QuietRun:
    """An unbroken row of complete sweeps of one host that found it disabled and empty.

    Attributes:
        first_s, last_s: when the first and the last of those that count began, by this process's monotonic clock.
        sweeps: how many count: those at least `SWEEP_PERIOD_S` after the one before.
    """

    first_s: float
    last_s: float
    sweeps: int = 1


@dataclass(frozen=True, slots=True)
class OrderRun:
    """Orders to one compute service that have not been seen to take effect.

    Attributes:
        count: how many, in a row.
        last_s: when the last one was made, or tried, by this process's monotonic clock.
    """

    count: int
    last_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMemory:
    """What this process has seen of a plan: each decision returns it, and the next observation hands it back.

    After a restart it begins anew, which costs a sweep or two and proves nothing falsely (ADR 0014).

    Attributes:
        quiet: by host, what its sweeps have proven so far.
        look_after_s: by host, the moment after which a sweep must have begun to count, by the monotonic clock: when its
            service was last ordered to change, or when somebody ordered to look anew.
        orders: by host, the orders to its service whose effect was not seen: the more, the rarer the next one.
        over_s: by host, when a Migration away from it was last seen to be over, by the monotonic clock. Older sweeps
            are good enough to go on, not to end the plan.
        seen: by name, the children under way, to notice that somebody deleted one.
        ended_s: by ``ChildView.end``, when each child that is over was first seen to be, by the monotonic clock.
        lost: servers whose child somebody deleted before it had an outcome.
        moved: servers with a child that succeeded, even if somebody deleted it since.
    """

    quiet: Mapping[str, QuietRun] = field(default_factory=dict)
    look_after_s: Mapping[str, float] = field(default_factory=dict)
    orders: Mapping[str, OrderRun] = field(default_factory=dict)
    over_s: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, ChildView] = field(default_factory=dict)
    ended_s: Mapping[tuple[str, dt.datetime | None], float] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanObservation:
    """One moment of one plan.

    Attributes:
        now: the wall clock, UTC.
        clock_s: this process's monotonic clock when the step began, in seconds; the same that sweeps carry.
        limits: of the Provider; a plan makes no more Migrations at once than these let begin.
        children: every Migration that the plan is the controller of, from the operator's own list when the step began:
            what was over then was over before any sweep of this step.
        sweeps: by host, the newest sweep.
        target_sweep: the newest look at the servers that the plan names itself.
        cloud_hosts: all compute hosts of the cloud; ``None`` until they were read.
        claimed: hosts that another plan empties, with its name; who claimed first keeps a host.
        names_taken: names of children that belong to somebody else, as far as they were tried lately.
        names_refused: names of children that the API server refused lately, which are passed over for a while.
        refusal: why it refused something last, in words fit for status; empty when nothing is refused.
        problems: by host, why its service could not be changed the last time, in words fit for status.
        read_error: why what was asked for could not be read, in words fit for status; empty when nothing failed.
        verb_requests: verbs seen since verbs were last recorded, oldest first.
    """

    now: dt.datetime
    clock_s: float
    plan: MigrationPlan
    provider: ProviderView
    limits: Limits = field(default_factory=Limits)
    children: tuple[ChildView, ...] = ()
    sweeps: Mapping[str, HostSweep] = field(default_factory=dict)
    target_sweep: TargetSweep | None = None
    cloud_hosts: tuple[HostRow, ...] | None = None
    claimed: Mapping[str, str] = field(default_factory=dict)
    names_taken: frozenset[str] = frozenset()
    names_refused: frozenset[str] = frozenset()
    refusal: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    read_error: str = ""
    verb_requests: tuple[PlanVerbRequest, ...] = ()
    memory: PlanMemory = field(default_factory=PlanMemory)

    @property
    def status(self) -> PlanStatus:
        """What was recorded."""
        return self.plan.status
