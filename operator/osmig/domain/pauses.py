"""Waits: pauses that no event may cut short but a new generation of the spec, and upstream that cannot be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import Phase, Reason
from osmig.domain.conditions import Verdict
from osmig.domain.errors import AccessDenied
from osmig.domain.next_status import build, keep_phase
from osmig.domain.observation import Commit

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.domain.errors import BackendError
    from osmig.domain.observation import Observation

_PREFIX = "pause:"
_PERMISSION_RETRY_FACTOR = 3
"""Only a person grants a missing right, so such a read is repeated less often."""


def measure_s(observation: Observation, read_error: BackendError) -> float:
    """Return how long to leave upstream alone after a read that failed: as long as it asks for, if it does."""
    if isinstance(read_error, AccessDenied):
        return observation.timings.retry_s * _PERMISSION_RETRY_FACTOR
    return read_error.retry_after_s or observation.timings.retry_s


def wait_for_provider_or_read(observation: Observation) -> Commit | None:
    """Keep the phase while the Provider is not ready or a read failed; ``None`` when neither holds.

    A read that fails now and then must not make a wait begin anew, so its wait key is handed on.
    """
    if not observation.provider.is_ready:
        return Commit(status=keep_phase(observation), wait_key=observation.wait_key)
    if observation.read_error is None:
        return None
    due_s = measure_s(observation, observation.read_error)
    return Commit(status=keep_phase(observation), due_s=due_s, wait_key=observation.wait_key)


def retry_later(observation: Observation, read_error: BackendError) -> Commit:
    """Try again after a pause: a read failed before anything was sent."""
    verdict = Verdict(phase=Phase.PENDING, reason=Reason.RETRYING, message=read_error.message)
    return begin(observation, build(observation, verdict), measure_s(observation, read_error))


def begin(observation: Observation, status: MigrationStatus, seconds: float) -> Commit:
    """Record ``status`` and do nothing for ``seconds``, as a Retry-After asks."""
    return Commit(status=status, due_s=seconds, wait_key=_name(observation, seconds))


def remember(observation: Observation, decision: Commit, seconds: float | None) -> Commit:
    """Go on as decided, and keep in mind for how long the cloud asked us not to call again."""
    return decision if seconds is None else replace(decision, wait_key=_name(observation, seconds))


def go_on(observation: Observation) -> Commit | None:
    """Return the decision to go on waiting, ``None`` when no pause is left.

    A pause of seconds is remembered by this process only: after a restart the cloud is simply asked anew. The pause
    before another attempt is on record.
    """
    status = observation.status
    for wait_key, age_s in observation.wait_ages_s.items():
        seconds = _read_pause_s(observation, wait_key)
        if seconds is not None and age_s < seconds:
            return Commit(status=status, due_s=seconds - age_s, wait_key=wait_key)
    failure = status.failure
    if failure is None or failure.next_retry_time is None or observation.now >= failure.next_retry_time:
        return None
    verdict = Verdict(phase=Phase.PENDING, reason=Reason.RETRYING, message=failure.message or "")
    left_s = (failure.next_retry_time - observation.now).total_seconds()
    return Commit(status=build(observation, verdict), due_s=left_s)


def _name(observation: Observation, seconds: float) -> str:
    # the moment tells a pause from an equally long one before it, which is over
    return f"{_PREFIX}{observation.migration.metadata.generation}:{seconds}:{observation.now.isoformat()}"


def _read_pause_s(observation: Observation, wait_key: str) -> float | None:
    prefix = f"{_PREFIX}{observation.migration.metadata.generation}:"
    return float(wait_key.removeprefix(prefix).partition(":")[0]) if wait_key.startswith(prefix) else None
