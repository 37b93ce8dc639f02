"""States in which the cloud contradicts itself; only somebody who looks at the hosts can tell what is true."""

from __future__ import annotations

from osmig.api.names import Reason

SPLIT_STATES = frozenset(
    {
        Reason.RECORD_MISSING,
        Reason.SOURCE_HOST_DOWN,
        Reason.HOST_UNCHANGED,
        Reason.ERROR_ON_DESTINATION,
        Reason.NOT_AWAITING_CONFIRMATION,
    }
)
"""Reasons for which record, server and host disagree; docs/runbooks has a page of the same name for each."""
