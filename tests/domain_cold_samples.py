"""Cold moves in few words, for tests of the domain: servers, records and statuses on their way through the gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from domain_samples import MARK, NOW, SERVER_ID, observe, record, started
from osmig.api.migration import ConfirmFacts, PolicyOrder
from osmig.api.names import Phase
from osmig.domain.upstream import MoveKind, RecordView, ServerView, Survey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.migration import Control, MigrationStatus
    from osmig.api.names import Policy, Verb
    from osmig.domain.observation import Observation

COLD: Mapping[str, Any] = {"type": "ColdMigration"}


def observe_cold(
    status: MigrationStatus | None = None,
    cold: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - fields of two models
) -> Observation:
    """One observation of a cold Migration; ``cold`` are its options by their names in the manifest."""
    wanted = {**COLD, **({"cold": cold} if cold else {}), **changes.pop("wanted", {})}
    return observe(status, wanted=wanted, **changes)


def survey_gate(view: ServerView | None = None, row: RecordView | None = None) -> Survey:
    """What is read right before a confirm or revert."""
    return Survey(server=view or verify(), mark=MARK, active=row or cold_record())


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


def policy_order(policy: Policy, verb: Verb | None = None, *, sent: bool = False) -> PolicyOrder:
    """What a policy did in this attempt."""
    return PolicyOrder(policy=policy, verb=verb, time=NOW, sent_time=NOW if sent else None)
