"""What a driver decides; orders, deletion and finished objects are common to all (osmig.domain.machine)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from osmig.domain.observation import Facts

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall, UpstreamFacts
    from osmig.api.names import Verb
    from osmig.domain.calls import Answer
    from osmig.domain.observation import Commit, Decision, Observation

F_contra = TypeVar("F_contra", bound=Facts, contravariant=True)


class Policy(Protocol[F_contra]):
    """The decisions of one driver. Each method is total and pure, and asks for a missing fact by `ReadFacts`."""

    def admit(self, observation: Observation[F_contra]) -> Decision:
        """Decide for a Migration that has sent nothing."""
        ...

    def resolve(self, observation: Observation[F_contra], call: PendingCall) -> Decision:
        """Decide when an intent is on record and its answer is not: look for its effect."""
        ...

    def follow(self, observation: Observation[F_contra], upstream: UpstreamFacts) -> Decision:
        """Decide when upstream's record is known, or awaited: follow it to its end."""
        ...

    def answer(self, observation: Observation[F_contra], answer: Answer) -> Commit:
        """Decide what the answer to the call of this very step means."""
        ...

    def refuse(self, verb: Verb, observation: Observation[F_contra]) -> str:
        """Say why upstream has no call for a verb now; empty where the table that is common to all rules."""
        ...
