"""The opt-in end of a replication that nobody wants any more: terminate the replica, never the source.

Waldur terminates only what is OK or Erred, the marketplace's resource and the tenant behind it, by an order that can
itself fail; it is sent once and never in a loop. A run that erred at a network leaves its tenant ``CREATING``, until
Waldur's own sweep frees it after three to four hours: that is waited for, and for what is said.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.api.migration import TenantFacts
from osmig.api.migration_changes import change_tenant
from osmig.api.migration_intent import Baseline
from osmig.api.names import Phase, Reason
from osmig.domain import intents, next_status, orders, outcome, pauses
from osmig.domain.calls import Operation
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent, NotInThisState, NotPermitted, OutcomeUnknown, Refused, Unsupported
from osmig.domain.observation import Commit, Decision
from osmig.drivers.tenants.calls import TerminateCall
from osmig.drivers.tenants.facts import read as read_facts
from osmig.drivers.tenants.policy import facts, jobs, visibility
from osmig.drivers.tenants.views import OrderStage, ReplicaStage

if TYPE_CHECKING:
    from typing import Unpack

    from osmig.api.migration import PendingCall
    from osmig.api.migration_changes import StatusChanges
    from osmig.domain.calls import Answer
    from osmig.drivers.tenants.facts import ReplicationObservation
    from osmig.drivers.tenants.views import ReplicaView, RunView

UNNAMED = "unnamed"
"""In ``status.tenant.cleanupOrder``: the order was taken, and Waldur did not say which it is."""

_TERMINABLE = frozenset({ReplicaStage.OK, ReplicaStage.ERRED})
_POLL_SHARE = 0.5
"""The pause before the next read grows by this share of the time that the clean-up has taken."""
_UNSEEN_FACTOR = 5
"""A refusal whose end cannot be seen coming is tried again so much more rarely."""


def is_under_way(observation: ReplicationObservation) -> bool:
    """Whether the order to terminate was sent, or was refused for the moment."""
    tenant = observation.status.tenant
    return tenant is not None and tenant.cleanup_order is not None


def begin(observation: ReplicationObservation, run: RunView) -> Commit:
    """Terminate the replica of a run that is over and was to be aborted, as far as that is possible and safe."""
    if (pause := pauses.go_on(observation)) is not None:
        return pause
    replica, described = observation.facts.replica, facts.describe_run(observation, run)
    stage = replica.stage if replica is not None and replica.stage is not ReplicaStage.UNKNOWN else run.replica_stage
    if stage is ReplicaStage.TERMINATED:
        return outcome.abort(observation, "the replica is terminated", **described)
    if run.replica_id is None or _is_source(observation, run.replica_id):
        message = "Waldur names no replica of its own, so there is nothing that could safely be terminated"
        return outcome.fail(observation, Reason.CLEANUP_FAILED, message, **described)
    blocker = _describe_blocker(replica, stage, run)
    state = blocker or "Waldur did not take the order to terminate it"
    if (overdue := _give_up(observation, state, run)) is not None:
        return overdue
    if blocker:
        # that the run does not go on was waited for, and need not be again
        return _wait(observation, run, f"{blocker}; it can be terminated then", wait_key=observation.wait_key)
    return _order(observation, run.replica_id, sends=1, **_describe(observation, run))


def _describe_blocker(replica: ReplicaView | None, stage: ReplicaStage, run: RunView) -> str:
    """Say for what state is waited; empty when Waldur takes an order to terminate, as far as can be seen."""
    if stage not in _TERMINABLE:
        status = replica.status if replica is not None and replica.status else run.replica_status
        return f"the replica is {status or 'in no state that is told'}; OK or Erred is waited for"
    if replica is not None and not replica.is_tenant_settled:
        return f"the replica is {replica.status}, its tenant still {replica.tenant_status}; OK or ERRED is waited for"
    return ""


def _describe(observation: ReplicationObservation, run: RunView) -> facts.RunChanges:
    """Return the fields of the status that a run tells, and until when the clean-up may take."""
    described = facts.describe_run(observation, run)
    tenant = described["tenant"]
    if tenant.cleanup_deadline_time is None:
        deadline = observation.now + dt.timedelta(seconds=observation.timings.cleanup_s)
        tenant = change_tenant(tenant, cleanup_deadline_time=deadline)
    return {**described, "tenant": tenant}


def _give_up(observation: ReplicationObservation, state: str, run: RunView) -> Commit | None:
    """End a clean-up whose time is over; ``None`` while there is some left."""
    tenant = observation.status.tenant
    deadline = tenant.cleanup_deadline_time if tenant is not None else None
    if deadline is None or observation.now < deadline:
        return None
    message = (
        f"not terminated within {round(observation.timings.cleanup_s)} s: {state}; let Waldur's staff set the tenant "
        "to ERRED where it is stuck, and terminate the replica in Waldur"
    )
    return outcome.fail(observation, Reason.CLEANUP_FAILED, message, **facts.describe_run(observation, run))


def _is_source(observation: ReplicationObservation, resource_id: str) -> bool:
    return canonical_id(resource_id) == canonical_id(jobs.options_of(observation).source_resource)


def _order(
    observation: ReplicationObservation, replica_id: str, *, sends: int, **described: Unpack[StatusChanges]
) -> Commit:
    baseline = Baseline(user_id=observation.provider.user_id)
    intent = intents.write(observation, Operation.TERMINATE, baseline=baseline, sends=sends)
    verdict = _verdict(f"terminating the replica {replica_id}")
    changes: StatusChanges = {**described, "pending_call": intent}
    after = next_status.build(observation, verdict, **changes)
    return Commit(status=after, call=TerminateCall(replica_id=replica_id))


def answer(observation: ReplicationObservation, answer: Answer, call: PendingCall) -> Commit:
    """Record what came of the order to terminate that was sent in this step."""
    error, wait_s = answer.error, _measure_retry_s(observation)
    match error:
        case None:
            order_id = answer.receipt.request_id if answer.receipt is not None else None
            return _note_order(observation, order_id or UNNAMED)
        case OutcomeUnknown():
            known = call.model_copy(update={"answer": error.reason})
            verdict = _verdict(f"{error.message}; looking for the order's effect")
            return Commit(status=next_status.build(observation, verdict, pending_call=known), due_s=0.0)
        case Absent():
            return outcome.abort(observation, "the replica is gone")
        case NotInThisState():
            verdict = _verdict(f"{error.message}; it is tried again when replica and tenant are OK or Erred")
        case NotPermitted():
            message = f"{error.message}; the token's user needs the permission to terminate resources"
            return outcome.fail(observation, Reason.CLEANUP_FAILED, message)
        case Refused() | Unsupported():
            return outcome.fail(observation, Reason.CLEANUP_FAILED, error.message)
        case _:
            verdict = _verdict(f"{error.message}; it is tried again")
            wait_s = error.retry_after_s or observation.timings.retry_s
    return pauses.begin(observation, next_status.build(observation, verdict, pending_call=None), wait_s)


def _measure_retry_s(observation: ReplicationObservation) -> float:
    """Return when to order again after a conflict: soon only where the tenant's state tells that it can be done."""
    replica, max_s = observation.facts.replica, observation.timings.run_poll_max_s
    return max_s if replica is not None and replica.tenant_status else max_s * _UNSEEN_FACTOR


def resolve(observation: ReplicationObservation, call: PendingCall) -> Decision:
    """Find out what became of an order to terminate whose answer is not on record."""
    if (blocked := pauses.wait_for_provider_or_read(observation)) is not None:
        return blocked
    if observation.facts.replica is None:
        return read_facts("replica")
    replica = observation.facts.replica
    if replica.stage in {ReplicaStage.TERMINATING, ReplicaStage.TERMINATED}:
        return _note_order(observation, UNNAMED)
    user_id = call.baseline.user_id if call.baseline is not None else None
    if replica.stage is ReplicaStage.UNKNOWN and visibility.may_be_hidden(observation, user_id):
        return visibility.wait_for_token_of_user(observation)
    if (awaiting := intents.await_effect(observation, call)) is not None:
        return awaiting
    is_last = call.sends >= intents.MAX_SENDS
    if is_last or replica.stage not in _TERMINABLE or _is_source(observation, replica.id):
        seen = "is not shown any more" if replica.stage is ReplicaStage.UNKNOWN else f"is {replica.status}"
        message = f"{call.sends} orders to terminate the replica got no answer, and it {seen}"
        return outcome.fail(observation, Reason.CLEANUP_FAILED, message)
    return _order(observation, replica.id, sends=call.sends + 1)


def follow(observation: ReplicationObservation, run: RunView) -> Decision:
    """Follow the order to terminate until the replica is gone, or the order failed."""
    replica = observation.facts.replica
    if replica is None:
        return read_facts("run", "replica")
    described = facts.describe_run(observation, run)
    if ReplicaStage.TERMINATED in {replica.stage, run.replica_stage}:
        return outcome.abort(observation, "the replica was terminated", **described)
    state = f"the replica is {replica.status or run.replica_status}"
    if _has_failed(observation, replica):
        # of an order that failed Waldur keeps the words at the tenant
        why = replica.order_error or replica.error or "Waldur does not say why"
        tenant = f", its tenant {replica.tenant_status}" if replica.tenant_status else ""
        message = f"the order to terminate the replica failed: {why}; {state}{tenant}. Terminate it in Waldur"
        return outcome.fail(observation, Reason.CLEANUP_FAILED, message, **described)
    if (overdue := _give_up(observation, state, run)) is not None:
        return overdue
    return _wait(observation, run, f"{state}; it is being terminated", wait_key=_wait_key_of(replica))


def _wait_key_of(replica: ReplicaView) -> str:
    return f"terminate:{replica.id}:{replica.stage}"


def _has_failed(observation: ReplicationObservation, replica: ReplicaView) -> bool:
    if replica.order_stage is OrderStage.ERRED:
        return True
    # an order that nobody can look up has failed when the replica stays usable for long
    is_silent = replica.order_stage is OrderStage.UNKNOWN and replica.stage in _TERMINABLE
    return is_silent and observation.has_waited(_wait_key_of(replica), observation.timings.stale_record_s)


def _wait(observation: ReplicationObservation, run: RunView, message: str, *, wait_key: str) -> Commit:
    after = next_status.build(observation, _verdict(message), **_describe(observation, run))
    return Commit(status=after, due_s=_measure_pause_s(observation), wait_key=wait_key)


def _measure_pause_s(observation: ReplicationObservation) -> float:
    """Return when to look again: soon at first, later less and less often."""
    timings, tenant = observation.timings, observation.status.tenant
    deadline = tenant.cleanup_deadline_time if tenant is not None else None
    left_s = (deadline - observation.now).total_seconds() if deadline is not None else timings.cleanup_s
    taken_s = max(0.0, timings.cleanup_s - left_s)
    return max(0.0, min(timings.run_poll_max_s, timings.run_poll_s + _POLL_SHARE * taken_s, max(left_s, 1.0)))


def _note_order(observation: ReplicationObservation, order_id: str) -> Commit:
    tenant = change_tenant(observation.status.tenant or TenantFacts(), cleanup_order=order_id)
    verdict = _verdict("Waldur took the order to terminate the replica")
    status = observation.status
    order = orders.in_force(status)
    after = next_status.build(observation, verdict, pending_call=None, tenant=tenant)
    if order is not None:
        after = orders.mark_sent(after, order, now=observation.now)
    return Commit(status=after, due_s=min(1.0, observation.timings.run_poll_s))


def _verdict(message: str) -> Verdict:
    return Verdict(phase=Phase.ABORTING, reason=Reason.TERMINATING_DESTINATION, message=message)
