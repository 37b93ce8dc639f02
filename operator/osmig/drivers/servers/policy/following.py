"""After the start: follow the upstream record and the server to the end, and carry out orders on the way.

Neither "server idle" nor "record terminal" alone means the end; wait for both (docs/openstack.md).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType
from osmig.api.names import Phase, Reason
from osmig.domain import next_status, orders, policies
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit, Decision
from osmig.domain.operations import WAITING_STAGES, Stage
from osmig.domain.phases import CONFIRMATION
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import (
    convergence,
    endings,
    move_status,
    progress,
    repeatable_verbs,
    verify_resize,
)
from osmig.drivers.servers.policy.moves import kind_of
from osmig.drivers.servers.records import find_newer, pick_record

if TYPE_CHECKING:
    from osmig.api.migration import UpstreamFacts
    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.policy.convergence import StallCheck

_STAGE_REASONS = {
    Stage.ACCEPTED: Reason.ACCEPTED,
    Stage.QUEUED: Reason.QUEUED,
    Stage.PREPARING: Reason.PREPARING,
    Stage.RUNNING: Reason.RUNNING,
    Stage.SWITCHING_OVER: Reason.SWITCHING_OVER,
    Stage.UNKNOWN: Reason.UNKNOWN,
}

_CONFIRMATION_STAGES = frozenset({Stage.AWAITING_CONFIRMATION, Stage.CONFIRMING, Stage.REVERTING})

_SAFETY_SWEEPS = 6
"""Sweeps wake a Migration whose record changed; it looks by itself after this many periods all the same."""


def follow(observation: MoveObservation, upstream: UpstreamFacts) -> Decision:
    """Decide for a Migration whose start is on record."""
    if upstream.id is None:
        return _await_record(observation, upstream)
    record = find_record(observation, upstream.id)
    if record is None and observation.facts.records is None:
        return read_facts("records")
    if record is None:
        return endings.judge_gone(observation)
    return _check_owner(observation, upstream, record) or _follow_record(observation, record)


def _check_owner(observation: MoveObservation, upstream: UpstreamFacts, record: RecordView) -> Decision | None:
    """Before a failure is believed: is the record that says so our start's? ``None`` when it is.

    It was taken for ours while it was the only new one; our own may have come a moment later.
    """
    is_failed = record.stage in {Stage.FAILED, Stage.ERROR, Stage.CANCELLED}
    if not is_failed or record.is_synthetic or upstream.request_id is None:
        return None
    if observation.facts.records is None or observation.facts.start_trace is None:
        return read_facts("records", "start_trace")
    ours = _pick(observation, upstream)
    if ours is None:
        return _await_record(observation, upstream)
    return None if ours.id == record.id else _follow_record(observation, ours)


def _follow_record(observation: MoveObservation, record: RecordView) -> Decision:
    if record.is_terminal:
        return endings.judge(observation, record)
    if record.stage is not Stage.AWAITING_CONFIRMATION:
        # of one that awaits its confirmation the server is read anyway
        stale = endings.check_stale(observation, record)
        if stale is not None:
            return stale
    return (
        verify_resize.follow(observation, record)
        if record.stage in _CONFIRMATION_STAGES
        else _go_on(observation, record)
    )


def find_record(observation: MoveObservation, record_id: str) -> RecordView | None:
    """Return our record as read in this step, else as the last sweep saw it."""
    if observation.facts.records is not None:
        return next((record for record in observation.facts.records if record.id == record_id), None)
    swept = observation.facts.swept
    is_past_arrival = swept is None or swept.is_terminal or swept.stage in _CONFIRMATION_STAGES
    # a move whose data has arrived does not go back: the sweep is older than what was read since
    return swept if is_past_arrival or observation.status.phase not in CONFIRMATION else None


def _await_record(observation: MoveObservation, upstream: UpstreamFacts) -> Decision:
    if observation.facts.records is None:
        return read_facts("records")
    record = _pick(observation, upstream)
    kind = kind_of(observation.migration.spec.type)
    if (
        record is None
        and observation.facts.start_trace is None
        and find_newer(observation.facts.records, upstream.previous_id, kind=kind)
    ):
        return read_facts("records", "start_trace")
    if record is not None:
        return _follow_record(observation, record)
    if observation.facts.server is None:
        # only a start without a record asks what its server does: nearly all have one at the first look
        return read_facts("server")
    is_busy, timings = observation.facts.server.is_busy, observation.timings
    wait_key = f"no-record:{'busy' if is_busy else 'idle'}:{upstream.request_id}"
    if not is_busy and observation.has_waited(wait_key, timings.start_lost_s):
        return endings.judge_lost(observation)
    reason, message = Reason.AWAITING_RECORD, "the cloud accepted the move; its record is awaited"
    due_s = timings.record_poll_s
    if is_busy and observation.has_waited(wait_key, timings.stale_record_s):
        reason, due_s = Reason.RECORD_MISSING, timings.retry_s
        message = (
            f"the server is {observation.facts.server.status} and the cloud has no record of it (runbook {reason})"
        )
    verdict = Verdict(phase=_phase(observation, Phase.STARTING), reason=reason, message=message)
    return Commit(status=next_status.build(observation, verdict), due_s=due_s, wait_key=wait_key)


def _pick(observation: MoveObservation, upstream: UpstreamFacts) -> RecordView | None:
    """Find the record of our start among those that were read."""
    return pick_record(
        observation.facts.records or (),
        upstream.previous_id,
        kind=kind_of(observation.migration.spec.type),
        request_id=upstream.request_id,
        trace=observation.facts.start_trace,
    )


def _go_on(observation: MoveObservation, record: RecordView) -> Decision:
    """The move is under way: report progress, check for a stall, and carry out orders."""
    is_live = observation.migration.spec.type is MigrationType.LIVE_MIGRATION
    is_moving = record.stage in {Stage.RUNNING, Stage.SWITCHING_OVER}
    if is_moving and is_live and observation.facts.progress is None:
        return read_facts("progress")
    newest = progress.describe(observation.facts.progress, observation.newest_progress, now=observation.now)
    is_measured = is_live and record.stage is Stage.RUNNING
    stall_check = convergence.judge(observation, record, newest, is_measured=is_measured)
    if stall_check.needs_source_host:
        return read_facts("source_host")
    verdict = describe_stage(observation, record, stall_check)
    facts = move_status.describe_facts(observation, record)
    server = move_status.describe_moving_server(observation)
    after = next_status.build(observation, verdict, progress=newest, server=server, **facts)
    due_s = _due_s(observation, record, is_live=is_live)
    decision = Commit(status=after, due_s=due_s, wait_key=stall_check.wait_key)
    may_call_off = record.stage not in {Stage.SWITCHING_OVER, Stage.UNKNOWN}
    act = policies.act_while_moving(observation, after, may_stall=is_measured) if may_call_off else None
    if act is not None:
        return replace(decision, status=policies.record(after, act[0]), notes=(act[1],), due_s=0.0)
    return repeatable_verbs.send_if_due(observation, record, decision)


def describe_stage(observation: MoveObservation, record: RecordView, stall_check: StallCheck) -> Verdict:
    """Return phase, reason and message for a record that is not over; an unknown word keeps the phase."""
    recorded = observation.status.phase or Phase.STARTING
    if record.stage is Stage.UNKNOWN or recorded in CONFIRMATION:
        phase = recorded
    elif record.stage in WAITING_STAGES:
        phase = Phase.STARTING
    else:
        phase = Phase.RUNNING
    reason = _STAGE_REASONS.get(record.stage, Reason.UNKNOWN)
    if record.stage is Stage.SWITCHING_OVER and "post-copy" in record.status.lower():
        reason = Reason.POST_COPY
    phase = _phase(observation, phase)
    message = f"the cloud's migration {record.id} is {record.status}"
    if phase is Phase.ABORTING:
        reason = Reason.ABORTING
    if stall_check.reason is not None:
        reason, message = stall_check.reason, f"{message}; {stall_check.message}"
    return Verdict(phase=phase, reason=reason, message=message, converging=stall_check.converging)


def _phase(observation: MoveObservation, phase: Phase) -> Phase:
    return Phase.ABORTING if orders.wants_abort(observation.status) else phase


def _due_s(observation: MoveObservation, record: RecordView, *, is_live: bool) -> float:
    timings = observation.timings
    if record.stage is Stage.ACCEPTED or record.is_synthetic:
        # neither is told by sweeps: such a row is not returned by changes-since (docs/openstack.md)
        return timings.record_poll_s if record.stage is Stage.ACCEPTED else timings.progress_period_s
    if record.stage in WAITING_STAGES or not is_live:
        return timings.sweep_period_s * _SAFETY_SWEEPS
    return timings.progress_period_s
