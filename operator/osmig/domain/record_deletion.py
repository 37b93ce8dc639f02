"""``deletionPolicy: DeleteRecord``: with a finished Migration its record goes upstream, and nothing else.

The deletion of the object is the order, and the finalizer keeps it on record until an answer is. The call may be
repeated: no id is used again, and a record that is gone is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import DeletionPolicy, PolicyOrder
from osmig.api.names import EventReason, Policy
from osmig.domain import clouds, letting_go, orders, pauses, policies
from osmig.domain.calls import DeleteRecordCall
from osmig.domain.errors import Absent, NotPermitted, Refused, Unsupported
from osmig.domain.observation import ChangeObject, Commit, Decision, Note, ObjectChange
from osmig.domain.phases import FINISHED

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.domain.calls import Answer
    from osmig.domain.observation import Observation


def is_wanted(observation: Observation) -> bool:
    """Whether the Migration has a record upstream that shall go with it, once it has ended."""
    upstream = observation.status.upstream
    is_policy = observation.migration.spec.deletion_policy is DeletionPolicy.DELETE_RECORD
    return is_policy and upstream is not None and upstream.id is not None and observation.status.phase in FINISHED


def carry_out(observation: Observation) -> Decision:
    """Delete the record of a deleted Migration that has ended, or let the object go."""
    status, upstream = observation.status, observation.status.upstream
    if _is_settled(status):
        return ChangeObject(ObjectChange.REMOVE_FINALIZER)
    if (why := letting_go.find_reason(observation, "could not be deleted")) is not None:
        return ChangeObject(ObjectChange.REMOVE_FINALIZER, notes=(_tell_left(why),))
    if clouds.wait_for_cloud(observation) is not None or not observation.provider.is_ready:
        return Commit(status=status, due_s=observation.timings.retry_s, wait_key=observation.wait_key)
    if (pause := pauses.go_on(observation)) is not None:
        return pause
    assert upstream is not None  # noqa: S101 - is_wanted saw it
    assert upstream.id is not None  # noqa: S101
    return Commit(status=status, call=DeleteRecordCall(record_id=upstream.id))


def answer(observation: Observation, answer: Answer) -> Commit:
    """Record what came of it; what may pass is tried again while there is time."""
    error = answer.error
    match error:
        case None | Absent():
            return _settle(observation, ())
        case Refused() | NotPermitted() | Unsupported():
            return _settle(observation, (_tell_left(error.message),))
        case _:
            return pauses.begin(observation, observation.status, error.retry_after_s or observation.timings.retry_s)


def _settle(observation: Observation, notes: tuple[Note, ...]) -> Commit:
    """Put on record that there is nothing more to do, so that the object may go."""
    settled = PolicyOrder(policy=Policy.DELETION, time=observation.now)
    return Commit(status=policies.record(observation.status, settled), notes=notes, due_s=0.0)


def _is_settled(status: MigrationStatus) -> bool:
    order = orders.find_policy_order(status, Policy.DELETION)
    return order is not None and order.verb is None and order.given_up_time is None


def _tell_left(why: str) -> Note:
    text = f"{Policy.DELETION}: the Migration is let go while its record stays upstream: {why}"
    return Note(reason=EventReason.RECORD_LEFT, text=text, is_warning=True)
