"""The state table: what the run and its replica say together, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_samples import reason_of, status_in, stored
from osmig.api.names import EventReason, Phase, Reason
from osmig.domain.phases import FINISHED
from osmig.drivers.tenants.policy.stages import REPLICATION_STATES
from osmig.drivers.tenants.views import LOST_STAGES, ReplicaStage, RunStage
from replication_samples import UNSEEN, Waldur, after, decide_in, followed, observe, replica, run

if TYPE_CHECKING:
    from decided import Decided

S, C, OK, E, U = RunStage.SCHEDULED, RunStage.CREATING, RunStage.OK, RunStage.ERRED, RunStage.UNKNOWN
CREATING, FINE, ERRED = ReplicaStage.CREATING, ReplicaStage.OK, ReplicaStage.ERRED
TERMINATING, TERMINATED, UNKNOWN = ReplicaStage.TERMINATING, ReplicaStage.TERMINATED, ReplicaStage.UNKNOWN


@dataclass(frozen=True, slots=True)
class Row:
    """What a pair means at the second of two equal polls; ``first`` is what it means at the first."""

    run: RunStage
    replica: ReplicaStage
    phase: Phase
    reason: str
    first: tuple[Phase, str] | None = None


def stalled(stage: RunStage, replica_stage: ReplicaStage) -> Row:
    return Row(stage, replica_stage, Phase.FAILED, Reason.WALDUR_STALLED, (Phase.RUNNING, Reason.CREATING))


TABLE = [
    *(Row(S, stage, Phase.STARTING, Reason.SCHEDULED) for stage in (CREATING, FINE, UNKNOWN)),
    *(Row(C, stage, Phase.RUNNING, Reason.CREATING) for stage in (CREATING, FINE, UNKNOWN)),
    *(stalled(run_stage, stage) for run_stage in (S, C) for stage in (ERRED, TERMINATING, TERMINATED)),
    Row(OK, CREATING, Phase.RUNNING, Reason.CREATING),
    Row(OK, UNKNOWN, Phase.RUNNING, Reason.CREATING),
    Row(OK, FINE, Phase.SUCCEEDED, Reason.SUCCEEDED),
    *(Row(OK, stage, Phase.FAILED, Reason.DESTINATION_LOST) for stage in (ERRED, TERMINATING, TERMINATED)),
    *(Row(E, stage, Phase.FAILED, Reason.REPLICATION_FAILED) for stage in ReplicaStage),
    *(Row(U, stage, Phase.RUNNING, Reason.UNKNOWN) for stage in ReplicaStage),
]


def test_the_table_has_a_row_for_every_pair() -> None:
    pairs = [(row.run, row.replica) for row in TABLE]
    assert sorted(pairs) == sorted(product(RunStage, ReplicaStage))
    assert set(REPLICATION_STATES) == set(pairs)


def poll(row: Row, *, wait_ages_s: dict[str, float] | None = None) -> Decided:
    waldur = Waldur(run=run(row.run, row.replica), replica=replica(row.replica, error="Provisioning has timed out."))
    return decide_in(waldur, observe(followed(), wait_ages_s=wait_ages_s or {}))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.run}/{row.replica}")
def test_each_pair_of_run_and_replica_has_its_phase_and_reason(row: Row) -> None:
    first = poll(row)
    assert (first.status.phase, reason_of(first.status)) == (row.first or (row.phase, row.reason))
    if first.status.phase in FINISHED:
        assert first.status.completion_time is not None
        return
    assert first.due_s is not None
    assert 0 < first.due_s <= 60
    second = poll(row, wait_ages_s=after(first))
    assert (second.status.phase, reason_of(second.status)) == (row.phase, row.reason)
    assert (second.status.phase in FINISHED) == (row.first is not None)
    for decision in (first, second):
        assert decision.call is None
        assert stored(decision.status) == decision.status


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.run}/{row.replica}")
def test_a_replica_that_may_not_be_looked_at_changes_no_outcome(row: Row) -> None:
    waldur = Waldur(run=run(row.run, row.replica), replica=UNSEEN)
    first = decide_in(waldur, observe(followed()))
    second = decide_in(waldur, observe(followed(), wait_ages_s=after(first)))
    assert (second.status.phase, reason_of(second.status)) == (row.phase, row.reason)


@pytest.mark.parametrize("row", [row for row in TABLE if row.first], ids=lambda row: f"{row.run}/{row.replica}")
def test_a_stall_is_believed_only_after_two_equal_polls(row: Row) -> None:
    other = poll(Row(C, CREATING, Phase.RUNNING, Reason.CREATING))
    assert poll(row, wait_ages_s=after(other)).status.phase is Phase.RUNNING, "the poll before was not equal"
    first = poll(row)
    assert first.due_s == 5.0
    assert poll(row, wait_ages_s=after(first, 1.0)).status.phase is Phase.RUNNING, "both polls are one moment"
    assert poll(row, wait_ages_s=after(first)).status.phase is Phase.FAILED


def test_a_stall_is_told_in_the_tenant_s_own_words() -> None:
    row = stalled(C, ERRED)
    failure = poll(row, wait_ages_s=after(poll(row))).status.failure
    assert failure is not None
    assert "Provisioning has timed out." in (failure.message or "")
    assert "is still there" in (failure.message or "")


@pytest.mark.parametrize(
    ("pair", "is_left"), [((E, ERRED), True), ((E, CREATING), True), ((E, TERMINATED), False)], ids=str
)
def test_a_failure_is_told_in_waldur_s_words_with_what_is_left(
    pair: tuple[RunStage, ReplicaStage],
    is_left: bool,  # noqa: FBT001 - a column of the table
) -> None:
    view = run(*pair, error="Quota exceeded")
    failure = decide_in(Waldur(run=view, replica=replica(pair[1])), observe(followed())).status.failure
    assert failure is not None
    assert (failure.message or "").startswith("Quota exceeded")
    assert ("is still there" in (failure.message or "")) == is_left
    assert not failure.retryable


def test_without_words_of_waldur_the_failure_says_so() -> None:
    failure = decide_in(Waldur(run=run(E, TERMINATED), replica=UNSEEN), observe(followed())).status.failure
    assert failure is not None
    assert failure.message == "Waldur does not say why"


def test_a_success_says_what_is_and_what_is_not_replicated() -> None:
    decision = decide_in(Waldur(run=run(OK, FINE), replica=replica(FINE)), observe(followed()))
    (message,) = {condition.message for condition in decision.status.conditions if condition.type == "Succeeded"}
    assert "servers, volumes, their data and floating IPs are not" in message
    assert decision.status.tenant is not None
    assert decision.status.tenant.destination_status == "OK"


def test_the_replica_is_read_before_the_end_is_written() -> None:
    wanted = decide(observe(followed(), run=run(OK, FINE)))
    assert set(wanted.wants) == {"run", "replica"}
    assert wanted.status == followed()


@pytest.mark.parametrize("stage", ReplicaStage)
def test_an_unknown_word_keeps_the_phase_and_makes_one_event(stage: ReplicaStage) -> None:
    for phase in (Phase.STARTING, Phase.RUNNING, Phase.ABORTING):
        status = followed(phase=phase)
        waldur = Waldur(run=run(U, stage), replica=replica(stage))
        first = decide_in(waldur, observe(status))
        assert (first.status.phase, reason_of(first.status)) == (phase, Reason.UNKNOWN)
        assert [note.reason for note in first.notes] == [EventReason.UNKNOWN_STATE]
        assert "UPDATING" in first.notes[0].text
        second = decide_in(waldur, observe(stored(first.status), wait_ages_s=after(first)))
        assert (second.status.phase, second.notes) == (phase, ())


def test_another_unknown_word_is_another_event() -> None:
    first = decide_in(Waldur(run=run(U)), observe(followed()))
    other = decide_in(Waldur(run=run(U, status="DELETING")), observe(followed(), wait_ages_s=after(first)))
    assert [note.reason for note in other.notes] == [EventReason.UNKNOWN_STATE]


def test_a_wiped_phase_does_not_keep_an_unknown_word_from_being_shown() -> None:
    status = followed().model_copy(update={"phase": None, "conditions": ()})
    decision = decide_in(Waldur(run=run(U)), observe(status))
    assert decision.status.phase is Phase.STARTING


@pytest.mark.parametrize("stage", sorted(LOST_STAGES))
def test_an_adopted_run_that_is_over_ends_at_once_or_after_two_polls(stage: ReplicaStage) -> None:
    status = status_in(Phase.STARTING, Reason.AWAITING_RECORD, upstream=followed().upstream, attempt=1)
    decision = decide_in(Waldur(run=run(E, stage), replica=replica(stage)), observe(status))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.REPLICATION_FAILED)
