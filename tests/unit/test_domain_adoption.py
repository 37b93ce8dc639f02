"""``adopt``: what may be followed, what is refused, and that nothing is ever started."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from decided import Decided, decide
from domain_cold_samples import cold_record, verify
from domain_samples import LOST, NOW, control, observe, pre_start, reason_of, record, server, status_in
from domain_world import World, decide_in
from osmig.api.names import FINALIZER, EventReason, Phase, Reason, Verb
from osmig.domain.errors import Absent
from osmig.domain.observation import ObjectChange
from osmig.domain.operations import MoveKind, RecordView
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.views import ProgressView, ServerView

UUID = "9b2c3d4e-0000-4000-8000-0123456789ab"
ADOPT = {"adopt": {"id": "7"}}
BUSY = server(busy=True)


def look(
    row: RecordView | None = None,
    view: ServerView = BUSY,
    wanted: dict[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - as observe() takes them
) -> Decided:
    rows = (record(number=6), row) if row is not None else ()
    spec = {**ADOPT, **(wanted or {})}
    return decide(observe(wanted=spec, pre_start=pre_start(view, row), records=rows, **changes))


def test_the_server_and_its_records_are_read_before_anything_is_taken() -> None:
    wants = {"pre_start", "records"}
    assert decide(observe(wanted=ADOPT)).wants == wants
    assert decide(observe(wanted=ADOPT, pre_start=pre_start())).wants == wants
    assert decide(observe(wanted=ADOPT, records=())).wants == wants


@pytest.mark.parametrize("wanted_id", ["7", UUID])
def test_a_migration_that_is_under_way_is_followed_by_its_number_or_its_uuid_and_nothing_is_sent(
    wanted_id: str,
) -> None:
    decision = look(record(uuid=UUID), wanted={"adopt": {"id": wanted_id}})
    status = decision.status
    assert (decision.call, decision.claims, decision.due_s) == (None, True, 0.0)
    assert (status.phase, status.attempt, status.start_time, status.pending_call) == (Phase.RUNNING, 1, NOW, None)
    assert status.upstream is not None
    assert (status.upstream.id, status.upstream.status) == ("7", "running")
    assert status.placement is not None
    assert (status.placement.source_host, status.placement.destination_host) == ("cmp1", "cmp2")
    assert [note.reason for note in decision.notes] == [EventReason.MIGRATION_ADOPTED]
    followed = decide_in(World(records=(record(),), progress=ProgressView(percent=4)), observe(status, wanted=ADOPT))
    assert reason_of(followed.status) == Reason.RUNNING


REFUSALS = {
    "over": (record("completed"), {}, "is over already: completed"),
    "cancelled": (record("cancelled"), {}, "is over already"),
    "missing": (None, {}, "has no migration of this id"),
    "of another kind": (cold_record("migrating"), {}, "is a migration one"),
    "of no told type but cold": (record(kind=MoveKind.COLD, type=None), {}, "is a different one"),
    "a resize": (record(kind=MoveKind.RESIZE, type="resize"), {}, "is a resize one"),
    "from elsewhere": (record(source_host="cmp3"), {"placement": {"sourceHost": "cmp1"}}, "leaves cmp3"),
    "from a hidden host": (record(source_host=None), {"placement": {"sourceHost": "cmp1"}}, "a host that is hidden"),
    "to elsewhere": (record(), {"placement": {"destinationHost": "cmp3"}}, "goes to cmp2"),
    "to a host not known yet": (
        record("accepted", destination=None),
        {"placement": {"destinationHost": "cmp3"}},
        "a host that is not known",
    ),
}


@pytest.mark.parametrize(
    ("row", "wanted", "told"), REFUSALS.values(), ids=[name.replace(" ", "_") for name in REFUSALS]
)
def test_what_cannot_be_followed_is_refused_with_the_reason_and_nothing_is_sent(
    row: RecordView | None, wanted: dict[str, Any], told: str
) -> None:
    decision = look(row, wanted=wanted)
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.ADOPT_REFUSED)
    assert told in decision.status.conditions[0].message
    assert (decision.call, decision.claims, decision.status.start_time) == (None, False, None)


def test_a_migration_of_another_server_is_refused_by_its_name() -> None:
    other = replace(record(), server_id="other-server")
    decision = decide(observe(wanted=ADOPT, pre_start=pre_start(), records=(), swept=other))
    assert reason_of(decision.status) == Reason.ADOPT_REFUSED
    assert "other-server" in decision.status.conditions[0].message


@pytest.mark.parametrize("who", [{"owner": "team-a/first"}, {"conflicting": "team-a/first"}])
def test_what_another_migration_of_ours_follows_is_refused(who: dict[str, Any]) -> None:
    decision = look(record(), **who)
    assert reason_of(decision.status) == Reason.ADOPT_REFUSED
    assert "team-a/first follows it already" in decision.status.conditions[0].message


@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.UNKNOWN])
def test_an_old_cloud_that_tells_no_kind_is_taken_at_the_specs_word(kind: MoveKind) -> None:
    assert look(record(kind=kind, type=None)).claims


def test_a_cold_move_that_awaits_its_confirmation_can_be_adopted_and_decided_on() -> None:
    cold = {"type": "ColdMigration"}
    taken = look(cold_record(), verify(), cold)
    assert taken.claims
    status = taken.status.model_copy(update={"controls": (control(Verb.CONFIRM),)})
    world = World(server=verify(), records=(cold_record(),), pre_start=pre_start(verify(), cold_record()))
    decision = decide_in(world, observe(status, wanted={**ADOPT, **cold}))
    assert decision.call == VerbCall(verb=Verb.CONFIRM, record_id="7")


@pytest.mark.parametrize(
    ("row", "view", "is_known"),
    [
        (record(), replace(BUSY, host_id="h1"), True),
        (record(), replace(BUSY, host="cmp2", host_id="h2"), False),
        (record(source_host=None), replace(BUSY, host=None, host_id="h1"), True),
        (record("queued", source_host=None), replace(BUSY, host=None, host_id="h1"), True),
        (record("running (post-copy)", source_host=None), replace(BUSY, host=None, host_id="h2"), False),
    ],
    ids=["at source", "arrived", "hidden, busy", "hidden, queued", "hidden, post-copy"],
)
def test_the_anonymous_name_of_the_source_is_kept_only_while_the_server_is_certainly_there(
    *, row: RecordView, view: ServerView, is_known: bool
) -> None:
    placement = look(row, view).status.placement
    assert placement is not None
    assert (placement.source_host_id is not None) == is_known


def test_a_hidden_cold_move_adopted_at_its_gate_is_no_failure_once_confirmed() -> None:
    hidden = verify(None, host_id="h2")
    row = cold_record(source_host=None, destination=None)
    status = look(row, hidden, {"type": "ColdMigration"}).status
    done = World(server=replace(server(None), host_id="h2"), records=(replace(row, **vars_of("confirmed")),))
    wanted = {**ADOPT, "type": "ColdMigration"}
    ended = decide_in(done, observe(status, wanted=wanted, wait_ages_s={"settle:7": 2.0})).status
    assert (ended.phase, reason_of(ended)) == (Phase.SUCCEEDED, Reason.CONFIRMED_UPSTREAM)


def vars_of(word: str) -> dict[str, Any]:
    row = cold_record(word)
    return {"stage": row.stage, "status": row.status}


def test_with_a_deletion_policy_the_finalizer_comes_before_the_move_is_taken() -> None:
    guarded = {"deletionPolicy": "Abort"}
    assert look(record(), wanted=guarded).change is ObjectChange.ADD_FINALIZER
    assert look(record(), wanted=guarded, finalizers=(FINALIZER,)).claims


@pytest.mark.parametrize("phase", [None, Phase.QUEUED])
def test_what_holds_a_start_back_holds_an_adoption_back(phase: Phase | None) -> None:
    facts = {"pre_start": pre_start(BUSY, record()), "records": (record(),)}
    status = status_in(phase)
    suspended = decide(observe(status, wanted={**ADOPT, "suspend": True}, **facts)).status
    assert (suspended.phase, suspended.start_time) == (Phase.SUSPENDED, None)
    assert decide(observe(status, wanted=ADOPT, provider=LOST, **facts)).status.phase is Phase.QUEUED
    gone = Absent("ServerNotFound", "gone", operation="o")
    ended = decide(observe(status, wanted=ADOPT, read_error=gone, failed_fact="pre_start")).status
    assert reason_of(ended) == Reason.SERVER_NOT_FOUND
    unsaid = decide(observe(status, wanted=ADOPT, read_error=gone, failed_fact="records")).status
    assert (unsaid.phase, reason_of(unsaid)) == (Phase.PENDING, Reason.RETRYING), "a list is no server"
