"""A phase that somebody else wrote is put right by what else the status says, and the move is followed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from controller_fakes import MIGRATION
from decided import decide
from domain_cold_samples import COLD, awaiting, deciding
from domain_samples import NOW, READY, observe, pre_start, sent, started, status_in
from osmig.api.meta import to_wire
from osmig.api.migration import Attempt, MigrationStatus
from osmig.api.names import Phase, Reason, Verb
from osmig.controllers.claims import read_claims
from osmig.domain.phases import CONFIRMATION, FINISHED, WAITING
from osmig.drivers.servers.calls import StartCall

if TYPE_CHECKING:
    from collections.abc import Mapping


def over(phase: Phase, reason: str = "x", **changes: object) -> MigrationStatus:
    """A Migration that has ended, as osmig writes it."""
    ended = Attempt(number=1, outcome=phase, reason=reason)
    facts = {"completion_time": NOW, "attempt": 1, "attempts": (ended,), "start_time": NOW, **changes}
    return status_in(phase, reason, **facts)


def patched(status: MigrationStatus, phase: Phase | None) -> MigrationStatus:
    """The status after ``kubectl patch --subresource=status`` of its phase alone."""
    return status.model_copy(update={"phase": phase})


UNDER_WAY: Mapping[str, tuple[MigrationStatus, Mapping[str, object]]] = {
    "Starting": (sent(), {}),
    "Running": (started(), {}),
    "AwaitingConfirmation": (awaiting(), COLD),
    "Confirming": (deciding(Verb.CONFIRM), COLD),
    "Reverting": (deciding(Verb.REVERT), COLD),
}


@pytest.mark.parametrize("phase", sorted({*FINISHED, *WAITING}))
@pytest.mark.parametrize("status_and_type", UNDER_WAY.values(), ids=UNDER_WAY)
def test_a_move_under_way_is_followed_whatever_phase_somebody_wrote(
    phase: Phase, status_and_type: tuple[MigrationStatus, Mapping[str, object]]
) -> None:
    status, wanted = status_and_type
    decision = decide(observe(patched(status, phase), wanted=wanted))
    assert (decision.status, decision.due_s, decision.call) == (status, 0.0, None)


@pytest.mark.parametrize("phase", sorted(CONFIRMATION))
def test_a_live_move_is_in_no_phase_of_a_confirmation(phase: Phase) -> None:
    assert decide(observe(patched(started(), phase))).status.phase is Phase.RUNNING
    assert decide(observe(patched(started(id=None), phase))).status.phase is Phase.STARTING


@pytest.mark.parametrize("phase", sorted(FINISHED))
def test_what_never_sent_anything_is_admitted_and_not_called_over(phase: Phase) -> None:
    mended = decide(observe(patched(status_in(Phase.QUEUED), phase)))
    assert (mended.status.phase, mended.due_s) == (Phase.PENDING, 0.0)
    assert decide(observe(mended.status, pre_start=pre_start())).call == StartCall()


@pytest.mark.parametrize("phase", [None, *sorted(set(Phase) - WAITING)])
@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        (Phase.PENDING, Reason.RETRYING),
        (Phase.QUEUED, Reason.SLOTS_TAKEN),
        (Phase.QUEUED, Reason.SERVER_BUSY),
        (Phase.QUEUED, Reason.PROVIDER_NOT_READY),
        (Phase.SUSPENDED, Reason.SUSPENDED),
    ],
)
def test_what_waits_between_two_starts_is_neither_called_lost_nor_shown_as_under_way(
    waiting: Phase, reason: Reason, phase: Phase | None
) -> None:
    """An earlier attempt, or a start that was turned down, has left its time, and nothing else that is under way."""
    status = patched(status_in(waiting, reason, start_time=NOW, attempt=2), phase)
    mended = decide(observe(status)).status
    assert mended.phase is Phase.PENDING
    assert decide(observe(mended, pre_start=pre_start())).call == StartCall()
    unready = decide(observe(mended, provider=replace(READY, is_ready=False, reason="Unreachable"))).status
    assert unready.phase is Phase.QUEUED


@pytest.mark.parametrize("phase", sorted(set(Phase) - WAITING))
def test_what_never_sent_anything_is_not_shown_as_under_way_while_it_waits(phase: Phase) -> None:
    assert decide(observe(patched(status_in(Phase.QUEUED), phase))).status.phase is Phase.PENDING


@pytest.mark.parametrize("phase", [None, *sorted(set(Phase) - WAITING - FINISHED)])
def test_a_start_that_was_removed_with_its_record_is_not_made_up(phase: Phase | None) -> None:
    removed = patched(started(upstream=None, start_time=NOW), phase)
    decision = decide(observe(removed))
    assert (decision.status.phase, decision.call) == (Phase.FAILED, None)


@pytest.mark.parametrize("phase", [None, Phase.RUNNING, Phase.QUEUED, Phase.STARTING])
@pytest.mark.parametrize("end", sorted(FINISHED))
def test_what_is_over_stays_over_whatever_phase_somebody_wrote(phase: Phase | None, end: Phase) -> None:
    for sent_status in (over(end), over(end, upstream=started().upstream)):
        decision = decide(observe(patched(sent_status, phase)))
        assert (decision.status, decision.call) == (sent_status, None)


@pytest.mark.parametrize(("end", "phase"), [(Phase.FAILED, Phase.SUCCEEDED), (Phase.SUCCEEDED, Phase.FAILED)])
def test_an_outcome_that_the_conditions_deny_is_not_believed(end: Phase, phase: Phase) -> None:
    assert decide(observe(patched(over(end), phase))).status.phase is end


def test_an_outcome_without_an_attempt_is_told_by_the_conditions() -> None:
    for end, reason in ((Phase.FAILED, "x"), (Phase.ABORTED, Reason.ABORTED), (Phase.SUCCEEDED, "x")):
        status = patched(over(end, reason, attempts=(), start_time=None), Phase.RUNNING)
        assert decide(observe(status)).status.phase is end


def test_an_end_that_is_only_a_time_is_none() -> None:
    decision = decide(observe(patched(started(completion_time=NOW), Phase.QUEUED)))
    assert (decision.status.phase, decision.status.completion_time) == (Phase.RUNNING, None)


def test_a_phase_that_is_denied_lets_neither_slot_nor_server_go() -> None:
    body = {"metadata": {}, "spec": {}, "status": to_wire(patched(started(), Phase.SUCCEEDED))}
    claims = read_claims(MIGRATION, body)
    assert (claims.is_over, claims.server_id is not None, claims.holds is not None) == (False, True, True)
    ended = {"metadata": {}, "spec": {}, "status": to_wire(patched(over(Phase.FAILED), Phase.RUNNING))}
    assert read_claims(MIGRATION, ended).is_over
