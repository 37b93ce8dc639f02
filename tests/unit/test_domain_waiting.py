"""What waits before the start: slots, rivals, Providers, suspension, and pauses that no event cuts short."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_cold_samples import COLD, awaiting, cold_record, observe_cold, survey_gate, verify
from domain_samples import (
    LOST,
    NOW,
    ask,
    call_lookup,
    control,
    intent,
    observe,
    observe_waited,
    pre_start,
    reason_of,
    record,
    sent,
    server,
    started,
    status_in,
)
from domain_world import World, decide_in
from osmig.api.names import Phase, Reason, Verb
from osmig.domain.calls import Answer
from osmig.domain.errors import Absent, NotPermitted, OutcomeUnknown, Transient
from osmig.domain.observation import LimitHit
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.views import CallLookupKind, NamedHost, ProgressView

if TYPE_CHECKING:
    from collections.abc import Callable

    from decided import Decided
    from osmig.drivers.servers.views import PreStartState

FULL = LimitHit(limit_of="moves away from host cmp1", used=2, limit=2)
EARLIER = NOW - timedelta(hours=1)
SAFETY_S = 300.0


# --- slots


def test_a_full_limit_queues_with_used_and_limit_and_where_the_move_would_go() -> None:
    decision = decide(observe(pre_start=pre_start(), destination="cmp2", limit_hit=FULL))
    status = decision.status
    assert (status.phase, reason_of(status), status.queued_time) == (Phase.QUEUED, Reason.SLOTS_TAKEN, NOW)
    assert status.conditions[0].message == "2/2 moves away from host cmp1 are under way"
    assert (decision.call, decision.due_s, decision.claims) == (None, SAFETY_S, False)
    assert status.placement is not None
    assert (status.placement.source_host, status.placement.destination_host) == ("cmp1", "cmp2")


def test_who_waits_for_a_slot_has_looked_once_and_keeps_what_it_knows_of_the_way() -> None:
    assert decide(observe(limit_hit=FULL)).wants == {"pre_start"}
    queued = decide(observe(pre_start=pre_start(), destination="cmp2", limit_hit=FULL)).status
    decision = decide(observe(queued, destination="cmp2", limit_hit=FULL, now=NOW + timedelta(seconds=60)))
    assert (decision.wants, decision.due_s, decision.status.placement) == (frozenset(), SAFETY_S, queued.placement)
    assert (decision.status.phase, decision.status.queued_time) == (Phase.QUEUED, NOW)


def test_an_edited_spec_is_looked_at_again_before_it_waits_on() -> None:
    queued = decide(observe(pre_start=pre_start(), limit_hit=FULL)).status
    assert decide(observe(queued, limit_hit=FULL, generation=2)).wants == {"pre_start"}


NEEDS_NO_SLOT = {
    "at its destination": ({"destination": "cmp1"}, pre_start(), (Phase.SUCCEEDED, Reason.ALREADY_AT_DESTINATION)),
    "left its source": ({"source": "cmp9"}, pre_start(), (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST)),
    "on neither host": (
        {"source": "cmp8", "destination": "cmp9"},
        pre_start(),
        (Phase.FAILED, Reason.NOT_ON_SOURCE_HOST),
    ),
    "in error": ({}, pre_start(server(error=True)), (Phase.FAILED, Reason.SERVER_IN_ERROR)),
    "busy": ({}, pre_start(server(busy=True)), (Phase.QUEUED, Reason.SERVER_BUSY)),
}


@pytest.mark.parametrize("case", NEEDS_NO_SLOT.values(), ids=NEEDS_NO_SLOT)
def test_what_needs_no_slot_does_not_wait_for_one(case: tuple[dict[str, Any], PreStartState, object]) -> None:
    spec, found, told = case
    hosts = tuple(NamedHost(name=name, exists=True) for name in ("cmp1", "cmp8", "cmp9"))
    status = decide_in(World(pre_start=found, named_hosts=hosts), observe(limit_hit=FULL, **spec)).status
    assert (status.phase, reason_of(status)) == told


def test_a_server_that_is_gone_needs_no_slot() -> None:
    gone = observe(limit_hit=FULL, read_error=Absent("ServerNotFound", "gone", operation="o"), failed_fact="pre_start")
    assert reason_of(decide(gone).status) == Reason.SERVER_NOT_FOUND


def test_who_waits_for_another_migration_of_its_server_asks_the_cloud_nothing() -> None:
    rivals: tuple[dict[str, Any], ...] = ({"conflicting": "Migration db-08"}, {"ahead": "Migration db-08"})
    for rival in rivals:
        waiting = decide(observe(pre_start=pre_start(), **rival)).status
        decision = decide(observe(waiting, limit_hit=FULL, **rival))
        assert (decision.wants, decision.due_s, reason_of(decision.status)) == (
            frozenset(),
            SAFETY_S,
            Reason.SERVER_BUSY,
        )
        assert decision.status.conditions == waiting.conditions
        assert decide(observe(waiting, limit_hit=FULL)).wants == {"pre_start"}, "no slot before a look at the server"


@pytest.mark.parametrize(("waited_s", "due_s"), [(0, 10.0), (80, 10.0), (800, 100.0), (86_400, SAFETY_S)])
def test_who_waits_long_for_the_cloud_looks_less_often(waited_s: int, due_s: float) -> None:
    queued = status_in(Phase.QUEUED, queued_time=NOW - timedelta(seconds=waited_s))
    assert decide(observe(queued, pre_start=pre_start(server(busy=True)))).due_s == due_s


QUEUES = {
    "limit_hit": {"pre_start": pre_start(), "limit_hit": FULL},
    "conflicting": {"pre_start": pre_start(), "conflicting": "team-a/other"},
    "ahead": {"pre_start": pre_start(), "ahead": "Migration other"},
    "busy": {"pre_start": pre_start(server(busy=True))},
    "provider": {"provider": LOST},
    "suspended": {"wanted": {"suspend": True}},
}


@pytest.mark.parametrize("facts", QUEUES.values(), ids=QUEUES)
def test_the_place_in_the_queue_is_kept_whatever_one_waits_for(facts: dict[str, object]) -> None:
    queued = status_in(Phase.QUEUED, queued_time=EARLIER)
    assert decide(observe(queued, **facts)).status.queued_time == EARLIER


def test_the_start_gives_the_place_in_the_queue_up() -> None:
    decision = decide(observe(status_in(Phase.QUEUED, queued_time=EARLIER), pre_start=pre_start()))
    assert (decision.call, decision.status.queued_time, decision.claims) == (StartCall(), None, True)


def test_a_start_that_is_sent_again_has_its_slot_already() -> None:
    world = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start())
    assert decide_in(world, observe_waited(sent(), limit_hit=FULL)).call == StartCall()


def test_a_cold_start_is_named_so_in_its_intent() -> None:
    call = decide(observe(pre_start=pre_start(), wanted=COLD)).status.pending_call
    assert call is not None
    assert call.operation == "cold-migrate"


# --- suspension


@pytest.mark.parametrize("phase", [None, Phase.PENDING, Phase.QUEUED, Phase.SUSPENDED])
def test_suspend_holds_the_start_back_before_anything_is_read(phase: Phase | None) -> None:
    held = decide(observe(status_in(phase), wanted={"suspend": True}, provider=LOST))
    assert (held.status.phase, held.wants, held.due_s, held.status.start_time) == (
        Phase.SUSPENDED,
        frozenset(),
        None,
        None,
    )
    assert decide(observe(held.status, pre_start=pre_start())).call == StartCall()


def test_an_abort_ends_what_is_suspended() -> None:
    status = status_in(Phase.SUSPENDED, controls=(control(Verb.ABORT),))
    assert decide(observe(status, wanted={"suspend": True})).status.phase is Phase.ABORTED


# --- pauses

BUSY_CLOUD = Transient("TooMany", "the cloud asks to wait", operation="o", retry_after_s=77.0)


def pause_before_start() -> Decided:
    return decide(observe(read_error=BUSY_CLOUD))


def pause_after_start() -> Decided:
    return decide(observe(sent(), answer=Answer(call=StartCall(), error=BUSY_CLOUD)))


@pytest.mark.parametrize("pause", [pause_before_start, pause_after_start])
def test_an_event_never_cuts_a_retry_after_short(pause: Callable[[], Decided]) -> None:
    begun = pause()
    assert (begun.due_s, begun.status.phase) == (77.0, Phase.PENDING)
    early = decide(observe(begun.status, wait_ages_s={begun.wait_key: 30.0}, pre_start=pre_start()))
    assert (early.call, early.wants, early.due_s, early.wait_key) == (None, frozenset(), 47.0, begun.wait_key)
    assert early.status == begun.status
    over = decide(observe(begun.status, wait_ages_s={begun.wait_key: 77.0}, pre_start=pre_start()))
    assert over.call == StartCall()


def test_a_second_pause_of_the_same_length_is_a_pause_of_its_own() -> None:
    first = pause_before_start()
    again = decide(observe(first.status, now=NOW + timedelta(seconds=78), read_error=BUSY_CLOUD))
    assert again.wait_key != first.wait_key
    assert again.due_s == 77.0


def test_a_new_generation_of_the_spec_ends_a_pause() -> None:
    begun = pause_before_start()
    decision = decide(observe(begun.status, wait_ages_s={begun.wait_key: 1.0}, generation=2, pre_start=pre_start()))
    assert decision.call == StartCall()


def test_after_a_restart_the_cloud_is_simply_asked_anew() -> None:
    assert decide(observe(pause_before_start().status, pre_start=pre_start())).call == StartCall()


@pytest.mark.parametrize("verb", [Verb.RECONCILE, Verb.FORCE_COMPLETE])
def test_an_order_that_is_latched_lets_every_wait_go_on(verb: Verb) -> None:
    begun = pause_before_start()
    latched = decide(observe(begun.status, wait_ages_s={begun.wait_key: 30.0}, verb_requests=(ask(verb),)))
    assert (latched.goes_on, latched.wait_key) == (True, begun.wait_key)


def test_an_abort_needs_not_wait_for_a_pause() -> None:
    begun = pause_before_start()
    status = begun.status.model_copy(update={"controls": (control(Verb.ABORT),)})
    assert decide(observe(status, wait_ages_s={begun.wait_key: 1.0})).status.phase is Phase.ABORTED


def test_a_retry_after_to_an_abort_is_kept_while_the_move_is_followed() -> None:
    status = started(control(Verb.ABORT))
    call = VerbCall(verb=Verb.ABORT, record_id="7")
    begun = decide(observe(status, records=(record(),), answer=Answer(call=call, error=BUSY_CLOUD)))
    assert (begun.due_s, begun.status) == (77.0, status)
    world = World(records=(record(),), progress=ProgressView(percent=1))
    early = decide_in(world, observe(status, wait_ages_s={begun.wait_key: 70.0}, since_call_s=70.0))
    assert (early.call, early.due_s, early.wait_key) == (None, 5.0, begun.wait_key)
    assert decide_in(world, observe(status, wait_ages_s={begun.wait_key: 77.0}, since_call_s=77.0)).call == call


OVERLOADED = OutcomeUnknown("ServerError", "503", operation="o", request_id="req-x", retry_after_s=77.0)


def test_a_start_that_an_overloaded_cloud_did_not_make_is_made_only_after_its_retry_after() -> None:
    looked = decide(observe(sent(), answer=Answer(call=StartCall(), error=OVERLOADED)))
    assert (looked.due_s, looked.status.phase) == (0.0, Phase.STARTING)
    nothing = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start())
    back = decide_in(nothing, observe(looked.status, wait_ages_s={looked.wait_key: 7.0}))
    assert (back.call, back.status.phase, back.due_s) == (None, Phase.PENDING, 70.0)
    early = decide(observe(back.status, now=NOW + timedelta(seconds=69), pre_start=pre_start()))
    assert (early.call, early.due_s) == (None, 1.0)
    forgotten = decide_in(nothing, observe(looked.status))
    assert forgotten.due_s == 10.0, "after a restart the cloud is asked a little later"


def test_a_confirm_that_an_overloaded_cloud_did_not_make_is_made_only_after_its_retry_after() -> None:
    deciding = awaiting(control(Verb.CONFIRM), pending_call=intent("confirm"))
    call = VerbCall(verb=Verb.CONFIRM, record_id="7")
    looked = decide(observe_cold(deciding, answer=Answer(call=call, error=OVERLOADED)))
    world = World(
        call_lookup=call_lookup(CallLookupKind.NOTHING, verify()),
        server=verify(),
        records=(cold_record(),),
        pre_start=survey_gate(),
    )
    back = decide_in(world, observe_cold(looked.status, wait_ages_s={looked.wait_key: 7.0}))
    assert (back.status.pending_call, back.wait_key) == (None, looked.wait_key)
    early = decide_in(world, observe_cold(back.status, wait_ages_s={back.wait_key: 76.0}, since_call_s=76.0))
    assert (early.call, early.due_s) == (None, 1.0)
    assert decide_in(world, observe_cold(back.status, wait_ages_s={back.wait_key: 77.0})).call == call


def test_a_right_that_is_missing_before_the_start_is_asked_for_again_slowly() -> None:
    read_error = NotPermitted("NotPermitted", "403", operation="o")
    decision = decide(observe(read_error=read_error))
    assert (decision.status.phase, decision.due_s) == (Phase.PENDING, 30.0)
    assert decision.status.conditions[0].message == "403"
