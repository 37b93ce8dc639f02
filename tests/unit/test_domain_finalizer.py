"""Deleting the object: the finalizer of ``deletionPolicy: Abort``, every reason to let go, and the time to live."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from decided import Decided, decide
from domain_cold_samples import COLD, awaiting, cold_record, policy_order, survey_gate, verify
from domain_samples import (
    LOST,
    NOW,
    ask,
    control,
    observe,
    pre_start,
    reason_of,
    record,
    sent,
    server,
    started,
    status_in,
)
from domain_world import World, decide_in
from osmig.api.names import FINALIZER, EventReason, Phase, Policy, Reason, Verb
from osmig.domain import outcome
from osmig.domain.observation import ObjectChange
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.views import ProgressView

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus

GUARDED = {"deletionPolicy": "Abort"}
HELD = {"finalizers": (FINALIZER,)}
ADD, REMOVE, DELETE = ObjectChange.ADD_FINALIZER, ObjectChange.REMOVE_FINALIZER, ObjectChange.DELETE
MOVING = World(records=(record(),), server=server(busy=True), progress=ProgressView(percent=1), pre_start=pre_start())
ORDERED = (policy_order(Policy.DELETION, Verb.ABORT),)


def tend(status: MigrationStatus | None, wanted: dict[str, Any] | None = None, **changes: Any) -> Decided:  # noqa: ANN401
    return decide_in(MOVING, observe(status, wanted=wanted or {}, **changes))


@pytest.mark.parametrize("status", [None, sent(), started(), status_in(Phase.FAILED, start_time=NOW)])
def test_detach_needs_no_finalizer_ever(status: MigrationStatus | None) -> None:
    decision = decide(observe(status, pre_start=pre_start(), records=(record("queued"),)))
    assert decision.change is None


def test_the_finalizer_is_put_on_before_the_intent() -> None:
    before = tend(None, GUARDED)
    assert (before.change, before.call, before.status.pending_call) == (ADD, None, None)
    assert tend(None, GUARDED, **HELD).call == StartCall()


@pytest.mark.parametrize("status", [sent(), started(), awaiting()])
def test_the_finalizer_is_put_on_when_the_policy_changes_while_the_move_is_under_way(status: MigrationStatus) -> None:
    assert decide(observe(status, wanted=GUARDED)).change is ADD
    assert decide(observe(status, wanted=GUARDED, **HELD)).change is None
    assert decide(observe(status, **HELD)).change is REMOVE
    assert decide(observe(status, wanted=GUARDED, deleting=True)).change is None, "too late to add one"


@pytest.mark.parametrize("status", [None, status_in(Phase.QUEUED), status_in(Phase.SUSPENDED)])
def test_what_waits_for_its_start_has_no_finalizer(status: MigrationStatus | None) -> None:
    assert decide(observe(status, wanted={**GUARDED, "suspend": True})).change is None
    let_go = decide(observe(status, wanted=GUARDED, deleting=True, **HELD))
    assert (let_go.change, let_go.notes) == (REMOVE, ())


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED, Phase.REVERTED])
@pytest.mark.parametrize("deleting", [False, True])
def test_the_finalizer_is_taken_off_when_the_move_is_over(*, phase: Phase, deleting: bool) -> None:
    over = started(phase=phase)
    decision = decide(observe(over, wanted=GUARDED, deleting=deleting, **HELD))
    assert (decision.change, decision.notes) == (REMOVE, ())
    assert decide(observe(over, wanted=GUARDED, deleting=deleting)).change is None


def test_an_end_with_a_finalizer_or_a_time_to_live_is_looked_at_again_at_once() -> None:
    assert outcome.fail(observe(started(), **HELD), "Why", "").due_s == 0.0
    assert outcome.fail(observe(started(), wanted={"ttlSecondsAfterFinished": 9}), "Why", "").due_s == 0.0
    assert outcome.fail(observe(started()), "Why", "").due_s is None


# --- deletion calls the move off


def test_deletion_orders_an_abort_once_and_carries_it_out() -> None:
    first = tend(started(), GUARDED, deleting=True, **HELD)
    assert (first.change, first.call, first.due_s) == (None, None, 0.0)
    assert [(order.policy, order.verb) for order in first.status.policy_orders] == [(Policy.DELETION, Verb.ABORT)]
    assert [note.reason for note in first.notes] == [EventReason.POLICY_ACTED]
    then = tend(first.status, GUARDED, deleting=True, **HELD)
    assert (then.call, then.status.phase) == (VerbCall(verb=Verb.ABORT, record_id="7"), Phase.ABORTING)
    assert len(then.status.policy_orders) == 1


def test_deletion_of_a_cold_move_at_its_gate_means_revert() -> None:
    world = World(server=verify(), records=(cold_record(),), pre_start=survey_gate())
    deleted = observe(awaiting(policy_orders=ORDERED), wanted={**COLD, **GUARDED}, deleting=True, **HELD)
    assert decide_in(world, deleted).call == VerbCall(verb=Verb.REVERT, record_id="7")


def test_a_move_that_deletion_called_off_ends_aborted_and_is_let_go() -> None:
    world = World(server=server(), records=(record("cancelled"),))
    deleted = observe(started(policy_orders=ORDERED), wanted=GUARDED, deleting=True, **HELD)
    ended = decide_in(world, deleted)
    assert (ended.status.phase, reason_of(ended.status)) == (Phase.ABORTED, Reason.ABORTED)
    assert decide(observe(ended.status, wanted=GUARDED, deleting=True, **HELD)).change is REMOVE


LONG_AGO = NOW + timedelta(seconds=600)
GONE = {
    "PROVIDER": replace(LOST, reason=Reason.PROVIDER_NOT_FOUND),
    "SECRET": replace(LOST, reason=Reason.SECRET_NOT_FOUND),
}
RELEASES: dict[str, tuple[MigrationStatus, dict[str, Any], str]] = {
    "the Provider is gone": (started(), {"provider": GONE["PROVIDER"]}, "Provider or Secret is gone"),
    "the Secret is gone": (started(), {"provider": GONE["SECRET"]}, "Provider or Secret is gone"),
    "abort is unsupported": (
        started(policy_orders=(policy_order(Policy.DELETION),)),
        {},
        "the cloud cannot call it off",
    ),
    "ten minutes are over": (started(policy_orders=ORDERED), {"now": LONG_AGO}, "did not end within 600 s"),
    "ten minutes are over before the order": (started(), {"now": LONG_AGO}, "did not end within 600 s"),
}


@pytest.mark.parametrize(
    ("status", "facts", "told"), RELEASES.values(), ids=[name.replace(" ", "_") for name in RELEASES]
)
def test_a_move_that_cannot_be_waited_for_is_let_go_with_an_event(
    status: MigrationStatus, facts: dict[str, Any], told: str
) -> None:
    decision = decide(observe(status, wanted=GUARDED, deleting=True, **HELD, **facts))
    assert (decision.change, decision.status) == (REMOVE, status)
    assert [(note.reason, note.is_warning) for note in decision.notes] == [(EventReason.FINALIZER_LEFT, True)]
    assert told in decision.notes[0].text


HOLDS = {
    "a Provider that may come back": {"provider": LOST},
    "less than ten minutes": {"now": NOW + timedelta(seconds=599)},
}


@pytest.mark.parametrize("facts", HOLDS.values(), ids=[name.replace(" ", "_") for name in HOLDS])
def test_a_move_that_may_still_be_called_off_is_held(facts: dict[str, Any]) -> None:
    assert tend(started(policy_orders=ORDERED), GUARDED, deleting=True, **HELD, **facts).change is None


def test_a_policy_that_is_taken_back_lets_a_deleted_object_go_while_its_move_goes_on() -> None:
    decision = decide(observe(started(), deleting=True, **HELD))
    assert (decision.change, decision.notes) == (REMOVE, ())


def test_an_order_that_is_seen_on_a_deleted_object_is_latched_first() -> None:
    decision = decide(observe(started(), wanted=GUARDED, deleting=True, verb_requests=(ask(Verb.ABORT),), **HELD))
    assert (decision.goes_on, decision.change) == (True, None)


def test_an_unanswered_start_of_a_deleted_object_is_looked_for_and_keeps_its_wait() -> None:
    waited = {"intent:x": 5.0}
    ordered = decide(observe(sent(), wanted=GUARDED, deleting=True, wait_ages_s=waited, **HELD))
    assert (ordered.status.policy_orders[0].verb, ordered.wait_key) == (Verb.ABORT, "intent:x")
    assert decide(observe(ordered.status, wanted=GUARDED, deleting=True, **HELD)).wants


# --- time to live


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED, Phase.REVERTED])
def test_a_finished_migration_is_deleted_when_its_time_is_over_and_not_before(phase: Phase) -> None:
    over = status_in(phase, start_time=NOW, completion_time=NOW)
    kept = {"ttlSecondsAfterFinished": 100}
    early = decide(observe(over, wanted=kept, now=NOW + timedelta(seconds=99)))
    assert (early.change, early.due_s) == (None, 1.0)
    assert decide(observe(over, wanted=kept, now=NOW + timedelta(seconds=100))).change is DELETE
    assert decide(observe(over, now=NOW + timedelta(days=900))).change is None


@pytest.mark.parametrize(
    "changes",
    [
        {"status": status_in(Phase.FAILED, start_time=NOW)},
        {"status": started()},
        {"deleting": True},
        {"generation": 2},
        {"status": status_in(Phase.FAILED, start_time=NOW, completion_time=NOW, controls=(control(Verb.RETRY),))},
    ],
    ids=["no end on record", "under way", "deleted already", "a newer spec", "to be tried again"],
)
def test_nothing_else_is_deleted(changes: dict[str, Any]) -> None:
    status = changes.pop("status", status_in(Phase.FAILED, start_time=NOW, completion_time=NOW))
    wanted = {"ttlSecondsAfterFinished": 0}
    assert decide(observe(status, wanted=wanted, swept=record("queued"), **changes)).change is None


def test_a_finalizer_comes_off_before_the_object_is_deleted() -> None:
    over = status_in(Phase.SUCCEEDED, start_time=NOW, completion_time=NOW)
    wanted = {**GUARDED, "ttlSecondsAfterFinished": 0}
    assert decide(observe(over, wanted=wanted, **HELD)).change is REMOVE
    assert decide(observe(over, wanted=wanted)).change is DELETE
