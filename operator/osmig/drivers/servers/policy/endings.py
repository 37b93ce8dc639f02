"""The end of a move that was started: which outcome, which reason, and only when it is certain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType
from osmig.api.names import ConditionType, Phase, Reason, Verb
from osmig.domain import next_status, orders, outcome
from osmig.domain.conditions import Verdict, find_condition
from osmig.domain.observation import Commit, Decision
from osmig.domain.operations import Stage
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import confirming, move_status, stale_records, verify_resize

if TYPE_CHECKING:
    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.policy.move_status import RecordChanges
    from osmig.drivers.servers.views import ServerView

_BUSY_POLL_S = 1.0


def judge(observation: MoveObservation, record: RecordView) -> Decision:
    """Decide on a terminal record: wait for the server to be idle, read an error again, then end."""
    server = observation.facts.server
    is_read_again = record.stage is Stage.SUCCEEDED or observation.facts.records is not None
    if server is None or not is_read_again:
        return read_facts("server") if record.stage is Stage.SUCCEEDED else read_facts("server", "records")
    if server.is_busy:
        return _wait_for_server(observation, record)
    wait_key = f"{'error' if record.stage is Stage.ERROR else 'settle'}:{record.id}"
    if _may_change_yet(observation, record) and not observation.has_waited(
        wait_key, observation.timings.error_settle_s
    ):
        return Commit(status=observation.status, due_s=observation.timings.error_settle_s, wait_key=wait_key)
    return _end(observation, record, server)


def _may_change_yet(observation: MoveObservation, record: RecordView) -> bool:
    """Whether a terminal record and an idle server may be a moment before something else (docs/openstack.md).

    ``error`` is not always final: pre_live_migration failing writes error, then failed. And a cold move that somebody
    else confirmed may be about to vanish: deleting a server that awaits its confirmation confirms it first.
    """
    if record.stage is Stage.ERROR:
        return True
    is_cold = observation.migration.spec.type is not MigrationType.LIVE_MIGRATION
    return is_cold and record.stage is Stage.SUCCEEDED and not orders.was_sent(observation.status, Verb.CONFIRM)


def _wait_for_server(observation: MoveObservation, record: RecordView) -> Commit:
    phase, reason = _phase_until_idle(observation, record)
    verdict = Verdict(
        phase=phase,
        reason=reason,
        message=f"the cloud's migration {record.id} is {record.status}, its server is still busy",
    )
    return Commit(
        status=next_status.build(observation, verdict, **move_status.describe_facts(observation, record)),
        due_s=_BUSY_POLL_S,
    )


def _phase_until_idle(observation: MoveObservation, record: RecordView) -> tuple[Phase, str]:
    """Return phase and reason until the end is certain: only a move that was completed is being handed over."""
    status = observation.status
    if orders.wants_abort(status):
        return Phase.ABORTING, Reason.ABORTING
    if record.stage is Stage.SUCCEEDED and observation.migration.spec.type is MigrationType.LIVE_MIGRATION:
        return Phase.RUNNING, Reason.SWITCHING_OVER
    if record.stage in {Stage.SUCCEEDED, Stage.REVERTED}:
        return confirming.name_phase(Verb.CONFIRM if record.stage is Stage.SUCCEEDED else Verb.REVERT)
    succeeded = find_condition(status.conditions, ConditionType.SUCCEEDED)
    return status.phase or Phase.STARTING, succeeded.reason if succeeded else Reason.STARTING


def _end(observation: MoveObservation, record: RecordView, server: ServerView) -> Decision:
    facts = move_status.describe_facts(observation, record)
    if server.is_in_error:
        return _fail(
            observation, verify_resize.name_error(observation, record, server), _describe_error(record, server), facts
        )
    match record.stage:
        case Stage.SUCCEEDED:
            return _end_completed(observation, record, server, facts)
        case Stage.REVERTED:
            return verify_resize.end_reverted(observation, record, **facts)
        case Stage.CANCELLED if orders.wants_abort(observation.status):
            return outcome.abort(observation, f"the cloud's migration {record.id} was cancelled", **facts)
        case Stage.CANCELLED:
            message = f"the cloud's migration {record.id} was cancelled, not by this Migration"
            return outcome.fail(observation, Reason.CANCELLED_UPSTREAM, message, **facts)
        case Stage.FAILED:
            return _fail(observation, Reason.HYPERVISOR_FAILED, "the hypervisor could not move the server", facts)
        case _:
            return _fail(observation, Reason.MIGRATION_ERROR, "the cloud could not move the server", facts)


def _end_completed(
    observation: MoveObservation, record: RecordView, server: ServerView, facts: RecordChanges
) -> Commit:
    placement = move_status.describe_placement(observation, record)
    source = placement.source_host
    if move_status.has_moved(observation, server) is False:
        where = f"on {source}" if source else "on its source host"
        message = f"the cloud's migration {record.id} is {record.status}, but the server is still {where}"
        return outcome.fail(observation, Reason.HOST_UNCHANGED, message, **facts)
    if observation.migration.spec.type is not MigrationType.LIVE_MIGRATION:
        return verify_resize.end_confirmed(observation, record, **facts)
    target = server.host or record.destination_host
    moved = f"the server moved from {source} to {target}" if source and target else "the server moved"
    return outcome.succeed(observation, Reason.SUCCEEDED, moved, **facts)


def _describe_error(record: RecordView, server: ServerView) -> str:
    where = f" on {server.host}" if server.host else ""
    return f"the cloud's migration {record.id} is {record.status} and the server is in status ERROR{where}"


def _fail(observation: MoveObservation, reason: Reason, message: str, facts: RecordChanges) -> Decision:
    """End as Failed with upstream's explanation, which is read first; if it cannot be, the outcome stands alone."""
    explanation = observation.facts.explanation
    if explanation is None:
        return read_facts("server", "records", "explanation")
    if explanation.reason is not None and reason is Reason.MIGRATION_ERROR:
        return outcome.fail(observation, explanation.reason, explanation.message or message, **facts)
    text = f"{message}: {explanation.message}" if explanation.message else message
    return outcome.fail(observation, reason, text, **facts)


def judge_lost(observation: MoveObservation) -> Decision:
    """The cloud accepted the start and shows no record that is certainly its: where the idle server is decides."""
    server = observation.facts.server
    if server is not None and not server.is_in_error and move_status.has_moved(observation, server):
        where = f"on {server.host}" if server.host else "on another host"
        message = f"the cloud shows no record of the start that it accepted; the server is {where}"
        return outcome.succeed(observation, Reason.RECORD_GONE, message)
    message = "the cloud accepted the start but never began the move"
    if orders.wants_abort(observation.status):
        return outcome.abort(observation, message)
    return _fail(observation, Reason.START_LOST, message, {})


def check_stale(observation: MoveObservation, record: RecordView) -> Decision | None:
    """Let the server decide when our record does not change; ``None`` while the move may go on."""
    server = observation.facts.server
    if server is None:
        return read_facts("server") if stale_records.needs_server(observation, record) else None
    if server.is_busy or not stale_records.is_own_stale(observation, record):
        return None
    return _end_stale(observation, record, server) if observation.facts.records else read_facts("records")


def _end_stale(observation: MoveObservation, record: RecordView, server: ServerView) -> Commit:
    """Our record does not end and its server stays idle: the server decides, whatever the record says."""
    facts, status = move_status.describe_facts(observation, record), observation.status
    told = f"the cloud's migration {record.id} stays {record.status}"
    has_moved = move_status.has_moved(observation, server)
    if server.is_in_error:
        reason = verify_resize.name_error(observation, record, server)
        ended = outcome.fail(observation, reason, _describe_error(record, server), **facts)
    elif has_moved:
        where = f"on {server.host}" if server.host else "on another host"
        ended = outcome.succeed(observation, Reason.RECORD_STALE, f"{told}, and the server is idle {where}", **facts)
    elif orders.wants_abort(status):
        ended = outcome.abort(observation, f"{told}, and the server is idle where it was", **facts)
    elif record.stage is Stage.REVERTING:
        ended = verify_resize.end_reverted(observation, record, **facts)
    else:
        where = "whether it moved is not known" if has_moved is None else "it did not move"
        ended = outcome.fail(observation, Reason.RECORD_STALE, f"{told}, the server is idle and {where}", **facts)
    return replace(ended, notes=(stale_records.note(record), *ended.notes))


def judge_gone(observation: MoveObservation) -> Decision:
    """Our record vanished (its server was deleted, or the cloud forgot it): the server alone decides."""
    if observation.facts.server is None:
        return read_facts("server", "records")
    server = observation.facts.server
    if server.is_busy:
        verdict = Verdict(
            phase=observation.status.phase or Phase.RUNNING,
            reason=Reason.RECORD_GONE,
            message="the cloud's record of the move is gone; the server is still busy",
        )
        return Commit(status=next_status.build(observation, verdict), due_s=observation.timings.retry_s)
    has_moved = move_status.has_moved(observation, server)
    if has_moved and not server.is_in_error:
        where = f"on {server.host}" if server.host else "on another host"
        return outcome.succeed(observation, Reason.RECORD_GONE, f"the cloud's record is gone; the server is {where}")
    told = {None: "where the server was is not known", True: "the server is in status ERROR on another host"}
    message = f"the cloud's record is gone and {told.get(has_moved, 'the server did not move')}"
    if orders.wants_abort(observation.status):
        return outcome.abort(observation, message)
    return outcome.fail(observation, Reason.RECORD_GONE, message)
