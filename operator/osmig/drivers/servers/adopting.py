"""What a Migration says that adopts a move of the cloud and does nothing to it by itself."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from osmig.api.migration import AdoptRef, ConfirmBy, OnConfirmDeadline, OnStall, ServerRef
from osmig.api.names import MigrationType
from osmig.domain.operations import MoveKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.domain.operations import RecordView

_SPECS: Mapping[MoveKind, Mapping[str, Any]] = MappingProxyType(
    {
        MoveKind.LIVE: {
            "type": MigrationType.LIVE_MIGRATION.value,
            "live": {"convergence": {"onStall": OnStall.ALERT.value}},
        },
        MoveKind.COLD: {
            "type": MigrationType.COLD_MIGRATION.value,
            "cold": {"confirm": ConfirmBy.MANUAL.value, "onConfirmDeadline": OnConfirmDeadline.ALERT.value},
        },
    }
)
"""What ``adopt`` can follow: no resize, no evacuation, and nothing of which an old cloud does not tell the type."""


def adopt(row: RecordView) -> Mapping[str, Any] | None:
    """Return type, server, ``adopt`` and policies; ``None`` for what no Migration can name."""
    spec = _SPECS.get(row.kind)
    try:
        ServerRef(id=row.server_id)
        AdoptRef(id=row.id)
    except ValidationError:
        return None
    return {**spec, "server": {"id": row.server_id}, "adopt": {"id": row.id}} if spec is not None else None
