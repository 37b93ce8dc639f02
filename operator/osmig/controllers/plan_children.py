"""The Migrations of each plan, from the Inbox: found by their owner, read once per version."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from osmig.api.meta import InvalidManifest
from osmig.api.migration import parse_migration
from osmig.api.names import ConditionStatus, ConditionType, MigrationType
from osmig.api.plan_names import LABEL_MEMORY
from osmig.controllers.plan_owners import PlanOwner, find_owner, read_index, read_number, read_server_id
from osmig.domain.conditions import find_condition
from osmig.domain.phases import CONFIRMATION, FINISHED
from osmig.domain.plans.children import ChildView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from osmig.api.migration import Migration, MigrationStatus
    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.parts import Wake

WAKE_S = 1.0
"""How soon a plan is stepped after one of its Migrations; what happens to several of them meanwhile is one step."""
PLACE_FREE_S = 0.2
"""The same of one that leaves a place of the limits free: as long as it stays free, the whole plan is late.

With 1,000 servers a step decides for 30 ms, so a flood of ends takes a sixth of a processor at most.
"""
_LEAVING = FINISHED | CONFIRMATION

AT_A_STRETCH = 25
"""Migrations that are read before others have their turn: each takes 0.3 ms."""


class PlanChildren:
    """Which Migrations are which plan's."""

    def __init__(self, inbox: Inbox, wake: Wake) -> None:
        """Know of none."""
        self._inbox = inbox
        self._wake = wake
        self._owners: dict[Key, PlanOwner] = {}
        self._by_uid: dict[str, dict[Key, None]] = {}
        self._phases: dict[Key, object] = {}
        self._views: dict[Key, tuple[str, ChildView]] = {}

    def note(self, key: Key, body: Mapping[str, Any] | None) -> None:
        """Take a Migration's newest body, ``None`` once it is gone; its plan is stepped soon if that matters to it."""
        owner, before = (find_owner(body) if body is not None else None), self._owners.get(key)
        if before is not None and owner != before:
            self._drop(key, before)
        if owner is None or body is None:
            return
        self._owners[key] = owner
        self._by_uid.setdefault(owner.uid, {})[key] = None
        status = body.get("status") or {}
        seen = (status.get("phase"), "deletionTimestamp" in body["metadata"])
        if self._phases.get(key) != seen:
            self._phases[key] = seen
            self._wake(owner.key, PLACE_FREE_S if status.get("phase") in _LEAVING else WAKE_S)

    def _drop(self, key: Key, owner: PlanOwner) -> None:
        children = self._by_uid[owner.uid]
        del self._owners[key], children[key]
        if not children:
            del self._by_uid[owner.uid]
        self._phases.pop(key, None)
        self._views.pop(key, None)
        self._wake(owner.key, PLACE_FREE_S)

    def list_views(self, uid: str) -> tuple[ChildView, ...]:
        """Return the Migrations of the plan with this uid, by name."""
        return tuple(self._view(key) for key in sorted(self._by_uid.get(uid, ())))

    def read_some(self, uid: str) -> Iterator[None]:
        """Read the Migrations that have changed, and pause after some: after a restart those are all."""
        read = 0
        for key in tuple(self._by_uid.get(uid, ())):
            entry, known = self._inbox.get(key), self._views.get(key)
            if entry is not None and key in self._owners and (known is None or known[0] != entry.resource_version):
                self._view(key)
                read += 1
                if read % AT_A_STRETCH == 0:
                    yield

    def _view(self, key: Key) -> ChildView:
        entry = self._inbox.get(key)
        assert entry is not None  # noqa: S101 - the Inbox tells of every one that goes
        known = self._views.get(key)
        if known is None or known[0] != entry.resource_version:
            known = self._views[key] = (entry.resource_version, read_child(key, entry.body))
        return known[1]


def read_child(key: Key, body: Mapping[str, Any]) -> ChildView:
    """Return what a plan has to know of one Migration; one that cannot be read counts as not finished."""
    metadata = body["metadata"]
    made = ChildView(
        name=key.name,
        server_id=read_server_id(body),
        index=read_index(body),
        type=MigrationType.LIVE_MIGRATION,
        memory_mib=read_number((metadata.get("labels") or {}).get(LABEL_MEMORY), 0),
        is_deleted="deletionTimestamp" in metadata,
    )
    try:
        migration = parse_migration(body)
    except InvalidManifest as error:
        return replace(made, message=str(error)[:200])
    return _describe(made, migration, migration.status)


def _describe(made: ChildView, migration: Migration, status: MigrationStatus) -> ChildView:
    wanted, actual = migration.spec.placement, status.placement
    outcome = find_condition(status.conditions, ConditionType.SUCCEEDED)
    converging = find_condition(status.conditions, ConditionType.CONVERGING)
    media = [status.progress.memory, status.progress.disk] if status.progress is not None else []
    moved = [medium for medium in media if medium is not None]
    return replace(
        made,
        server_name=(status.server.name or "") if status.server is not None else "",
        type=migration.spec.type,
        source_host=migration.spec.source or (actual and actual.source_host) or None,
        destination_host=(actual and actual.destination_host) or (wanted and wanted.destination_host) or None,
        phase=status.phase,
        reason=outcome.reason if outcome is not None else "",
        message=outcome.message if outcome is not None else "",
        is_sent=status.start_time is not None,
        is_stalled=converging is not None and converging.status == ConditionStatus.FALSE,
        attempt=status.attempt or 1,
        tokens={control.verb: control.token for control in status.controls},
        start_time=status.start_time,
        completion_time=status.completion_time,
        total_bytes=_add(medium.total_bytes for medium in moved),
        processed_bytes=_add(medium.processed_bytes for medium in moved),
        remaining_bytes=_add(medium.remaining_bytes for medium in moved),
        throughput_bytes_per_second=status.progress.throughput_bytes_per_second
        if status.progress is not None
        else None,
    )


def _add(amounts: Iterable[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None
