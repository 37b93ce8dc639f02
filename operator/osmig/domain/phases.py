"""The phases of a Migration and the moves between them: data, printed into the docs and held by tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

FINISHED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED})
"""Phases with ``Finished=True``."""

_BEFORE_START = frozenset({Phase.PENDING, Phase.QUEUED, Phase.STARTING, *FINISHED})

TRANSITIONS: Mapping[Phase | None, frozenset[Phase]] = {
    None: _BEFORE_START,
    Phase.PENDING: _BEFORE_START,
    Phase.QUEUED: _BEFORE_START,
    # back to Pending or Queued: it is certain that nothing was started
    Phase.STARTING: frozenset(Phase),
    Phase.RUNNING: frozenset({Phase.RUNNING, Phase.STARTING, Phase.ABORTING, *FINISHED}),
    # back to Running: the order came too late and the move goes on
    Phase.ABORTING: frozenset({Phase.ABORTING, Phase.RUNNING, Phase.STARTING, Phase.PENDING, Phase.QUEUED, *FINISHED}),
    # a finished Migration that never started anything is evaluated anew when its spec changes
    Phase.SUCCEEDED: _BEFORE_START,
    Phase.FAILED: _BEFORE_START,
    Phase.ABORTED: _BEFORE_START,
}
"""From each phase (``None``: no status yet), the phases one step may lead to."""


def may_follow(before: Phase | None, after: Phase) -> bool:
    """Whether one step may lead from ``before`` to ``after``."""
    return after in TRANSITIONS[before]
