"""Treat a record that Waldur does not show as unknown, not as gone, unless the token is the right user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Phase, Reason
from osmig.domain import next_status
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit

if TYPE_CHECKING:
    from osmig.drivers.tenants.facts import ReplicationObservation


def may_be_hidden(observation: ReplicationObservation, user_id: str | None) -> bool:
    """Whether the record may exist but be hidden: Waldur shows each user only what it ordered itself."""
    return user_id is not None and observation.provider.user_id != user_id


def wait_for_token_of_user(observation: ReplicationObservation) -> Commit:
    """Wait until the token is the right user's again; the Provider's next probe wakes the Migration."""
    message = "the token is of another user than the one that ordered or last saw the record; nothing is concluded"
    phase = observation.status.phase or Phase.STARTING
    verdict = Verdict(phase=phase, reason=Reason.TOKEN_OF_ANOTHER_USER, message=message)
    due_s = observation.timings.run_poll_max_s
    return Commit(status=next_status.build(observation, verdict), due_s=due_s, wait_key=observation.wait_key)
