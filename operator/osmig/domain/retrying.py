"""Another attempt: when one follows by itself, and what the status looks like before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration_changes import change_status
from osmig.api.names import ControlResult, EventReason, Phase, Reason, Verb, verb_annotation
from osmig.domain import orders, verbs
from osmig.domain.backoff import grow_pause_s
from osmig.domain.conditions import Verdict
from osmig.domain.next_status import build, measure_pause
from osmig.domain.observation import Commit, Note

if TYPE_CHECKING:
    from osmig.api.migration import Failure, MigrationStatus
    from osmig.domain.observation import Observation


def find_pause_s(observation: Observation, verdict: Verdict) -> float | None:
    """Return the pause before the attempt that follows a failure by itself, ``None`` if none does.

    The caller knows that the failure may pass. Never with ``adopt``, nor on an object that is being deleted, nor
    of what was to be called off.
    """
    migration, status = observation.migration, observation.status
    retries, attempt = migration.spec.retries, status.attempt or 1
    is_over = attempt > retries.limit or attempt >= verbs.LAST_ATTEMPT
    is_ours = migration.spec.adopt is None and migration.metadata.deletion_timestamp is None
    if is_over or not is_ours or verdict.phase is not Phase.FAILED or status.start_time is None:
        return None
    if orders.wants_abort(status):
        return None
    longest = float(max(retries.backoff_seconds, retries.max_backoff_seconds))
    return grow_pause_s(retries.backoff_seconds, longest, attempt - 1)


def begin_attempt(
    observation: Observation, ended: MigrationStatus, *, message: str, failure: Failure | None
) -> MigrationStatus:
    """Return the status before the next attempt: what was of the last one is in ``attempts`` now."""
    return build(
        observation,
        Verdict(phase=Phase.PENDING, reason=Reason.RETRYING, message=message),
        attempt=(ended.attempt or 1) + 1 if ended.start_time is not None else ended.attempt,
        attempts=ended.attempts,
        controls=ended.controls,
        failure=failure,
        paused_seconds=(ended.paused_seconds or 0) + round(measure_pause(ended.confirm).total_seconds()) or None,
        completion_time=None,
        attempt_start_time=None,
        pending_call=None,
        upstream=None,
        placement=None,
        tenant=None,
        mailboxes=None,
        preflight=(),
        progress=None,
        confirm=None,
        policy_orders=(),
    )


def retry(observation: Observation) -> Commit:
    """Carry out the verb ``retry`` on a Migration that is over."""
    status, metadata = observation.status, observation.migration.metadata
    number = (status.attempt or 1) + 1 if status.start_time is not None else 1
    controls, notes = orders.settle(
        status.controls, Verb.RETRY, ControlResult.DONE, f"attempt {number} begins", now=observation.now
    )
    told = tuple(
        Note(
            reason=EventReason.TOKEN_ALREADY_USED,
            text=f"the annotation {verb_annotation(control.verb)} is still there; it orders nothing in this attempt",
        )
        for control in controls
        if control.verb not in {Verb.RETRY, Verb.RECONCILE}
        and verbs.canonical_token(metadata.annotations.get(verb_annotation(control.verb), "")) == control.token
    )
    ended = change_status(status, controls=controls)
    after = begin_attempt(observation, ended, message="another attempt was ordered", failure=None)
    return Commit(status=after, notes=(*notes, *told), due_s=0.0)
