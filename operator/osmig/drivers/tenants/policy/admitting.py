"""Before a replication was ordered: may it start, what was ordered already, and would it become what is meant?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import Mode
from osmig.api.migration_changes import change_status, change_tenant
from osmig.api.migration_intent import Baseline
from osmig.api.names import CheckResult, Phase, Reason
from osmig.domain import finalizer, gating, intents, named_orders, next_status, outcome, preflight
from osmig.domain.calls import Operation
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit, Decision
from osmig.drivers.tenants.calls import ReplicateCall
from osmig.drivers.tenants.facts import read as read_facts
from osmig.drivers.tenants.policy import choosing, facts, jobs, replica_name
from osmig.drivers.tenants.policy.choosing import RUN

if TYPE_CHECKING:
    from osmig.api.mappings import Mappings
    from osmig.api.migration import PreflightCheck, TenantFacts
    from osmig.drivers.tenants.facts import ReplicationObservation
    from osmig.drivers.tenants.policy.choosing import Choice

_INLINE = "spec.tenant.mappings"

_MAPPING_PERIOD_S = 60.0
"""A mapping that appears wakes who waits for it; each looks by itself after so long all the same."""


def admit(observation: ReplicationObservation) -> Decision:
    """Decide for a Migration that has ordered nothing: end it, let it wait, adopt, or write the intent and order."""
    return _admit(_unpin(observation))


def _unpin(observation: ReplicationObservation) -> ReplicationObservation:
    """Forget which mappings were checked for another generation: it may refer to others, as the user wants it."""
    migration, tenant = observation.migration, observation.status.tenant
    if tenant is None or observation.status.observed_generation == migration.metadata.generation:
        return observation
    status = change_status(observation.status, tenant=change_tenant(tenant, mapping_hash=None))
    return replace(observation, migration=migration.model_copy(update={"status": status}))


def _admit(observation: ReplicationObservation) -> Decision:
    if (blocked := gating.check_gates(observation)) is not None:
        return blocked
    mappings = jobs.find_mappings(observation)
    if mappings is None:
        return _wait_for_mapping(observation)
    if has_changed(observation, mappings):
        message = f"{_name_mapping(observation)} changed; {gating.describe_unsent(observation)}"
        return outcome.fail(observation, Reason.MAPPING_CHANGED, message)
    if observation.read_error is not None:
        return gating.answer_read_error(observation, observation.read_error)
    if (
        observation.migration.spec.mode is Mode.EXECUTE
        and (known := _find_known_run(observation, mappings)) is not None
    ):
        return known
    if observation.facts.preflight is None:
        return read_facts("preflight")
    return _judge_checks(observation, mappings)


def _find_known_run(observation: ReplicationObservation, mappings: Mappings) -> Decision | None:
    """Adopt what was ordered before, by this object or by an earlier one of the same manifest; ``None`` for nothing."""
    is_full = bool(observation.limit_hit.limit_of)
    if observation.facts.runs is None and is_full and gating.has_looked(observation):
        return gating.wait_for_slot(observation, tenant=_pin(observation, mappings))
    if observation.facts.runs is None:
        return read_facts("runs")
    migration = observation.migration
    choice = choosing.choose(
        observation.facts.runs,
        base=replica_name.make_base(migration.metadata, migration.spec, mappings),
        offering=jobs.options_of(observation).destination_offering,
        attempt=observation.status.attempt or 1,
    )
    if choice is not None:
        return adopt(observation, choice, mappings=mappings)
    if is_full and observation.facts.preflight is None:
        # a look for what needs no slot is one request, all checks are many
        return gating.wait_for_slot(observation, tenant=_pin(observation, mappings))
    return None


def _judge_checks(observation: ReplicationObservation, mappings: Mappings) -> Decision:
    checks = _locate_checks(observation)
    pinned = _pin(observation, mappings)
    failed = [check for check in checks if check.result is CheckResult.FAIL]
    if failed:
        told = preflight.sum_up_failed(failed, gating.describe_unsent(observation))
        return outcome.fail(observation, Reason.PREFLIGHT_FAILED, told, preflight=checks, tenant=pinned)
    if observation.migration.spec.mode is Mode.VALIDATE:
        told = preflight.sum_up(checks)
        return outcome.succeed(observation, Reason.VALIDATED, told, preflight=checks, tenant=pinned)
    if observation.limit_hit.limit_of:
        return gating.wait_for_slot(observation, tenant=pinned)
    base = replica_name.make_base(observation.migration.metadata, observation.migration.spec, mappings)
    return order(observation, replica_name.make_name(base, observation.status.attempt or 1), sends=1)


def order(observation: ReplicationObservation, name: str, *, sends: int) -> Decision:
    """Write the intent and order one replication under it: the only place where an order comes from."""
    if (change := finalizer.ensure_finalizer(observation)) is not None:
        return change
    status = observation.status
    baseline = Baseline(name=name, user_id=observation.provider.user_id)
    verdict = Verdict(phase=Phase.STARTING, reason=Reason.STARTING, message=f"ordering the replica {name}")
    mappings = jobs.find_mappings(observation)
    after = next_status.build(
        observation,
        verdict,
        **next_status.describe_begin(observation),
        pending_call=intents.write(observation, Operation.REPLICATE, baseline=baseline, sends=sends),
        preflight=_locate_checks(observation) or status.preflight,
        tenant=_pin(observation, mappings) if mappings is not None else status.tenant,
    )
    return Commit(status=after, call=ReplicateCall(job=jobs.resolve_job(observation, name=name)), claims=True)


def adopt(observation: ReplicationObservation, choice: Choice, *, mappings: Mappings | None = None) -> Commit:
    """Follow a run that is there already; from here on nothing is ever ordered again for this attempt."""
    described = facts.describe_run(observation, choice.found)
    if mappings is not None:
        described["tenant"] = change_tenant(described["tenant"], mapping_hash=replica_name.digest(mappings))
    title = f"replica {choice.found.replica_name}"
    return named_orders.adopt(RUN, observation, choice, title=title, **described)


def _locate_checks(observation: ReplicationObservation) -> tuple[PreflightCheck, ...]:
    """Return what was checked, the path of each finding leading to where the mappings are written."""
    checks = observation.facts.preflight or ()
    if jobs.options_of(observation).mapping_ref is None:
        return checks
    written = f"{_name_mapping(observation)}: spec"
    return tuple(
        check.model_copy(update={"path": check.path.replace(_INLINE, written, 1)}) if check.path else check
        for check in checks
    )


def has_changed(observation: ReplicationObservation, mappings: Mappings) -> bool:
    """Whether the mappings that are referred to are others than those that were checked."""
    tenant = observation.status.tenant
    is_referred = jobs.options_of(observation).mapping_ref is not None
    pinned = tenant.mapping_hash if tenant is not None else None
    return is_referred and pinned is not None and pinned != replica_name.digest(mappings)


def _pin(observation: ReplicationObservation, mappings: Mappings) -> TenantFacts:
    return facts.describe_tenant(observation, mapping_hash=replica_name.digest(mappings))


def _name_mapping(observation: ReplicationObservation) -> str:
    ref = jobs.options_of(observation).mapping_ref
    return f"MigrationMapping {ref.name}" if ref is not None else "spec.tenant.mappings"


def _wait_for_mapping(observation: ReplicationObservation) -> Commit:
    message = f"{_name_mapping(observation)} does not exist in this namespace, or cannot be read"
    verdict = Verdict(phase=Phase.PENDING, reason=Reason.MAPPING_NOT_FOUND, message=message)
    return Commit(status=next_status.build(observation, verdict), due_s=_MAPPING_PERIOD_S)
