"""When a deleted Migration is no longer held back for what is still to be done upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason

if TYPE_CHECKING:
    from osmig.domain.observation import Observation

_UNREACHABLE_FOR_GOOD = frozenset({Reason.PROVIDER_NOT_FOUND, Reason.SECRET_NOT_FOUND})
"""With these nothing can be done upstream any more: no connection is left."""


def find_reason(observation: Observation, what: str) -> str | None:
    """Say why the object must not be held back any longer; ``None`` while it may be.

    Args:
        observation: of this moment.
        what: was waited for in vain, as status says it of what is upstream: ``did not end``.
    """
    if observation.provider.reason in _UNREACHABLE_FOR_GOOD:
        return "its Provider or Secret is gone"
    deleted, longest_s = observation.migration.metadata.deletion_timestamp, observation.timings.finalizer_s
    if deleted is not None and (observation.now - deleted).total_seconds() >= longest_s:
        return f"it {what} within {round(longest_s)} s"
    return None
