"""Cold moves in few words, for tests of the domain: servers, records and statuses on their way through the gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from domain_samples import MARK, NOW, SERVER_ID, control, intent, observe, record, started
from domain_world import World
from osmig.api.migration import ConfirmFacts, PolicyOrder
from osmig.api.names import Phase, Verb
from osmig.domain.operations import MoveKind, RecordView
from osmig.drivers.servers.views import PreStartState, ServerView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from decided import Observed
    from osmig.api.migration import Control, MigrationStatus
    from osmig.api.names import Policy

COLD: Mapping[str, Any] = {"type": "ColdMigration"}


def observe_cold(
    status: MigrationStatus | None = None,
    cold: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - fields of two models
) -> Observed:
    """One observation of a cold Migration; ``cold`` are its options by their names in the manifest."""
    wanted = {**COLD, **({"cold": cold} if cold else {}), **changes.pop("wanted", {})}
    return observe(status, wanted=wanted, **changes)


def survey_gate(view: ServerView | None = None, row: RecordView | None = None) -> PreStartState:
    """What is read right before a confirm or revert."""
    return PreStartState(server=view or verify(), baseline=MARK, active=row or cold_record())


def resizing(host: str = "cmp1", task: str = "resize_migrating") -> ServerView:
    """The server while a cold move copies its disk."""
    return ServerView(id=SERVER_ID, name="db-07", status="RESIZE", task_state=task, host=host, is_busy=True)


def verify(host: str | None = "cmp2", **changes: Any) -> ServerView:  # noqa: ANN401 - fields of ServerView
    """The server whose cold move waits to be decided on."""
    view = ServerView(
        id=SERVER_ID, name="db-07", status="VERIFY_RESIZE", host=host, is_busy=True, awaits_confirmation=True
    )
    return replace(view, **changes)


def cold_record(status: str = "finished", **changes: Any) -> RecordView:  # noqa: ANN401 - fields of RecordView
    """A row of os-migrations about a cold move."""
    return record(status, **{"type": "migration", "kind": MoveKind.COLD, **changes})


def awaiting(*orders: Control, since_s: float = 0.0, **changes: Any) -> MigrationStatus:  # noqa: ANN401
    """A status whose cold move began to wait for its confirmation so long ago."""
    began = NOW - timedelta(seconds=since_s)
    confirm = ConfirmFacts(start_time=began, deadline_time=began + timedelta(hours=20))
    facts = {"confirm": confirm, "start_time": NOW - timedelta(hours=30), **changes}
    return started(*orders, phase=Phase.AWAITING_CONFIRMATION, **facts)


def deciding(verb: Verb = Verb.CONFIRM, *orders: Control, **changes: Any) -> MigrationStatus:  # noqa: ANN401 - of intent()
    """A status with the intent of a confirm or revert, whose answer is awaited."""
    phase = Phase.CONFIRMING if verb is Verb.CONFIRM else Phase.REVERTING
    call = intent(verb.value, **changes)
    return awaiting(*(orders or (control(verb),))).model_copy(update={"phase": phase, "pending_call": call})


def policy_order(
    policy: Policy, verb: Verb | None = None, *, sent: bool = False, given_up: bool = False
) -> PolicyOrder:
    """What a policy did in this attempt; without a verb it only told."""
    sent_time, given_up_time = (NOW if happened else None for happened in (sent, given_up))
    return PolicyOrder(policy=policy, verb=verb, time=NOW, sent_time=sent_time, given_up_time=given_up_time)


CONFIRMATION = World(server=verify(), records=(cold_record(),), pre_start=survey_gate())
"""A move that awaits its confirmation, and nothing else."""
