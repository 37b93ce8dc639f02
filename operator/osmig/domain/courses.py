"""Which course a Migration takes by its type: the one place that a new kind of engine is entered in."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from osmig.api.migration import MigrationType
from osmig.domain import moving
from osmig.domain.replication import course as replicating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.migration import PendingCall, UpstreamFacts
    from osmig.api.names import Verb
    from osmig.domain.observation import Answer, Commit, Decision, Observation


class Course(Protocol):
    """What a type of Migration does at each of its stations; orders, deletion and finished objects are common to all.

    Each is total and pure; what it lacks it asks for in ``ReadFacts``.
    """

    def admit(self, observation: Observation) -> Decision:
        """Decide for a Migration that has sent nothing."""
        ...

    def resolve(self, observation: Observation, call: PendingCall) -> Decision:
        """Decide when an intent is on record and its answer is not: look for its effect."""
        ...

    def follow(self, observation: Observation, upstream: UpstreamFacts) -> Decision:
        """Decide when upstream's record is known, or awaited: follow it to its end."""
        ...

    def answer(self, observation: Observation, answer: Answer) -> Commit:
        """Decide what the answer to the call of this very step means."""
        ...

    def refuse(self, verb: Verb, observation: Observation) -> str:
        """Say why upstream has no call for a verb now; empty where the table that is common to all rules."""
        ...


COURSES: Mapping[MigrationType, Course] = MappingProxyType(
    {
        MigrationType.LIVE_MIGRATION: moving,
        MigrationType.COLD_MIGRATION: moving,
        MigrationType.TENANT_REPLICATION: replicating,
    }
)


def course_of(observation: Observation) -> Course:
    """Return the course of a Migration."""
    return COURSES[observation.migration.spec.type]
