"""What kind of move a Migration is, in the domain's word."""

from __future__ import annotations

from osmig.api.migration import MigrationType
from osmig.domain.operations import MoveKind

_KINDS = {MigrationType.LIVE_MIGRATION: MoveKind.LIVE, MigrationType.COLD_MIGRATION: MoveKind.COLD}


def kind_of(migration_type: MigrationType) -> MoveKind:
    """Return the kind of record that a Migration of this type brings about."""
    return _KINDS[migration_type]
