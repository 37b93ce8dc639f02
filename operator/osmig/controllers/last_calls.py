"""How long a deleted Provider's connection stays open: until what its Migrations' deletion calls off has ended.

When a whole namespace is deleted, its Provider and Secret are gone at once, and Migrations whose ``deletionPolicy`` is
Abort stay until their moves have ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import FINALIZER

if TYPE_CHECKING:
    from osmig.controllers.inbox import Entry
    from osmig.controllers.keys import Key
    from osmig.controllers.parts import Parts

GRACE_S = 30.0
"""The objects of a namespace are deleted one after the other: the Provider's deletion may come first."""

LOOK_S = 5.0


class LastCalls:
    """Whether a deleted Provider is still needed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._gone_at: dict[Key, float] = {}

    def are_due(self, provider: Key) -> bool:
        """Whether a Migration of a deleted Provider calls its move off, or may yet be about to."""
        now = self._parts.given.clock.boottime()
        gone_at = self._gone_at.setdefault(provider, now)
        if any(
            self._may_call_off(key, is_early=now - gone_at < GRACE_S) for key in self._parts.ledger.followers(provider)
        ):
            return True
        self._gone_at.pop(provider)
        return False

    def forget(self, provider: Key) -> None:
        """Take note that there is a Provider of this name again."""
        self._gone_at.pop(provider, None)

    def _may_call_off(self, key: Key, *, is_early: bool) -> bool:
        entry, claims = self._parts.inbox.get(key), self._parts.ledger.get(key)
        if entry is None or claims is None or not claims.is_acting:
            return False
        return _has_finalizer(entry) and (entry.is_being_deleted or is_early)


def _has_finalizer(entry: Entry) -> bool:
    return FINALIZER in (entry.body["metadata"].get("finalizers") or ())
