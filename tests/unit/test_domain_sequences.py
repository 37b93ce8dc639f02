"""Every live sequence that Nova was seen to write, replayed moment by moment (docs/openstack.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from domain_samples import conditions_of, control, observe, reason_of, record, result_of, server, started, stored
from domain_world import World, decide_in
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.phases import may_follow
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.views import BytesView, Explanation, ProgressView

if TYPE_CHECKING:
    from decided import Decided
    from osmig.api.migration import Control, MigrationStatus
    from osmig.drivers.servers.views import ServerView

SAMPLE = ProgressView(memory=BytesView(total=100, processed=10, remaining=90))
BUSY = server(busy=True)
IDLE_SOURCE, IDLE_DESTINATION = server("cmp1"), server("cmp2")
BROKEN_SOURCE, BROKEN_DESTINATION = server("cmp1", error=True), server("cmp2", error=True)

Moment = tuple["ServerView", str, Phase, str]
"""The server, the record's word (empty: no record), and what we must make of it."""

BEGIN: tuple[Moment, ...] = (
    (BUSY, "", Phase.STARTING, Reason.AWAITING_RECORD),
    (BUSY, "accepted", Phase.STARTING, Reason.ACCEPTED),
    (BUSY, "queued", Phase.STARTING, Reason.QUEUED),
    (BUSY, "preparing", Phase.STARTING, Reason.PREPARING),
)
RUN: tuple[Moment, ...] = (*BEGIN, (BUSY, "running", Phase.RUNNING, Reason.RUNNING))
GONE_ON = (IDLE_SOURCE, "running", Phase.RUNNING, Reason.RUNNING)


@dataclass
class Play:
    """One Migration that is stepped through moments, each status stored and read back in between."""

    status: MigrationStatus
    explanation: Explanation = field(default_factory=lambda: Explanation(reason=None, message=""))
    waited: dict[str, float] = field(default_factory=dict)

    def step(self, view: ServerView, word: str) -> Decided:
        """Show one moment; what was waited for has been waited for by the next one."""
        rows = (record(word, destination=None if word == "accepted" else "cmp2"),) if word else ()
        world = World(server=view, records=rows, progress=SAMPLE, explanation=self.explanation)
        decision = decide_in(world, observe(self.status, wait_ages_s=self.waited))
        assert decision.status.phase is not None
        assert may_follow(self.status.phase, decision.status.phase), (self.status.phase, decision.status.phase)
        self.waited = {decision.wait_key: 2.0} if decision.wait_key else {}
        self.status = stored(decision.status)
        return decision

    def show(self, *moments: Moment) -> None:
        """Show moments and check what is made of each."""
        for view, word, phase, reason in moments:
            self.step(view, word)
            assert (self.status.phase, reason_of(self.status)) == (phase, reason), (view.host, word)
            is_over = conditions_of(self.status)["Finished"] == "True"
            assert is_over == (phase in {Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED})


def begin(*orders: Control, reason: str | None = None) -> Play:
    status = started(*orders, id=None, phase=Phase.ABORTING if orders else Phase.STARTING)
    return Play(status, Explanation(reason=reason, message="Why it failed." if reason else ""))


HANDED_OVER = Reason.SWITCHING_OVER
SEQUENCES: dict[str, tuple[Moment, ...]] = {
    "normal": (
        *RUN,
        (IDLE_DESTINATION, "running", Phase.RUNNING, Reason.RUNNING),
        (IDLE_DESTINATION, "completed", Phase.SUCCEEDED, Reason.SUCCEEDED),
    ),
    "completed while the server is still busy": (
        *RUN,
        (BUSY, "completed", Phase.RUNNING, HANDED_OVER),
        (IDLE_DESTINATION, "completed", Phase.SUCCEEDED, Reason.SUCCEEDED),
    ),
    "post-copy": (
        *RUN,
        (BUSY, "running (post-copy)", Phase.RUNNING, Reason.POST_COPY),
        (IDLE_DESTINATION, "running (post-copy)", Phase.RUNNING, Reason.POST_COPY),
        (IDLE_DESTINATION, "completed", Phase.SUCCEEDED, Reason.SUCCEEDED),
    ),
    "post-migrating is switching over": (
        *RUN,
        (BUSY, "post-migrating", Phase.RUNNING, Reason.SWITCHING_OVER),
        (IDLE_DESTINATION, "completed", Phase.SUCCEEDED, Reason.SUCCEEDED),
    ),
    "cancelled by somebody else, or by Nova's own timeout": (
        *RUN,
        GONE_ON,
        (IDLE_SOURCE, "cancelled", Phase.FAILED, Reason.CANCELLED_UPSTREAM),
    ),
    "hypervisor fails midway": (*RUN, GONE_ON, (IDLE_SOURCE, "failed", Phase.FAILED, Reason.HYPERVISOR_FAILED)),
    "driver raises": (
        *RUN,
        (BUSY, "error", Phase.RUNNING, Reason.RUNNING),
        (BROKEN_SOURCE, "error", Phase.RUNNING, Reason.RUNNING),
        (BROKEN_SOURCE, "error", Phase.FAILED, Reason.SERVER_IN_ERROR),
    ),
    "pre_live_migration fails: error is not final": (
        *BEGIN,
        (BUSY, "error", Phase.STARTING, Reason.PREPARING),
        (IDLE_SOURCE, "error", Phase.STARTING, Reason.PREPARING),
        (IDLE_SOURCE, "failed", Phase.FAILED, Reason.HYPERVISOR_FAILED),
    ),
    "post step fails on the destination": (
        *RUN,
        (BROKEN_DESTINATION, "running", Phase.RUNNING, Reason.RUNNING),
        (BROKEN_DESTINATION, "error", Phase.RUNNING, Reason.RUNNING),
        (BROKEN_DESTINATION, "error", Phase.FAILED, Reason.ERROR_ON_DESTINATION),
    ),
    "the source's compute service restarts": (
        *RUN,
        (IDLE_SOURCE, "error", Phase.RUNNING, Reason.RUNNING),
        (IDLE_SOURCE, "error", Phase.FAILED, Reason.MIGRATION_ERROR),
    ),
    "an unknown word keeps the phase": (
        *RUN,
        (BUSY, "what is this", Phase.RUNNING, Reason.UNKNOWN),
        (IDLE_DESTINATION, "completed", Phase.SUCCEEDED, Reason.SUCCEEDED),
    ),
    "an unknown word before the data moves": (*BEGIN, (BUSY, "what is this", Phase.STARTING, Reason.UNKNOWN)),
    "completed before we looked once": ((IDLE_DESTINATION, "completed", Phase.SUCCEEDED, Reason.SUCCEEDED),),
    "completed and the server never left": ((IDLE_SOURCE, "completed", Phase.FAILED, Reason.HOST_UNCHANGED),),
    "completed into an error of the server": (
        (BROKEN_DESTINATION, "completed", Phase.FAILED, Reason.ERROR_ON_DESTINATION),
    ),
}


@pytest.mark.parametrize("moments", SEQUENCES.values(), ids=SEQUENCES)
def test_a_live_sequence_of_nova_gets_phase_reason_and_end(moments: tuple[Moment, ...]) -> None:
    play = begin()
    play.show(*moments)
    assert play.status.pending_call is None
    if moments[-1][2] is Phase.SUCCEEDED:
        assert play.status.progress is not None
        assert play.status.progress.percent == 100
        assert play.status.placement is not None
        assert (play.status.placement.source_host, play.status.placement.destination_host) == ("cmp1", "cmp2")


@pytest.mark.parametrize("reason", [Reason.NO_VALID_HOST, Reason.PRE_CHECK_FAILED])
def test_a_refused_pre_check_is_explained_by_the_action_and_may_be_retried(reason: Reason) -> None:
    play = begin(reason=reason)
    play.show(
        (BUSY, "accepted", Phase.STARTING, Reason.ACCEPTED),
        (IDLE_SOURCE, "accepted", Phase.STARTING, Reason.ACCEPTED),
        (IDLE_SOURCE, "error", Phase.STARTING, Reason.ACCEPTED),
        (IDLE_SOURCE, "error", Phase.FAILED, reason),
    )
    assert play.status.failure is not None
    assert play.status.failure.message == "Why it failed."
    assert play.status.failure.retryable
    assert [(attempt.number, attempt.outcome, attempt.reason) for attempt in play.status.attempts] == [
        (1, Phase.FAILED, reason)
    ]


@pytest.mark.parametrize("words", [("running",), ("queued",), ("preparing",), ("accepted", "queued")])
def test_a_move_that_was_aborted_on_request_ends_aborted(words: tuple[str, ...]) -> None:
    play = begin(control(Verb.ABORT))
    for word in words:
        decision = play.step(BUSY, word)
        assert (play.status.phase, reason_of(play.status)) == (Phase.ABORTING, Reason.ABORTING)
        expected = None if word == "accepted" else VerbCall(verb=Verb.ABORT, record_id="7")
        assert decision.call == expected
    play.step(IDLE_SOURCE, words[-1])
    play.show(
        (BUSY, "cancelled", Phase.ABORTING, Reason.ABORTING), (IDLE_SOURCE, "cancelled", Phase.ABORTED, Reason.ABORTED)
    )
    assert result_of(play.status, Verb.ABORT) is ControlResult.DONE


def test_a_move_that_completes_before_the_abort_took_effect_succeeds_and_says_too_late() -> None:
    play = begin(control(Verb.ABORT, sent=True))
    play.step(BUSY, "running")
    play.show((IDLE_DESTINATION, "completed", Phase.SUCCEEDED, Reason.SUCCEEDED))
    assert result_of(play.status, Verb.ABORT) is ControlResult.TOO_LATE


def test_a_forced_move_completes_like_any_other_and_the_order_is_done() -> None:
    play = Play(started(control(Verb.FORCE_COMPLETE, sent=True), id=None, phase=Phase.STARTING))
    play.show(*RUN, (BUSY, "running (post-copy)", Phase.RUNNING, Reason.POST_COPY))
    play.show((IDLE_DESTINATION, "completed", Phase.SUCCEEDED, Reason.SUCCEEDED))
    assert result_of(play.status, Verb.FORCE_COMPLETE) is ControlResult.DONE


def test_a_source_whose_compute_service_is_down_stays_running_and_is_asked_to_abort_again_and_again() -> None:
    play = begin(control(Verb.ABORT))
    for _ in range(5):
        assert play.step(BUSY, "running").call == VerbCall(verb=Verb.ABORT, record_id="7")
        assert play.status.phase is Phase.ABORTING
