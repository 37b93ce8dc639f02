"""Before a replication was ordered: what holds it back, what ends it, what is adopted, and how it is ordered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from decided import decide
from domain_samples import HOLDER, NOW, control, reason_of, status_in, stored
from osmig.api.mappings import Mappings, canonical_id
from osmig.api.migration import MigrationStatus, PreflightCheck
from osmig.api.names import FINALIZER, CheckResult, EventReason, Phase, Reason, Verb
from osmig.domain.errors import Absent, BackendError, Refused, Transient, Unauthorized
from osmig.domain.observation import LimitHit, ObjectChange
from osmig.drivers.tenants.calls import ReplicateCall
from osmig.drivers.tenants.policy import replica_name
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from replication_samples import (
    BASE,
    EMPTY,
    LOST,
    MAPPED,
    NAME,
    PASSED,
    RENAMED,
    RUN_ID,
    SOURCE,
    USER,
    Waldur,
    check,
    decide_in,
    known_tenant,
    name_of,
    observe,
    run,
)

FULL = LimitHit(limit_of="migrations of this Provider", used=10, limit=10)
REFERRING = {"mappingRef": {"name": "dc1"}}
NOTHING_READ = Waldur()


def pinned(mappings: Mappings, phase: Phase = Phase.QUEUED, **changes: Any) -> MigrationStatus:  # noqa: ANN401 - its fields
    """A status whose mappings were checked."""
    tenant = known_tenant(mapping_hash=replica_name.digest(mappings), destination_resource=None)
    return status_in(phase, tenant=tenant, **changes)


def test_an_abort_before_the_order_sends_and_reads_nothing() -> None:
    decision = decide_in(NOTHING_READ, observe(status_in(Phase.PENDING, controls=(control(Verb.ABORT),))))
    assert (decision.call, decision.status.phase) == (None, Phase.ABORTED)
    assert decision.status.start_time is None


def test_suspend_holds_the_order_back_and_reads_nothing() -> None:
    decision = decide_in(NOTHING_READ, observe(wanted={"suspend": True}))
    assert (decision.call, decision.status.phase) == (None, Phase.SUSPENDED)


def test_a_provider_that_is_not_ready_is_waited_for() -> None:
    decision = decide_in(NOTHING_READ, observe(provider=LOST))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.QUEUED, Reason.PROVIDER_NOT_READY)


def test_a_provider_of_another_type_is_never_called() -> None:
    other = replace(LOST, reason=Reason.WRONG_PROVIDER_TYPE)
    decision = decide_in(NOTHING_READ, observe(provider=other))
    assert (decision.status.phase, decision.call) == (Phase.QUEUED, None)
    assert any(Reason.WRONG_PROVIDER_TYPE in condition.message for condition in decision.status.conditions)


def test_a_mapping_that_is_missing_is_waited_for_and_the_order_goes_on_when_it_appears() -> None:
    first = decide_in(NOTHING_READ, observe(tenant=REFERRING))
    assert (first.status.phase, reason_of(first.status)) == (Phase.PENDING, Reason.MAPPING_NOT_FOUND)
    assert first.due_s == 60.0
    second = decide_in(EMPTY, observe(stored(first.status), tenant=REFERRING, referenced=MAPPED))
    assert isinstance(second.call, ReplicateCall)


def test_a_referenced_mapping_that_changed_after_it_was_checked_ends_it_and_nothing_is_sent() -> None:
    decision = decide_in(NOTHING_READ, observe(pinned(MAPPED), tenant=REFERRING, referenced=RENAMED))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.MAPPING_CHANGED)
    assert decision.call is None
    assert decision.status.failure is not None
    assert "dc1" in (decision.status.failure.message or "")


def test_a_mapping_that_vanished_and_came_back_unchanged_is_no_change() -> None:
    away = decide_in(NOTHING_READ, observe(pinned(MAPPED), tenant=REFERRING))
    assert reason_of(away.status) == Reason.MAPPING_NOT_FOUND
    back = decide_in(EMPTY, observe(stored(away.status), tenant=REFERRING, referenced=MAPPED))
    assert isinstance(back.call, ReplicateCall)
    other = decide_in(EMPTY, observe(stored(away.status), tenant=REFERRING, referenced=RENAMED))
    assert reason_of(other.status) == Reason.MAPPING_CHANGED


def test_another_generation_of_the_migration_is_checked_anew() -> None:
    decision = decide_in(EMPTY, observe(pinned(MAPPED), generation=2, tenant=REFERRING, referenced=RENAMED))
    assert isinstance(decision.call, ReplicateCall)
    assert decision.status.tenant is not None
    assert decision.status.tenant.mapping_hash == replica_name.digest(RENAMED)


@pytest.mark.parametrize("between", [{"provider": LOST}, {"wanted": {"suspend": True}}, {"referenced": None}])
def test_another_generation_is_checked_anew_even_if_something_held_it_back_first(between: dict[str, Any]) -> None:
    facts: dict[str, Any] = {"generation": 2, "tenant": REFERRING, "referenced": RENAMED}
    held = decide_in(NOTHING_READ, observe(pinned(MAPPED), **{**facts, **between}))
    assert held.status.phase in {Phase.PENDING, Phase.QUEUED, Phase.SUSPENDED}
    assert held.status.observed_generation == 2
    decision = decide_in(EMPTY, observe(stored(held.status), **facts))
    assert isinstance(decision.call, ReplicateCall)


def test_an_inline_edit_is_never_called_a_change_of_the_mapping() -> None:
    inline = {"mappings": {"skipConnectionExtnet": True}}
    for generation in (1, 2):
        decision = decide_in(EMPTY, observe(pinned(MAPPED), generation=generation, tenant=inline))
        assert isinstance(decision.call, ReplicateCall)


def test_who_waits_for_a_slot_has_looked_once_for_what_was_ordered_before_and_checks_nothing() -> None:
    assert decide(observe(limit_hit=FULL)).wants == {"runs"}
    decision = decide(observe(limit_hit=FULL, runs=(), tenant=REFERRING, referenced=MAPPED))
    again = decide(observe(stored(decision.status), limit_hit=FULL, tenant=REFERRING, referenced=MAPPED))
    assert (decision.wants, again.wants, again.status) == (frozenset(), frozenset(), decision.status)
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.QUEUED, Reason.SLOTS_TAKEN)
    assert decision.status.tenant is not None
    assert decision.status.tenant.mapping_hash == replica_name.digest(MAPPED), "pinned while it waits"
    assert decision.status.queued_time == NOW


def test_slots_that_were_taken_during_the_checks_make_it_wait() -> None:
    decision = decide(observe(limit_hit=FULL, runs=(), preflight=PASSED))
    assert (decision.call, reason_of(decision.status)) == (None, Reason.SLOTS_TAKEN)


def test_what_was_ordered_before_is_adopted_even_while_all_slots_are_taken() -> None:
    decision = decide(observe(limit_hit=FULL, runs=(run(),)))
    assert decision.status.upstream is not None


def test_validate_looks_at_no_run_and_ends_validated() -> None:
    decision = decide_in(Waldur(preflight=PASSED), observe(wanted={"mode": "Validate"}))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.SUCCEEDED, Reason.VALIDATED)
    assert (decision.status.preflight, decision.status.start_time, decision.call) == (PASSED, None, None)


def test_a_check_that_was_skipped_is_told_and_is_no_pass() -> None:
    checks = (check(CheckResult.PASS), check(CheckResult.SKIPPED), check(CheckResult.WARN))
    decision = decide_in(Waldur(preflight=checks), observe(wanted={"mode": "Validate"}))
    assert decision.status.preflight == checks
    messages = {condition.message for condition in decision.status.conditions}
    assert "checks: 1 passed, 1 with a warning, 1 skipped; nothing was sent" in messages


@pytest.mark.parametrize("mode", ["Execute", "Validate"])
def test_a_check_that_failed_ends_it_with_every_finding_and_nothing_is_sent(mode: str) -> None:
    checks = (check(CheckResult.PASS), check(CheckResult.FAIL, "spec.tenant.mappings.subnets[0].sourceCIDR"))
    decision = decide_in(Waldur(runs=(), preflight=checks), observe(wanted={"mode": mode}))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.PREFLIGHT_FAILED)
    assert (decision.status.preflight, decision.call, decision.status.start_time) == (checks, None, None)
    assert decision.status.failure is not None
    assert "subnets[0].sourceCIDR" in (decision.status.failure.message or "")


@pytest.mark.parametrize(
    "name", ["Source", "Offering", "Plan", "Limits", "Subnets", "Networks", "VolumeTypes", "DroppedLimits"]
)
@pytest.mark.parametrize("result", CheckResult)
def test_each_check_holds_the_order_back_only_when_it_fails(name: str, result: CheckResult) -> None:
    call_lookup = PreflightCheck(check=name, result=result, path=f"spec.{name}", message="m")
    decision = decide_in(Waldur(runs=(), preflight=(call_lookup,)), observe())
    assert isinstance(decision.call, ReplicateCall) == (result is not CheckResult.FAIL)
    assert decision.status.preflight == (call_lookup,)


@pytest.mark.parametrize(
    ("read_error", "phase", "reason", "due_s"),
    [
        (Transient("TooMany", "later", operation="o", retry_after_s=33.0), Phase.PENDING, Reason.RETRYING, 33.0),
        (Transient("Down", "down", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
        (Unauthorized(Reason.UNAUTHORIZED, "401", operation="o"), Phase.PENDING, Reason.RETRYING, 30.0),
        (Refused(Reason.INVALID_SPEC, "no", operation="o"), Phase.FAILED, Reason.INVALID_SPEC, None),
        (Absent("Absent", "gone", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
    ],
)
@pytest.mark.parametrize("read", ["runs", "preflight"])
def test_a_read_that_fails_before_the_order_sends_nothing(
    read: str, read_error: BackendError, phase: Phase, reason: str | None, due_s: float | None
) -> None:
    decision = decide_in(replace(EMPTY, **{read: read_error}), observe())
    assert (decision.call, decision.status.phase, decision.due_s) == (None, phase, due_s)
    assert reason in {None, reason_of(decision.status)}


def test_an_order_is_written_down_with_all_that_it_takes_to_find_it_again() -> None:
    observation = observe(tenant=REFERRING, referenced=MAPPED)
    decision = decide_in(EMPTY, observation)
    call, intent = decision.call, decision.status.pending_call
    name = name_of(observation, mappings=MAPPED)
    assert isinstance(call, ReplicateCall)
    assert (call.job.name, call.job.mappings, call.job.source_resource) == (name, MAPPED, SOURCE)
    assert intent is not None
    assert (intent.operation, intent.holder, intent.attempt, intent.sends) == ("replicate", HOLDER, 1, 1)
    assert intent.baseline is not None
    assert (intent.baseline.name, intent.baseline.user_id) == (name, USER)
    status = decision.status
    assert (status.phase, status.attempt, status.start_time, status.attempt_start_time) == (Phase.STARTING, 1, NOW, NOW)
    assert status.deadline_time == NOW + timedelta(seconds=14_400)
    assert status.tenant is not None
    assert (status.tenant.mapping_hash, status.tenant.source_resource) == (
        replica_name.digest(MAPPED),
        canonical_id(SOURCE),
    )
    assert "servers, volumes" in (status.tenant.scope or "")
    assert status.preflight == PASSED
    assert decision.claims
    assert stored(status) == status


def test_with_deletion_policy_abort_the_finalizer_comes_before_the_intent() -> None:
    wanted = {"deletionPolicy": "Abort"}
    first = decide_in(EMPTY, observe(wanted=wanted))
    assert (first.change, first.call, first.status.pending_call) == (ObjectChange.ADD_FINALIZER, None, None)
    second = decide_in(EMPTY, observe(wanted=wanted, finalizers=(FINALIZER,)))
    assert isinstance(second.call, ReplicateCall)


def test_an_object_that_is_being_deleted_orders_nothing() -> None:
    decision = decide(observe(deleting=True, runs=(), preflight=PASSED))
    assert (decision.call, decision.wants) == (None, frozenset())


@pytest.mark.parametrize(
    "pair",
    [
        (RunStage.CREATING, ReplicaStage.CREATING),
        (RunStage.OK, ReplicaStage.OK),
        (RunStage.ERRED, ReplicaStage.TERMINATED),
        (RunStage.UNKNOWN, ReplicaStage.UNKNOWN),
    ],
)
def test_what_an_earlier_life_ordered_is_adopted_in_whatever_state_it_is(pair: tuple[RunStage, ReplicaStage]) -> None:
    found = run(*pair, replica_name=f"{BASE}-3_xyz")
    decision = decide_in(Waldur(runs=(found,)), observe())
    status = decision.status
    assert decision.call is None
    assert status.upstream is not None
    assert (status.upstream.id, status.upstream.user_id) == (RUN_ID, USER)
    assert (status.attempt, status.phase, reason_of(status)) == (3, Phase.STARTING, Reason.AWAITING_RECORD)
    assert (status.start_time, status.attempt_start_time) == (NOW, NOW)
    assert status.tenant is not None
    assert (status.tenant.destination_name, status.tenant.mapping_hash) == (
        f"{BASE}-3_xyz",
        replica_name.digest(Mappings()),
    )
    assert [(note.reason, note.is_warning) for note in decision.notes] == [(EventReason.MIGRATION_ADOPTED, False)]
    assert decision.due_s == 0.0


def test_of_several_runs_of_one_name_the_oldest_is_followed_and_the_others_are_named() -> None:
    decision = decide_in(Waldur(runs=(run(), run(id="b2"), run(id="b3"))), observe())
    assert decision.status.upstream is not None
    assert decision.status.upstream.id == RUN_ID
    assert reason_of(decision.status) == Reason.AMBIGUOUS_START
    (note,) = decision.notes
    assert note.is_warning
    assert "b2, b3" in note.text
    assert decision.call is None


def test_a_later_attempt_orders_anew_though_an_earlier_one_is_there() -> None:
    status = status_in(Phase.PENDING, Reason.RETRYING, attempt=2, start_time=NOW)
    decision = decide_in(replace(EMPTY, runs=(run(RunStage.OK, ReplicaStage.OK),)), observe(status))
    assert isinstance(decision.call, ReplicateCall)
    assert decision.call.job.name == f"{BASE}-2"
    adopted = decide_in(Waldur(runs=(run(replica_name=f"{BASE}-2"),)), observe(status))
    assert (adopted.status.attempt, adopted.call) == (2, None)


def test_the_start_time_is_written_once_and_stays() -> None:
    earlier = NOW - timedelta(minutes=5)
    decision = decide_in(EMPTY, observe(status_in(Phase.PENDING, Reason.RETRYING, attempt=1, start_time=earlier)))
    assert (decision.status.start_time, decision.status.attempt_start_time) == (earlier, NOW)


def test_the_name_that_is_ordered_is_the_one_that_a_fresh_cluster_looks_for() -> None:
    ordered = decide_in(EMPTY, observe())
    assert isinstance(ordered.call, ReplicateCall)
    assert ordered.call.job.name == NAME
    fresh = decide_in(Waldur(runs=(run(replica_name=ordered.call.job.name),)), observe())
    assert (fresh.call, fresh.status.upstream is None) == (None, False)
