"""Waits: pauses that no event may cut short but a new generation of the spec, and upstream that cannot be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import Phase, Reason
from osmig.domain.conditions import Verdict
from osmig.domain.errors import AccessDenied
from osmig.domain.observation import Commit
from osmig.domain.recording import keep, put

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.domain.errors import BackendError
    from osmig.domain.observation import Observation

_PREFIX = "pause:"
_PATIENCE = 3
"""A right that is missing comes back by a person's hand: it is asked for less often."""


def measure_s(observation: Observation, trouble: BackendError) -> float:
    """Return how long to leave upstream alone after a read that failed: as long as it asks for, if it does."""
    if isinstance(trouble, AccessDenied):
        return observation.timings.retry_s * _PATIENCE
    return trouble.retry_after_s or observation.timings.retry_s


def hold_out(observation: Observation) -> Commit | None:
    """Stay as it is while the Provider is not ready or a read failed; ``None`` when all is well.

    A read that fails now and then must not make a wait begin anew, so its label is handed on.
    """
    if not observation.provider.is_ready:
        return Commit(status=keep(observation), waiting_for=observation.label)
    if observation.trouble is None:
        return None
    due_s = measure_s(observation, observation.trouble)
    return Commit(status=keep(observation), due_s=due_s, waiting_for=observation.label)


def retry_later(observation: Observation, trouble: BackendError) -> Commit:
    """Try again after a pause: a read failed before anything was sent."""
    verdict = Verdict(phase=Phase.PENDING, reason=Reason.RETRYING, message=trouble.message)
    return begin(observation, put(observation, verdict), measure_s(observation, trouble))


def begin(observation: Observation, status: MigrationStatus, seconds: float) -> Commit:
    """Record ``status`` and do nothing for ``seconds``, as a Retry-After asks."""
    return Commit(status=status, due_s=seconds, waiting_for=_name(observation, seconds))


def remember(observation: Observation, decision: Commit, seconds: float | None) -> Commit:
    """Go on as decided, and keep in mind for how long the cloud asked us not to call again."""
    return decision if seconds is None else replace(decision, waiting_for=_name(observation, seconds))


def go_on(observation: Observation) -> Commit | None:
    """Return the decision to go on waiting, ``None`` when no pause is left.

    A pause of seconds is remembered by this process only: after a restart the cloud is simply asked anew. The pause
    before another attempt is on record.
    """
    status = observation.status
    for label, age_s in observation.waited_s.items():
        seconds = _read(observation, label)
        if seconds is not None and age_s < seconds:
            return Commit(status=status, due_s=seconds - age_s, waiting_for=label)
    failure = status.failure
    if failure is None or failure.next_retry_time is None or observation.now >= failure.next_retry_time:
        return None
    verdict = Verdict(phase=Phase.PENDING, reason=Reason.RETRYING, message=failure.message or "")
    left_s = (failure.next_retry_time - observation.now).total_seconds()
    return Commit(status=put(observation, verdict), due_s=left_s)


def _name(observation: Observation, seconds: float) -> str:
    # the moment tells a pause from an equally long one before it, which is over
    return f"{_PREFIX}{observation.migration.metadata.generation}:{seconds}:{observation.now.isoformat()}"


def _read(observation: Observation, label: str) -> float | None:
    prefix = f"{_PREFIX}{observation.migration.metadata.generation}:"
    return float(label.removeprefix(prefix).partition(":")[0]) if label.startswith(prefix) else None
