"""Names that only one plan can have chosen: of its Migrations, and of its mark in a disabled service's reason."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from osmig.api.plan_names import (
    LABEL_INDEX,
    LABEL_MEMORY,
    LABEL_PLAN,
    LABEL_PLAN_UID,
    LABEL_SERVER_ID,
    LABEL_SOURCE_HOST,
    LABEL_WAVE,
)

if TYPE_CHECKING:
    from osmig.api.plan import MigrationPlan

_PLAN_IN_A_NAME = 48
_PLAN_IN_A_MARKER = 63
_DIGEST = 10
_MAX_REASON = 255
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def name_child(plan: MigrationPlan, server_id: str, index: int) -> str:
    """Return the name of the ``index``-th Migration of a server: the same whoever asks, so made once (409)."""
    return name_child_of(plan.metadata.name, plan.metadata.uid, server_id, index)


def name_child_of(plan_name: str, plan_uid: str, server_id: str, index: int) -> str:
    """Return the same for the plan of this name and uid."""
    start = plan_name[:_PLAN_IN_A_NAME].rstrip("-.")
    return f"{start}-{_digest(f'{plan_uid}/{server_id}/{index}')}"


def label_child(
    plan: MigrationPlan, server_id: str, source_host: str, index: int, *, memory_mib: int = 0
) -> dict[str, str]:
    """Return a child's labels; a value that is no label value is replaced by its digest.

    The memory is that of the server as it was listed: once it has moved, no list of the plan's hosts has it.
    """
    labels = {
        LABEL_PLAN: plan.metadata.name,
        LABEL_PLAN_UID: plan.metadata.uid,
        LABEL_SERVER_ID: server_id,
        LABEL_SOURCE_HOST: source_host,
        LABEL_INDEX: str(index),
    }
    wave = next((wave.name for wave in plan.spec.waves or () if source_host in wave.hosts), None)
    if wave is not None:
        labels[LABEL_WAVE] = wave
    if memory_mib:
        labels[LABEL_MEMORY] = str(memory_mib)
    return {key: value if _LABEL.fullmatch(value) else _digest(value) for key, value in labels.items()}


def marker_of(plan: MigrationPlan) -> str:
    """Return what the reason of every service begins with that this plan disabled, and no other plan."""
    metadata = plan.metadata
    return f"osmig/{metadata.namespace}/{metadata.name[:_PLAN_IN_A_MARKER]}/{metadata.uid[:8]}:"


def word_reason(plan: MigrationPlan) -> str:
    """Return the whole reason for a disabled service, as long as Nova takes it."""
    reason = plan.spec.maintenance.reason if plan.spec.maintenance is not None else None
    return f"{marker_of(plan)} {reason or 'host is being emptied'}"[:_MAX_REASON]


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_DIGEST]
