"""A cold move in VERIFY_RESIZE: its data has arrived; it awaits confirmation, is confirmed or reverted."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from osmig.api.migration import ConfirmFacts
from osmig.api.names import EventReason, Phase, Policy, Reason, Verb
from osmig.domain import next_status, orders, outcome, policies
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit, Decision, Note
from osmig.domain.operations import Stage
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import confirming, move_status, stale_records

if TYPE_CHECKING:
    from typing import Unpack

    from osmig.domain.operations import RecordView
    from osmig.domain.orders import Order
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.policy.move_status import RecordChanges
    from osmig.drivers.servers.views import ServerView

_COARSE_FROM_MIN, _TEN_MIN = 120, 10
_HANDOVER_POLL_S = 1.0
_REASONS = {
    Phase.AWAITING_CONFIRMATION: Reason.AWAITING_CONFIRMATION,
    Phase.CONFIRMING: Reason.CONFIRMING,
    Phase.REVERTING: Reason.REVERTING,
}


def follow(observation: MoveObservation, record: RecordView) -> Decision:
    """Decide for a cold move whose data has arrived: awaiting, confirming or reverting."""
    if record.stage is not Stage.AWAITING_CONFIRMATION:
        return _watch(observation, record)
    server = observation.facts.server
    if server is None:
        return read_facts("server", "records")
    if not server.awaits_confirmation:
        return _judge_server(observation, record, server)
    return _await(observation, record)


def _watch(observation: MoveObservation, record: RecordView) -> Commit:
    """The cloud confirms or reverts, for us or for somebody else: wait for the end."""
    is_confirming = record.stage is Stage.CONFIRMING
    phase, reason = confirming.name_phase(Verb.CONFIRM if is_confirming else Verb.REVERT)
    if not is_confirming and orders.wants_abort(observation.status):
        phase = Phase.ABORTING
    verdict = Verdict(phase=phase, reason=reason, message=f"the cloud's migration {record.id} is {record.status}")
    after = next_status.build(observation, verdict, **move_status.describe_facts(observation, record))
    wait_key = stale_records.wait_key_of(observation, record)
    return Commit(status=after, due_s=observation.timings.record_poll_s, wait_key=wait_key)


def _judge_server(observation: MoveObservation, record: RecordView, server: ServerView) -> Commit:
    """The record says finished and the server does not wait: a moment before or after it does, or never will."""
    wait_key = f"not-awaiting:{record.id}"
    facts = move_status.describe_facts(observation, record)
    if server.is_in_error:
        message = f"the cloud's migration {record.id} is {record.status} and the server is in status ERROR"
        reason = name_error(observation, record, server)
        return outcome.fail(observation, reason, message, **facts)
    if not server.is_busy and observation.has_waited(wait_key, observation.timings.start_lost_s):
        message = f"the cloud's migration {record.id} is {record.status}, but the server is {server.status}"
        return outcome.fail(observation, Reason.NOT_AWAITING_CONFIRMATION, message, **facts)
    phase = Phase.ABORTING if orders.wants_abort(observation.status) else Phase.RUNNING
    if observation.status.phase in _REASONS:
        phase = observation.status.phase
    verdict = Verdict(
        phase=phase,
        reason=_REASONS.get(phase, Reason.SWITCHING_OVER),
        message=f"the cloud's migration {record.id} is {record.status}, its server is {server.status}",
    )
    return Commit(
        status=next_status.build(observation, verdict, **facts),
        due_s=_HANDOVER_POLL_S,
        wait_key="" if server.is_busy else wait_key,
    )


def name_error(observation: MoveObservation, record: RecordView, server: ServerView) -> Reason:
    """Tell an ERROR on the destination, where two copies may exist, from one at the source."""
    if server.host is None:
        is_moved = move_status.has_moved(observation, server) is True
    else:
        is_moved = server.host == record.destination_host != record.source_host
    return Reason.ERROR_ON_DESTINATION if is_moved else Reason.SERVER_IN_ERROR


def _await(observation: MoveObservation, record: RecordView) -> Decision:
    order = orders.in_force(observation.status)
    confirm, deadline = _describe_confirmation(observation)
    phase = Phase.ABORTING if order is not None and order.verb is Verb.ABORT else Phase.AWAITING_CONFIRMATION
    verdict = Verdict(
        phase=phase, reason=Reason.AWAITING_CONFIRMATION, message=_describe_wait(observation, deadline, record, order)
    )
    after = next_status.build(observation, verdict, confirm=confirm, **move_status.describe_facts(observation, record))
    notes = _announce(observation)
    is_ordered = order is not None and order.verb in confirming.CALLS
    # what the deadline's policy ordered may be edited until the cloud has taken it
    may_act = not is_ordered or (order is not None and order.policy is Policy.ON_CONFIRM_DEADLINE)
    act = policies.act_while_awaiting(observation, after) if may_act else None
    if act is not None:
        return Commit(status=policies.record(after, act[0]), notes=(*notes, act[1]), due_s=0.0)
    if order is not None and is_ordered:
        return confirming.carry_out(observation, record, order, Commit(status=after, notes=notes))
    return Commit(status=after, notes=notes, due_s=_due_s(observation, deadline))


def _describe_confirmation(observation: MoveObservation) -> tuple[ConfirmFacts, dt.datetime]:
    known = observation.status.confirm or ConfirmFacts()
    began = known.start_time or observation.now
    allowed = dt.timedelta(seconds=observation.migration.spec.cold_options.confirm_deadline_seconds)
    deadline = began + allowed
    return known.model_copy(update={"start_time": began, "deadline_time": deadline}), deadline


def _announce(observation: MoveObservation) -> tuple[Note, ...]:
    if observation.status.confirm is not None:
        return ()
    text = "the server runs at its destination; annotate osmig.dev/confirm or osmig.dev/revert"
    return (Note(reason=EventReason.CONFIRMATION_AWAITED, text=text),)


def _describe_wait(observation: MoveObservation, deadline: dt.datetime, record: RecordView, order: Order | None) -> str:
    where = f"the server runs on {record.destination_host}" if record.destination_host else "the server has arrived"
    if order is not None and order.verb is Verb.CONFIRM and not confirming.may_confirm(observation, record):
        return f"{where}; the cloud is about to confirm by itself, so osmig keeps away"
    left = describe_left((deadline - observation.now).total_seconds())
    until = deadline.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{where}; confirm or revert it until {until} ({left})"


def describe_left(seconds: float) -> str:
    """Say how much time is left, no finer than it matters: every new wording is a write."""
    if seconds <= 0:
        return "overdue"
    minutes = math.ceil(seconds / 60)
    if minutes > _COARSE_FROM_MIN:
        return f"{math.ceil(minutes / 60)} h left"
    return f"{math.ceil(minutes / 10) * 10 if minutes > _TEN_MIN else minutes} min left"


def _due_s(observation: MoveObservation, deadline: dt.datetime) -> float:
    left_s = (deadline - observation.now).total_seconds()
    return max(0.5, min(left_s, confirming.SAFETY_S)) if left_s > 0 else confirming.SAFETY_S


def end_confirmed(observation: MoveObservation, record: RecordView, **facts: Unpack[RecordChanges]) -> Commit:
    """End a cold move that was confirmed, by us or by somebody else."""
    target = f" to {record.destination_host}" if record.destination_host else ""
    if orders.was_sent(observation.status, Verb.CONFIRM):
        return outcome.succeed(observation, Reason.SUCCEEDED, f"the server moved{target} and was confirmed", **facts)
    message = f"the server moved{target}; the move was confirmed in the cloud, not by this Migration"
    return outcome.succeed(observation, Reason.CONFIRMED_UPSTREAM, message, **facts)


def end_reverted(observation: MoveObservation, record: RecordView, **facts: Unpack[RecordChanges]) -> Commit:
    """End a cold move that was reverted: what was asked for, or what somebody else did."""
    order = orders.in_force(observation.status)
    message = f"the cloud's migration {record.id} was reverted"
    if order is not None and order.verb is Verb.ABORT:
        return outcome.abort(observation, message, **facts)
    if order is None or order.verb is not Verb.REVERT or not order.is_sent:
        text = f"{message}, not by this Migration"
        return outcome.revert(observation, Reason.REVERTED_UPSTREAM, text, **facts)
    if order.policy is Policy.ON_CONFIRM_DEADLINE:
        text = f"nobody confirmed in time: {message}"
        return outcome.revert(observation, Reason.CONFIRM_DEADLINE_EXCEEDED, text, **facts)
    return outcome.revert(observation, Reason.REVERTED, message, **facts)
