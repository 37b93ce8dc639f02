"""Whatever was recorded of a replication and whatever Waldur says: decide() decides, and never breaks a promise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings

from decided import decide
from domain_promises import decide_soundly
from domain_samples import has_waited_out
from osmig.api.mappings import canonical_id
from osmig.api.migration import DeletionPolicy, Mode
from osmig.api.names import FINALIZER, CheckResult, Phase, Verb
from osmig.domain import orders
from osmig.domain.calls import Operation
from osmig.domain.intents import MAX_SENDS
from osmig.domain.phases import FINISHED, WAITING, may_follow
from osmig.drivers.tenants.calls import ReplicateCall, TerminateCall
from osmig.drivers.tenants.policy import jobs, replica_name
from replication_samples import SOURCE
from replication_strategies import observations, ready_to_order

if TYPE_CHECKING:
    from decided import Decided, Observed
    from osmig.api.migration import MigrationStatus, PendingCall


def check_replicate(observation: Observed, decision: Decided, call: ReplicateCall) -> None:
    """One order goes with one fresh intent of our own in the same write, and only where one is wanted."""
    before, after, spec = observation.status, decision.status, observation.migration.spec
    intent, metadata = after.pending_call, observation.migration.metadata
    assert intent is not None
    assert intent.baseline is not None
    assert (intent.operation, intent.holder) == (Operation.REPLICATE, observation.holder)
    assert (intent.baseline.name, intent.baseline.user_id) == (call.job.name, observation.provider.user_id)
    assert intent != before.pending_call
    assert intent.sends <= MAX_SENDS
    assert after.start_time is not None
    assert (before.upstream, after.upstream) == (None, None), "nothing is ordered once a run is known"
    assert observation.facts.runs is not None, "nothing is ordered without a look in the same step"
    assert not [run for run in observation.facts.runs if replica_name.has_name(run.replica_name, call.job.name)] or (
        before.pending_call is None
    )
    assert (observation.provider.is_ready, observation.read_error) == (True, None)
    assert not metadata.deletion_timestamp
    assert observation.migration.status_readable
    assert spec.deletion_policy is DeletionPolicy.DETACH or FINALIZER in metadata.finalizers
    assert after.tenant is not None
    assert after.tenant.mapping_hash == replica_name.digest(call.job.mappings)
    assert not orders.is_active(before, Verb.ABORT)
    if before.pending_call is None:
        assert before.phase is None or before.phase in WAITING
        assert (spec.mode, spec.suspend, observation.limit_hit.limit_of) == (Mode.EXECUTE, False, "")
        assert observation.facts.preflight is not None
        assert CheckResult.FAIL not in {check.result for check in observation.facts.preflight}
    else:
        check_repeated(observation, before.pending_call, intent)


def check_repeated(observation: Observed, before: PendingCall, intent: PendingCall) -> None:
    """An order is repeated under its very name, after its slowest effect would have shown to its very user."""
    assert before.operation != Operation.TERMINATE
    assert has_waited_out(observation, before)
    assert intent.sends == before.sends + 1
    assert before.baseline is not None
    assert intent.baseline is not None
    assert before.baseline.name == intent.baseline.name
    assert before.baseline.user_id in {None, observation.provider.user_id}


def check_terminate(observation: Observed, decision: Decided, call: TerminateCall) -> None:
    """Only the replica, only under a fresh intent, and first only where the user opted in and called it off."""
    before, intent = observation.status, decision.status.pending_call
    assert canonical_id(call.replica_id) != canonical_id(SOURCE)
    assert intent is not None
    assert (intent.operation, intent.holder) == (Operation.TERMINATE, observation.holder)
    assert intent != before.pending_call
    assert intent.sends <= MAX_SENDS
    assert observation.facts.replica is not None
    if before.pending_call is None or before.pending_call.operation != Operation.TERMINATE:
        assert jobs.wants_cleanup(observation)
        assert orders.wants_abort(before)
        assert before.upstream is not None
        assert before.tenant is None or before.tenant.cleanup_order is None
    else:
        assert has_waited_out(observation, before.pending_call)


def check_call(observation: Observed, decision: Decided) -> None:
    """What is sent may be sent."""
    if isinstance(decision.call, ReplicateCall):
        check_replicate(observation, decision, decision.call)
    if isinstance(decision.call, TerminateCall):
        check_terminate(observation, decision, decision.call)


def check_end(observation: Observed, after: MigrationStatus) -> None:
    """An end is an end but for retry, and for what never ordered anything and has a new spec; the table holds."""
    before = observation.status
    if before.phase in FINISHED and after.phase != before.phase:
        is_anew = before.start_time is None and observation.migration.metadata.generation != before.observed_generation
        assert after.phase is Phase.PENDING
        assert is_anew or orders.is_active(before, Verb.RETRY)
    elif after.phase != before.phase:
        assert after.phase is not None
        assert may_follow(before.phase, after.phase), (before.phase, after.phase)
    if after.phase in FINISHED and before.phase not in FINISHED:
        assert (after.completion_time, after.pending_call) == (observation.now, None)
        assert (after.failure is None) == (after.phase is Phase.SUCCEEDED)


@given(observations())
@settings(max_examples=400)
def test_every_observation_of_a_replication_is_decided_and_no_promise_is_broken(observation: Observed) -> None:
    decision = decide_soundly(observation)
    check_end(observation, decision.status)
    check_call(observation, decision)


@given(ready_to_order())
@settings(max_examples=200)
def test_where_an_order_is_near_it_is_sent_only_where_it_may_be(observation: Observed) -> None:
    check_call(observation, decide(observation))


@given(observations())
@settings(max_examples=200)
def test_once_a_run_is_known_nothing_is_ordered_in_that_attempt(observation: Observed) -> None:
    if observation.status.upstream is None:
        return
    for answer in (observation.answer, None):
        decision = decide(replace(observation, answer=answer))
        assert not isinstance(decision.call, ReplicateCall)
