"""Waldur's rows in the domain's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.tenant_facts import Items
from osmig.domain.operations import TYPE_WORDS, MoveKind, RecordView, Stage
from osmig.domain.redacting import redact_text
from osmig.drivers.tenants.views import LOST_STAGES, OrderStage, ReplicaStage, RunStage, RunView
from osmig.net.cleaning import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.drivers.tenants.waldur.wire import RunRow

ITEMS = "networks and subnets of the replica"

_MAX_WORD = 64
_MAX_NAME = 255
_RUN_STAGES = {
    "CREATION_SCHEDULED": RunStage.SCHEDULED,
    "CREATING": RunStage.CREATING,
    "OK": RunStage.OK,
    "ERRED": RunStage.ERRED,
}
_REPLICA_STAGES = {
    "creating": ReplicaStage.CREATING,
    "ok": ReplicaStage.OK,
    "erred": ReplicaStage.ERRED,
    "terminating": ReplicaStage.TERMINATING,
    "terminated": ReplicaStage.TERMINATED,
}
_ORDER_STAGES = {
    "pending-consumer": OrderStage.UNDER_WAY,
    "pending-provider": OrderStage.UNDER_WAY,
    "pending-project": OrderStage.UNDER_WAY,
    "pending-start-date": OrderStage.UNDER_WAY,
    "executing": OrderStage.UNDER_WAY,
    "done": OrderStage.DONE,
    "erred": OrderStage.ERRED,
    "canceled": OrderStage.ERRED,
    "rejected": OrderStage.ERRED,
}
_OPERATION_STAGES = {
    RunStage.SCHEDULED: Stage.QUEUED,
    RunStage.CREATING: Stage.RUNNING,
    RunStage.OK: Stage.SUCCEEDED,
    RunStage.ERRED: Stage.FAILED,
    RunStage.UNKNOWN: Stage.UNKNOWN,
}
"""What each state counts as (docs/discovery.md)."""


def read_run_stage(word: str | None) -> RunStage:
    """Read a run's state; servers before March 2025 wrote ``Creation Scheduled``."""
    return _RUN_STAGES.get((word or "").strip().upper().replace(" ", "_"), RunStage.UNKNOWN)


def read_replica_stage(word: str | None) -> ReplicaStage:
    """Read a marketplace resource's state."""
    return _REPLICA_STAGES.get((word or "").strip().lower(), ReplicaStage.UNKNOWN)


def read_order_stage(word: str | None) -> OrderStage:
    """Read an order's state; one that was called off ends nothing, so it counts as failed."""
    return _ORDER_STAGES.get((word or "").strip().lower(), OrderStage.UNKNOWN)


def is_settled(word: str | None) -> bool:
    """Whether a tenant is in one of the states in which Waldur terminates it; one that is not told may be."""
    return word is None or read_run_stage(word) in {RunStage.OK, RunStage.ERRED}


def cut_word(word: str) -> str:
    """Cut one of Waldur's words to what the status takes; the server may put anything there."""
    return redact_text(word)[:_MAX_WORD]


def view_run(row: RunRow) -> RunView:
    """Translate one replication."""
    return RunView(
        id=row.uuid,
        stage=read_run_stage(row.state),
        status=cut_word(row.state or ""),
        replica_stage=read_replica_stage(row.dst_resource_state),
        replica_status=cut_word(row.dst_resource_state) if row.dst_resource_state is not None else None,
        replica_id=row.dst_resource_uuid,
        replica_name=row.dst_resource_name[:_MAX_NAME] if row.dst_resource_name is not None else None,
        source_id=row.src_resource_uuid or "",
        offering_id=row.dst_offering_uuid or "",
        user_id=row.created_by_uuid,
        error=clean_text(row.error_message or ""),
        created=row.created,
        updated=row.modified,
    )


def view_operation(row: RunRow) -> RecordView:
    """Translate one replication for who counts what goes on; one whose replica is lost goes on no more."""
    run = view_run(row)
    is_lost = run.stage is not RunStage.OK and run.replica_stage in LOST_STAGES
    return RecordView(
        id=run.id,
        uuid=run.id,
        server_id=run.source_id,
        stage=Stage.FAILED if is_lost else _OPERATION_STAGES[run.stage],
        status=run.status.strip().upper().replace(" ", "_"),
        type=TYPE_WORDS[MoveKind.REPLICATION],
        kind=MoveKind.REPLICATION,
        user_id=run.user_id,
        created=run.created,
        updated=run.updated,
    )


def count_items(states: Iterable[str | None]) -> Items:
    """Count networks and subnets by their states."""
    words = [(state or "").strip().upper() for state in states]
    return Items(of=ITEMS, total=len(words), done=words.count("OK"), failed=words.count("ERRED"))
