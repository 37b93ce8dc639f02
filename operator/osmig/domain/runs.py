"""Runs that take long upstream and are polled: when to look again, when to count what they have made, how to go on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import EventReason, Verb
from osmig.domain import orders, policies
from osmig.domain.observation import Commit, Note

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.domain.observation import Observation

_POLL_SHARE = 0.5
"""The pause before the next read grows by this share of the age: 5 s at first, then each half as long again."""

_PAUSES_PER_COUNT = 4
"""What a run makes is only shown, and takes several requests: it is counted at every fourth poll or so."""


def measure_age_s(observation: Observation) -> float:
    """Return for how long the attempt has lasted, in seconds."""
    began = observation.status.attempt_start_time
    return max(0.0, (observation.now - began).total_seconds()) if began is not None else 0.0


def measure_pause_s(observation: Observation) -> float:
    """Return when to look again: soon at first, later less and less often."""
    timings = observation.timings
    return min(timings.run_poll_max_s, timings.run_poll_s + _POLL_SHARE * measure_age_s(observation))


def must_count(observation: Observation, word: str) -> bool:
    """Whether to count what the run has made: the run went on, somebody asked, or the last count is old.

    The time of that count is on record, so that a process that has just begun does not count them all again.

    Args:
        observation: of this moment.
        word: upstream's for the run's state.
    """
    counted, upstream = observation.newest_progress, observation.status.upstream
    if counted is None or counted.sample_time is None or upstream is None or upstream.status != word:
        return True
    asked = orders.find_control(observation.status.controls, Verb.RECONCILE)
    if asked is not None and asked.time > counted.sample_time:
        return True
    age_s = (observation.now - counted.sample_time).total_seconds()
    return not 0 <= age_s < _PAUSES_PER_COUNT * measure_pause_s(observation)


def go_on(
    observation: Observation, after: MigrationStatus, *, wait_key: str, upstream: str, unknown: str = ""
) -> Commit:
    """Record a run that goes on, and let the policies of the spec act.

    Args:
        observation: of this moment.
        after: its status.
        wait_key: another one whenever the run's state is another.
        upstream: who reports the state: ``Waldur``.
        unknown: its word for a state that this version does not know; empty for a known one.
    """
    decision = Commit(status=after, due_s=measure_pause_s(observation), wait_key=wait_key)
    if unknown and observation.wait_key != wait_key:
        text = f"{upstream} reports a state that this version does not know: {unknown}"
        decision = replace(decision, notes=(Note(reason=EventReason.UNKNOWN_STATE, text=text, is_warning=True),))
    act = policies.act_while_moving(observation, after, may_stall=False)
    if act is None:
        return decision
    return replace(decision, status=policies.record(after, act[0]), notes=(*decision.notes, act[1]), due_s=0.0)
