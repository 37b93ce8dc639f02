"""After the start: follow the upstream record and the server to the end, and carry out orders on the way.

Neither "server idle" nor "record terminal" alone means the end; wait for both (docs/openstack.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Phase, Reason, Verb
from osmig.domain import endings, orders, outcome, progress, pursuit
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent
from osmig.domain.observation import Decision, Read
from osmig.domain.upstream import WAITING_STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.api.migration import UpstreamFacts
    from osmig.domain.observation import Observation
    from osmig.domain.upstream import RecordView

_STAGE_REASONS = {
    Stage.ACCEPTED: Reason.ACCEPTED,
    Stage.QUEUED: Reason.QUEUED,
    Stage.PREPARING: Reason.PREPARING,
    Stage.RUNNING: Reason.RUNNING,
    Stage.SWITCHING_OVER: Reason.SWITCHING_OVER,
    Stage.UNKNOWN: Reason.UNKNOWN,
}

_SAFETY_SWEEPS = 6
"""Sweeps wake a Migration whose record changed; it looks by itself after this many periods all the same."""


def follow(observation: Observation, upstream: UpstreamFacts) -> Decision:
    """Decide for a Migration whose start is on record."""
    if not observation.provider.is_ready:
        return Decision(status=outcome.keep(observation))
    if isinstance(observation.trouble, Absent):
        return outcome.fail(observation, Reason.SERVER_GONE, "the server was deleted while it was being moved")
    if observation.trouble is not None:
        return Decision(status=outcome.keep(observation), due_s=observation.timings.retry_s)
    if upstream.id is None:
        return _await_record(observation, upstream)
    record = find_record(observation, upstream.id)
    if record is None and observation.records is None:
        return Decision(status=observation.status, wants=frozenset({Read.RECORDS}))
    if record is None:
        return endings.judge_gone(observation)
    if record.is_terminal:
        return endings.judge(observation, record)
    return _go_on(observation, record)


def find_record(observation: Observation, record_id: str) -> RecordView | None:
    """Return our record as read in this step, else as the last sweep saw it."""
    if observation.records is not None:
        return next((record for record in observation.records if record.id == record_id), None)
    return observation.swept


def pick_record(records: Iterable[RecordView], previous_id: str | None) -> RecordView | None:
    """Return the record of our start: the first live one after those known before it.

    The server's task_state lets only one start through at a time, so the oldest newer record is ours.
    """
    known = int(previous_id) if previous_id and previous_id.isdecimal() else 0
    newer = [record for record in records if record.is_live and record.number > known]
    return min(newer, key=lambda record: record.number, default=None)


def _await_record(observation: Observation, upstream: UpstreamFacts) -> Decision:
    if observation.server is None or observation.records is None:
        return Decision(status=observation.status, wants=frozenset({Read.SERVER, Read.RECORDS}))
    record = pick_record(observation.records, upstream.previous_id)
    if record is not None and record.is_terminal:
        return endings.judge(observation, record)
    if record is not None:
        return _go_on(observation, record)
    label = f"no-record:{upstream.request_id}"
    if not observation.server.is_busy and observation.has_waited(label, observation.timings.start_lost_s):
        return endings.judge_lost(observation)
    verdict = Verdict(
        phase=_phase(observation, Phase.STARTING),
        reason=Reason.AWAITING_RECORD,
        message="the cloud accepted the move; its record is awaited",
    )
    return Decision(
        status=outcome.put(observation, verdict),
        due_s=observation.timings.record_poll_s,
        waiting_for="" if observation.server.is_busy else label,
    )


def _go_on(observation: Observation, record: RecordView) -> Decision:
    """The move is under way: say how far, and carry out orders."""
    is_moving = record.stage in {Stage.RUNNING, Stage.SWITCHING_OVER}
    if is_moving and observation.progress is None:
        return Decision(status=observation.status, wants=frozenset({Read.PROGRESS}))
    verdict = describe_stage(observation, record)
    after = outcome.put(
        observation,
        verdict,
        upstream=outcome.describe_record(observation, record),
        placement=outcome.describe_placement(observation, record),
        progress=progress.describe(observation.progress, observation.newest_progress, now=observation.now),
    )
    return pursuit.pursue(observation, record, Decision(status=after, due_s=_due_s(observation, record)))


def describe_stage(observation: Observation, record: RecordView) -> Verdict:
    """Return phase, reason and message for a record that is not over; an unknown word keeps the phase."""
    recorded = observation.status.phase or Phase.STARTING
    if record.stage is Stage.UNKNOWN:
        phase = recorded
    elif record.stage in WAITING_STAGES:
        phase = Phase.STARTING
    else:
        phase = Phase.RUNNING
    reason = _STAGE_REASONS.get(record.stage, Reason.UNKNOWN)
    if record.stage is Stage.SWITCHING_OVER and "post-copy" in record.status.lower():
        reason = Reason.POST_COPY
    phase = _phase(observation, phase)
    if phase is Phase.ABORTING:
        return Verdict(
            phase=phase, reason=Reason.ABORTING, message=f"the cloud's migration {record.id} is {record.status}"
        )
    return Verdict(phase=phase, reason=reason, message=f"the cloud's migration {record.id} is {record.status}")


def _phase(observation: Observation, phase: Phase) -> Phase:
    return Phase.ABORTING if orders.is_active(observation.status, Verb.ABORT) else phase


def _due_s(observation: Observation, record: RecordView) -> float:
    timings = observation.timings
    if record.stage is Stage.ACCEPTED:
        # such a row is not returned by changes-since (docs/openstack.md)
        return timings.record_poll_s
    if record.stage in WAITING_STAGES:
        return timings.sweep_period_s * _SAFETY_SWEEPS
    return timings.progress_period_s
