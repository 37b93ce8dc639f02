"""Migrations, servers, records and observations in few words, for tests of the domain and the engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from decided import Observed, look_at
from osmig.api.meta import ObjectMeta, to_wire
from osmig.api.migration import (
    Baseline,
    Control,
    Migration,
    MigrationSpec,
    MigrationStatus,
    PendingCall,
    PlacementFacts,
    ServerFacts,
    UpstreamFacts,
)
from osmig.api.names import ConditionType, ControlResult, Phase, Reason, Verb
from osmig.domain.capabilities import Capability
from osmig.domain.conditions import Verdict, describe_migration, find_condition
from osmig.domain.intents import wait_key_of
from osmig.domain.observation import ProviderView, VerbRequest
from osmig.domain.operations import RecordView, Stage
from osmig.drivers.servers.facts import MoveFacts
from osmig.drivers.servers.views import CallLookup, CallLookupKind, PreStartState, ServerView

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SERVER_ID = "1b2c3d4e-0000-4000-8000-0123456789ab"
HOLDER = "holder-a"
REQUEST = "req-ours"
MARK = Baseline(request_ids=("req-old",), previous_id="6", host="cmp1")

NOVA_STAGES = {
    "accepted": Stage.ACCEPTED,
    "queued": Stage.QUEUED,
    "preparing": Stage.PREPARING,
    "running": Stage.RUNNING,
    "running (post-copy)": Stage.SWITCHING_OVER,
    "post-migrating": Stage.SWITCHING_OVER,
    "completed": Stage.SUCCEEDED,
    "cancelled": Stage.CANCELLED,
    "failed": Stage.FAILED,
    "error": Stage.ERROR,
    "what is this": Stage.UNKNOWN,
    # cold moves
    "pre-migrating": Stage.PREPARING,
    "migrating": Stage.RUNNING,
    "finished": Stage.AWAITING_CONFIRMATION,
    "confirming": Stage.CONFIRMING,
    "confirmed": Stage.SUCCEEDED,
    "reverting": Stage.REVERTING,
    "reverted": Stage.REVERTED,
}

READY = ProviderView(
    is_ready=True,
    reason=Reason.PROBE_SUCCEEDED,
    capabilities=frozenset(Capability),
    possible=frozenset(Capability),
)
LOST = ProviderView(is_ready=False, reason=Reason.UNREACHABLE, message="the cloud does not answer")
ORDERS = (Verb.ABORT, Verb.FORCE_COMPLETE)


def spec(source: str | None = None, destination: str | None = None, **fields: Any) -> MigrationSpec:  # noqa: ANN401
    """A live migration of one server by id; ``fields`` by their names in the manifest."""
    body: dict[str, Any] = {
        "providerRef": {"name": "region-one"},
        "type": "LiveMigration",
        "server": {"id": SERVER_ID},
    }
    placement = {"sourceHost": source, "destinationHost": destination}
    named = {key: value for key, value in placement.items() if value is not None}
    return MigrationSpec.model_validate(body | ({"placement": named} if named else {}) | fields)


def migration(
    status: MigrationStatus | None = None,
    *,
    source: str | None = None,
    destination: str | None = None,
    readable: bool = True,
    wanted: Mapping[str, Any] | None = None,
    **metadata: Any,  # noqa: ANN401 - fields of ObjectMeta
) -> Migration:
    """One Migration; ``wanted`` are fields of the spec by their names in the manifest."""
    if metadata.pop("deleting", False):
        metadata["deletion_timestamp"] = NOW
    named = {"name": "db-07", "namespace": "team-a", "uid": "u-1", "resource_version": "42", "generation": 1}
    return Migration(
        metadata=ObjectMeta(**{**named, **metadata}),
        spec=spec(source, destination, **(wanted or {})),
        status=status or MigrationStatus(),
        status_readable=readable,
    )


def observe(status: MigrationStatus | None = None, **changes: Any) -> Observed:  # noqa: ANN401 - fields of three models
    """One observation; fields of ``migration()``, of Observation and of MoveFacts are told apart by name."""
    names = {
        *("source", "destination", "generation", "deleting", "readable"),
        *("finalizers", "annotations", "wanted"),
    }
    own = {key: changes.pop(key) for key in names & set(changes)}
    before = {"now": NOW, "holder": HOLDER, "provider": READY, "migration": migration(status, **own)}
    recorded, now = status.progress if status is not None else None, changes.get("now", NOW)
    progress = changes.get("sampled") or recorded
    if progress is not None and progress.last_progress_time is not None:
        # a process that has seen all of it
        before["since_progress_s"] = max(0.0, (now - progress.last_progress_time).total_seconds())
    return look_at(**{**before, "facts": MoveFacts, **changes})


def observe_waited(status: MigrationStatus, seconds: float = 120.0, **changes: Any) -> Observed:  # noqa: ANN401
    """An observation of an intent that was seen unchanged for that long."""
    assert status.pending_call is not None
    return observe(status, wait_ages_s={wait_key_of(status.pending_call): seconds}, **changes)


def having_waited(status: MigrationStatus, seconds: int) -> PendingCall:
    """The intent of a status after so many seconds without an effect of it."""
    assert status.pending_call is not None
    return status.pending_call.model_copy(update={"waited_seconds": seconds or None})


def has_waited_out(observation: Observed, call: PendingCall) -> bool:
    """Whether the effect of a call would have shown by now, by what is on record and this process has seen since."""
    seen_s = observation.wait_ages_s.get(wait_key_of(call), 0.0)
    return (call.waited_seconds or 0) + seen_s >= observation.timings.resend_after_s


def server(host: str | None = "cmp1", *, busy: bool = False, error: bool = False) -> ServerView:
    """The server as upstream shows it."""
    word = "ERROR" if error else "MIGRATING" if busy else "ACTIVE"
    return ServerView(
        id=SERVER_ID,
        name="db-07",
        project_id="p1",
        status=word,
        task_state="migrating" if busy else None,
        host=host,
        is_busy=busy,
        is_in_error=error,
    )


def record(status: str = "running", *, number: int = 7, destination: str | None = "cmp2", **changes: Any) -> RecordView:  # noqa: ANN401
    """A row of os-migrations, by Nova's word."""
    row = RecordView(
        id=str(number),
        number=number,
        server_id=SERVER_ID,
        stage=NOVA_STAGES[status],
        status=status,
        type="live-migration",
        source_host="cmp1",
        destination_host=destination,
    )
    return replace(row, **changes)


def pre_start(view: ServerView | None = None, active: RecordView | None = None) -> PreStartState:
    """What is read before a start."""
    return PreStartState(server=view or server(), baseline=MARK, active=active)


def call_lookup(kind: CallLookupKind, view: ServerView | None = None, **changes: Any) -> CallLookup:  # noqa: ANN401
    """What a look for a start brought."""
    return CallLookup(kind=kind, server=view or server(), **changes)


def intent(
    operation: str = "live-migrate",
    *,
    holder: str = HOLDER,
    sends: int = 1,
    request_id: str | None = None,
    answer: str | None = None,
) -> PendingCall:
    """The write-ahead record of a call."""
    return PendingCall(
        operation=operation,
        attempt=1,
        holder=holder,
        time=NOW - timedelta(seconds=90),
        sends=sends,
        request_id=request_id,
        answer=answer,
        baseline=MARK,
    )


def control(
    verb: Verb,
    result: ControlResult = ControlResult.ACCEPTED,
    *,
    token: str = "true",  # noqa: S107 - an order's token, not a secret
    sent: bool = False,
) -> Control:
    """An order on record."""
    return Control(
        verb=verb, token=token, attempt=1, result=result, message="m", time=NOW, sent_time=NOW if sent else None
    )


def ask(verb: Verb, token: str = "true") -> VerbRequest:  # noqa: S107 - an order's token, not a secret
    """An annotation that was seen."""
    return VerbRequest(verb=verb, token=token, field_manager="kubectl-annotate")


def status_in(phase: Phase | None, reason: str = Reason.VALIDATING, **changes: Any) -> MigrationStatus:  # noqa: ANN401
    """A status in a phase, with the conditions that belong to it."""
    if phase is None:
        return MigrationStatus(**changes)
    verdict = Verdict(phase=phase, reason=reason, message="m")
    conditions = describe_migration(verdict, READY, before=(), generation=1, now=NOW)
    facts = {"observed_generation": 1, "phase": phase, "conditions": conditions}
    return MigrationStatus(**{**facts, **changes})


def sent(*orders: Control, call: PendingCall | None = None, **changes: Any) -> MigrationStatus:  # noqa: ANN401
    """A status whose start is written down and not answered for."""
    return status_in(
        Phase.STARTING,
        Reason.STARTING,
        **{**_begun(), "pending_call": call or intent(), "controls": orders, **changes},
    )


def started(*orders: Control, id: str | None = "7", phase: Phase = Phase.RUNNING, **changes: Any) -> MigrationStatus:  # noqa: A002, ANN401
    """A status whose start is on record."""
    upstream = UpstreamFacts(id=id, request_id=REQUEST, previous_id="6")
    return status_in(phase, Reason.RUNNING, **{**_begun(), "upstream": upstream, "controls": orders, **changes})


def _begun() -> dict[str, Any]:
    return {
        "attempt": 1,
        "start_time": NOW,
        "server": ServerFacts(id=SERVER_ID, name="db-07"),
        "placement": PlacementFacts(source_host="cmp1"),
    }


def stored(status: MigrationStatus) -> MigrationStatus:
    """The status as it comes back from the API server."""
    return MigrationStatus.model_validate(to_wire(status))


def message_of(status: MigrationStatus) -> str:
    """The message of ``Succeeded``."""
    found = find_condition(status.conditions, ConditionType.SUCCEEDED)
    assert found is not None
    return found.message


def reason_of(status: MigrationStatus) -> str:
    """The reason of ``Succeeded``."""
    found = find_condition(status.conditions, ConditionType.SUCCEEDED)
    assert found is not None
    return found.reason


def conditions_of(status: MigrationStatus) -> Mapping[str, str]:
    """Each condition's status by type."""
    return {condition.type: condition.status.value for condition in status.conditions}


def result_of(status: MigrationStatus, verb: Verb) -> ControlResult | None:
    """What became of the last order of a verb."""
    return next((found.result for found in status.controls if found.verb is verb), None)
