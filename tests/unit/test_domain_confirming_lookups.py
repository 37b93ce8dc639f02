"""A confirm or revert whose answer was lost is looked for, and concluded only from what is found or was waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_cold_samples import CONFIRMATION, deciding, observe_cold, verify
from domain_samples import HOLDER, LOST, NOW, call_lookup, having_waited, intent, reason_of, server
from domain_world import World, decide_in
from osmig.api.names import Phase, Reason, Verb
from osmig.domain.errors import Absent, Transient
from osmig.domain.intents import wait_key_of
from osmig.domain.orders import find_control
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.views import CallLookupKind

if TYPE_CHECKING:
    from decided import Decided
    from osmig.api.migration import MigrationStatus, PendingCall
    from osmig.drivers.servers.views import ServerView

CONFIRM, REVERT = Verb.CONFIRM, Verb.REVERT


def look(
    status: MigrationStatus, kind: CallLookupKind, *, view: ServerView | None = None, wait_ages_s: float = 0.0
) -> Decided:
    found = World(call_lookup=call_lookup(kind, view or verify()))
    assert status.pending_call is not None
    return decide_in(found, observe_cold(status, wait_ages_s={wait_key_of(status.pending_call): wait_ages_s}))


@pytest.mark.parametrize("holder", [HOLDER, "dead"])
@pytest.mark.parametrize("verb", [CONFIRM, REVERT])
@pytest.mark.parametrize("kind", [CallLookupKind.OURS, CallLookupKind.AMBIGUOUS])
def test_a_call_whose_effect_is_found_is_done_also_from_a_dead_process(
    verb: Verb, holder: str, kind: CallLookupKind
) -> None:
    status = look(deciding(verb, holder=holder), kind).status
    noted = find_control(status.controls, verb)
    assert noted is not None
    assert (noted.sent_time, status.pending_call) == (NOW, None)


@pytest.mark.parametrize("holder", [HOLDER, "another process"])
def test_a_call_without_answer_and_trace_waits_until_its_slowest_effect_would_have_shown(holder: str) -> None:
    status = deciding(holder=holder)
    for wait_ages_s in (0.0, 119.0):
        decision = look(status, CallLookupKind.NOTHING, wait_ages_s=wait_ages_s)
        waited = having_waited(status, int(wait_ages_s))
        assert (decision.call, decision.status.pending_call, decision.due_s) == (None, waited, 5.0)
        assert decision.wait_key
    back = look(status, CallLookupKind.NOTHING, wait_ages_s=120.0)
    assert (back.call, back.status.pending_call, back.due_s) == (None, None, 0.0)
    assert (back.status.phase, reason_of(back.status)) == (Phase.AWAITING_CONFIRMATION, Reason.AWAITING_CONFIRMATION)
    assert decide_in(CONFIRMATION, observe_cold(back.status)).call == VerbCall(verb=CONFIRM, record_id="7")


ANSWERED: list[tuple[PendingCall, bool]] = [
    (intent("confirm", answer="ServerError", request_id="req-x"), True),
    (intent("confirm", answer="ServerError"), False),
    (intent("confirm", answer="NoAnswer", request_id="req-x"), False),
]


@pytest.mark.parametrize(("call", "is_dropped"), ANSWERED)
def test_only_an_answered_call_without_a_trace_needs_no_waiting(*, call: PendingCall, is_dropped: bool) -> None:
    status = deciding().model_copy(update={"pending_call": call})
    assert (look(status, CallLookupKind.NOTHING).status.pending_call is None) == is_dropped


REVERTING = replace(server("cmp2"), task_state="resize_reverting", is_busy=True)


@pytest.mark.parametrize(("view", "wait_ages_s"), [(REVERTING, 119.0), (server("cmp2"), 0.9)])
def test_a_server_that_was_decided_without_an_action_is_looked_at_again(view: ServerView, wait_ages_s: float) -> None:
    """Nova writes the action after it has changed the server: the call may be ours all the same."""
    status = deciding()
    decision = look(status, CallLookupKind.NOTHING, view=view, wait_ages_s=wait_ages_s)
    waited = having_waited(status, int(wait_ages_s))
    assert (decision.status.pending_call, decision.call, decision.due_s) == (waited, None, 1.0)
    assert decision.wait_key == wait_key_of(waited)


@pytest.mark.parametrize(
    ("view", "wait_ages_s"),
    [(server("cmp2"), 1.0), (REVERTING, 120.0)],
    ids=["does not wait any more", "busy for long"],
)
@pytest.mark.parametrize("verb", [CONFIRM, REVERT])
def test_a_server_that_was_decided_for_long_without_an_action_was_decided_by_the_call_that_was_sent(
    verb: Verb, view: ServerView, wait_ages_s: float
) -> None:
    """A slow Nova must not end a revert that was ordered as one that somebody else made."""
    status = look(deciding(verb), CallLookupKind.NOTHING, view=view, wait_ages_s=wait_ages_s).status
    noted = find_control(status.controls, verb)
    assert noted is not None
    assert (noted.sent_time, status.pending_call) == (NOW, None)


def test_a_move_that_was_decided_otherwise_drops_the_intent_and_lets_the_record_tell() -> None:
    decision = look(deciding(), CallLookupKind.CONFLICT)
    assert (decision.status.pending_call, decision.call, decision.due_s) == (None, None, 0.0)
    noted = find_control(decision.status.controls, CONFIRM)
    assert noted is not None
    assert noted.sent_time is None


def test_a_lost_provider_or_a_failed_read_keeps_the_intent_and_the_wait() -> None:
    status = deciding()
    assert status.pending_call is not None
    label = wait_key_of(status.pending_call)
    lost = decide(observe_cold(status, provider=LOST, wait_ages_s={label: 60.0}))
    failed = decide(observe_cold(status, read_error=Transient("x", "y", operation="o"), wait_ages_s={label: 60.0}))
    for decision, due_s in ((lost, None), (failed, 10.0)):
        assert (decision.status.pending_call, decision.status.phase) == (status.pending_call, Phase.CONFIRMING)
        assert (decision.due_s, decision.wait_key) == (due_s, label)


def test_a_server_that_is_gone_ends_the_look() -> None:
    gone = Absent("ServerNotFound", "x", operation="o")
    status = decide(observe_cold(deciding(), read_error=gone, failed_fact="call_lookup")).status
    assert (status.phase, reason_of(status)) == (Phase.FAILED, Reason.SERVER_GONE)
