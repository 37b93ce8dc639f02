"""Starts that upstream turned down without doing anything: tried again a few times, ever more rarely, then ended.

What was counted is on record, so that neither a restart nor a wait in the queue begins it anew: each answer is a check
named ``Start`` in ``status.preflight``, which the next attempt empties (ADR 0024).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from osmig.api.migration import Failure, PreflightCheck
from osmig.api.names import CheckResult, Phase, Reason
from osmig.domain import next_status, outcome, policies
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit

if TYPE_CHECKING:
    from osmig.domain.observation import Observation

MAX_REFUSALS = 5
"""Answers that nothing was done, before the attempt ends with the last of them."""

MAX_PAUSE_S = 300.0
"""Longest pause before the next try, unless upstream asks for a longer one."""

CHECK = "Start"


def answer(observation: Observation, reason: Reason, *, wait_s: float = 0.0) -> Commit:
    """Count one more answer after which it is certain that nothing was done: try again later, or end the attempt.

    Args:
        observation: of this moment, in which no effect is left to be awaited.
        reason: of the failure, should this be the last try.
        wait_s: how long upstream asked us to wait.
    """
    status = observation.status
    words = (status.failure.message if status.failure is not None else None) or "the cloud did nothing"
    refused = PreflightCheck(check=CHECK, result=CheckResult.WARN, message=words)
    checks = (*status.preflight, refused)
    count = len(find(checks))
    if count >= MAX_REFUSALS:
        message = f"{count} starts were turned down and nothing was done; the last time: {words}"
        return outcome.fail(observation, reason, message, preflight=checks)
    pause_s = max(wait_s, measure_pause_s(observation))
    next_time = observation.now + dt.timedelta(seconds=pause_s)
    failure = Failure(reason=reason, message=words, retryable=True, next_retry_time=next_time)
    verdict = Verdict(
        phase=Phase.PENDING,
        reason=Reason.RETRYING,
        message=f"start {count} of {MAX_REFUSALS} was turned down and nothing was done: {words}",
    )
    after = next_status.build(observation, verdict, pending_call=None, failure=failure, preflight=checks)
    return Commit(status=after, due_s=policies.bound_by_deadline(observation, pause_s))


def find(checks: tuple[PreflightCheck, ...]) -> tuple[PreflightCheck, ...]:
    """Return the answers that were counted in the current attempt."""
    return tuple(check for check in checks if check.check == CHECK)


def measure_pause_s(observation: Observation) -> float:
    """Return the pause before the next try: as long as the attempt has taken so far, so that it doubles each time."""
    status = observation.status
    began = status.attempt_start_time or status.start_time or observation.now
    shortest_s = observation.timings.retry_s
    return max(shortest_s, min((observation.now - began).total_seconds(), MAX_PAUSE_S))
