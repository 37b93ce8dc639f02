"""Abort and force-complete on a running move: when they are sent, repeated, too late or impossible."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from decided import Decided, decide
from domain_samples import NOW, READY, conditions_of, control, observe, record, result_of, sent, server, started
from domain_world import World, decide_in
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.calls import Answer
from osmig.domain.capabilities import Capability
from osmig.domain.errors import (
    Absent,
    NotInThisState,
    NotPermitted,
    OutcomeUnknown,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.domain.orders import find_control
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.views import ProgressView

if TYPE_CHECKING:
    from decided import Observed
    from osmig.domain.errors import BackendError

ABORT, FORCE = Verb.ABORT, Verb.FORCE_COMPLETE
SENDS, WAITS = "sends", "waits"


def look(verb: Verb, word: str, *, was_sent: bool = False, **changes: object) -> Decided:
    """Decide on a move in a state, with an order in force."""
    world = World(server=server(busy=True), records=(record(word),), progress=ProgressView(percent=1))
    return decide_in(world, observe(started(control(verb, sent=was_sent)), **changes))


@pytest.mark.parametrize(
    ("verb", "word", "expected"),
    [
        (ABORT, "accepted", WAITS),
        (ABORT, "queued", SENDS),
        (ABORT, "preparing", SENDS),
        (ABORT, "running", SENDS),
        (ABORT, "running (post-copy)", SENDS),
        (ABORT, "post-migrating", SENDS),
        (ABORT, "what is this", SENDS),
        (FORCE, "accepted", WAITS),
        (FORCE, "queued", WAITS),
        (FORCE, "preparing", WAITS),
        (FORCE, "running", SENDS),
        (FORCE, "what is this", WAITS),
        (FORCE, "running (post-copy)", ControlResult.TOO_LATE),
        (FORCE, "post-migrating", ControlResult.TOO_LATE),
    ],
)
def test_an_order_is_sent_only_in_states_in_which_nova_takes_it(verb: Verb, word: str, expected: str) -> None:
    decision = look(verb, word)
    assert decision.call == (VerbCall(verb=verb, record_id="7") if expected == SENDS else None)
    result = expected if isinstance(expected, ControlResult) else ControlResult.ACCEPTED
    assert result_of(decision.status, verb) is result
    assert decision.due_s is not None


def test_an_order_waits_while_the_record_is_awaited() -> None:
    decision = decide_in(World(server=server(busy=True)), observe(started(control(ABORT), id=None)))
    assert decision.call is None
    assert decision.status.phase is Phase.ABORTING


@pytest.mark.parametrize("word", ["queued", "preparing"])
def test_a_cloud_before_2_65_is_asked_to_abort_only_once_the_move_runs(word: str) -> None:
    old = replace(READY, possible=READY.possible - {Capability.ABORT_QUEUED})
    assert look(ABORT, word, provider=old).call is None
    assert look(ABORT, "running", provider=old).call is not None


@pytest.mark.parametrize(("verb", "needed"), [(ABORT, Capability.ABORT), (FORCE, Capability.FORCE_COMPLETE)])
def test_a_right_that_the_probe_did_not_find_is_tried_all_the_same_for_the_answer_tells(
    verb: Verb, needed: Capability
) -> None:
    poor = replace(READY, capabilities=READY.capabilities - {needed})
    assert look(verb, "running", provider=poor).call == VerbCall(verb=verb, record_id="7")


@pytest.mark.parametrize(("verb", "needed"), [(ABORT, Capability.ABORT), (FORCE, Capability.FORCE_COMPLETE)])
def test_what_the_clouds_version_cannot_do_is_unsupported_and_the_move_goes_on(verb: Verb, needed: Capability) -> None:
    poor = replace(READY, possible=READY.possible - {needed})
    decision = look(verb, "running", provider=poor)
    assert decision.call is None
    assert result_of(decision.status, verb) is ControlResult.UNSUPPORTED
    assert conditions_of(decision.status)["Finished"] == "False"


def test_an_order_is_decided_on_the_record_as_read_now_not_as_swept() -> None:
    decision = look(FORCE, "queued", swept=record("running"))
    assert decision.call is None


@pytest.mark.parametrize(("since_s", "is_sent"), [(None, True), (0.0, False), (4.9, False), (5.0, True)])
def test_an_order_is_repeated_no_sooner_than_every_five_seconds(*, since_s: float | None, is_sent: bool) -> None:
    decision = look(ABORT, "running", was_sent=True, since_call_s=since_s)
    assert (decision.call is not None) == is_sent
    if not is_sent:
        assert decision.due_s == pytest.approx(5.0 - (since_s or 0.0))


def test_a_forced_move_that_reached_post_copy_is_followed_and_not_forced_again() -> None:
    decision = look(FORCE, "running (post-copy)", was_sent=True)
    assert decision.call is None
    assert result_of(decision.status, FORCE) is ControlResult.ACCEPTED


def test_abort_is_sent_before_force_complete() -> None:
    both = started(control(ABORT), control(FORCE))
    world = World(records=(record("running"),), progress=ProgressView(percent=1))
    assert decide_in(world, observe(both)).call == VerbCall(verb=ABORT, record_id="7")


# --- answers


def answered(
    error: BackendError | None = None, *, word: str = "running", verb: Verb = ABORT
) -> tuple[Observed, Decided]:
    call = VerbCall(verb=verb, record_id="7")
    answer = Answer(call=call, error=error)
    observation = observe(started(control(verb)), answer=answer, records=(record(word),))
    return observation, decide(observation)


def test_a_request_that_the_cloud_took_is_noted_once_and_repeated_later() -> None:
    observation, decision = answered()
    noted = find_control(decision.status.controls, ABORT)
    assert noted is not None
    assert (noted.sent_time, noted.result) == (observation.now, ControlResult.ACCEPTED)
    assert decision.due_s == 5.0
    assert observation.answer is not None
    again = observe(
        decision.status, now=observation.now.replace(year=2031), answer=Answer(call=observation.answer.call)
    )
    assert decide(again).status == decision.status


def test_an_answer_to_an_order_that_is_not_on_record_changes_nothing() -> None:
    call = VerbCall(verb=ABORT, record_id="7")
    assert decide(observe(started(), answer=Answer(call=call))).status == started()


@pytest.mark.parametrize(
    ("error", "word", "result"),
    [
        (NotInThisState("NotInThisState", "preparing", operation="o"), "running", ControlResult.ACCEPTED),
        (NotInThisState("NotInThisState", "post-copy", operation="o"), "running (post-copy)", ControlResult.TOO_LATE),
        (Absent("MigrationNotFound", "x", operation="o"), "running", ControlResult.ACCEPTED),
        (Transient("Unreachable", "x", operation="o"), "running", ControlResult.ACCEPTED),
        (OutcomeUnknown("NoAnswer", "x", operation="o"), "running", ControlResult.ACCEPTED),
        (Unauthorized(Reason.UNAUTHORIZED, "x", operation="o"), "running", ControlResult.ACCEPTED),
        (NotPermitted("NotPermitted", "x", operation="o"), "running", ControlResult.REJECTED),
        (Unsupported("Unsupported", "x", operation="o"), "running", ControlResult.UNSUPPORTED),
    ],
)
def test_only_a_final_answer_settles_an_order_everything_else_is_asked_again(
    error: BackendError, word: str, result: ControlResult
) -> None:
    _, decision = answered(error, word=word)
    assert result_of(decision.status, ABORT) is result
    assert decision.call is None
    assert decision.due_s == (5.0 if result is ControlResult.ACCEPTED else 0.0)


@pytest.mark.parametrize("policy", [None, "onStall"])
def test_a_force_complete_whose_answer_is_lost_is_not_called_too_late_for_what_may_be_its_effect(
    policy: str | None,
) -> None:
    given = (
        started(control(FORCE))
        if policy is None
        else started(policy_orders=[{"policy": policy, "verb": FORCE, "time": NOW}])
    )
    call = VerbCall(verb=FORCE, record_id="7")
    lost = Answer(call=call, error=OutcomeUnknown("NoAnswer", "no answer within 30 s", operation="o"))
    status = decide(observe(given, answer=lost, records=(record("running"),))).status

    switching = (record("running (post-copy)"),)
    decision = decide_in(World(server=server(busy=True), records=switching, progress=ProgressView()), observe(status))
    refused = Answer(call=call, error=NotInThisState("NotInThisState", "post-copy", operation="o"))
    after = decide(observe(status, answer=refused, records=switching))
    ended = decide_in(World(server=server(host="cmp2"), records=(record("completed"),)), observe(status))

    assert decision.call is None
    assert (decision.notes, after.notes) == ((), ())
    assert ended.status.phase is Phase.SUCCEEDED
    if policy is None:
        assert [result_of(seen.status, FORCE) for seen in (decision, after)] == [ControlResult.ACCEPTED] * 2
        assert result_of(ended.status, FORCE) is ControlResult.DONE
    else:
        assert [seen.status.policy_orders[0].verb for seen in (decision, after, ended)] == [FORCE] * 3


def test_an_abort_that_came_too_late_lets_the_move_run_on() -> None:
    settled = started(control(ABORT, ControlResult.TOO_LATE), phase=Phase.ABORTING)
    world = World(records=(record("post-migrating"),), progress=ProgressView(percent=99))
    decision = decide_in(world, observe(settled))
    assert (decision.status.phase, decision.call) == (Phase.RUNNING, None)


def test_an_answer_that_settles_an_order_that_is_settled_already_changes_nothing() -> None:
    status = started(control(ABORT, ControlResult.DONE))
    error = Unsupported("Unsupported", "x", operation="o")
    answer = Answer(call=VerbCall(verb=ABORT, record_id="7"), error=error)
    decision = decide(observe(status, answer=answer))
    assert (decision.status, decision.notes) == (status, ())


def test_while_the_start_is_unanswered_no_order_is_sent() -> None:
    decision = decide(observe(sent(control(ABORT))))
    assert decision.call is None
