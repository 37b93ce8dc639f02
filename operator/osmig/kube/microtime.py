"""Kubernetes' MicroTime on the wire."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def format_microtime(moment: datetime) -> str:
    """Return an aware ``moment`` in UTC with six decimals, which the API server demands: 400 without them."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
