"""Which cloud and project a move belongs to: new credentials may lead to others, where nothing of it is to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Phase, Reason
from osmig.domain import next_status, origins
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit

if TYPE_CHECKING:
    from osmig.domain.observation import Observation

_WAIT_SWEEPS = 6
"""The Provider wakes its Migrations when it gets another connection; they look by themselves after so many sweeps."""


def wait_for_cloud(observation: Observation) -> Commit | None:
    """Wait while the Provider leads elsewhere than what was started: nothing is sent there, nor concluded from there.

    ``None`` when it leads there, or when one of both is not known.
    """
    recorded = origins.find_recorded(observation.status)
    if recorded is None or not observation.provider.is_ready:
        return None
    now = origins.of_provider(observation.provider)
    differs = [
        (name, was, found)
        for name, was, found in zip(("endpoint", "project"), recorded, now, strict=True)
        if was is not None and found is not None and was != found
    ]
    if not differs:
        return None
    name, was, found = differs[0]
    message = (
        f"this was started in {name} {was}, and the Provider's credentials lead to {name} {found}; "
        "nothing is sent or concluded until they lead back"
    )
    phase = observation.status.phase or Phase.STARTING
    verdict = Verdict(phase=phase, reason=Reason.CREDENTIALS_OF_ANOTHER_CLOUD, message=message)
    due_s = observation.timings.sweep_period_s * _WAIT_SWEEPS
    return Commit(status=next_status.build(observation, verdict), due_s=due_s, wait_key=observation.wait_key)
