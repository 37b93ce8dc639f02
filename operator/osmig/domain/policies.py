"""What osmig does by itself: about a stall, a deadline, a confirmation. Each policy acts once per attempt.

A policy's order is recorded like a user's before it is carried out; users outrank policies. A policy that has acted
acts anew when the spec is edited to another order: that is how people answer an alert, and an order without effect.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import ConfirmBy, OnConfirmDeadline, OnDeadline, OnStall, PolicyOrder
from osmig.api.migration_changes import change_status
from osmig.api.names import EventReason, Policy, Reason, Trend, Verb
from osmig.domain import next_status, orders, outcome
from osmig.domain.observation import Commit, Note
from osmig.domain.phases import FINISHED

if TYPE_CHECKING:
    import datetime as dt

    from osmig.api.migration import MigrationStatus, Progress
    from osmig.domain.observation import Observation

_STALL_VERBS = {OnStall.ALERT: None, OnStall.FORCE_COMPLETE: Verb.FORCE_COMPLETE, OnStall.ABORT: Verb.ABORT}
_DEADLINE_VERBS = {OnDeadline.ALERT: None, OnDeadline.ABORT: Verb.ABORT}
_CONFIRM_VERBS = {
    OnConfirmDeadline.ALERT: None,
    OnConfirmDeadline.CONFIRM: Verb.CONFIRM,
    OnConfirmDeadline.REVERT: Verb.REVERT,
}

Act = tuple[PolicyOrder, Note]


def measure_stall_s(observation: Observation, progress: Progress | None) -> float | None:
    """Return for how long this process has seen nothing gained; ``None`` where the cloud reports no numbers.

    Not by ``lastProgressTime``: a wall clock that is set right would call a healthy move stalled, and so would a
    process that did not look for a while.
    """
    if progress is None or progress.last_progress_time is None or progress.lowest_remaining_bytes is None:
        return None
    known = observation.newest_progress
    is_same = known is not None and known.lowest_remaining_bytes == progress.lowest_remaining_bytes
    return observation.since_progress_s if is_same else 0.0


def is_stalled(observation: Observation, progress: Progress | None) -> bool:
    """Whether a running live move made no progress for ``progressTimeoutSeconds``."""
    stall_s = measure_stall_s(observation, progress)
    return stall_s is not None and stall_s >= observation.migration.spec.convergence.progress_timeout_seconds


def act_while_moving(observation: Observation, after: MigrationStatus, *, may_stall: bool) -> Act | None:
    """Return what a policy does now about a move that upstream has queued or runs.

    Args:
        observation: this moment.
        after: the status decided so far.
        may_stall: data moves and can be measured.
    """
    spec, now = observation.migration.spec, observation.now
    if after.deadline_time is not None and now >= after.deadline_time:
        verb, text = _DEADLINE_VERBS[spec.on_deadline], "the move takes longer than deadlineSeconds"
        if (act := _act(after, Policy.ON_DEADLINE, verb, text, now=now, due=_find_set_deadline(after))) is not None:
            return act
    if may_stall and is_stalled(observation, after.progress):
        verb, text = _STALL_VERBS[spec.convergence.on_stall], "the move makes no progress"
        if after.progress is not None and after.progress.trend is Trend.RISING:
            text = "the server writes faster than it is copied"
        return _act(after, Policy.ON_STALL, verb, text, now=now)
    return None


def watch_deadline(observation: Observation, decision: Commit) -> Commit:
    """Tell, as ``onDeadline: Alert`` wants it, that the deadline has passed, whatever the Migration does or waits for.

    A wait ends at the deadline at the latest, also one that has no end of its own.
    """
    after, now = decision.status, observation.now
    is_alert = observation.migration.spec.on_deadline is OnDeadline.ALERT
    if not is_alert or after.deadline_time is None or after.phase in FINISHED or decision.call is not None:
        return decision
    if now < after.deadline_time:
        left_s = (after.deadline_time - now).total_seconds()
        return replace(decision, due_s=left_s if decision.due_s is None else min(decision.due_s, left_s))
    text = "the move takes longer than deadlineSeconds"
    act = _act(after, Policy.ON_DEADLINE, None, text, now=now, due=_find_set_deadline(after))
    if act is None:
        return decision
    return replace(decision, status=record(after, act[0]), notes=(*decision.notes, act[1]))


def _find_set_deadline(after: MigrationStatus) -> dt.datetime | None:
    """Return the deadline without the wait for a confirmation that put it off: that wait is no edit of the spec."""
    return after.deadline_time - next_status.measure_pause(after.confirm) if after.deadline_time is not None else None


def end_past_deadline(observation: Observation) -> Commit | None:
    """End, as ``onDeadline: Abort`` wants it, what has begun once and has nothing under way; ``None`` before that.

    The deadline runs from the first intent on, through pauses, queues and further attempts.
    """
    status, deadline = observation.status, _find_abort_deadline(observation)
    if deadline is None or observation.now < deadline:
        return None
    why = f"; before that: {status.failure.message}" if status.failure is not None and status.failure.message else ""
    message = f"onDeadline ended it while nothing was under way{why}"
    return outcome.fail(observation, Reason.DEADLINE_EXCEEDED, message)


def bound_by_deadline(observation: Observation, due_s: float | None) -> float | None:
    """Shorten a wait, which may be one without end, to the deadline that ends it."""
    deadline = _find_abort_deadline(observation)
    if deadline is None:
        return due_s
    left_s = max(0.0, (deadline - observation.now).total_seconds())
    return left_s if due_s is None else min(due_s, left_s)


def _find_abort_deadline(observation: Observation) -> dt.datetime | None:
    if observation.migration.spec.on_deadline is not OnDeadline.ABORT:
        return None
    return next_status.find_deadline(observation, observation.status, observation.status.confirm)


def act_while_awaiting(observation: Observation, after: MigrationStatus) -> Act | None:
    """Return what a policy does now about a cold move that awaits its confirmation."""
    cold_options, now = observation.migration.spec.cold_options, observation.now
    if cold_options.confirm is ConfirmBy.AUTOMATIC:
        act = _act(after, Policy.CONFIRM, Verb.CONFIRM, "the move is confirmed automatically", now=now)
        if act is not None:
            return act
    deadline = after.confirm.deadline_time if after.confirm is not None else None
    if deadline is None or now < deadline:
        return None
    verb = _CONFIRM_VERBS[cold_options.on_confirm_deadline]
    text = "nobody confirmed or reverted in time"
    return _act(after, Policy.ON_CONFIRM_DEADLINE, verb, text, now=now, due=deadline)


def _act(
    status: MigrationStatus,
    policy: Policy,
    verb: Verb | None,
    text: str,
    *,
    now: dt.datetime,
    due: dt.datetime | None = None,
) -> Act | None:
    """Make the order, unless the policy acted in this attempt, or a user's order or another policy's is in force.

    Args:
        status: decided so far.
        policy: that acts.
        verb: that it orders; ``None`` only tells.
        text: why, for the Event.
        now: this moment.
        due: the deadline that has passed, as the spec sets it; ``None`` where none did.
    """
    known = orders.find_policy_order(status, policy)
    if known is not None and not _is_edited(known, verb, due=due):
        return None
    if verb is not None and orders.in_force(status) is not None and not _outranks(status, policy, verb):
        return None
    told = f"{policy}: {text}" + (f", {verb} is ordered" if verb is not None else "")
    note = Note(reason=EventReason.POLICY_ACTED, text=told, is_warning=policy is not Policy.CONFIRM)
    return PolicyOrder(policy=policy, verb=verb, time=now), note


def _is_edited(known: PolicyOrder, verb: Verb | None, *, due: dt.datetime | None) -> bool:
    """Whether the spec wants something else than when the policy acted: another order, or a later deadline."""
    if known.verb is not None:
        return verb not in {None, known.verb}
    return verb is not None or (due is not None and known.time < due)


def _outranks(status: MigrationStatus, policy: Policy, verb: Verb) -> bool:
    """Whether a policy's order goes before the one in force, which stays if it is a user's.

    An abort goes before another policy's force-complete, and any order before one of the same policy that the cloud has
    not taken: the spec was edited since.
    """
    order = orders.in_force(status)
    if order is None or order.policy is None:
        return False
    is_replaced = order.policy is policy and not order.is_sent
    return is_replaced or (verb is Verb.ABORT and order.verb is not Verb.ABORT)


def record(status: MigrationStatus, order: PolicyOrder) -> MigrationStatus:
    """Put what a policy did in the place of what it told before."""
    others = tuple(known for known in status.policy_orders if known.policy is not order.policy)
    return change_status(status, policy_orders=(*others, order))
