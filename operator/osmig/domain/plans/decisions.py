"""What a step does about a plan. Data only; the controller carries it out.

The order is fixed: the status is written by compare-and-swap, then the effects are made, each at most once per step.
What came of them is not recorded by the controller: the next observation shows it (the list of children, a sweep that
began after the effect), so a crash between two of them changes nothing but time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osmig.domain.plans.observation import PlanMemory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.migration import MigrationSpec
    from osmig.api.names import Verb
    from osmig.api.plan_status import PlanStatus
    from osmig.domain.observation import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateChild:
    """Create a Migration under a name that only this plan can have chosen; 409 is the success of an earlier self.

    A 409 by an object of another owner goes into the next observations' ``names_taken``, a refusal into
    ``names_refused``.
    """

    name: str
    labels: Mapping[str, str]
    spec: MigrationSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableService:
    """Disable a host's compute service: read it, change it only if it is enabled, within 30 s, and read it back.

    Attributes:
        reason: begins with the plan's marker; at most 255 characters.
    """

    host: str
    service_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableService:
    """Enable a host's compute service: read it, and change it only while its reason begins with ``marker``."""

    host: str
    service_id: str
    marker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChild:
    """Give a child a verb by its annotation; the token is chosen so that giving it twice is one order."""

    name: str
    verb: Verb
    token: str


Effect = CreateChild | DisableService | EnableService | OrderChild
"""One thing a step does to the world, after the status was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCloud:
    """A decision that cannot be made yet: it is read, and decided again (ADR 0007).

    Attributes:
        sweeps: by host, the moment of this process's monotonic clock after which a sweep must have begun. A sweep that
            fails is a sweep with a ``problem``.
        targets_after_s: the same of the look at the servers that the plan names itself; ``None`` when none is wanted.
        cloud_hosts: list all compute hosts.
    """

    sweeps: Mapping[str, float] = field(default_factory=dict)
    targets_after_s: float | None = None
    cloud_hosts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPlan:
    """A new status, and what to do after it was written.

    Attributes:
        status: the whole new status.
        effects: in this order.
        due_s: when to look again, in seconds; ``None`` waits for a change of the plan or of a child.
        memory: handed back with the next observation, after `osmig.domain.plans.services.remember_orders`.
        notes: Events to post after the status was written.
        goes_on: the status only records orders; the step goes on from there.
    """

    status: PlanStatus
    effects: tuple[Effect, ...] = ()
    due_s: float | None = None
    memory: PlanMemory = field(default_factory=PlanMemory)
    notes: tuple[Note, ...] = ()
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class DeletePlan:
    """Delete the plan itself: its time after the end is over. Its children go with it."""


PlanDecision = ReadCloud | CommitPlan | DeletePlan
"""What one step does."""
