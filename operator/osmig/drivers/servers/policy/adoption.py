"""``adopt``: start nothing, follow and steer a migration of the cloud that is under way already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import PlacementFacts
from osmig.api.names import EventReason, Phase, Reason
from osmig.domain import finalizer, next_status, outcome
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit, Decision, Note
from osmig.domain.operations import WAITING_STAGES, Stage
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import move_status, stale_records
from osmig.drivers.servers.policy.moves import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.views import PreStartState, ServerView


def adopt(observation: MoveObservation, wanted_id: str) -> Decision:
    """Decide for a Migration that names a migration of the cloud; one that cannot be followed is refused."""
    pre_start, records = observation.facts.pre_start, observation.facts.records
    if pre_start is None or records is None:
        return read_facts("pre_start", "records")
    record = find_record(records, wanted_id)
    refusal = _find_refusal(observation, record)
    if record is not None and not refusal and not pre_start.server.is_busy:
        if not stale_records.has_settled(observation, record):
            wait_key = stale_records.wait_key_of(observation, record)
            return Commit(status=observation.status, due_s=observation.timings.error_settle_s, wait_key=wait_key)
        refusal = f"this migration is {record.status}, but its server is idle: nothing is under way"
    if refusal or record is None:
        return outcome.fail(observation, Reason.ADOPT_REFUSED, f"adopt.id {wanted_id}: {refusal}; nothing was sent")
    if (change := finalizer.ensure_finalizer(observation)) is not None:
        return change
    return _take(observation, record, pre_start)


def find_record(records: Iterable[RecordView], wanted_id: str) -> RecordView | None:
    """Return the record of that number or UUID."""
    return next((record for record in records if wanted_id in {record.id, record.uuid}), None)


def _find_refusal(observation: MoveObservation, record: RecordView | None) -> str:
    spec = observation.migration.spec
    if record is None and observation.facts.swept is not None:
        return f"this migration is of another server, {observation.facts.swept.server_id}"
    if record is None:
        return "the cloud has no migration of this id for this server"
    if record.is_terminal:
        return f"this migration is over already: {record.status}"
    if not record.kind.fits(kind_of(spec.type)):
        return f"this migration is a {record.type or 'different'} one, not what spec.type says"
    if spec.source_host is not None and record.source_host != spec.source_host:
        return f"this migration leaves {record.source_host or 'a host that is hidden'}, not spec.placement.sourceHost"
    if spec.destination_host is not None and record.destination_host != spec.destination_host:
        target = record.destination_host or "a host that is not known"
        return f"this migration goes to {target}, not to spec.placement.destinationHost"
    if owner := observation.facts.owner or observation.facts.conflicting:
        return f"{owner} follows it already"
    return ""


def _take(observation: MoveObservation, record: RecordView, pre_start: PreStartState) -> Commit:
    """Record the migration as ours; the next step follows it like one that was started here."""
    facts = move_status.describe_record(observation, record)
    after = next_status.build(
        observation,
        Verdict(
            phase=Phase.RUNNING, reason=Reason.RUNNING, message=f"the cloud's migration {record.id} is {record.status}"
        ),
        **next_status.describe_begin(observation),
        upstream=facts,
        placement=PlacementFacts(
            source_host=record.source_host,
            destination_host=record.destination_host,
            source_host_id=pre_start.server.host_id if _is_at_source(pre_start.server, record) else None,
        ),
    )
    note = Note(reason=EventReason.MIGRATION_ADOPTED, text=f"the cloud's migration {record.id} is followed")
    return Commit(status=after, notes=(note,), due_s=0.0, claims=True)


def _is_at_source(server: ServerView, record: RecordView) -> bool:
    """Whether the busy server is where the move began; with hosts hidden, its stage tells."""
    if server.host is not None and record.source_host is not None:
        return server.host == record.source_host
    return record.stage in {*WAITING_STAGES, Stage.RUNNING}
