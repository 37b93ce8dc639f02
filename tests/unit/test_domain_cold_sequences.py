"""Every cold sequence that Nova was seen to write, replayed moment by moment (docs/openstack.md)."""

from __future__ import annotations

from typing import Any

import pytest

from decided import decide
from domain_cold_play import ColdPlay, Moment
from domain_cold_samples import COLD, resizing, verify
from domain_samples import ask, conditions_of, control, observe, reason_of, record, result_of, server, started
from osmig.api.names import ControlResult, EventReason, Phase, Reason, Verb
from osmig.domain.errors import Absent
from osmig.domain.operations import MoveKind
from osmig.drivers.servers.views import ServerView

AWAITED, SWITCHING = Reason.AWAITING_CONFIRMATION, Reason.SWITCHING_OVER
ARRIVED = verify()
AT_SOURCE, AT_DESTINATION = server("cmp1"), server("cmp2")
BROKEN_SOURCE, BROKEN_DESTINATION = server("cmp1", error=True), server("cmp2", error=True)
REVERTING = ServerView(
    id=AT_SOURCE.id, name="db-07", status="REVERT_RESIZE", task_state="resize_reverting", host="cmp2", is_busy=True
)
REVERTING_AT_SOURCE = ServerView(
    id=AT_SOURCE.id, name="db-07", status="REVERT_RESIZE", task_state="resize_reverting", host="cmp1", is_busy=True
)

SHUT_OFF = ServerView(id=AT_SOURCE.id, name="db-07", status="SHUTOFF", host="cmp2")

COPY: tuple[Moment, ...] = (
    (resizing("cmp1", "resize_prep"), "", Phase.STARTING, Reason.AWAITING_RECORD),
    (resizing("cmp1", "resize_prep"), "pre-migrating", Phase.STARTING, Reason.PREPARING),
    (resizing("cmp1", "resize_prep"), "migrating", Phase.RUNNING, Reason.RUNNING),
    (resizing("cmp1"), "migrating", Phase.RUNNING, Reason.RUNNING),
)
FINISH: tuple[Moment, ...] = (
    (resizing("cmp1"), "post-migrating", Phase.RUNNING, SWITCHING),
    (resizing("cmp2", "resize_migrated"), "post-migrating", Phase.RUNNING, SWITCHING),
    (resizing("cmp2", "resize_finish"), "post-migrating", Phase.RUNNING, SWITCHING),
)
ARRIVE: tuple[Moment, ...] = (
    *COPY,
    *FINISH,
    (resizing("cmp2", "resize_finish"), "finished", Phase.RUNNING, SWITCHING),
    (ARRIVED, "finished", Phase.AWAITING_CONFIRMATION, AWAITED),
)
CONFIRMING = (ARRIVED, "confirming", Phase.CONFIRMING, Reason.CONFIRMING)

SEQUENCES: dict[str, tuple[Moment, ...]] = {
    "confirmed by Nova itself": (
        *ARRIVE,
        CONFIRMING,
        (ARRIVED, "confirmed", Phase.CONFIRMING, Reason.CONFIRMING),
        (AT_DESTINATION, "confirmed", Phase.CONFIRMING, Reason.CONFIRMING),
        (AT_DESTINATION, "confirmed", Phase.SUCCEEDED, Reason.CONFIRMED_UPSTREAM),
    ),
    "confirmed by Nova between two looks": (
        *ARRIVE,
        (AT_DESTINATION, "confirmed", Phase.AWAITING_CONFIRMATION, AWAITED),
        (AT_DESTINATION, "confirmed", Phase.SUCCEEDED, Reason.CONFIRMED_UPSTREAM),
    ),
    "reverted by somebody else": (
        *ARRIVE,
        (REVERTING, "finished", Phase.AWAITING_CONFIRMATION, AWAITED),
        (REVERTING, "reverting", Phase.REVERTING, Reason.REVERTING),
        (REVERTING_AT_SOURCE, "reverted", Phase.REVERTING, Reason.REVERTING),
        (AT_SOURCE, "reverted", Phase.REVERTED, Reason.REVERTED_UPSTREAM),
    ),
    "confirm fails": (
        *ARRIVE,
        CONFIRMING,
        (BROKEN_DESTINATION, "confirming", Phase.CONFIRMING, Reason.CONFIRMING),
        (BROKEN_DESTINATION, "error", Phase.CONFIRMING, Reason.CONFIRMING),
        (BROKEN_DESTINATION, "error", Phase.FAILED, Reason.ERROR_ON_DESTINATION),
    ),
    "disk copy fails on the source": (
        *COPY,
        (resizing("cmp1"), "error", Phase.RUNNING, Reason.RUNNING),
        (BROKEN_SOURCE, "error", Phase.RUNNING, Reason.RUNNING),
        (BROKEN_SOURCE, "error", Phase.FAILED, Reason.SERVER_IN_ERROR),
    ),
    "finish fails on the destination": (
        *COPY,
        *FINISH,
        (BROKEN_DESTINATION, "post-migrating", Phase.RUNNING, SWITCHING),
        (BROKEN_DESTINATION, "error", Phase.RUNNING, SWITCHING),
        (BROKEN_DESTINATION, "error", Phase.FAILED, Reason.ERROR_ON_DESTINATION),
    ),
    "the server breaks while it awaits its confirmation": (
        *ARRIVE,
        (BROKEN_DESTINATION, "finished", Phase.FAILED, Reason.ERROR_ON_DESTINATION),
    ),
    "finished but it does not wait": (
        *COPY,
        (AT_DESTINATION, "finished", Phase.RUNNING, SWITCHING),
        (AT_DESTINATION, "finished", Phase.FAILED, Reason.NOT_AWAITING_CONFIRMATION),
    ),
    "confirmed and it never left": (
        (AT_SOURCE, "confirmed", Phase.STARTING, Reason.RUNNING),
        (AT_SOURCE, "confirmed", Phase.FAILED, Reason.HOST_UNCHANGED),
    ),
    "an unknown word keeps the phase": (*COPY, (resizing("cmp1"), "what is this", Phase.RUNNING, Reason.UNKNOWN)),
    "a stopped server ends as it was": (
        *ARRIVE,
        (SHUT_OFF, "confirmed", Phase.AWAITING_CONFIRMATION, AWAITED),
        (SHUT_OFF, "confirmed", Phase.SUCCEEDED, Reason.CONFIRMED_UPSTREAM),
    ),
}


@pytest.mark.parametrize("moments", SEQUENCES.values(), ids=[name.replace(" ", "_") for name in SEQUENCES])
def test_a_cold_sequence_of_nova_gets_phase_reason_and_end(moments: tuple[Moment, ...]) -> None:
    play = ColdPlay()
    play.show(*moments)
    assert (play.status.pending_call, play.calls) == (None, [])


def test_a_cold_move_is_never_measured_and_awaits_its_confirmation_on_record() -> None:
    play = ColdPlay()
    play.show(*ARRIVE)
    assert (play.status.progress, play.status.deadline_time) == (None, None)
    assert play.status.confirm is not None
    assert (play.status.confirm.decision, play.status.confirm.end_time) == (None, None)
    assert [note.reason for note in play.notes] == [EventReason.CONFIRMATION_AWAITED]
    play.step(ARRIVED, "finished")
    assert len(play.notes) == 1, "it is announced once"


def test_a_refused_cold_move_is_explained_and_may_be_retried() -> None:
    play = ColdPlay(reason=Reason.NO_VALID_HOST)
    play.show(
        (AT_SOURCE, "error", Phase.STARTING, Reason.RUNNING), (AT_SOURCE, "error", Phase.FAILED, Reason.NO_VALID_HOST)
    )
    assert play.status.failure is not None
    assert play.status.failure.retryable


def test_a_server_deleted_in_verify_resize_ends_the_migration() -> None:
    play = ColdPlay()
    play.show(*ARRIVE)
    play.step(AT_DESTINATION, "confirmed")
    assert conditions_of(play.status)["Finished"] == "False", "deleting confirms first, then both vanish"
    gone = Absent("ServerNotFound", "gone", operation="server")
    ended = decide(play.observe(read_error=gone, failed_fact="server")).status
    assert (ended.phase, reason_of(ended)) == (Phase.FAILED, Reason.SERVER_GONE)


# --- with orders


def arrive(**changes: Any) -> ColdPlay:  # noqa: ANN401 - its fields
    play = ColdPlay(**changes)
    play.show(*ARRIVE)
    return play


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_a_move_that_we_confirm_succeeds_wherever_the_power_stands(status: str) -> None:
    play = arrive()
    play.step(ARRIVED, "finished", ask(Verb.CONFIRM))
    assert (play.status.phase, play.calls, play.status.pending_call) == (Phase.CONFIRMING, [Verb.CONFIRM], None)
    at_rest = ServerView(id=AT_SOURCE.id, name="db-07", status=status, host="cmp2")
    play.show(CONFIRMING, (at_rest, "confirmed", Phase.SUCCEEDED, Reason.SUCCEEDED))
    assert result_of(play.status, Verb.CONFIRM) is ControlResult.DONE
    assert play.status.confirm is not None
    assert play.status.confirm.decision is Verb.CONFIRM
    assert play.calls == [Verb.CONFIRM]


REVERT_END: tuple[Moment, ...] = (
    (REVERTING, "finished", Phase.REVERTING, Reason.REVERTING),
    (REVERTING, "reverting", Phase.REVERTING, Reason.REVERTING),
    (REVERTING_AT_SOURCE, "reverted", Phase.REVERTING, Reason.REVERTING),
)


def test_a_move_that_we_revert_ends_reverted_only_when_the_server_is_back() -> None:
    play = arrive()
    play.step(ARRIVED, "finished", ask(Verb.REVERT))
    assert play.calls == [Verb.REVERT]
    play.show(*REVERT_END, (AT_SOURCE, "reverted", Phase.REVERTED, Reason.REVERTED))
    assert result_of(play.status, Verb.REVERT) is ControlResult.DONE
    assert play.status.confirm is not None
    assert play.status.confirm.decision is Verb.REVERT


@pytest.mark.parametrize(
    "ending",
    [
        ((BROKEN_SOURCE, "reverted", Phase.FAILED, Reason.SERVER_IN_ERROR),),
        (
            (BROKEN_SOURCE, "error", Phase.REVERTING, Reason.REVERTING),
            (BROKEN_SOURCE, "error", Phase.FAILED, Reason.SERVER_IN_ERROR),
        ),
    ],
    ids=["seen_before_the_record", "seen_after_the_record"],
)
def test_a_revert_that_fails_late_is_no_revert(ending: tuple[Moment, ...]) -> None:
    play = arrive()
    play.step(ARRIVED, "finished", ask(Verb.REVERT))
    play.show(*REVERT_END, *ending)
    assert result_of(play.status, Verb.REVERT) is ControlResult.TOO_LATE


def test_an_abort_while_the_disk_is_copied_waits_and_then_reverts_and_ends_aborted() -> None:
    play = ColdPlay()
    play.show(*COPY)
    play.step(resizing("cmp1"), "migrating", ask(Verb.ABORT))
    for view, word, *_ in FINISH:
        play.step(view, word)
        assert (play.status.phase, play.calls) == (Phase.ABORTING, [])
    play.step(ARRIVED, "finished")
    assert (play.status.phase, play.calls) == (Phase.ABORTING, [Verb.REVERT])
    play.step(REVERTING, "reverting")
    assert play.status.phase is Phase.ABORTING
    play.show((AT_SOURCE, "reverted", Phase.ABORTED, Reason.ABORTED))
    assert result_of(play.status, Verb.ABORT) is ControlResult.DONE


def test_a_move_that_ends_confirmed_before_the_abort_took_effect_succeeds_and_says_too_late() -> None:
    play = ColdPlay(status=started(control(Verb.ABORT)))
    play.show(
        (AT_DESTINATION, "confirmed", Phase.RUNNING, Reason.RUNNING),
        (AT_DESTINATION, "confirmed", Phase.SUCCEEDED, Reason.CONFIRMED_UPSTREAM),
    )
    assert result_of(play.status, Verb.ABORT) is ControlResult.TOO_LATE


def test_a_cold_move_is_never_asked_to_abort_like_a_live_one_even_where_old_clouds_tell_no_kind() -> None:
    row = record("migrating", kind=MoveKind.UNKNOWN, type=None)
    decision = decide(observe(started(control(Verb.ABORT)), wanted=COLD, swept=row, records=(row,)))
    assert (decision.call, decision.status.phase) == (None, Phase.ABORTING)
