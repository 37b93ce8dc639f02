"""What holds for every decision, whatever is observed and whatever is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from decided import decide
from domain_samples import stored
from domain_world import has

if TYPE_CHECKING:
    from decided import Decided, Observed


def decide_soundly(observation: Observed) -> Decided:
    """Decide, and see that no promise is broken that every decision makes."""
    before = observation.status
    decision = decide(observation)
    after = decision.status

    assert decide(observation) == decision, "the same observation decides the same"
    assert stored(after) == stored(stored(after)), "what is decided can be written and read back"
    if decision.wants:
        assert any(not has(observation, read) for read in decision.wants), "asks only for what is missing"
        assert (after, decision.call, decision.change) == (before, None, None)
    if decision.change is not None:
        assert (after, decision.call) == (before, None), "a change of the object is a round of its own"
    assert before.start_time in {None, after.start_time}, "startTime is never changed or removed"
    if not observation.migration.status_readable:
        assert (after, decision.call, decision.wants) == (before, None, frozenset())
    return decision
