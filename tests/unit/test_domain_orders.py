"""Verbs: which annotation value is an order, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_samples import (
    NOW,
    ORDERS,
    ask,
    control,
    observe,
    result_of,
    sent,
    started,
    status_in,
)
from osmig.api.names import ControlResult, EventReason, Phase, Verb
from osmig.domain.conditions import Verdict
from osmig.domain.orders import RANKS, close_controls, find_control
from osmig.domain.verbs import bound_token, canonical_token

if TYPE_CHECKING:
    from osmig.api.migration import Control, MigrationStatus
    from osmig.domain.observation import VerbRequest

ACCEPTED, REJECTED, DONE = ControlResult.ACCEPTED, ControlResult.REJECTED, ControlResult.DONE
LIVE = {"before the start": status_in(None), "unanswered": sent(), "running": started()}
OVER = {phase: status_in(phase, start_time=NOW, attempt=1) for phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED)}


@pytest.mark.parametrize(
    ("token", "attempt", "result"),
    [
        ("true", 2, ACCEPTED),
        ("1732190000", 2, ACCEPTED),
        ("2026-11-21T10:00:00Z", 2, ACCEPTED),
        ("2", 2, ACCEPTED),
        ("2/now", 2, ACCEPTED),
        ("2/", 2, ACCEPTED),
        ("1", 2, REJECTED),
        ("3/soon", 2, REJECTED),
        ("999", 2, REJECTED),
        ("1000", 2, ACCEPTED),
        ("0", 2, ACCEPTED),
        ("02", 2, ACCEPTED),
        ("2x", 2, ACCEPTED),
        ("1", None, ACCEPTED),
        ("2", None, REJECTED),
        ("", 2, REJECTED),
        ("x" * 63, 2, ACCEPTED),
        ("x" * 64, 2, REJECTED),
        ("x" * 500, 2, REJECTED),
    ],
)
@pytest.mark.parametrize("verb", ORDERS)
def test_a_token_is_bound_to_the_attempt_it_names_or_to_the_current_one(
    verb: Verb, token: str, attempt: int | None, result: ControlResult
) -> None:
    decision = decide(observe(status_in(Phase.QUEUED, attempt=attempt), verb_requests=(ask(verb, token),)))
    assert decision.goes_on
    latched = find_control(decision.status.controls, verb)
    assert latched is not None
    assert (latched.result, latched.attempt, latched.field_manager) == (result, attempt or 1, "kubectl-annotate")
    assert latched.message
    assert latched.token == canonical_token(token)


@pytest.mark.parametrize("status", LIVE.values(), ids=LIVE)
@pytest.mark.parametrize("verb", ORDERS)
def test_an_order_is_latched_in_every_live_phase_before_anything_else_happens(
    verb: Verb, status: MigrationStatus
) -> None:
    decision = decide(observe(status, verb_requests=(ask(verb),)))
    assert (decision.goes_on, decision.call, decision.wants, decision.due_s) == (True, None, frozenset(), 0.0)
    expected = {"controls": decision.status.controls, "phase": status.phase or Phase.PENDING}
    assert decision.status == status.model_copy(update=expected), "no status is written without a phase"
    assert result_of(decision.status, verb) is ACCEPTED
    assert [note.reason for note in decision.notes] == [EventReason.VERB_ACCEPTED]


@pytest.mark.parametrize("status", OVER.values(), ids=OVER)
@pytest.mark.parametrize("verb", ORDERS)
def test_an_order_to_a_finished_migration_is_rejected(verb: Verb, status: MigrationStatus) -> None:
    decision = decide(observe(status, verb_requests=(ask(verb),)))
    assert result_of(decision.status, verb) is REJECTED
    assert [(note.reason, note.is_warning) for note in decision.notes] == [(EventReason.VERB_REJECTED, True)]


@pytest.mark.parametrize("status", [*LIVE.values(), *OVER.values()])
def test_reconcile_is_done_the_moment_it_is_seen(status: MigrationStatus) -> None:
    decision = decide(observe(status, verb_requests=(ask(Verb.RECONCILE, "1732190000"),)))
    assert result_of(decision.status, Verb.RECONCILE) is DONE
    assert [note.reason for note in decision.notes] == [EventReason.VERB_DONE]


@pytest.mark.parametrize("token", ["true", "x" * 64])
def test_the_same_token_is_one_order_however_often_it_is_seen(token: str) -> None:
    first = decide(observe(started(), verb_requests=(ask(Verb.ABORT, token), ask(Verb.ABORT, token))))
    assert len(first.notes) == 1
    assert not decide(observe(first.status, verb_requests=(ask(Verb.ABORT, token),))).goes_on


def test_long_tokens_that_differ_at_their_end_are_told_apart() -> None:
    assert canonical_token("x" * 70) != canonical_token("x" * 69 + "y")
    assert len(canonical_token("x" * 70)) == 63


def test_a_newer_token_renews_the_order_in_force_and_keeps_when_it_was_sent() -> None:
    decision = decide(observe(started(control(Verb.ABORT, sent=True)), verb_requests=(ask(Verb.ABORT, "again"),)))
    renewed = find_control(decision.status.controls, Verb.ABORT)
    assert renewed is not None
    assert (renewed.token, renewed.result, renewed.sent_time) == ("again", ACCEPTED, NOW)


@pytest.mark.parametrize("token", ["", "7", "x" * 64])
def test_a_mistyped_newer_token_never_loses_the_order_in_force(token: str) -> None:
    decision = decide(observe(started(control(Verb.ABORT)), verb_requests=(ask(Verb.ABORT, token),)))
    kept = find_control(decision.status.controls, Verb.ABORT)
    assert kept is not None
    assert kept.result is ACCEPTED
    assert "rejected" in (kept.message or "")
    assert not decide(observe(decision.status, verb_requests=(ask(Verb.ABORT, token),))).goes_on


def test_a_new_token_after_a_final_result_is_a_new_order() -> None:
    before = started(control(Verb.FORCE_COMPLETE, ControlResult.TOO_LATE, sent=True))
    decision = decide(observe(before, verb_requests=(ask(Verb.FORCE_COMPLETE, "again"),)))
    latched = find_control(decision.status.controls, Verb.FORCE_COMPLETE)
    assert latched is not None
    assert (latched.result, latched.sent_time) == (ACCEPTED, None)


@pytest.mark.parametrize(
    ("before", "verb_requests"),
    [
        (started(), (ask(Verb.ABORT), ask(Verb.FORCE_COMPLETE))),
        (started(), (ask(Verb.FORCE_COMPLETE), ask(Verb.ABORT))),
        (started(control(Verb.FORCE_COMPLETE)), (ask(Verb.ABORT),)),
        (started(control(Verb.ABORT)), (ask(Verb.FORCE_COMPLETE),)),
    ],
)
def test_abort_supersedes_force_complete_whichever_came_first(
    before: MigrationStatus, verb_requests: tuple[VerbRequest, ...]
) -> None:
    decision = decide(observe(before, verb_requests=verb_requests))
    assert result_of(decision.status, Verb.ABORT) is ACCEPTED
    assert result_of(decision.status, Verb.FORCE_COMPLETE) is ControlResult.SUPERSEDED
    assert decision.notes[-1].reason is EventReason.VERB_SUPERSEDED


@pytest.mark.parametrize(
    ("orders", "abort"),
    [((control(Verb.ABORT, ControlResult.TOO_LATE),), ControlResult.TOO_LATE), ((), None)],
)
def test_force_complete_stands_when_no_abort_is_in_force(
    orders: tuple[Control, ...], abort: ControlResult | None
) -> None:
    decision = decide(observe(started(*orders), verb_requests=(ask(Verb.FORCE_COMPLETE, "f"),)))
    assert result_of(decision.status, Verb.FORCE_COMPLETE) is ACCEPTED
    assert result_of(decision.status, Verb.ABORT) is abort


def test_an_annotation_that_is_removed_later_changes_nothing() -> None:
    latched = decide(observe(started(), verb_requests=(ask(Verb.ABORT),))).status
    assert not decide(observe(latched, verb_requests=())).goes_on
    assert result_of(latched, Verb.ABORT) is ACCEPTED


def test_orders_are_kept_in_one_entry_per_verb_in_a_stable_order() -> None:
    verb_requests = (ask(Verb.RECONCILE, "r"), ask(Verb.FORCE_COMPLETE), ask(Verb.ABORT), ask(Verb.ABORT, "b"))
    decision = decide(observe(started(), verb_requests=verb_requests))
    assert [found.verb for found in decision.status.controls] == [Verb.ABORT, Verb.FORCE_COMPLETE, Verb.RECONCILE]


@pytest.mark.parametrize(
    ("verb", "was_sent", "phase", "result"),
    [
        (Verb.ABORT, True, Phase.ABORTED, DONE),
        (Verb.ABORT, False, Phase.ABORTED, DONE),
        (Verb.ABORT, True, Phase.SUCCEEDED, ControlResult.TOO_LATE),
        (Verb.ABORT, True, Phase.FAILED, ControlResult.TOO_LATE),
        (Verb.FORCE_COMPLETE, True, Phase.SUCCEEDED, DONE),
        (Verb.FORCE_COMPLETE, False, Phase.SUCCEEDED, ControlResult.TOO_LATE),
        (Verb.FORCE_COMPLETE, True, Phase.FAILED, ControlResult.TOO_LATE),
        (Verb.CONFIRM, True, Phase.SUCCEEDED, DONE),
        (Verb.CONFIRM, False, Phase.SUCCEEDED, ControlResult.TOO_LATE),
        (Verb.CONFIRM, True, Phase.REVERTED, ControlResult.TOO_LATE),
        (Verb.REVERT, True, Phase.REVERTED, DONE),
        (Verb.REVERT, False, Phase.REVERTED, ControlResult.TOO_LATE),
        (Verb.REVERT, True, Phase.SUCCEEDED, ControlResult.TOO_LATE),
    ],
)
def test_the_end_gives_every_order_in_force_its_result(
    *, verb: Verb, was_sent: bool, phase: Phase, result: ControlResult
) -> None:
    verdict = Verdict(phase=phase, reason="Why", message="")
    controls, notes = close_controls((control(verb, sent=was_sent),), verdict, now=NOW)
    assert controls[0].result is result
    assert len(notes) == 1


def test_the_end_tells_the_orders_results_by_their_rank() -> None:
    before = tuple(control(verb) for verb in sorted(Verb) if verb not in {Verb.RETRY, Verb.RECONCILE})
    _, notes = close_controls(before, Verdict(phase=Phase.FAILED, reason="Why", message=""), now=NOW)
    assert [note.text.split()[0] for note in notes] == list(RANKS)


def test_the_end_leaves_settled_orders_alone() -> None:
    before = (control(Verb.ABORT, REJECTED), control(Verb.RECONCILE, DONE))
    assert close_controls(before, Verdict(phase=Phase.FAILED, reason="Why", message=""), now=NOW) == (before, ())


@pytest.mark.parametrize("token", ["now", "x" * 63, "x" * 64, "x" * 200_000, "x" * 63 + "…"])
def test_a_token_that_is_too_long_is_still_too_long_when_it_is_cut_for_keeping(token: str) -> None:
    kept = bound_token(token)
    assert (len(kept) > 63) == (len(token) > 63)
    assert len(kept) <= 64
    assert bound_token(kept) == kept
