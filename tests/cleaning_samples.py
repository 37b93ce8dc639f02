"""Replications that were called off with the clean-up asked for, in few words, for tests of the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from decided import decide
from domain_samples import control, stored
from osmig.api.names import Phase, Verb
from osmig.domain.calls import Answer
from osmig.drivers.tenants.calls import TerminateCall
from osmig.drivers.tenants.views import ReplicaStage, RunStage, RunView
from replication_samples import (
    ORDER,
    REPLICA_ID,
    Waldur,
    after,
    decide_in,
    followed,
    intent,
    known_tenant,
    observe,
    replica,
    run,
)

if TYPE_CHECKING:
    from decided import Decided, Observed
    from osmig.api.migration import MigrationStatus
    from osmig.domain.errors import BackendError

ABORT = control(Verb.ABORT)
CLEANED = {"cleanup": "DestinationOnAbort"}
DONE = run(RunStage.OK, ReplicaStage.OK)
CALL = TerminateCall(replica_id=REPLICA_ID)
PENDING = intent("terminate")


def seen(view: RunView, stage: ReplicaStage | None = None, **changes: object) -> Waldur:
    """Show a run and its replica, which is as the run tells unless said otherwise."""
    return Waldur(run=view, replica=replica(stage or view.replica_stage, **changes))


def watch(status: MigrationStatus | None = None, **changes: Any) -> Observed:  # noqa: ANN401 - as observe() takes them
    """One observation of a replication whose clean-up is wanted."""
    return observe(status or followed(ABORT, phase=Phase.ABORTING), tenant=CLEANED, **changes)


def twice(waldur: Waldur, status: MigrationStatus | None = None) -> Decided:
    """The decision of the second of two equal polls."""
    first = decide_in(waldur, watch(status))
    return decide_in(waldur, watch(stored(first.status), wait_ages_s=after(first)))


def sent(*, call: object = PENDING, **changes: object) -> MigrationStatus:
    """A status whose order to terminate is written down and not answered for."""
    return followed(ABORT, phase=Phase.ABORTING, pending_call=call, **changes)


def taken(order_id: str = ORDER) -> MigrationStatus:
    """A status whose order to terminate was taken."""
    return followed(control(Verb.ABORT, sent=True), phase=Phase.ABORTING, tenant=known_tenant(cleanup_order=order_id))


def answered(error: BackendError, status: MigrationStatus, **changes: object) -> Decided:
    """What is decided on a refusal of the order that ``status`` has the intent of."""
    return decide(watch(status, answer=Answer(call=CALL, error=error), **changes))
