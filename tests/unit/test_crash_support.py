"""The points of the crash tests: a write that met a conflict has not been made, and its point is still to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from crash.operator_with_points import Point, PointedStatuses
from osmig.api.names import Kind
from osmig.controllers.keys import RESOURCES
from osmig.domain.errors import WriteConflict
from osmig.kube.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVER = {"server": {"id": "s-1"}}
INTENT = {"pendingCall": {"holder": "h", "time": "2026-01-01T00:00:00Z", "operation": "confirm"}}
RECORD = {"upstream": {"id": "7", "requestID": "req-1"}}
ADOPTION = {"upstream": {"id": "7"}}
END = {**RECORD, "completionTime": "2026-01-01T00:00:05Z"}
PROTOCOL: dict[str, list[dict[str, Any]]] = {
    "intent": [INTENT],
    "record": [INTENT, RECORD],
    "adoption": [ADOPTION],
    "end": [INTENT, RECORD, END],
}


@dataclass
class RefusingOnce:
    """An API server that answers the first try of each write with a conflict, if asked to."""

    refused: set[str] = field(default_factory=set)
    refuses: bool = True

    async def put(self, ref: ObjectRef, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refuse, or store."""
        if self.refuses and (word := str(status)) not in self.refused:
            self.refused.add(word)
            raise WriteConflict(reason="Conflict", message=f"{ref.name} has changed")
        return status


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", PROTOCOL)
async def test_each_point_is_reached_once_although_each_write_meets_a_conflict_first(
    name: str, when: str, tmp_path: Path
) -> None:
    point = Point(f"{when}-{name}", tmp_path)
    (tmp_path / "go").touch()
    statuses = PointedStatuses(RefusingOnce(), point)
    metadata = {"namespace": "default", "name": "web", "uid": "u-1", "resourceVersion": "1"}
    ref = ObjectRef.of(RESOURCES[Kind.MIGRATION], {"metadata": metadata})
    for status in PROTOCOL[name]:
        with pytest.raises(WriteConflict):
            await statuses.put(ref, {**SERVER, **status})
        assert not (tmp_path / "reached-1").exists() or when == "before" or status != PROTOCOL[name][-1]
        await statuses.put(ref, {**SERVER, **status})
        await statuses.put(ref, {**SERVER, **status})
    assert (tmp_path / "reached-1").exists()
    assert not (tmp_path / "reached-2").exists()
