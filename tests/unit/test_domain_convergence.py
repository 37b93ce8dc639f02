"""Whether a move gets anywhere: the condition Converging, stalls through a restart, a source host that is down."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_cold_samples import cold_record, observe_cold, resizing
from domain_samples import NOW, conditions_of, control, observe, reason_of, record, server, started, stored
from domain_world import World, decide_in
from osmig.api.names import ConditionType, Phase, Policy, Reason, Verb
from osmig.domain.calls import Answer
from osmig.domain.conditions import find_condition
from osmig.domain.errors import NotInThisState
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.views import BytesView, HostView, ProgressView

if TYPE_CHECKING:
    from datetime import datetime

    from decided import Decided
    from osmig.api.migration import MigrationStatus
    from osmig.domain.operations import RecordView

BUSY = server(busy=True)
DOWN, UP = HostView(name="cmp1", is_up=False), HostView(name="cmp1")
NO_NUMBERS = ProgressView(percent=3)


def sample(remaining: int) -> ProgressView:
    return ProgressView(memory=BytesView(total=10_000, processed=1, remaining=remaining))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def step(
    status: MigrationStatus,
    seconds: float,
    view: ProgressView,
    row: RecordView | None = None,
    host: HostView = UP,
    **changes: Any,  # noqa: ANN401 - fields of Observation
) -> Decided:
    world = World(server=BUSY, records=(row or record(),), progress=view, source_host=host)
    return decide_in(world, observe(status, now=at(seconds), **changes))


def converging(status: MigrationStatus) -> tuple[str, str] | None:
    found = find_condition(status.conditions, ConditionType.CONVERGING)
    return (found.status.value, found.reason) if found is not None else None


# --- the condition


def test_a_move_whose_memory_falls_converges_and_one_that_stands_or_rises_does_not() -> None:
    status = started()
    seen = []
    for seconds, remaining in ((0, 9000), (100, 8000), (390, 7990), (400, 8000), (405, 9000), (410, 5000)):
        status = stored(step(status, seconds, sample(remaining)).status)
        seen.append(converging(status))
    falling, flat, diverging = ("True", "Falling"), ("False", "Flat"), ("False", "Diverging")
    assert seen == [falling, falling, falling, flat, diverging, falling]


def test_without_numbers_nobody_knows() -> None:
    status = step(started(), 0, NO_NUMBERS).status
    assert converging(status) == ("Unknown", "NoData")
    assert status.policy_orders == ()


@pytest.mark.parametrize("word", ["queued", "preparing", "accepted"])
def test_nothing_is_counted_while_the_cloud_queues_or_prepares(word: str) -> None:
    status = step(started(phase=Phase.STARTING), 13_000, sample(9000), record(word)).status
    assert (status.progress, converging(status), status.policy_orders) == (None, None, ())
    first = step(stored(status), 14_000, sample(9000)).status
    assert converging(first) == ("True", "Falling")


def test_the_condition_stays_while_the_move_is_called_off_and_goes_with_its_end() -> None:
    status = step(started(), 0, sample(9000)).status
    aborting = step(status.model_copy(update={"controls": (control(Verb.ABORT),)}), 1, sample(9000)).status
    assert (aborting.phase, converging(aborting)) == (Phase.ABORTING, ("True", "Falling"))
    switching = step(status, 1, sample(1), record("post-migrating")).status
    assert converging(switching) == ("True", "Falling")
    world = World(server=server("cmp2"), records=(record("completed"),))
    ended = decide_in(world, observe(switching)).status
    assert "Converging" not in conditions_of(ended)


def test_a_cold_move_is_not_measured() -> None:
    world = World(server=resizing(), records=(cold_record("migrating"),), progress=sample(5))
    decision = decide_in(world, observe_cold(started()))
    assert (decision.status.progress, converging(decision.status)) == (None, None)


# --- through a restart


def test_a_stall_is_what_this_process_has_seen_whatever_the_wall_clock_says() -> None:
    """A wall clock that is set right, or a process that begins, judges nobody by times that it did not live through."""
    status = stored(step(started(), 0, sample(9000)).status)
    leapt = step(status, 9999, sample(8950), since_progress_s=5.0)
    assert (leapt.status.policy_orders, converging(leapt.status)) == ((), ("True", "Falling"))
    set_back = step(status, -9999, sample(8950), since_progress_s=300.0).status
    assert [order.policy for order in set_back.policy_orders] == [Policy.ON_STALL]
    restarted = step(status, 9999, sample(8950), holder="another process", since_progress_s=0.0).status
    assert restarted.policy_orders == ()


def test_what_this_process_saw_last_counts_though_it_was_not_worth_a_write() -> None:
    written = step(started(), 0, sample(9000)).status
    sampled = step(written, 100, sample(5000)).status.progress
    decision = step(written, 350, sample(4990), sampled=sampled)
    assert converging(decision.status) == ("True", "Falling")


# --- the source host is down


def quiet(row: RecordView) -> str:
    return f"quiet:{row.id}:{row.status}:{row.updated}"


@pytest.mark.parametrize(
    ("seconds", "host", "is_told"), [(299.0, DOWN, False), (300.0, DOWN, True), (300.0, UP, False)]
)
@pytest.mark.parametrize("word", ["running", "queued", "preparing", "post-migrating"])
def test_a_record_that_nothing_changes_any_more_makes_the_source_host_be_looked_at(
    *, word: str, seconds: float, host: HostView, is_told: bool
) -> None:
    row = record(word)
    decision = step(started(), 0, NO_NUMBERS, row, host, wait_ages_s={quiet(row): seconds})
    assert (reason_of(decision.status) == Reason.SOURCE_HOST_DOWN) == is_told
    assert ("runbook SourceHostDown" in decision.status.conditions[0].message) == is_told
    assert decision.wait_key == quiet(row)
    assert conditions_of(decision.status)["Finished"] == "False"


def test_a_longer_progress_timeout_makes_the_wait_for_a_quiet_record_longer() -> None:
    row = record()
    patient = {"live": {"convergence": {"progressTimeoutSeconds": 900}}}
    facts = {"wanted": patient, "wait_ages_s": {quiet(row): 899.0}}
    assert reason_of(step(started(), 0, NO_NUMBERS, row, DOWN, **facts).status) == Reason.RUNNING
    facts["wait_ages_s"] = {quiet(row): 900.0}
    assert reason_of(step(started(), 0, NO_NUMBERS, row, DOWN, **facts).status) == Reason.SOURCE_HOST_DOWN


def test_where_there_are_numbers_they_tell_what_is_quiet() -> None:
    status = stored(step(started(), 0, sample(9000)).status)
    waited = {"wait_ages_s": {quiet(record()): 9999.0}}
    assert reason_of(step(status, 100, sample(8000), None, DOWN, **waited).status) == Reason.RUNNING
    assert reason_of(step(status, 300, sample(9000), None, DOWN).status) == Reason.SOURCE_HOST_DOWN


def test_only_the_host_is_read_then_and_never_samples_of_a_cold_move() -> None:
    row = cold_record("migrating")
    decision = decide(observe_cold(started(), swept=row, server=resizing(), wait_ages_s={quiet(row): 300.0}))
    assert decision.wants == {"source_host"}
    world = World(server=resizing(), source_host=DOWN)
    told = decide_in(world, observe_cold(started(), swept=row, wait_ages_s={quiet(row): 300.0})).status
    assert (told.phase, reason_of(told)) == (Phase.RUNNING, Reason.SOURCE_HOST_DOWN)


def test_an_unknown_word_is_no_reason_to_look_at_hosts() -> None:
    row = record("what is this")
    busy = server(busy=True)
    assert not decide(observe(started(), swept=row, server=busy, wait_ages_s={quiet(row): 9999.0})).wants


def test_a_change_of_the_record_is_a_new_wait() -> None:
    first, second = record(), record(updated=NOW)
    decision = step(started(), 0, NO_NUMBERS, second, DOWN, wait_ages_s={quiet(first): 9999.0})
    assert (reason_of(decision.status), decision.wait_key) == (Reason.RUNNING, quiet(second))


def test_an_order_that_is_repeated_lets_the_wait_for_a_quiet_record_go_on() -> None:
    row = record()
    call = VerbCall(verb=Verb.ABORT, record_id="7")
    for error in (None, NotInThisState("NotInThisState", "x", operation="o")):
        status = started(control(Verb.ABORT))
        assert decide(observe(status, records=(row,), answer=Answer(call=call, error=error))).wait_key == quiet(row)
    decision = step(started(control(Verb.ABORT)), 0, NO_NUMBERS, row, DOWN, wait_ages_s={quiet(row): 300.0})
    assert (decision.call, reason_of(decision.status)) == (call, Reason.SOURCE_HOST_DOWN)
