"""Replications of a tenant, runs, replicas and observations in few words, for tests of the domain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from decided import Decided, Observed, decide, look_at
from domain_samples import HOLDER, NOW, status_in
from domain_world import has
from osmig.api.mappings import Mappings, canonical_id
from osmig.api.meta import ObjectMeta
from osmig.api.migration import (
    Baseline,
    Control,
    Migration,
    MigrationSpec,
    MigrationStatus,
    PendingCall,
    PreflightCheck,
    TenantFacts,
    UpstreamFacts,
)
from osmig.api.names import CheckResult, Phase, Reason
from osmig.domain.capabilities import Capability
from osmig.domain.errors import BackendError
from osmig.domain.intents import wait_key_of
from osmig.domain.observation import ProviderView
from osmig.drivers.tenants.facts import ReplicationFacts
from osmig.drivers.tenants.policy import facts, replica_name
from osmig.drivers.tenants.reading import READERS
from osmig.drivers.tenants.views import ReplicaStage, ReplicaView, RunStage, RunView

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "b8444897-d6e6-4277-adb0-48b2cf09fca5"
OFFERING = "433d3093-98ba-4d92-bf55-0acea7544378"
PLAN = "57e26c4f-2941-4e8f-9d6d-a35110ca7b02"
RUN_ID = "b630630ecf3944a28094c0c10f32a55c"
REPLICA_ID = "a30676f802cc4fff8e81a6010c1b2a4d"
USER = "737fd39e9ba64e3db2b0f8f531f0c15a"
OTHER_USER = "00000000000000000000000000000001"
ORDER = "order-1"

_CAN = frozenset({Capability.TENANT_REPLICATION})
WALDUR = ProviderView(is_ready=True, reason=Reason.PROBE_SUCCEEDED, capabilities=_CAN, possible=_CAN, user_id=USER)
STRANGER = replace(WALDUR, user_id=OTHER_USER)
LOST = ProviderView(is_ready=False, reason=Reason.UNREACHABLE, message="Waldur does not answer")

MAPPED = Mappings.model_validate(
    {"subnets": [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.1.0/24"}], "skipConnectionExtnet": True}
)
RENAMED = Mappings.model_validate({"subnets": [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.2.0/24"}]})

RUN_WORDS = {
    RunStage.SCHEDULED: "CREATION_SCHEDULED",
    RunStage.CREATING: "CREATING",
    RunStage.OK: "OK",
    RunStage.ERRED: "ERRED",
    RunStage.UNKNOWN: "UPDATING",
}


def spec(tenant: Mapping[str, Any] | None = None, **fields: Any) -> MigrationSpec:  # noqa: ANN401 - of the manifest
    """A replication; ``tenant`` and ``fields`` by their names in the manifest."""
    named = {"sourceResource": SOURCE, "destinationOffering": OFFERING, "destinationPlan": PLAN, **(tenant or {})}
    body = {"providerRef": {"name": "waldur"}, "type": "TenantReplication", "tenant": named}
    return MigrationSpec.model_validate({**body, **fields})


def metadata(**fields: Any) -> ObjectMeta:  # noqa: ANN401 - fields of ObjectMeta
    """The metadata of ``team-a/prod``."""
    if fields.pop("deleting", False):
        fields["deletion_timestamp"] = NOW
    named = {"name": "prod", "namespace": "team-a", "uid": "u-1", "resource_version": "42", "generation": 1}
    return ObjectMeta(**{**named, **fields})


def observe(
    status: MigrationStatus | None = None,
    *,
    tenant: Mapping[str, Any] | None = None,
    wanted: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - fields of ObjectMeta and of Observation
) -> Observed:
    """One observation; ``tenant`` and ``wanted`` are fields of the spec by their names in the manifest."""
    names = {"name", "namespace", "generation", "deleting", "finalizers", "annotations"}
    own = {key: changes.pop(key) for key in names & set(changes)}
    migration = Migration(
        metadata=metadata(**own),
        spec=spec(tenant, **(wanted or {})),
        status=status or MigrationStatus(),
        status_readable=changes.pop("readable", True),
    )
    return look_at(migration, ReplicationFacts, **{"now": NOW, "holder": HOLDER, "provider": WALDUR, **changes})


def name_of(observation: Observed, attempt: int = 1, mappings: Mappings | None = None) -> str:
    """The name that an attempt's replica gets."""
    migration = observation.migration
    return replica_name.make_name(
        replica_name.make_base(migration.metadata, migration.spec, mappings or Mappings()), attempt=attempt
    )


BASE = replica_name.make_base(metadata(), spec(), Mappings())
NAME = replica_name.make_name(BASE, 1)


def run(stage: RunStage = RunStage.CREATING, replica: ReplicaStage = ReplicaStage.CREATING, **changes: Any) -> RunView:  # noqa: ANN401
    """A row of openstack-migrations."""
    row = RunView(
        id=RUN_ID,
        stage=stage,
        status=RUN_WORDS[stage],
        replica_stage=replica,
        replica_status=None if replica is ReplicaStage.UNKNOWN else replica.value,
        replica_id=REPLICA_ID,
        replica_name=NAME,
        source_id=canonical_id(SOURCE),
        offering_id=canonical_id(OFFERING),
        user_id=USER,
    )
    return replace(row, **changes)


def replica(stage: ReplicaStage = ReplicaStage.CREATING, **changes: Any) -> ReplicaView:  # noqa: ANN401
    """The replica's marketplace resource."""
    return replace(ReplicaView(id=REPLICA_ID, stage=stage, status=stage.value), **changes)


UNSEEN = ReplicaView(id=REPLICA_ID, stage=ReplicaStage.UNKNOWN, status="")
"""A replica that the credentials may not look at."""


def check(result: CheckResult, path: str = "spec.tenant.destinationPlan") -> PreflightCheck:
    """One finding before the order."""
    return PreflightCheck(check="Plan", result=result, path=path, message=f"said {result}")


PASSED = (check(CheckResult.PASS),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waldur:
    """What reading Waldur would bring now: a fact, or the trouble met."""

    runs: tuple[RunView, ...] | BackendError | None = None
    preflight: tuple[PreflightCheck, ...] | BackendError | None = None
    run: RunView | BackendError | None = None
    replica: ReplicaView | BackendError | None = None


EMPTY = Waldur(runs=(), preflight=PASSED)
"""Nothing was ordered, and nothing is wrong."""


def decide_in(waldur: Waldur, observation: Observed) -> Decided:
    """Decide, reading what is wanted as the engine does, until nothing is."""
    for _ in range(6):
        decision = decide(observation)
        if not decision.wants:
            return decision
        assert decision.status == observation.status
        assert any(not has(observation, read) for read in decision.wants), f"asks again: {decision.wants}"
        observation = _read(waldur, observation, decision.wants)
    message = "wants more and more"
    raise AssertionError(message)


def _read(waldur: Waldur, observation: Observed, wants: frozenset[str]) -> Observed:
    for read in READERS:
        if read not in wants or has(observation, read):
            continue
        fact = getattr(waldur, read)
        assert fact is not None, f"this test did not expect {read} to be read"
        if isinstance(fact, BackendError):
            return replace(observation, read_error=fact, failed_fact=read)
        observation = replace(observation, facts=replace(observation.facts, **{read: fact}))
    return observation


def intent(operation: str = "replicate", **changes: Any) -> PendingCall:  # noqa: ANN401 - fields of PendingCall
    """The write-ahead record of an order."""
    name = NAME if operation == "replicate" else REPLICA_ID
    before = {"operation": operation, "attempt": 1, "holder": HOLDER, "time": NOW - timedelta(seconds=90), "sends": 1}
    return PendingCall(**{**before, "baseline": Baseline(name=name, user_id=USER), **changes})


def ordered(*orders: Control, call: PendingCall | None = None, **changes: Any) -> MigrationStatus:  # noqa: ANN401
    """A status whose order is written down and not answered for."""
    before = {**_begun(), "pending_call": call or intent(), "controls": orders}
    return status_in(Phase.STARTING, Reason.STARTING, **{**before, **changes})


def followed(*orders: Control, phase: Phase = Phase.RUNNING, **changes: Any) -> MigrationStatus:  # noqa: ANN401
    """A status whose run is on record."""
    upstream = UpstreamFacts(id=RUN_ID, type=facts.UPSTREAM_TYPE, status="CREATING", user_id=USER)
    before = {**_begun(), "upstream": upstream, "controls": orders, "tenant": known_tenant()}
    return status_in(phase, Reason.CREATING, **{**before, **changes})


def known_tenant(**changes: Any) -> TenantFacts:  # noqa: ANN401 - fields of TenantFacts
    """What is on record of a tenant whose replica is being made."""
    before = {
        "source_resource": canonical_id(SOURCE),
        "destination_resource": REPLICA_ID,
        "destination_name": NAME,
        "destination_status": "Creating",
        "mapping_hash": replica_name.digest(Mappings()),
        "scope": facts.SCOPE,
    }
    return TenantFacts(**{**before, **changes})


def _begun() -> dict[str, Any]:
    return {"attempt": 1, "start_time": NOW, "attempt_start_time": NOW}


def waited(status: MigrationStatus, seconds: float = 120.0) -> dict[str, float]:
    """An intent that this process saw unchanged for that long."""
    assert status.pending_call is not None
    return {wait_key_of(status.pending_call): seconds}


def after(decision: Decided, seconds: float = 5.0) -> dict[str, float]:
    """The wait that a decision began, as the next observation tells its age."""
    return {decision.wait_key: seconds} if decision.wait_key else {}
