"""After the order: follow the run and its replica to the end. Waldur has no cancel, so the end is always awaited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import ControlResult, Phase, Policy, Reason, Verb
from osmig.domain import next_status, orders, outcome, pauses, runs
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent
from osmig.domain.observation import Commit, Decision
from osmig.drivers.tenants.facts import read as read_facts
from osmig.drivers.tenants.policy import cleaning, facts, jobs, stages, visibility
from osmig.drivers.tenants.policy.choosing import RUN
from osmig.drivers.tenants.policy.stages import ReplicationState
from osmig.drivers.tenants.views import ReplicaStage

if TYPE_CHECKING:
    from osmig.api.migration import UpstreamFacts
    from osmig.drivers.tenants.facts import ReplicationObservation
    from osmig.drivers.tenants.views import RunView

NO_CANCEL = "Waldur has no cancel; the run is followed to its end"

_SETTLE_SHARE = 0.5
"""A run that seems to stall is looked at once more: a poll may fall between two of Waldur's own writes.

The next poll comes a little early or late, so that less than its whole period must have been waited.
"""


def follow(observation: ReplicationObservation, upstream: UpstreamFacts) -> Decision:
    """Decide for a Migration whose run is on record."""
    if upstream.id is None:
        message = "the id of the run was removed from status, so it cannot be followed; nothing is ordered again"
        return outcome.fail(observation, Reason.RECORD_GONE, message)
    is_run_absent = observation.failed_fact == "run" and isinstance(observation.read_error, Absent)
    if is_run_absent and observation.provider.is_ready:
        return _answer_gone(observation, upstream)
    if (blocked := pauses.wait_for_provider_or_read(observation)) is not None:
        return blocked
    if observation.facts.run is None:
        return read_facts("run")
    if (undone := _give_up_abort(observation)) is not None:
        return undone
    if cleaning.is_under_way(observation):
        return cleaning.follow(observation, observation.facts.run)
    return _judge(observation, observation.facts.run)


def _judge(observation: ReplicationObservation, run: RunView) -> Decision:
    state, poll_s = stages.judge(run), observation.timings.run_poll_s
    if state in {ReplicationState.SCHEDULED, ReplicationState.RUNNING, ReplicationState.UNKNOWN}:
        return _go_on(observation, run, state)
    if state is ReplicationState.STALLED and not observation.has_waited(_wait_key_of(run), poll_s * _SETTLE_SHARE):
        going = _go_on(observation, run, ReplicationState.RUNNING)
        return replace(going, due_s=poll_s) if isinstance(going, Commit) else going
    if observation.facts.replica is None:
        return read_facts("run", "replica")
    return cleaning.begin(observation, run) if orders.wants_abort(observation.status) else end(observation, run)


def end(observation: ReplicationObservation, run: RunView) -> Commit:
    """End by what the run and its replica say."""
    described, replica = facts.describe_run(observation, run), observation.facts.replica
    why = run.error or (replica.error if replica is not None else "") or "Waldur does not say why"
    left = "" if run.replica_stage is ReplicaStage.TERMINATED else "; what was created of the replica is still there"
    match stages.judge(run):
        case ReplicationState.SUCCEEDED:
            return outcome.succeed(observation, Reason.SUCCEEDED, facts.SCOPE, **described)
        case ReplicationState.FAILED:
            return outcome.fail(observation, Reason.REPLICATION_FAILED, f"{why}{left}", **described)
        case ReplicationState.LOST:
            message = f"Waldur was done with the replica, and now it is {run.replica_status}"
            return outcome.fail(observation, Reason.DESTINATION_LOST, message, **described)
        case _:
            message = (
                f"the run is {run.status} and its replica {run.replica_status}: Waldur does not go on ({why}){left}"
            )
            return outcome.fail(observation, Reason.WALDUR_STALLED, message, **described)


def _go_on(observation: ReplicationObservation, run: RunView, state: ReplicationState) -> Decision:
    is_seen = observation.facts.replica is not None
    if state is ReplicationState.RUNNING and not is_seen and runs.must_count(observation, run.status):
        return read_facts("run", "replica")
    after = next_status.build(observation, _describe(observation, run, state), **facts.describe_run(observation, run))
    unknown = run.status if state is ReplicationState.UNKNOWN else ""
    return runs.go_on(observation, after, wait_key=_wait_key_of(run), upstream=RUN.upstream, unknown=unknown)


def _describe(observation: ReplicationObservation, run: RunView, state: ReplicationState) -> Verdict:
    status = observation.status
    message = f"Waldur's run is {run.status}, its replica {run.replica_status or 'not told'}"
    phase, reason = status.phase or Phase.STARTING, Reason.UNKNOWN
    if state is ReplicationState.SCHEDULED:
        phase, reason = Phase.STARTING, Reason.SCHEDULED
        if runs.measure_age_s(observation) >= observation.timings.not_started_s:
            reason = Reason.NOT_STARTED
            message = f"{message}; Waldur has not begun for {round(observation.timings.not_started_s)} s"
    elif state is ReplicationState.RUNNING:
        phase, reason = Phase.RUNNING, Reason.CREATING
    if orders.wants_abort(status):
        phase, reason = Phase.ABORTING, Reason.ABORTING
        message = f"{message}; {NO_CANCEL}, then the replica is terminated"
    return Verdict(phase=phase, reason=reason, message=message)


def _give_up_abort(observation: ReplicationObservation) -> Commit | None:
    """Take back an abort that nothing can come of: without clean-up the run would go on all the same."""
    order = orders.in_force(observation.status)
    if order is None or order.verb is not Verb.ABORT:
        return None
    if jobs.wants_cleanup(observation) or cleaning.is_under_way(observation):
        return None
    if order.policy is Policy.ON_DEADLINE:
        return outcome.abort(observation, "Waldur has no cancel; the run is no longer followed and may still succeed")
    after, notes = orders.give_up(observation.status, order, ControlResult.UNSUPPORTED, NO_CANCEL, now=observation.now)
    return Commit(status=after, notes=notes, due_s=0.0, wait_key=observation.wait_key)


def _answer_gone(observation: ReplicationObservation, upstream: UpstreamFacts) -> Commit:
    """A 404 proves something only to the user that ordered, and only if it stays."""
    if visibility.may_be_hidden(observation, upstream.user_id):
        return visibility.wait_for_token_of_user(observation)
    wait_key = f"gone:{upstream.id}"
    if not observation.has_waited(wait_key, observation.timings.retry_s):
        return Commit(status=next_status.keep_phase(observation), due_s=observation.timings.retry_s, wait_key=wait_key)
    message = f"Waldur has no run {upstream.id} any more, so its outcome is unknown and nothing is ordered again"
    tenant = observation.status.tenant
    if tenant is not None and tenant.destination_resource is not None:
        seen = f"was {tenant.destination_status} when last seen" if tenant.destination_status else "was not seen"
        message = f"{message}; its replica {tenant.destination_resource} {seen}"
    return outcome.fail(observation, Reason.RECORD_GONE, message)


def _wait_key_of(run: RunView) -> str:
    return f"run:{run.id}:{run.status}:{run.replica_status}"
