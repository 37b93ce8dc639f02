"""Before anything was sent: may it start, is the move possible, still needed, and whose turn is it?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType, Mode, PlacementFacts
from osmig.api.names import Phase, Reason
from osmig.domain import finalizer, gating, intents, next_status, outcome
from osmig.domain.calls import Operation
from osmig.domain.capabilities import Capability
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit, Decision
from osmig.drivers.servers.calls import StartCall
from osmig.drivers.servers.facts import SHOW_SERVER
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import adoption, placing, stale_records, validation

if TYPE_CHECKING:
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.views import PreStartState

OPERATIONS = {
    MigrationType.LIVE_MIGRATION: Operation.LIVE_MIGRATE,
    MigrationType.COLD_MIGRATION: Operation.COLD_MIGRATE,
}


def admit(observation: MoveObservation) -> Decision:
    """Decide for a Migration that has started nothing: end it, let it wait, or write the intent and start."""
    spec = observation.migration.spec
    if (blocked := gating.check_gates(observation) or find_refusal(observation)) is not None:
        return blocked
    if spec.mode is Mode.VALIDATE:
        return validation.validate(observation)
    if observation.read_error is not None:
        return gating.answer_read_error(observation, observation.read_error, shows_subject=SHOW_SERVER)
    if spec.adopt is not None:
        return adoption.adopt(observation, spec.adopt.id)
    if observation.facts.pre_start is not None:
        return judge(observation, observation.facts.pre_start, sends=1)
    return _go_on_waiting(observation) or read_facts("pre_start")


def _go_on_waiting(observation: MoveObservation) -> Commit | None:
    """Go on waiting for what is known here, without a look at the cloud; ``None`` when the cloud must be looked at.

    Every Migration looks once before it queues: what needs no slot must not wait for one. Who waits for a server looks
    again before it waits for a slot, else the two reasons would take turns.
    """
    if observation.status.server is None or not gating.has_looked(observation):
        return None
    if conflicting := _describe_conflicting(observation):
        due_s = gating.SAFETY_SWEEPS * observation.timings.sweep_period_s
        return _wait(observation, conflicting, due_s, wait_key=stale_records.carry_on(observation))
    if observation.limit_hit.limit_of and gating.find_wait_reason(observation) != Reason.SERVER_BUSY:
        return _wait_for_slot(observation, observation.status.placement)
    return None


def find_refusal(observation: MoveObservation) -> Commit | None:
    """Refuse what this cloud can never do, whoever asks; a right that is missing shows in the answer to the call."""
    provider, spec, unsent = observation.provider, observation.migration.spec, gating.describe_unsent(observation)
    if spec.type is MigrationType.LIVE_MIGRATION and Capability.LIVE_MIGRATION not in provider.possible:
        message = f"live migration needs Compute API 2.34 or later, and the cloud has less; {unsent}"
        return outcome.fail(observation, Reason.UNSUPPORTED, message)
    if (
        spec.type is MigrationType.COLD_MIGRATION
        and spec.destination_host is not None
        and Capability.COLD_DESTINATION_HOST not in provider.possible
    ):
        message = f"spec.placement.destinationHost of a cold move needs Compute API 2.56 or later; {unsent}"
        return outcome.fail(observation, Reason.UNSUPPORTED, message)
    if not (provider.can(Capability.ALL_MIGRATIONS) or provider.can(Capability.FOLLOW_BY_SERVER)):
        message = f"the Provider's credentials may not list migrations, so a move could not be followed; {unsent}"
        return outcome.fail(observation, Reason.NOT_PERMITTED, message)
    return None


def judge(observation: MoveObservation, pre_start: PreStartState, *, sends: int) -> Decision:
    """Apply the table "Applying the same manifest again" of docs/architecture.md; the first match wins.

    It holds for a start that is sent again (``sends`` > 1) as well: meanwhile somebody else may have moved the server.
    """
    unsent = gating.describe_unsent(observation) if sends == 1 else "the start is not sent again"
    server = pre_start.server
    if (unplaced := placing.check_host(observation, server, unsent)) is not None:
        return unplaced
    if server.is_busy or (pre_start.active and not stale_records.is_stale(observation, pre_start.active)):
        return _wait_for_server(observation, pre_start)
    if server.is_in_error:
        return outcome.fail(observation, Reason.SERVER_IN_ERROR, f"the server is in status ERROR; {unsent}")
    if (settled := placing.judge(observation, pre_start, unsent)) is not None:
        return settled
    if observation.facts.conflicting or (observation.facts.ahead and sends == 1):
        return _wait_for_server(observation, pre_start)
    if observation.limit_hit.limit_of and sends == 1:
        return _wait_for_slot(observation, _describe_way(observation, pre_start))
    return start(observation, pre_start, sends=sends)


def _wait_for_slot(observation: MoveObservation, placement: PlacementFacts | None) -> Commit:
    waiting = gating.wait_for_slot(observation, placement=placement)
    return replace(waiting, wait_key=stale_records.carry_on(observation))


def _describe_conflicting(observation: MoveObservation) -> str:
    """Say which other Migration here has the server, or waits for a slot to move it first; empty for none."""
    if observation.facts.conflicting:
        return f"{observation.facts.conflicting} moves this server"
    return f"{observation.facts.ahead} moves this server first" if observation.facts.ahead else ""


def _describe_busy(observation: MoveObservation, pre_start: PreStartState) -> str:
    active = pre_start.active
    if active is not None and not pre_start.server.is_busy:
        return stale_records.describe(observation, active)
    if active is not None:
        return f"the cloud's migration {active.id} ({active.status}) has this server; adopt.id {active.id} follows it"
    state = pre_start.server.task_state or pre_start.server.status
    return f"the server is busy ({state})"


def _wait_for_server(observation: MoveObservation, pre_start: PreStartState) -> Commit:
    """Wait until the server is free: who has it here wakes us, what goes on in the cloud is looked at."""
    active, is_busy = pre_start.active, pre_start.server.is_busy
    is_stale = active is not None and stale_records.is_stale(observation, active)
    if observation.facts.conflicting or not (is_busy or (active is not None and not is_stale)):
        message, due_s = _describe_conflicting(observation), observation.timings.sweep_period_s * gating.SAFETY_SWEEPS
    else:
        message, due_s = _describe_busy(observation, pre_start), gating.look_later_s(observation)
    is_idle = active is not None and not is_busy
    wait_key = stale_records.wait_key_of(observation, active) if active is not None and is_idle else ""
    return _wait(observation, message, due_s, wait_key=wait_key)


def _wait(observation: MoveObservation, message: str, due_s: float, *, wait_key: str = "") -> Commit:
    verdict = Verdict(phase=Phase.QUEUED, reason=Reason.SERVER_BUSY, message=message)
    after = next_status.build(observation, verdict, pending_call=None, queued_time=gating.since_when(observation))
    return Commit(status=after, due_s=due_s, wait_key=wait_key)


def _describe_way(observation: MoveObservation, pre_start: PreStartState) -> PlacementFacts:
    return PlacementFacts(
        source_host=pre_start.server.host,
        destination_host=observation.migration.spec.destination_host,
        source_host_id=pre_start.server.host_id,
    )


def start(observation: MoveObservation, pre_start: PreStartState, *, sends: int) -> Decision:
    """Write the intent and send one start under it: the only place where a start comes from."""
    spec = observation.migration.spec
    if (change := finalizer.ensure_finalizer(observation)) is not None:
        return change
    where = f"from {pre_start.server.host}" if pre_start.server.host else ""
    to = f"to {spec.destination_host}" if spec.destination_host else "to a host of the scheduler's choice"
    verdict = Verdict(
        phase=Phase.STARTING,
        reason=Reason.STARTING,
        message=" ".join(part for part in ("asking the cloud to move the server", where, to) if part),
    )
    after = next_status.build(
        observation,
        verdict,
        **next_status.describe_begin(observation),
        pending_call=intents.write(observation, OPERATIONS[spec.type], baseline=pre_start.baseline, sends=sends),
        placement=_describe_way(observation, pre_start),
    )
    notes = (stale_records.note(pre_start.active),) if pre_start.active is not None else ()
    return Commit(status=after, call=StartCall(), claims=True, notes=notes)
