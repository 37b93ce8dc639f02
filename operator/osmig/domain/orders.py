"""Orders: what a user's annotations and the spec's policies want of a move, which of them is in force, what came of it.

How an annotation becomes an order is in `osmig.domain.verbs`; the table is in docs/openstack.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.migration import Control, PolicyOrder
from osmig.api.migration_changes import change_status
from osmig.api.names import ControlResult, EventReason, Phase, Policy, Verb
from osmig.domain.observation import Note

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from osmig.api.migration import MigrationStatus
    from osmig.domain.conditions import Verdict

RANKS = (Verb.ABORT, Verb.REVERT, Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.RUN_NOW)
"""Which order goes first when several are accepted."""

_EVENTS = {
    ControlResult.ACCEPTED: EventReason.VERB_ACCEPTED,
    ControlResult.DONE: EventReason.VERB_DONE,
    ControlResult.REJECTED: EventReason.VERB_REJECTED,
    ControlResult.TOO_LATE: EventReason.VERB_TOO_LATE,
    ControlResult.UNSUPPORTED: EventReason.VERB_UNSUPPORTED,
    ControlResult.SUPERSEDED: EventReason.VERB_SUPERSEDED,
}

_PAUSE_SHARE = 0.1
"""Share of an order's age that passes between two requests: each has a good chance before the next."""
_MAX_PAUSE_S = 300.0

Controls = tuple[Control, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done to a move, and who wants it.

    Attributes:
        policy: of the spec; ``None`` when a user asked.
        is_sent: the cloud accepted the request at least once, or one was sent that may have taken effect.
        since: when the cloud first accepted it, or may have; before that, when it was given.
    """

    verb: Verb
    policy: Policy | None = None
    is_sent: bool = False
    since: dt.datetime | None = None

    def measure_pause_s(self, now: dt.datetime, *, shortest_s: float) -> float:
        """Return the pause before it is sent again: longer and longer, for what had no effect so long may have none.

        Args:
            now: the wall clock, UTC.
            shortest_s: the first pause.
        """
        age_s = (now - self.since).total_seconds() if self.since is not None else 0.0
        return max(shortest_s, min(age_s * _PAUSE_SHARE, _MAX_PAUSE_S))


def find_control(controls: Iterable[Control], verb: Verb) -> Control | None:
    """Return the last order of that verb."""
    return next((control for control in controls if control.verb is verb), None)


def find_policy_order(status: MigrationStatus, policy: Policy) -> PolicyOrder | None:
    """Return what a policy did in the current attempt."""
    return next((order for order in status.policy_orders if order.policy is policy), None)


def is_active(status: MigrationStatus, verb: Verb) -> bool:
    """Whether a user's order of that verb was accepted and is not carried out yet."""
    control = find_control(status.controls, verb)
    return control is not None and control.result is ControlResult.ACCEPTED


def in_force(status: MigrationStatus) -> Order | None:
    """Return the order to be carried out now: users outrank policies."""
    accepted = {control.verb: control for control in status.controls if control.result is ControlResult.ACCEPTED}
    for verb in RANKS:
        if (control := accepted.get(verb)) is not None:
            return Order(verb=verb, is_sent=control.sent_time is not None, since=control.sent_time or control.time)
    # backwards, for of two policies that order the same the first one counts
    ordered = {order.verb: order for order in reversed(status.policy_orders) if order.given_up_time is None}
    for verb in RANKS:
        if (order := ordered.get(verb)) is not None:
            is_sent, since = order.sent_time is not None, order.sent_time or order.time
            return Order(verb=verb, policy=order.policy, is_sent=is_sent, since=since)
    return None


def wants_abort(status: MigrationStatus) -> bool:
    """Whether the order in force is an abort, whoever gave it."""
    order = in_force(status)
    return order is not None and order.verb is Verb.ABORT


def was_sent(status: MigrationStatus, verb: Verb) -> bool:
    """Whether the cloud accepted a request of that verb in this attempt, whoever wanted it."""
    control = find_control(status.controls, verb)
    is_ours = control is not None and control.sent_time is not None and control.attempt == (status.attempt or 1)
    return is_ours or any(order.verb is verb and order.sent_time is not None for order in status.policy_orders)


def settle(
    controls: Controls, verb: Verb, result: ControlResult, message: str, *, now: dt.datetime
) -> tuple[Controls, tuple[Note, ...]]:
    """Give the accepted order of ``verb`` its result."""
    control = find_control(controls, verb)
    if control is None or control.result is not ControlResult.ACCEPTED:
        return controls, ()
    settled = control.model_copy(update={"result": result, "message": message, "time": now})
    return replace_control(controls, settled), (announce(settled),)


def give_up(
    status: MigrationStatus, order: Order, result: ControlResult, message: str, *, now: dt.datetime
) -> tuple[MigrationStatus, tuple[Note, ...]]:
    """Take back an order that cannot be carried out; a policy's stays on record, so that it does not act again."""
    if order.policy is None:
        controls, notes = settle(status.controls, order.verb, result, message, now=now)
        return change_status(status, controls=controls), notes
    note = Note(reason=EventReason.POLICY_ACTED, text=f"{order.policy}: {order.verb} {message}", is_warning=True)
    return _replace_policy(status, order, {"given_up_time": now}), (note,)


def mark_sent(
    status: MigrationStatus, order: Order, *, now: dt.datetime, told: str = "the cloud accepted the request"
) -> MigrationStatus:
    """Note that the request was sent, and ``told`` what is known of it; later repetitions change nothing."""
    if order.is_sent:
        return status
    if order.policy is not None:
        return _replace_policy(status, order, {"sent_time": now})
    sent = {"sent_time": now, "message": told}
    controls = tuple(
        control.model_copy(update=sent) if control.verb is order.verb else control for control in status.controls
    )
    return change_status(status, controls=controls)


def note_refusal(status: MigrationStatus, order: Order, words: str) -> MigrationStatus:
    """Tell with a user's order why the cloud has not taken it yet; what a policy ordered has no place for words."""
    told = f"the cloud has not taken it yet, it is asked again: {words}"
    controls = tuple(
        control.model_copy(update={"message": told})
        if control.verb is order.verb and order.policy is None and control.sent_time is None
        else control
        for control in status.controls
    )
    return change_status(status, controls=controls)


def _replace_policy(status: MigrationStatus, order: Order, update: dict[str, object]) -> MigrationStatus:
    changed = tuple(
        known.model_copy(update=update) if known.policy is order.policy else known for known in status.policy_orders
    )
    return change_status(status, policy_orders=changed)


def close_controls(controls: Controls, verdict: Verdict, *, now: dt.datetime) -> tuple[Controls, tuple[Note, ...]]:
    """Give every accepted order its result, now that the attempt has ended."""
    notes: tuple[Note, ...] = ()
    for verb in RANKS:
        control = find_control(controls, verb)
        if control is None or control.result is not ControlResult.ACCEPTED:
            continue
        result, message = _close(control, verdict.phase)
        controls, settled = settle(controls, verb, result, message, now=now)
        notes += settled
    return controls, notes


def _close(control: Control, phase: Phase) -> tuple[ControlResult, str]:
    is_sent = control.sent_time is not None
    match control.verb, phase:
        case Verb.ABORT, Phase.ABORTED:
            return ControlResult.DONE, "the move was aborted"
        case Verb.FORCE_COMPLETE, Phase.SUCCEEDED if is_sent:
            return ControlResult.DONE, "the move completed after the request was sent"
        case Verb.CONFIRM, Phase.SUCCEEDED if is_sent:
            return ControlResult.DONE, "the move was confirmed"
        case Verb.REVERT, Phase.REVERTED if is_sent:
            return ControlResult.DONE, "the move was reverted"
        case _:
            return ControlResult.TOO_LATE, f"the move ended before it took effect ({phase})"


def replace_control(controls: Controls, control: Control) -> Controls:
    """Put an order in the place of the last one of its verb."""
    rest = tuple(other for other in controls if other.verb is not control.verb)
    return tuple(sorted((*rest, control), key=lambda other: other.verb))


def announce(control: Control) -> Note:
    """Make the Event that tells what became of an order."""
    return Note(
        reason=_EVENTS[control.result],
        text=f"{control.verb} {control.token!r}: {control.message}",
        is_warning=control.result in {ControlResult.REJECTED, ControlResult.TOO_LATE, ControlResult.UNSUPPORTED},
    )
