"""The phases of a Migration and the moves between them: data, printed into the docs and held by tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

FINISHED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED, Phase.REVERTED})
"""Phases with ``Finished=True``."""

WAITING = frozenset({Phase.PENDING, Phase.QUEUED, Phase.SUSPENDED})
"""After a start was ever meant, the only phases in which it is certain that nothing is under way."""

CONFIRMATION = frozenset({Phase.AWAITING_CONFIRMATION, Phase.CONFIRMING, Phase.REVERTING})
"""Phases after the data of a cold move has arrived; they take no slot."""

_UNDER_WAY = frozenset({Phase.RUNNING, *CONFIRMATION})
# straight from waiting to under way: a migration that was adopted
_FROM_WAITING = frozenset({*WAITING, Phase.STARTING, *_UNDER_WAY, *FINISHED})

TRANSITIONS: Mapping[Phase | None, frozenset[Phase]] = {
    None: _FROM_WAITING,
    Phase.PENDING: _FROM_WAITING,
    Phase.QUEUED: _FROM_WAITING,
    Phase.SUSPENDED: _FROM_WAITING,
    # back to Pending or Queued: it is certain that nothing was started
    Phase.STARTING: frozenset(Phase),
    # to Pending: the attempt ended and another one will be made
    Phase.RUNNING: frozenset({*_UNDER_WAY, Phase.STARTING, Phase.ABORTING, Phase.PENDING, *FINISHED}),
    Phase.AWAITING_CONFIRMATION: frozenset({*_UNDER_WAY, Phase.ABORTING, *FINISHED}),
    # back to AwaitingConfirmation: the cloud refused or lost the call
    Phase.CONFIRMING: frozenset({*CONFIRMATION, Phase.ABORTING, *FINISHED}),
    Phase.REVERTING: frozenset({*CONFIRMATION, Phase.ABORTING, *FINISHED}),
    # back to Running: the order came too late and the move goes on
    Phase.ABORTING: frozenset({*_UNDER_WAY, Phase.STARTING, Phase.ABORTING, Phase.PENDING, Phase.QUEUED, *FINISHED}),
    # one that never started anything is evaluated anew when its spec changes; the others begin another attempt
    Phase.SUCCEEDED: _FROM_WAITING,
    Phase.FAILED: _FROM_WAITING,
    Phase.ABORTED: _FROM_WAITING,
    Phase.REVERTED: _FROM_WAITING,
}
"""From each phase (``None``: no status yet), the phases one step may lead to."""


def is_over(*, has_ended: bool, has_completion_time: bool, finished: bool | None) -> bool:
    """Whether a Migration or a plan is over: two of three witnesses decide, the phase where another one is silent.

    Args:
        has_ended: what the phase says.
        has_completion_time: ``completionTime`` is there.
        finished: what the condition ``Finished`` says; ``None`` where there is none.
    """
    return has_completion_time if finished is has_completion_time else has_ended


def may_follow(before: Phase | None, after: Phase) -> bool:
    """Whether one step may lead from ``before`` to ``after``."""
    return after in TRANSITIONS[before]
