"""Finding a call again: every row of the table in docs/architecture.md, on what one look may show."""

from __future__ import annotations

import datetime as dt

import pytest

from osmig.api.migration import Baseline, PendingCall
from osmig.domain.operations import MoveKind, RecordView, Stage
from osmig.drivers.servers.nova.lookup import Seen, find_effect, newest_active
from osmig.drivers.servers.nova.translate import ActionView
from osmig.drivers.servers.views import CallLookupKind, ServerView

NOW = dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)
IDLE = ServerView(id="s", name="vm", status="ACTIVE")
BUSY = ServerView(id="s", name="vm", status="MIGRATING", task_state="migrating", is_busy=True)
ME, OTHER = "me", "other"


def action(number: int, *, user: str | None = ME, name: str = "live-migration", after_s: float = 0) -> ActionView:
    return ActionView(request_id=f"req-{number}", name=name, user_id=user, started=NOW + dt.timedelta(seconds=after_s))


def record(
    number: int, *, stage: Stage = Stage.RUNNING, kind: MoveKind = MoveKind.LIVE, after_s: float = 0, name: str = ""
) -> RecordView:
    created = NOW + dt.timedelta(seconds=after_s)
    identity = name or str(number)
    return RecordView(id=identity, number=number, stage=stage, status=stage.lower(), kind=kind, created=created)


OLD = action(1, name="create", after_s=-3600)
WAITING = ServerView(id="s", name="vm", status="VERIFY_RESIZE", is_busy=True, awaits_confirmation=True)


def look(  # noqa: PLR0913 - one per fact of a look
    *actions: ActionView,
    operation: str = "live-migrate",
    answer: str | None = None,
    request_id: str | None = None,
    server: ServerView = IDLE,
    records: tuple[RecordView, ...] = (),
    claimed: tuple[str, ...] = (),
    user: str | None = ME,
    baseline: Baseline | None = None,
) -> tuple[CallLookupKind, str | None, str | None, str]:
    """Find with `actions` (newest first) on top of the one the mark knows."""
    call = PendingCall(
        operation=operation,
        attempt=1,
        holder="h",
        time=NOW,
        sends=1,
        request_id=request_id,
        answer=answer,
        baseline=baseline or Baseline(request_ids=("req-1",), previous_id="40"),
    )
    seen = Seen(server=server, actions=(*actions, OLD), records=records)
    found = find_effect(seen, call, claimed=claimed, own_user_id=user)
    assert found.server is server
    return found.kind, found.request_id, found.record.id if found.record else None, found.detail


def test_our_request_id_is_ours_whatever_the_user_and_the_answer() -> None:
    for answer in (None, "ServerError", "Conflict"):
        assert look(action(2, user=OTHER), answer=answer, request_id="req-2")[:2] == (CallLookupKind.OURS, "req-2")


def test_after_a_server_error_without_our_action_nothing_was_started() -> None:
    assert look(answer="ServerError", request_id="req-9")[0] is CallLookupKind.NOTHING


def test_after_a_server_error_another_action_is_a_rivals_even_of_the_same_user() -> None:
    found = look(action(2), answer="ServerError", request_id="req-9", server=BUSY)

    assert found == (CallLookupKind.CONFLICT, None, None, "task state migrating")


def test_without_an_answer_the_one_new_move_by_us_is_ours() -> None:
    found = look(action(3, name="reboot"), action(2), records=(record(41), record(40)))

    assert found == (CallLookupKind.OURS, "req-2", "41", "")


@pytest.mark.parametrize(("own", "theirs"), [(None, OTHER), (ME, None), (None, None)])
def test_without_an_answer_an_unknown_user_counts_as_ours(own: str | None, theirs: str | None) -> None:
    assert look(action(2, user=theirs), user=own)[0] is CallLookupKind.OURS


def test_of_several_candidates_the_oldest_is_taken() -> None:
    assert look(action(4), action(3), action(2, after_s=-1))[:2] == (CallLookupKind.AMBIGUOUS, "req-2")


def test_what_another_migration_owns_is_not_ours() -> None:
    assert look(action(2), claimed=("req-2",))[0] is CallLookupKind.CONFLICT
    assert look(action(3), action(2), claimed=("req-2",))[:2] == (CallLookupKind.OURS, "req-3")


def test_somebody_elses_move_is_a_rival() -> None:
    found = look(action(2, user=OTHER), server=BUSY, records=(record(41),))

    assert found == (CallLookupKind.CONFLICT, None, None, "migration 41 (running)")


def test_a_rival_that_is_done_already_is_still_one() -> None:
    assert look(action(2, user=OTHER))[::3] == (CallLookupKind.CONFLICT, "a live-migration that somebody else started")


def test_a_busy_server_without_a_move_of_ours_has_a_rival() -> None:
    resize = ServerView(id="s", name="vm", status="VERIFY_RESIZE", is_busy=True)

    assert look(server=resize)[::3] == (CallLookupKind.CONFLICT, "status VERIFY_RESIZE")


@pytest.mark.parametrize("name", ["reboot", "create", "live_migration_cancel", "live_migration_force_complete"])
def test_other_actions_are_no_moves(name: str) -> None:
    assert look(action(2, name=name))[0] is CallLookupKind.NOTHING


def test_nothing_new_on_an_idle_server_is_nothing() -> None:
    assert look()[0] is CallLookupKind.NOTHING


def test_after_a_conflict_only_a_proven_user_is_ours() -> None:
    assert look(action(2), answer="Conflict")[0] is CallLookupKind.OURS
    assert look(action(2), answer="Conflict", request_id="req-9")[0] is CallLookupKind.OURS
    assert look(action(2, user=None), answer="Conflict")[0] is CallLookupKind.CONFLICT
    assert look(action(2), answer="Conflict", user=None)[0] is CallLookupKind.CONFLICT
    assert look(action(2, user=OTHER), answer="Conflict")[0] is CallLookupKind.CONFLICT


def test_actions_beyond_the_marks_length_are_old() -> None:
    older = action(0, after_s=-7200)
    call_mark = Baseline(request_ids=("req-2", "req-1"))

    assert look(action(2), baseline=call_mark)[0] is CallLookupKind.NOTHING
    seen = Seen(server=IDLE, actions=(action(2), OLD, older), records=())
    call = PendingCall(operation="live-migrate", attempt=1, holder="h", time=NOW, sends=1, baseline=call_mark)
    assert find_effect(seen, call, claimed=(), own_user_id=ME).kind is CallLookupKind.NOTHING


def test_the_record_is_the_one_live_move_after_the_baseline() -> None:
    records = (record(43), record(42, kind=MoveKind.COLD), record(41, after_s=-60), record(40))

    assert look(action(2), records=records)[2] == "43"


def test_of_several_records_none_is_taken_before_the_action_was_looked_at() -> None:
    assert look(action(2), records=(record(44), record(43), record(40)))[:3] == (CallLookupKind.OURS, "req-2", None)
    failed = (record(43, stage=Stage.ERROR), record(40))
    assert look(action(2), records=failed)[:3] == (CallLookupKind.OURS, "req-2", None)


def test_a_mark_without_a_previous_record_takes_any() -> None:
    baseline = Baseline(request_ids=("req-1",))

    assert look(action(2), records=(record(1),), baseline=baseline)[2] == "1"


def test_the_newest_record_that_is_not_over_is_active() -> None:
    over = record(43, stage=Stage.SUCCEEDED)

    assert newest_active((over, record(41), record(42))) == record(42)
    assert newest_active((over,)) is None


STARTS = [("live-migrate", "live-migration", MoveKind.LIVE), ("cold-migrate", "migrate", MoveKind.COLD)]
ENDS = [("confirm", "confirmResize", "revertResize", "revert"), ("revert", "revertResize", "confirmResize", "confirm")]


@pytest.mark.parametrize(("operation", "name", "kind"), STARTS)
def test_a_start_is_found_by_its_own_action_and_record(operation: str, name: str, kind: MoveKind) -> None:
    other = MoveKind.COLD if kind is MoveKind.LIVE else MoveKind.LIVE
    records = (record(44, kind=kind), record(43, kind=other), record(42, kind=MoveKind.RESIZE))

    assert look(action(2, name=name), operation=operation, records=records) == (CallLookupKind.OURS, "req-2", "44", "")
    assert look(action(2, name=name.upper()), operation=operation)[0] is CallLookupKind.OURS


@pytest.mark.parametrize(("operation", "name", "_kind"), STARTS)
def test_a_record_whose_kind_an_old_cloud_does_not_tell_may_be_a_starts(
    operation: str, name: str, _kind: MoveKind
) -> None:
    assert look(action(2, name=name), operation=operation, records=(record(41, kind=MoveKind.UNKNOWN),))[2] == "41"


def test_a_record_made_up_from_the_action_is_taken_before_any_other() -> None:
    records = (record(43, name="req-3"), record(42, name="req-2"), record(41, name="req-0"))

    assert look(action(3, user=OTHER), action(2), records=records)[:3] == (CallLookupKind.OURS, "req-2", "req-2")


@pytest.mark.parametrize("name", ["live-migration", "resize", "evacuate"])
@pytest.mark.parametrize("user", [ME, OTHER])
def test_another_kind_of_move_is_a_rivals_even_when_it_is_over(name: str, user: str) -> None:
    found = look(action(2, name=name, user=user), operation="cold-migrate")

    assert found == (CallLookupKind.CONFLICT, None, None, f"a {name} that somebody else started")


@pytest.mark.parametrize(("operation", "name", "_kind"), STARTS)
def test_every_start_asks_for_the_same_proof(operation: str, name: str, _kind: MoveKind) -> None:
    assert look(action(2, name=name), operation=operation, answer="ServerError", request_id="req-9")[0] == "Conflict"
    assert look(operation=operation, answer="ServerError", request_id="req-9")[0] == "Nothing"
    assert look(action(2, name=name, user=None), operation=operation, answer="Conflict")[0] == "Conflict"
    assert look(action(2, name=name), operation=operation, claimed=("req-2",))[0] == "Conflict"
    assert look(action(3, name=name), action(2, name=name), operation=operation)[:2] == ("Ambiguous", "req-2")


@pytest.mark.parametrize(("operation", "name", "_other", "_word"), ENDS)
@pytest.mark.parametrize("user", [ME, OTHER, None])
@pytest.mark.parametrize("answer", [None, "ServerError", "NoAnswer"])
def test_anybodys_confirm_or_revert_is_as_good_as_ours(
    operation: str, name: str, _other: str, _word: str, user: str | None, answer: str | None
) -> None:
    cold = (record(42, stage=Stage.CONFIRMING, kind=MoveKind.COLD), record(43, kind=MoveKind.RESIZE))
    new = action(2, name=name, user=user)

    found = look(new, operation=operation, answer=answer, server=WAITING, records=cold)

    assert found == (CallLookupKind.OURS, "req-2", "42", "")
    assert look(new, operation=operation, answer=answer, request_id="req-9")[:2] == (CallLookupKind.OURS, "req-2")
    assert look(new, operation=operation, claimed=("req-2",))[0] is CallLookupKind.OURS


def test_of_several_confirms_the_one_that_bears_our_request_id_is_named() -> None:
    confirms = [action(number, name="confirmResize") for number in (4, 3, 2)]

    assert look(*confirms, operation="confirm", request_id="req-3")[:2] == (CallLookupKind.OURS, "req-3")
    assert look(*confirms, operation="confirm")[:2] == (CallLookupKind.OURS, "req-2")


@pytest.mark.parametrize(("operation", "_name", "_other", "_word"), ENDS)
@pytest.mark.parametrize("server", [IDLE, BUSY, WAITING])
@pytest.mark.parametrize("name", ["create", "migrate", "reboot"])
def test_a_busy_server_is_no_rival_of_a_confirm_or_revert(
    operation: str, _name: str, _other: str, _word: str, server: ServerView, name: str
) -> None:
    records = (record(42, stage=Stage.AWAITING_CONFIRMATION, kind=MoveKind.COLD),)
    found = look(action(2, name=name), operation=operation, server=server, records=records)

    assert found == (CallLookupKind.NOTHING, None, None, "")


@pytest.mark.parametrize(("operation", "name", "other", "word"), ENDS)
def test_the_opposite_order_is_a_rival_of_a_confirm_or_revert(operation: str, name: str, other: str, word: str) -> None:
    found = look(action(2, name=other), operation=operation, server=WAITING)

    assert found == (CallLookupKind.CONFLICT, None, None, f"a {word} that somebody else ordered")
    assert look(action(3, name=other), action(2, name=name), operation=operation)[0] is CallLookupKind.OURS


@pytest.mark.parametrize(("operation", "name", "other", "_word"), ENDS)
def test_a_confirm_or_revert_from_before_the_mark_counts_for_nothing(
    operation: str, name: str, other: str, _word: str
) -> None:
    for old in (name, other):
        baseline = Baseline(request_ids=("req-2", "req-1"))
        assert look(action(2, name=old), operation=operation, baseline=baseline)[0] is CallLookupKind.NOTHING


def test_an_intent_for_a_call_that_is_not_ours_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="teleport"):
        look(operation="teleport")
