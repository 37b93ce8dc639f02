"""Rows deadline, Provider lost, server 404 and record gone of "What happens when", one test per cell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain_cold_samples import COLD, verify
from domain_columns import BUSY, MOMENTS, TERMINAL, UNDER_WAY, Seen, give, same, see
from domain_samples import LOST, ask, conditions_of, result_of, server, stored
from osmig.api.names import ControlResult, EventReason, Phase, Policy, Reason, Verb
from osmig.domain.errors import Absent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.drivers.servers.views import ServerView

ABORT = Verb.ABORT
PAST = {"deadlineSeconds": 60, "onDeadline": "Alert"}
PAST_ABORT = {"deadlineSeconds": 60, "onDeadline": "Abort"}
QUIET = "nothing is told"
TOLD = "told"
CALLED_OFF = "called off"


def ids(rows: Iterable[str]) -> list[str]:
    return [name.replace(" ", "_") for name in rows]


ALERTS = {
    **dict.fromkeys(UNDER_WAY, TOLD),
    **dict.fromkeys(("before the intent", *TERMINAL), QUIET),
    "awaiting": QUIET,
}


@pytest.mark.parametrize(("name", "expected"), ALERTS.items(), ids=ids(ALERTS))
def test_a_deadline_that_shall_only_alert_is_told_once_wherever_the_clock_runs(name: str, expected: str) -> None:
    moment = MOMENTS[name]
    decision = give(moment, wanted=PAST)
    told = [(note.reason, note.is_warning) for note in decision.notes]
    orders = [(order.policy, order.verb) for order in decision.status.policy_orders]
    if expected == QUIET:
        assert (orders, EventReason.POLICY_ACTED in [reason for reason, _ in told]) == ([], False)
        return
    assert (told, orders) == ([(EventReason.POLICY_ACTED, True)], [(Policy.ON_DEADLINE, None)])
    assert see(decision) == same(name)
    again = give(replace(moment, status=stored(decision.status)), wanted=PAST)
    assert (again.notes, again.status.policy_orders) == ((), decision.status.policy_orders)


CALLS = {
    **dict.fromkeys(("before the intent", *UNDER_WAY, *TERMINAL), QUIET),
    **dict.fromkeys(("accepted", "queued", "preparing", "running", "cold running"), CALLED_OFF),
}
ANSWERED = {"accepted": None, "cold running": None}


@pytest.mark.parametrize(("name", "expected"), CALLS.items(), ids=ids(CALLS))
def test_a_deadline_that_shall_abort_calls_off_only_what_can_be_called_off(name: str, expected: str) -> None:
    moment = MOMENTS[name]
    decision = give(moment, wanted=PAST_ABORT)
    assert decision.call is None or name == "before the intent"
    if expected == QUIET:
        assert decision.status.policy_orders == ()
        return
    assert [(order.policy, order.verb) for order in decision.status.policy_orders] == [(Policy.ON_DEADLINE, ABORT)]
    assert decision.due_s == 0.0
    after = give(replace(moment, status=stored(decision.status)), wanted=PAST_ABORT)
    assert see(after) == Seen(Phase.ABORTING, Reason.ABORTING, None, ANSWERED.get(name, ABORT))
    assert len(after.status.policy_orders) == 1


def test_the_deadline_of_a_move_that_awaits_its_confirmation_stands_still() -> None:
    assert give(MOMENTS["awaiting"], wanted=PAST).status.deadline_time is None


# --- the Provider is lost

UNTIL_DEADLINE_S = 10800.0
"""A wait without end goes to the deadline, which is told of then."""

LOSSES = {
    "before the intent": Seen(Phase.QUEUED, Reason.PROVIDER_NOT_READY),
    **{name: same(name) for name in (*UNDER_WAY, *TERMINAL)},
}


@pytest.mark.parametrize(("name", "expected"), LOSSES.items(), ids=ids(LOSSES))
def test_a_lost_provider_keeps_the_phase_and_says_so_in_its_condition(name: str, expected: Seen) -> None:
    decision = give(MOMENTS[name], provider=LOST)
    assert see(decision) == expected
    is_clock_running = name in UNDER_WAY and name != "awaiting"
    assert (decision.due_s, decision.notes) == (UNTIL_DEADLINE_S if is_clock_running else None, ())
    assert conditions_of(decision.status).get("ProviderReady") == (None if name in TERMINAL else "False")
    if is_clock_running:
        assert decision.status.deadline_time is not None, "the clock runs on"


LOST_VERBS = {
    **dict.fromkeys(UNDER_WAY, ControlResult.ACCEPTED),
    **dict.fromkeys(("confirming", "reverting"), ControlResult.REJECTED),
    "before the intent": ControlResult.DONE,
}


@pytest.mark.parametrize(("name", "expected"), LOST_VERBS.items(), ids=ids(LOST_VERBS))
def test_an_abort_stays_accepted_while_the_provider_is_lost(name: str, expected: ControlResult) -> None:
    decision = give(MOMENTS[name], ask(ABORT), provider=LOST)
    assert (result_of(decision.status, ABORT), decision.call) == (expected, None)


# --- the server is gone

GONE = {
    "before the intent": Seen(Phase.FAILED, Reason.SERVER_NOT_FOUND),
    **{name: Seen(Phase.FAILED, Reason.SERVER_GONE) for name in UNDER_WAY},
    **{name: same(name) for name in TERMINAL},
}


@pytest.mark.parametrize(("name", "expected"), GONE.items(), ids=ids(GONE))
def test_a_server_that_does_not_exist_any_more_ends_the_migration(name: str, expected: Seen) -> None:
    gone = Absent("ServerNotFound", "gone", operation="server")
    decision = give(MOMENTS[name], read_error=gone, failed_fact="server" if name in UNDER_WAY else "pre_start")
    assert see(decision) == expected
    assert decision.status.pending_call is None


# --- the record is gone

FOLLOWED = tuple(name for name in UNDER_WAY if not name.startswith("starting"))
MOVED, STAYED = server("cmp2"), server("cmp1")


@pytest.mark.parametrize("name", FOLLOWED, ids=[name.replace(" ", "_") for name in FOLLOWED])
@pytest.mark.parametrize(
    ("view", "phase"),
    [(MOVED, Phase.SUCCEEDED), (STAYED, Phase.FAILED), (BUSY, None), (server("cmp2", error=True), Phase.FAILED)],
    ids=["idle_and_moved", "idle_and_not", "busy", "error"],
)
def test_when_the_record_is_gone_where_the_server_is_decides(name: str, view: ServerView, phase: Phase | None) -> None:
    moment = MOMENTS[name]
    gone = replace(moment, world=replace(moment.world, server=view, records=()))
    decision = give(gone)
    assert see(decision) == Seen(phase or moment.status.phase, Reason.RECORD_GONE)


@pytest.mark.parametrize("verb", [None, Verb.CONFIRM, Verb.REVERT, Verb.ABORT])
def test_a_move_that_awaits_its_confirmation_without_a_record_waits_and_sends_nothing(verb: Verb | None) -> None:
    moment = MOMENTS["awaiting"]
    gone = replace(moment, world=replace(moment.world, server=verify(), records=()))
    decision = give(gone, *([ask(verb)] if verb else []))
    assert see(decision) == Seen(Phase.AWAITING_CONFIRMATION, Reason.RECORD_GONE)
    assert result_of(decision.status, Verb.CONFIRM) in {None, ControlResult.ACCEPTED}


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (STAYED, "the server did not move"),
        (server("cmp2", error=True), "ERROR on another host"),
        (server(None), "is not known"),
    ],
)
def test_a_failure_without_a_record_says_what_is_known_of_the_server(view: ServerView, told: str) -> None:
    moment = MOMENTS["cold running"]
    decision = give(replace(moment, world=replace(moment.world, server=view, records=()), wanted=COLD))
    assert decision.status.phase is Phase.FAILED
    assert told in decision.status.conditions[0].message
