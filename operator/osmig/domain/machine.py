"""``decide``: one observation in, one decision out. Total and pure: no clock, no I/O, no exception for what can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from osmig.api.migration import MigrationStatus
from osmig.api.migration_changes import change_status
from osmig.api.names import Phase, Reason, Verb
from osmig.domain import clouds, contradictions, finalizer, orders, outcome, policies, record_deletion, retrying, verbs
from osmig.domain.calls import DeleteRecordCall
from osmig.domain.observation import Commit, Facts
from osmig.domain.phases import FINISHED, WAITING

if TYPE_CHECKING:
    from osmig.domain.calls import Answer
    from osmig.domain.observation import Decision, Observation
    from osmig.domain.policy import Policy

F = TypeVar("F", bound=Facts)


def decide(observation: Observation[F], policy: Policy[F]) -> Decision:
    """Decide what one step does.

    An order that is new is recorded in a write of its own, before anything else (architecture.md §9). Nothing is
    started on an object that is being deleted, nor on ground of a status that could not be read.
    """
    status = observation.status
    if not observation.migration.status_readable:
        return Commit(status=status)
    if (mended := contradictions.mend(observation)) is not None:
        return mended
    if (recorded := verbs.accept(observation, refuse=policy.refuse)) is not None:
        controls, notes = recorded
        after = change_status(status, controls=controls, phase=_name_phase(status))
        # an order must neither cut a pause short nor make a wait begin anew
        return Commit(status=after, notes=notes, due_s=0.0, goes_on=True, wait_key=observation.wait_key)
    if (change := finalizer.reconcile_finalizer(observation)) is not None:
        return change
    if status.phase in FINISHED:
        return _decide_finished(observation)
    is_unsent = status.pending_call is None and status.upstream is None
    decision = _decide_unsent(observation, policy) if is_unsent else _decide_under_way(observation, policy)
    return policies.watch_deadline(observation, decision) if isinstance(decision, Commit) else decision


def _name_phase(status: MigrationStatus) -> Phase | None:
    """Return the phase, ``Pending`` before the first one; where a start was wiped from status, nothing is made up."""
    return Phase.PENDING if status.phase is None and status.start_time is None else status.phase


def decide_answer(observation: Observation[F], policy: Policy[F], answer: Answer) -> Commit:
    """Decide what the answer to the call of this very step means: it is recorded, whatever else there is to do."""
    if not observation.migration.status_readable:
        return Commit(status=observation.status)
    if isinstance(answer.call, DeleteRecordCall):
        return record_deletion.answer(observation, answer)
    return policy.answer(observation, answer)


def _decide_under_way(observation: Observation[F], policy: Policy[F]) -> Decision:
    """Decide when something was sent, or meant to be: look for its effect, or follow it."""
    if (elsewhere := clouds.wait_for_cloud(observation)) is not None:
        return elsewhere
    call, upstream = observation.status.pending_call, observation.status.upstream
    if call is not None:
        return policy.resolve(observation, call)
    assert upstream is not None  # noqa: S101 - the caller saw one of both
    return policy.follow(observation, upstream)


def _decide_unsent(observation: Observation[F], policy: Policy[F]) -> Decision:
    """Decide when neither an intent nor an upstream record is known: start, unless a start was wiped from status."""
    status = observation.status
    if observation.migration.metadata.deletion_timestamp is not None:
        return Commit(status=status)
    if status.start_time is not None and status.phase not in WAITING:
        return outcome.fail(
            observation,
            Reason.RECORD_GONE,
            "the record of the start was removed from status, so the move cannot be followed; nothing more is sent",
        )
    return policy.admit(observation)


def _decide_finished(observation: Observation) -> Decision:
    """A finished Migration answers to ``retry``, its generation and its time to live; the rest is evaluated anew."""
    migration, status = observation.migration, observation.status
    if migration.metadata.deletion_timestamp is not None:
        return Commit(status=status)
    if orders.is_active(status, Verb.RETRY):
        return retrying.retry(observation)
    generation = migration.metadata.generation
    if status.observed_generation == generation:
        return finalizer.expire(observation) or Commit(status=status)
    if status.start_time is None:
        anew = MigrationStatus(phase=Phase.PENDING, conditions=status.conditions, controls=status.controls)
        return Commit(status=change_status(anew, observed_generation=-1), due_s=0.0)
    conditions = tuple(
        condition.model_copy(update={"observed_generation": generation}) for condition in status.conditions
    )
    after = change_status(status, observed_generation=generation, conditions=conditions)
    return Commit(status=after, due_s=0.0)
