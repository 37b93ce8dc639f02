"""Finding a start again: every row of the table in docs/architecture.md, on what one look may show."""

from __future__ import annotations

import datetime as dt

import pytest

from osmig.api.migration import Mark, PendingCall
from osmig.backends.openstack.lookup import Seen, find, newest_active
from osmig.backends.openstack.translate import ActionView
from osmig.domain.upstream import FindingKind, RecordView, ServerView, Stage

NOW = dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)
IDLE = ServerView(id="s", name="vm", status="ACTIVE")
BUSY = ServerView(id="s", name="vm", status="MIGRATING", task_state="migrating", is_busy=True)
ME, OTHER = "me", "other"


def action(number: int, *, user: str | None = ME, name: str = "live-migration", after_s: float = 0) -> ActionView:
    return ActionView(request_id=f"req-{number}", name=name, user_id=user, started=NOW + dt.timedelta(seconds=after_s))


def record(number: int, *, stage: Stage = Stage.RUNNING, live: bool = True, after_s: float = 0) -> RecordView:
    created = NOW + dt.timedelta(seconds=after_s)
    return RecordView(id=str(number), number=number, stage=stage, status=stage.lower(), is_live=live, created=created)


OLD = action(1, name="create", after_s=-3600)


def look(  # noqa: PLR0913 - one per fact of a look
    *actions: ActionView,
    answer: str | None = None,
    request_id: str | None = None,
    server: ServerView = IDLE,
    records: tuple[RecordView, ...] = (),
    claimed: tuple[str, ...] = (),
    user: str | None = ME,
    mark: Mark | None = None,
) -> tuple[FindingKind, str | None, str | None, str]:
    """Find with `actions` (newest first) on top of the one the mark knows."""
    call = PendingCall(
        operation="live-migrate",
        attempt=1,
        holder="h",
        time=NOW,
        sends=1,
        request_id=request_id,
        answer=answer,
        mark=mark or Mark(request_ids=("req-1",), previous_id="40"),
    )
    seen = Seen(server=server, actions=(*actions, OLD), records=records)
    found = find(seen, call, claimed=claimed, own_user_id=user)
    assert found.server is server
    return found.kind, found.request_id, found.record.id if found.record else None, found.detail


def test_our_request_id_is_ours_whatever_the_user_and_the_answer() -> None:
    for answer in (None, "ServerError", "Conflict"):
        assert look(action(2, user=OTHER), answer=answer, request_id="req-2")[:2] == (FindingKind.OURS, "req-2")


def test_after_a_server_error_without_our_action_nothing_was_started() -> None:
    assert look(answer="ServerError", request_id="req-9")[0] is FindingKind.NOTHING


def test_after_a_server_error_another_action_is_a_rivals_even_of_the_same_user() -> None:
    found = look(action(2), answer="ServerError", request_id="req-9", server=BUSY)

    assert found == (FindingKind.RIVAL, None, None, "task state migrating")


def test_without_an_answer_the_one_new_move_by_us_is_ours() -> None:
    found = look(action(3, name="reboot"), action(2), records=(record(41), record(40)))

    assert found == (FindingKind.OURS, "req-2", "41", "")


@pytest.mark.parametrize(("own", "theirs"), [(None, OTHER), (ME, None), (None, None)])
def test_without_an_answer_an_unknown_user_counts_as_ours(own: str | None, theirs: str | None) -> None:
    assert look(action(2, user=theirs), user=own)[0] is FindingKind.OURS


def test_of_several_candidates_the_oldest_is_taken() -> None:
    assert look(action(4), action(3), action(2, after_s=-1))[:2] == (FindingKind.AMBIGUOUS, "req-2")


def test_what_another_migration_owns_is_not_ours() -> None:
    assert look(action(2), claimed=("req-2",))[0] is FindingKind.RIVAL
    assert look(action(3), action(2), claimed=("req-2",))[:2] == (FindingKind.OURS, "req-3")


def test_somebody_elses_move_is_a_rival() -> None:
    found = look(action(2, user=OTHER), server=BUSY, records=(record(41),))

    assert found == (FindingKind.RIVAL, None, None, "migration 41 (running)")


def test_a_rival_that_is_done_already_is_still_one() -> None:
    assert look(action(2, user=OTHER))[::3] == (FindingKind.RIVAL, "a live migration that somebody else started")


def test_a_busy_server_without_a_move_of_ours_has_a_rival() -> None:
    resize = ServerView(id="s", name="vm", status="VERIFY_RESIZE", is_busy=True)

    assert look(server=resize)[::3] == (FindingKind.RIVAL, "status VERIFY_RESIZE")


@pytest.mark.parametrize("name", ["reboot", "create", "live_migration_cancel", "live_migration_force_complete"])
def test_other_actions_are_no_moves(name: str) -> None:
    assert look(action(2, name=name))[0] is FindingKind.NOTHING


def test_nothing_new_on_an_idle_server_is_nothing() -> None:
    assert look()[0] is FindingKind.NOTHING


def test_after_a_conflict_only_a_proven_user_is_ours() -> None:
    assert look(action(2), answer="Conflict")[0] is FindingKind.OURS
    assert look(action(2), answer="Conflict", request_id="req-9")[0] is FindingKind.OURS
    assert look(action(2, user=None), answer="Conflict")[0] is FindingKind.RIVAL
    assert look(action(2), answer="Conflict", user=None)[0] is FindingKind.RIVAL
    assert look(action(2, user=OTHER), answer="Conflict")[0] is FindingKind.RIVAL


def test_actions_beyond_the_marks_length_are_old() -> None:
    older = action(0, after_s=-7200)
    call_mark = Mark(request_ids=("req-2", "req-1"))

    assert look(action(2), mark=call_mark)[0] is FindingKind.NOTHING
    seen = Seen(server=IDLE, actions=(action(2), OLD, older), records=())
    call = PendingCall(operation="live-migrate", attempt=1, holder="h", time=NOW, sends=1, mark=call_mark)
    assert find(seen, call, claimed=(), own_user_id=ME).kind is FindingKind.NOTHING


def test_the_record_is_the_oldest_live_one_after_the_mark() -> None:
    records = (record(44), record(43), record(42, live=False), record(41, after_s=-60), record(40))

    assert look(action(2), records=records)[2] == "43"


def test_a_mark_without_a_previous_record_takes_any() -> None:
    mark = Mark(request_ids=("req-1",))

    assert look(action(2), records=(record(1),), mark=mark)[2] == "1"


def test_the_newest_record_that_is_not_over_is_active() -> None:
    over = record(43, stage=Stage.SUCCEEDED)

    assert newest_active((over, record(41), record(42))) == record(42)
    assert newest_active((over,)) is None
