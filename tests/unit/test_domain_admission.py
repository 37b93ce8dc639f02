"""Before anything is sent: the table of "applying the same manifest again", and what else ends or delays a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_cold_samples import COLD
from domain_samples import (
    HOLDER,
    LOST,
    MARK,
    NOW,
    call_lookup,
    control,
    observe,
    observe_waited,
    pre_start,
    reason_of,
    record,
    result_of,
    sent,
    server,
    status_in,
)
from domain_world import World, decide_in
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.capabilities import Capability
from osmig.domain.errors import Absent, BackendError, NotPermitted, OutcomeUnknown, Refused, Transient, Unsupported
from osmig.domain.observation import ProviderView
from osmig.drivers.servers.calls import StartCall
from osmig.drivers.servers.views import CallLookupKind, ServerView

if TYPE_CHECKING:
    from osmig.domain.operations import RecordView

INVISIBLE = server(None)
CONFIRMABLE = ServerView(id="s", name="n", status="VERIFY_RESIZE", host="cmp1", is_busy=True)
SENT = "sent"


@pytest.mark.parametrize(
    ("source", "destination", "view", "active", "expected"),
    [
        ("cmp1", None, INVISIBLE, None, (Phase.FAILED, Reason.HOSTS_NOT_VISIBLE)),
        (None, "cmp2", INVISIBLE, None, (Phase.FAILED, Reason.HOSTS_NOT_VISIBLE)),
        (None, None, INVISIBLE, None, SENT),
        (None, None, server(busy=True), None, (Phase.QUEUED, Reason.SERVER_BUSY)),
        (None, None, CONFIRMABLE, None, (Phase.QUEUED, Reason.SERVER_BUSY)),
        (None, None, server(), record("queued"), (Phase.QUEUED, Reason.SERVER_BUSY)),
        (None, "cmp2", server("cmp2", busy=True), None, (Phase.QUEUED, Reason.SERVER_BUSY)),
        (None, None, server(error=True), None, (Phase.FAILED, Reason.SERVER_IN_ERROR)),
        (None, "cmp2", server("cmp2"), None, (Phase.SUCCEEDED, Reason.ALREADY_AT_DESTINATION)),
        ("cmp1", "cmp2", server("cmp2"), None, (Phase.SUCCEEDED, Reason.ALREADY_AT_DESTINATION)),
        ("cmp1", "cmp2", server("cmp3"), None, (Phase.FAILED, Reason.NOT_ON_SOURCE_HOST)),
        ("cmp1", None, server("cmp2"), None, (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST)),
        (None, "cmp2", server("cmp3"), None, SENT),
        ("cmp1", "cmp2", server("cmp1"), None, SENT),
        ("cmp1", None, server("cmp1"), None, SENT),
    ],
)
def test_applying_a_manifest_again_does_what_the_table_says(
    source: str | None, destination: str | None, view: ServerView, active: RecordView | None, expected: object
) -> None:
    decision = decide_in(World(), observe(source=source, destination=destination, pre_start=pre_start(view, active)))
    if expected == SENT:
        assert decision.call == StartCall()
        return
    assert decision.call is None
    assert (decision.status.phase, reason_of(decision.status)) == expected
    assert decision.status.start_time is None
    assert decision.status.pending_call is None


def test_a_new_migration_first_reads_the_server() -> None:
    decision = decide(observe())
    assert decision.wants == {"pre_start"}
    assert decision.call is None


def test_a_busy_server_is_described_by_the_clouds_record_so_that_a_person_can_find_it() -> None:
    decision = decide(observe(pre_start=pre_start(server(busy=True), record("preparing", number=12))))
    assert "12" in decision.status.conditions[0].message
    assert decision.due_s == 10.0


def test_the_intent_holds_everything_that_a_later_look_needs() -> None:
    decision = decide(observe(destination="cmp2", pre_start=pre_start()))
    status = decision.status
    call = status.pending_call
    assert call is not None
    assert (call.operation, call.attempt, call.holder, call.time, call.sends) == ("live-migrate", 1, HOLDER, NOW, 1)
    assert call.baseline == MARK
    assert (status.phase, status.attempt, status.start_time) == (Phase.STARTING, 1, NOW)
    assert status.placement is not None
    assert (status.placement.source_host, status.placement.destination_host) == ("cmp1", "cmp2")
    assert status.server is not None
    assert status.server.name == "db-07"


def test_a_start_after_a_harmless_failure_keeps_the_first_start_time() -> None:
    earlier = status_in(Phase.PENDING, start_time=NOW.replace(year=2029), attempt=1)
    decision = decide(observe(earlier, pre_start=pre_start()))
    assert decision.call == StartCall()
    assert decision.status.start_time == NOW.replace(year=2029)


def test_a_server_that_another_migration_moves_is_waited_for() -> None:
    decision = decide(observe(pre_start=pre_start(), conflicting="team-a/other"))
    assert decision.call is None
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.QUEUED, Reason.SERVER_BUSY)
    assert "team-a/other" in decision.status.conditions[0].message


def test_a_server_that_is_where_it_should_be_succeeds_even_beside_a_rival() -> None:
    decision = decide(
        observe(source="cmp1", destination="cmp2", pre_start=pre_start(server("cmp2")), conflicting="team-a/other")
    )
    assert decision.status.phase is Phase.SUCCEEDED


def test_an_abort_before_the_start_ends_aborted_without_reading_or_sending() -> None:
    decision = decide(observe(status_in(Phase.QUEUED, controls=(control(Verb.ABORT),)), provider=LOST))
    assert decision.status.phase is Phase.ABORTED
    assert decision.call is None
    assert not decision.wants
    assert result_of(decision.status, Verb.ABORT) is ControlResult.DONE
    assert decision.status.attempts == ()


def test_force_complete_before_the_start_waits() -> None:
    decision = decide(observe(status_in(Phase.QUEUED, controls=(control(Verb.FORCE_COMPLETE),)), pre_start=pre_start()))
    assert decision.call == StartCall()
    assert result_of(decision.status, Verb.FORCE_COMPLETE) is ControlResult.ACCEPTED


def test_without_a_provider_a_migration_queues_until_woken() -> None:
    decision = decide(observe(provider=LOST))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.QUEUED, Reason.PROVIDER_NOT_READY)
    assert decision.due_s is None
    assert not decision.wants


ALL = frozenset(Capability)
LISTS = frozenset({Capability.ALL_MIGRATIONS, Capability.FOLLOW_BY_SERVER})
TO_HOST = {"placement": {"destinationHost": "cmp2"}}


@pytest.mark.parametrize(
    ("impossible", "missing", "wanted", "reason"),
    [
        (Capability.LIVE_MIGRATION, frozenset(), {}, Reason.UNSUPPORTED),
        (Capability.COLD_DESTINATION_HOST, frozenset(), {**COLD, **TO_HOST}, Reason.UNSUPPORTED),
        (None, LISTS, {}, Reason.NOT_PERMITTED),
        (None, LISTS, COLD, Reason.NOT_PERMITTED),
    ],
)
def test_what_the_cloud_can_never_do_or_show_is_refused_before_anything_is_read(
    impossible: Capability | None, missing: frozenset[Capability], wanted: dict[str, object], reason: Reason
) -> None:
    poor = ProviderView(is_ready=True, capabilities=ALL - missing, possible=ALL - {impossible})
    decision = decide(observe(provider=poor, wanted=wanted))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, reason)
    assert not decision.wants
    assert decision.status.start_time is None


@pytest.mark.parametrize(
    ("impossible", "missing", "wanted"),
    [
        (None, frozenset({Capability.ALL_MIGRATIONS}), {}),
        (None, frozenset({Capability.FOLLOW_BY_SERVER}), {}),
        (None, frozenset({Capability.LIVE_MIGRATION}), {}),
        (Capability.LIVE_MIGRATION, frozenset(), COLD),
        (Capability.COLD_DESTINATION_HOST, frozenset(), COLD),
        (Capability.COLD_DESTINATION_HOST, frozenset(), TO_HOST),
    ],
)
def test_a_right_that_is_missing_or_a_call_that_is_not_needed_refuses_nothing(
    impossible: Capability | None, missing: frozenset[Capability], wanted: dict[str, object]
) -> None:
    poor = ProviderView(is_ready=True, capabilities=ALL - missing, possible=ALL - {impossible})
    assert decide(observe(provider=poor, wanted=wanted)).wants == {"pre_start"}


@pytest.mark.parametrize(
    ("read_error", "phase", "reason", "due_s"),
    [
        (Absent("ServerNotFound", "gone", operation="o"), Phase.FAILED, Reason.SERVER_NOT_FOUND, None),
        (Refused("ServerNameAmbiguous", "2", operation="o"), Phase.FAILED, Reason.SERVER_NAME_AMBIGUOUS, None),
        (Refused("Gibberish!", "no", operation="o"), Phase.FAILED, Reason.START_REFUSED, None),
        (Unsupported("Unsupported", "old", operation="o"), Phase.FAILED, Reason.UNSUPPORTED, None),
        (NotPermitted("NotPermitted", "no", operation="o"), Phase.PENDING, Reason.RETRYING, 30.0),
        (Transient("Unreachable", "later", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
        (Transient("Busy", "later", operation="o", retry_after_s=77), Phase.PENDING, Reason.RETRYING, 77),
        (OutcomeUnknown("NoAnswer", "?", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
    ],
)
def test_a_failed_read_before_the_start_ends_only_what_waiting_cannot_mend(
    read_error: BackendError, phase: Phase, reason: Reason, due_s: float | None
) -> None:
    decision = decide(observe(read_error=read_error, failed_fact="pre_start"))
    assert (decision.status.phase, reason_of(decision.status), decision.due_s) == (phase, reason, due_s)
    assert decision.status.start_time is None
    assert decision.call is None


@pytest.mark.parametrize(
    ("source", "destination", "view", "phase", "reason"),
    [
        ("cmp1", None, server("cmp3"), Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST),
        ("cmp1", "cmp2", server("cmp3"), Phase.FAILED, Reason.NOT_ON_SOURCE_HOST),
        ("cmp1", "cmp2", server("cmp2"), Phase.SUCCEEDED, Reason.ALREADY_AT_DESTINATION),
        (None, None, server(error=True), Phase.FAILED, Reason.SERVER_IN_ERROR),
    ],
)
def test_a_start_is_sent_again_only_where_a_first_one_would_be(
    source: str | None, destination: str | None, view: ServerView, phase: Phase, reason: str
) -> None:
    world = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start(view))
    decision = decide_in(world, observe_waited(sent(), source=source, destination=destination))
    assert decision.call is None
    assert (decision.status.phase, reason_of(decision.status)) == (phase, reason)
    assert "not sent again" in decision.status.conditions[0].message


def test_the_first_moments_of_a_probe_are_not_worth_a_write() -> None:
    probing = ProviderView(is_ready=False, reason=Reason.PROBING, message="the Provider is probed")
    first = decide(observe(provider=probing))
    assert first.status == observe().status
    assert first.wait_key
    assert first.due_s is not None
    later = decide(observe(provider=probing, wait_ages_s={first.wait_key: first.due_s}))
    assert (later.status.phase, reason_of(later.status)) == (Phase.QUEUED, Reason.PROVIDER_NOT_READY)
