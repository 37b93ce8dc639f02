"""What blocks any start: orders, ``suspend``, pauses, the Provider, a failed read, the queue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import ConditionType, Phase, Reason, Verb
from osmig.domain import next_status, orders, outcome, pauses, policies, refusals
from osmig.domain.conditions import Verdict, find_condition
from osmig.domain.errors import Absent, NotPermitted, Refused, Unsupported
from osmig.domain.observation import Commit

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection
    from typing import Unpack

    from osmig.api.migration_changes import StatusChanges
    from osmig.domain.errors import BackendError
    from osmig.domain.observation import Observation


SAFETY_SWEEPS = 30
"""Waiting Migrations wake one another; each also steps by itself after so many sweep periods, should a wake be lost."""

_PATIENCE = 8
"""Who has waited long for what nobody tells of looks less often: after an eighth of the time waited so far."""


PROBING_S = 5.0
"""A Provider that is still being probed after this long is shown to those who wait for it."""


# Nova's own word where the reason is not one of ours: never shown raw.
_REASONS = frozenset(Reason)


def check_gates(observation: Observation) -> Commit | None:
    """Check what blocks any start, whatever the cloud says: orders, ``suspend``, pauses, the Provider."""
    if orders.is_active(observation.status, Verb.ABORT):
        return outcome.abort(observation, _describe_abort(observation))
    if observation.migration.spec.suspend:
        verdict = Verdict(phase=Phase.SUSPENDED, reason=Reason.SUSPENDED, message="spec.suspend holds the start back")
        return Commit(status=next_status.build(observation, verdict))
    if (overdue := policies.end_past_deadline(observation)) is not None:
        return overdue
    if (pause := pauses.go_on(observation)) is not None:
        return replace(pause, due_s=policies.bound_by_deadline(observation, pause.due_s))
    if not observation.provider.is_ready:
        return wait_for_provider(observation)
    return None


def describe_unsent(observation: Observation) -> str:
    """Say that nothing is sent, and no more than that where an earlier try or attempt did send something."""
    return "nothing was sent" if observation.status.start_time is None else "nothing more is sent"


def _describe_abort(observation: Observation) -> str:
    if observation.status.start_time is None:
        return "aborted before anything was sent"
    return "aborted while nothing was under way: what was sent before has ended, or had no effect"


def wait_for_provider(observation: Observation) -> Commit:
    """Queue until the Provider is ready; its own step wakes us. The first moments of a probe are not worth a write."""
    wait_key = f"provider:{Reason.PROBING}"
    if observation.provider.reason == Reason.PROBING and not observation.has_waited(wait_key, PROBING_S):
        return Commit(status=observation.status, due_s=PROBING_S, wait_key=wait_key)
    message = f"Provider {observation.migration.spec.provider_ref.name} is not ready: {observation.provider.reason}"
    verdict = Verdict(phase=Phase.QUEUED, reason=Reason.PROVIDER_NOT_READY, message=message)
    due_s = policies.bound_by_deadline(observation, None)
    return Commit(status=next_status.build(observation, verdict), due_s=due_s)


def answer_read_error(
    observation: Observation, read_error: BackendError, *, shows_subject: Collection[str] = ()
) -> Commit:
    """Answer a read that failed before the start: fail where only a person can help, else try again later.

    Args:
        observation: what is known.
        read_error: why the reading of ``observation.failed_fact`` failed.
        shows_subject: the facts whose absence means that what shall be moved does not exist.
    """
    match read_error:
        case Absent() if observation.failed_fact in shows_subject:
            return outcome.fail(observation, Reason.SERVER_NOT_FOUND, read_error.message)
        case Refused() | Unsupported():
            reason = read_error.reason if read_error.reason in _REASONS else Reason.START_REFUSED
            return outcome.fail(observation, reason, read_error.message)
        case _:
            return pauses.retry_later(observation, read_error)


def wait_for_slot(observation: Observation, **changes: Unpack[StatusChanges]) -> Commit:
    """Wait in the queue; who frees a slot wakes us, so that nothing is read meanwhile."""
    limit_hit = observation.limit_hit
    verdict = Verdict(
        phase=Phase.QUEUED,
        reason=Reason.SLOTS_TAKEN,
        message=f"{limit_hit.used}/{limit_hit.limit} {limit_hit.limit_of} are under way",
    )
    queued: StatusChanges = {"queued_time": since_when(observation), **changes}
    after = next_status.build(observation, verdict, **queued)
    return Commit(status=after, due_s=observation.timings.sweep_period_s * SAFETY_SWEEPS)


def has_looked(observation: Observation) -> bool:
    """Whether upstream was looked at for this very spec before the wait began: once is enough until its turn comes."""
    status = observation.status
    return status.queued_time is not None and status.observed_generation == observation.migration.metadata.generation


def find_wait_reason(observation: Observation) -> str:
    """Return the reason on record of a Migration that waits in the queue, empty for none."""
    succeeded = find_condition(observation.status.conditions, ConditionType.SUCCEEDED)
    return succeeded.reason if succeeded is not None and observation.status.phase is Phase.QUEUED else ""


def since_when(observation: Observation) -> dt.datetime:
    """Return since when a Migration that waits has waited."""
    return observation.status.queued_time or observation.now


def look_later_s(observation: Observation) -> float:
    """Return when to look again at what only upstream tells, in seconds: at every sweep, later less often."""
    period_s, age = observation.timings.sweep_period_s, observation.now - since_when(observation)
    return min(max(period_s, age.total_seconds() / _PATIENCE), period_s * SAFETY_SWEEPS)


def answer_refusal(observation: Observation, error: BackendError) -> Commit:
    """End, or wait and start anew: it is certain that nothing was started."""
    match error:
        case Refused():
            return outcome.fail(observation, error.reason, error.message)
        case Unsupported():
            return outcome.fail(observation, Reason.UNSUPPORTED, error.message)
        case NotPermitted():
            return outcome.fail(observation, Reason.NOT_PERMITTED, error.message)
        case _:
            # upstream, or the way there, is not fit for any call: that says nothing of this one, and is not counted
            wait_s = max(error.retry_after_s or 0.0, refusals.measure_pause_s(observation))
    verdict = Verdict(phase=Phase.PENDING, reason=Reason.RETRYING, message=error.message)
    pause = pauses.begin(observation, next_status.build(observation, verdict, pending_call=None), wait_s)
    return replace(pause, due_s=policies.bound_by_deadline(observation, wait_s))
