"""Conclude nothing from what Waldur may only not show to these credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Phase, Reason
from osmig.domain import recording
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit

if TYPE_CHECKING:
    from osmig.drivers.tenants.facts import ReplicationObservation


def may_be_blind(observation: ReplicationObservation, user_id: str | None) -> bool:
    """Whether a record may be there and not be shown: Waldur shows each user only what it ordered itself."""
    return user_id is not None and observation.provider.user_id != user_id


def wait_for_user(observation: ReplicationObservation) -> Commit:
    """Conclude nothing until the token is of the right user again; the Provider's next probe wakes us."""
    message = "the token is of another user than the one that ordered or last saw the record; nothing is concluded"
    phase = observation.status.phase or Phase.STARTING
    verdict = Verdict(phase=phase, reason=Reason.TOKEN_OF_ANOTHER_USER, message=message)
    due_s = observation.timings.run_poll_max_s
    return Commit(status=recording.put(observation, verdict), due_s=due_s, waiting_for=observation.label)
