"""New credentials may lead to another cloud or project: nothing of a move is sent there, nor concluded from there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_samples import (
    LOST,
    MARK,
    READY,
    REQUEST,
    ask,
    call_lookup,
    control,
    intent,
    message_of,
    observe,
    observe_waited,
    pre_start,
    reason_of,
    record,
    result_of,
    sent,
    server,
    started,
    stored,
)
from domain_world import World, decide_in
from osmig.api.migration import Baseline, MigrationStatus, UpstreamFacts
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.calls import Answer, Receipt
from osmig.domain.errors import Absent
from osmig.drivers.servers.calls import StartCall
from osmig.drivers.servers.views import CallLookupKind

if TYPE_CHECKING:
    from osmig.domain.observation import ProviderView

HERE, THERE = "https://nova.example.org/v2.1", "https://nova.other.example/v2.1"
HOME = replace(READY, endpoint=HERE, project_id="p1")
AWAY = replace(READY, endpoint=THERE, project_id="p9")
OTHER_PROJECT = replace(HOME, project_id="p9")
GONE = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start(), records=(), server=server())
NO_SERVER = Absent("ServerNotFound", "no such server", operation="read-server")


def known(**changes: str | None) -> UpstreamFacts:
    return UpstreamFacts.model_validate(
        {"id": "7", "request_id": REQUEST, "previous_id": "6", "endpoint": HERE, "project_id": "p1"} | changes
    )


def intended() -> MigrationStatus:
    baseline = Baseline.model_validate(MARK.model_dump() | {"endpoint": HERE, "project_id": "p1"})
    return sent(call=intent().model_copy(update={"baseline": baseline}))


def test_a_start_is_on_record_with_the_endpoint_and_the_project_it_goes_to() -> None:
    begun = decide_in(GONE, observe(provider=HOME))
    assert isinstance(begun.call, StartCall)
    assert begun.status.pending_call is not None
    mark = begun.status.pending_call.baseline
    assert mark is not None
    assert (mark.endpoint, mark.project_id, mark.request_ids) == (HERE, "p1", MARK.request_ids)

    receipt = Answer(call=StartCall(), receipt=Receipt(request_id=REQUEST))
    accepted = decide(observe(stored(begun.status), provider=AWAY, answer=receipt))
    assert accepted.status.upstream is not None
    assert (accepted.status.upstream.endpoint, accepted.status.upstream.project_id) == (HERE, "p1")
    followed = decide_in(World(records=(record(),)), observe(stored(accepted.status), provider=HOME))
    assert followed.status.upstream is not None
    assert (followed.status.upstream.id, followed.status.upstream.endpoint) == ("7", HERE)


@pytest.mark.parametrize("provider", [AWAY, OTHER_PROJECT], ids=["cloud", "project"])
@pytest.mark.parametrize("is_seen", [True, False])
def test_elsewhere_a_move_under_way_waits_whatever_is_seen_there(provider: ProviderView, *, is_seen: bool) -> None:
    status = started(upstream=known())
    world = World(records=(record("completed"),), server=server("cmp2")) if is_seen else GONE
    decision = decide_in(world, observe(status, provider=provider))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.RUNNING, Reason.CREDENTIALS_OF_ANOTHER_CLOUD)
    assert (decision.call, decision.status.upstream) == (None, known())
    gone = decide(observe(status, provider=provider, read_error=NO_SERVER, failed_fact="server"))
    assert gone.status.phase is Phase.RUNNING


def test_elsewhere_a_start_that_was_decided_before_is_neither_given_up_nor_sent_again() -> None:
    status = intended()
    decision = decide_in(GONE, observe_waited(status, 9999.0, provider=AWAY))
    assert (decision.call, decision.status.phase) == (None, Phase.STARTING)
    assert decision.status.pending_call == status.pending_call
    assert reason_of(decision.status) == Reason.CREDENTIALS_OF_ANOTHER_CLOUD
    assert decision.wait_key, "the wait for its effect goes on"
    back = decide_in(GONE, observe_waited(status, provider=HOME))
    assert isinstance(back.call, StartCall)


def test_the_message_names_both_places() -> None:
    text = message_of(decide_in(GONE, observe(started(upstream=known()), provider=AWAY)).status)
    assert HERE in text
    assert THERE in text
    text = message_of(decide_in(GONE, observe(started(upstream=known()), provider=OTHER_PROJECT)).status)
    assert "project p1" in text


@pytest.mark.parametrize(
    "provider",
    [HOME, replace(HOME, project_id=None), replace(HOME, endpoint=None)],
    ids=["same", "no project told", "no endpoint told"],
)
def test_what_is_not_known_to_differ_is_followed(provider: ProviderView) -> None:
    decision = decide_in(World(records=(record(),)), observe(started(upstream=known()), provider=provider))
    assert reason_of(decision.status) == Reason.RUNNING


def test_a_move_of_an_earlier_version_takes_down_where_it_is_followed_first() -> None:
    old = started(upstream=known(endpoint=None, project_id=None))
    decision = decide_in(World(records=(record(),)), observe(old, provider=HOME))
    assert decision.status.upstream is not None
    assert (decision.status.upstream.endpoint, decision.status.upstream.project_id) == (HERE, "p1")


def test_a_provider_that_is_not_ready_leads_nowhere_yet() -> None:
    decision = decide_in(GONE, observe(started(upstream=known()), provider=replace(LOST, endpoint=THERE)))
    assert reason_of(decision.status) == Reason.RUNNING


def test_orders_stay_accepted_while_the_provider_leads_elsewhere() -> None:
    asked = decide(observe(started(upstream=known()), provider=AWAY, verb_requests=(ask(Verb.ABORT),)))
    assert result_of(asked.status, Verb.ABORT) is ControlResult.ACCEPTED
    ordered = started(control(Verb.ABORT), upstream=known())
    decision = decide_in(World(records=(record(),)), observe(ordered, provider=AWAY))
    assert (decision.call, result_of(decision.status, Verb.ABORT)) == (None, ControlResult.ACCEPTED)


def test_an_endpoint_too_long_for_status_is_still_itself() -> None:
    long = replace(HOME, endpoint=f"https://nova.example.org/{'a' * 300}")
    begun = decide_in(GONE, observe(provider=long))
    again = decide_in(GONE, observe_waited(stored(begun.status), provider=long))
    assert isinstance(again.call, StartCall)
