"""The object itself: the finalizer of any ``deletionPolicy`` but Detach, the end after ``ttlSecondsAfterFinished``.

And what is left to itself upstream when the object is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import DeletionPolicy, PolicyOrder, TenantFacts
from osmig.api.migration_changes import change_status
from osmig.api.names import FINALIZER, EventReason, Phase, Policy, Verb
from osmig.domain import letting_go, orders, record_deletion
from osmig.domain.observation import ChangeObject, Commit, Decision, Note, ObjectChange
from osmig.domain.phases import FINISHED

if TYPE_CHECKING:
    from osmig.api.migration import Migration, MigrationStatus
    from osmig.domain.observation import Observation


def ensure_finalizer(observation: Observation) -> Decision | None:
    """With any ``deletionPolicy`` but Detach, add the finalizer before anything is sent; ``None`` when it is there."""
    metadata = observation.migration.metadata
    is_wanted = observation.migration.spec.deletion_policy is not DeletionPolicy.DETACH
    if not is_wanted or FINALIZER in metadata.finalizers or metadata.deletion_timestamp is not None:
        return None
    return ChangeObject(ObjectChange.ADD_FINALIZER)


def is_under_way(status: MigrationStatus) -> bool:
    """Whether something was sent upstream, or may have been, whose end is not on record."""
    return status.phase not in FINISHED and (status.pending_call is not None or status.upstream is not None)


def reconcile_finalizer(observation: Observation) -> Decision | None:
    """Add or remove the finalizer, and order the abort of a deleted Migration's move, as ``deletionPolicy`` says."""
    status, metadata = observation.status, observation.migration.metadata
    is_record_wanted = record_deletion.is_wanted(observation)
    if FINALIZER not in metadata.finalizers:
        return ensure_finalizer(observation) if is_under_way(status) or is_record_wanted else None
    if is_record_wanted:
        return record_deletion.carry_out(observation) if metadata.deletion_timestamp is not None else None
    policy = observation.migration.spec.deletion_policy
    if metadata.deletion_timestamp is None:
        return _release() if policy is DeletionPolicy.DETACH or status.phase in FINISHED else None
    if policy is not DeletionPolicy.ABORT or not is_under_way(status):
        return _release()
    if (why := _find_reason_to_release(observation)) is not None:
        return _release(left=why)
    if orders.find_policy_order(status, Policy.DELETION) is None:
        ordered = PolicyOrder(policy=Policy.DELETION, verb=Verb.ABORT, time=observation.now)
        after = change_status(status, policy_orders=(*status.policy_orders, ordered))
        text = "the Migration is being deleted: abort is ordered, and the object stays until its move has ended"
        note = Note(reason=EventReason.POLICY_ACTED, text=f"{Policy.DELETION}: {text}")
        return Commit(status=after, due_s=0.0, wait_key=observation.wait_key, notes=(note,))
    return None


def _find_reason_to_release(observation: Observation) -> str | None:
    """Say why the move cannot be waited for any longer; ``None`` when it can."""
    order = orders.find_policy_order(observation.status, Policy.DELETION)
    if order is not None and (order.verb is None or order.given_up_time is not None):
        return "the cloud cannot call it off"
    return letting_go.find_reason(observation, "did not end")


def _release(*, left: str = "") -> Decision:
    notes: tuple[Note, ...] = ()
    if left:
        text = f"the Migration is let go while its move goes on in the cloud: {left}"
        notes = (Note(reason=EventReason.FINALIZER_LEFT, text=text, is_warning=True),)
    return ChangeObject(ObjectChange.REMOVE_FINALIZER, notes=notes)


def describe_left(migration: Migration, *, why: Note | None = None) -> Note | None:
    """Say what goes on upstream though the object is gone; ``None`` when nothing does.

    Args:
        migration: as it was last.
        why: it was let go by us although its move was to be called off first.
    """
    if not is_under_way(migration.status):
        return None
    if why is not None:
        return why
    text = f"the Migration was deleted while its move was under way, and is followed no more: {_describe(migration)}"
    return Note(reason=EventReason.MIGRATION_LEFT, text=text)


def _describe(migration: Migration) -> str:
    status = migration.status
    if status.pending_call is not None:
        return f"a call to {status.pending_call.operation} may be on its way or have had its effect"
    number = (status.upstream.id if status.upstream is not None else None) or ""
    if migration.spec.tenant is not None:
        return _describe_run(number, status.tenant or TenantFacts())
    what = f"the cloud's migration {number}" if number else "the cloud's migration, whose record was still awaited,"
    if status.phase is Phase.AWAITING_CONFIRMATION:
        return f"{what} waits in the cloud for somebody to confirm or revert it"
    return f"{what} goes on in the cloud"


def _describe_run(number: str, tenant: TenantFacts) -> str:
    if tenant.cleanup_order is not None:
        return f"Waldur terminates the replica of its run {number}"
    if tenant.destination_name:
        return f"Waldur's run {number} and its replica {tenant.destination_name} go on to their end"
    return f"Waldur's run {number} goes on"


def expire(observation: Observation) -> Decision | None:
    """Delete a finished Migration whose time is over; ``None`` when it has none to be kept."""
    status, ttl_s = observation.status, observation.migration.spec.ttl_seconds_after_finished
    if ttl_s is None or status.completion_time is None:
        return None
    left_s = ttl_s - (observation.now - status.completion_time).total_seconds()
    if left_s > 0:
        return Commit(status=status, due_s=left_s)
    return ChangeObject(ObjectChange.DELETE)
