"""Whatever was recorded and whatever upstream says: decide() decides, and never breaks a promise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings

from decided import decide
from domain_promises import decide_soundly
from domain_samples import call_lookup, has_waited_out, pre_start, server, stored
from domain_strategies import observations
from domain_world import with_facts
from osmig.api.migration import DeletionPolicy, Mode
from osmig.api.names import FINALIZER, ConditionType, Phase, Verb
from osmig.domain import errors, orders
from osmig.domain.conditions import find_condition
from osmig.domain.intents import MAX_SENDS
from osmig.domain.phases import FINISHED, may_follow
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.facts import SHOW_SERVER
from osmig.drivers.servers.policy import confirming
from osmig.drivers.servers.views import CallLookupKind, Explanation, HostView, ProgressView

if TYPE_CHECKING:
    from decided import Decided, Observed
    from osmig.api.migration import MigrationStatus


def check_start(observation: Observed, decision: Decided) -> None:
    """A start goes with a fresh intent of our own in the same write, and only where one is wanted."""
    before, after, spec = observation.status, decision.status, observation.migration.spec
    metadata = observation.migration.metadata
    assert after.pending_call is not None
    assert after.pending_call.holder == observation.holder
    assert after.pending_call != before.pending_call
    assert "migrate" in after.pending_call.operation
    assert after.pending_call.sends <= MAX_SENDS
    assert after.start_time is not None
    assert (before.upstream, after.upstream) == (None, None)
    assert not metadata.deletion_timestamp
    assert observation.migration.status_readable
    assert observation.provider.is_ready
    assert spec.mode is Mode.EXECUTE
    assert spec.adopt is None or before.pending_call is not None
    assert not spec.suspend or before.pending_call is not None
    assert spec.deletion_policy is DeletionPolicy.DETACH or FINALIZER in metadata.finalizers
    assert decision.claims


def check_order(observation: Observed, decision: Decided, call: VerbCall) -> None:
    """An order is sent only while it is in force; confirm and revert under a fresh intent, on what was just read."""
    before, after = observation.status, decision.status
    order = orders.in_force(before)
    assert order is not None
    assert before.upstream is not None
    assert before.pending_call is None, "nothing else is in flight"
    if call.verb in confirming.VERBS:
        assert confirming.CALLS[order.verb] is call.verb
        assert None not in (observation.facts.pre_start, observation.facts.server, observation.facts.records)
        assert after.pending_call is not None
        assert (after.pending_call.operation, after.pending_call.holder) == (call.verb.value, observation.holder)
        return
    assert order.verb is call.verb
    assert observation.facts.records is not None
    assert after.pending_call is None


def check_phase(observation: Observed, after: MigrationStatus) -> None:
    """An end is an end but for retry, and for what never started anything and has a new spec; the table holds."""
    before = observation.status
    if before.phase in FINISHED and after.phase != before.phase:
        is_anew = before.start_time is None and observation.migration.metadata.generation != before.observed_generation
        is_retried = orders.is_active(before, Verb.RETRY)
        assert after.phase is Phase.PENDING
        assert is_anew or is_retried
    elif after.phase != before.phase:
        assert after.phase is not None
        assert may_follow(before.phase, after.phase), (before.phase, after.phase)


NONE_YET = -1


def check_conditions(status: MigrationStatus) -> None:
    """What kstatus, Flux, Argo CD and ``kubectl wait`` read follows from the phase alone."""
    found = {condition.type: condition.status.value for condition in status.conditions}
    if status.phase is None or not found or status.observed_generation == NONE_YET:
        # of a generation that was not acted upon yet they read that alone: it is in progress
        return
    is_over, is_good = status.phase in FINISHED, status.phase is Phase.SUCCEEDED
    assert found["Finished"] == str(is_over)
    assert found["Ready"] == str(is_good)
    assert found["Succeeded"] == (str(is_good) if is_over else "Unknown")
    assert found.get("Reconciling") == (None if is_over else "True")
    assert found.get("Stalled") == ("True" if is_over and not is_good else None)
    assert ("ProviderReady" in found) == (not is_over)
    assert "Converging" not in found or status.phase in {Phase.RUNNING, Phase.ABORTING}
    assert not {"Complete", "Failed"} & set(found)
    assert {condition.observed_generation for condition in status.conditions} == {status.observed_generation}


@given(observations())
@settings(max_examples=200)
def test_every_observation_is_decided_and_no_promise_is_broken(observation: Observed) -> None:
    before = observation.status
    decision = decide_soundly(observation)
    after = decision.status

    if decision.goes_on:
        assert after == before.model_copy(update={"controls": after.controls, "phase": after.phase})
        assert after.phase in {before.phase, Phase.PENDING}

    check_phase(observation, after)
    if isinstance(decision.call, StartCall):
        check_start(observation, decision)
    if isinstance(decision.call, VerbCall):
        check_order(observation, decision, decision.call)
    if before.upstream is not None and after.upstream is not None:
        assert after.upstream.request_id == before.upstream.request_id


@given(observations())
@settings(max_examples=100)
def test_the_conditions_follow_from_the_phase_that_is_written(observation: Observed) -> None:
    after = decide(observation).status
    if after.phase != observation.status.phase:
        check_conditions(after)
    succeeded = find_condition(after.conditions, ConditionType.SUCCEEDED)
    if after.phase in FINISHED and observation.status.phase not in FINISHED:
        assert after.completion_time == observation.now
        assert after.pending_call is None
        assert (after.failure is None) == (after.phase is Phase.SUCCEEDED)
        assert succeeded is not None
        assert after.failure is None or after.failure.reason == succeeded.reason
        assert not [order for order in after.controls if order.verb in orders.RANKS and order.result == "Accepted"]


@given(observations())
@settings(max_examples=100)
def test_a_latch_is_idempotent_and_never_lost(observation: Observed) -> None:
    decision = decide(observation)
    handled = {found.verb for found in decision.status.controls}
    asked = [order.verb for order in observation.verb_requests]
    if not decision.goes_on or len(asked) != len(set(asked)):
        return
    again = replace(observation, migration=observation.migration.model_copy(update={"status": stored(decision.status)}))
    assert not decide(again).goes_on
    assert set(asked) <= handled


@given(observations())
@settings(max_examples=100)
def test_an_intent_is_dropped_only_for_a_known_answer_a_certain_look_or_a_server_that_is_gone(
    observation: Observed,
) -> None:
    before = observation.status.pending_call
    after = decide(observation).status.pending_call
    if before is None or after == before:
        return
    found = observation.facts.call_lookup
    waited = has_waited_out(observation, before)
    words = {"ServerError"} if confirming.is_about(before) else {"Conflict", "ServerError"}
    is_answered = before.request_id is not None and before.answer in words
    is_found = found is not None and found.kind in {CallLookupKind.OURS, CallLookupKind.AMBIGUOUS}
    is_gone = isinstance(observation.read_error, errors.Absent) and observation.failed_fact in SHOW_SERVER
    is_decided = confirming.is_about(before) and (
        found is not None and (found.kind is CallLookupKind.CONFLICT or not found.server.awaits_confirmation)
    )
    assert observation.answer is not None or is_found or waited or is_answered or is_gone or is_decided


@given(observations())
@settings(max_examples=100)
def test_a_step_comes_to_an_end_when_every_wanted_fact_is_read(observation: Observed) -> None:
    world = with_facts(
        observation,
        pre_start=pre_start(),
        call_lookup=call_lookup(CallLookupKind.NOTHING),
        server=server(),
        records=(),
        progress=ProgressView(percent=1),
        explanation=Explanation(reason=None, message=""),
        preflight=(),
        source_host=HostView(name="cmp1"),
    )
    assert not decide(world).wants
