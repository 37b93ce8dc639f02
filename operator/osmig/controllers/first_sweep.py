"""Whether the Providers that were there at the start were contacted once: until then a leader may start nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Kind

if TYPE_CHECKING:
    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.sessions import Sessions


class FirstSweep:
    """What ``/readyz`` waits for after the first list.

    A Provider that somebody makes later is not waited for: each tenant could else make the process unready at will.
    """

    def __init__(self, inbox: Inbox, sessions: Sessions) -> None:
        self._inbox = inbox
        self._sessions = sessions
        self._awaited: set[Key] | None = None

    def begin(self) -> None:
        """Take the Providers that are known now for those that were there at the start."""
        self._awaited = set(self._inbox.keys(Kind.PROVIDER))

    def is_over(self) -> bool:
        """Whether each of them was contacted since, with whatever result, or is gone; once true it stays so."""
        if self._awaited is None:
            return False
        self._awaited = {key for key in self._awaited if self._inbox.get(key) and not self._was_contacted(key)}
        return not self._awaited

    def _was_contacted(self, key: Key) -> bool:
        session = self._sessions.get(key)
        return session is not None and session.is_attempted
