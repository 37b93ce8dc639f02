"""Who waits for which server: those that another move of it keeps back, and those that only need a slot."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, TypeVar

from osmig.controllers.claims import NEVER_QUEUED

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from osmig.controllers.claims import Claims
    from osmig.controllers.keys import Key

H = TypeVar("H", bound="Hashable")

_Line = list[tuple[str, "Key"]]
"""Since when who waits, as text that sorts by time; the longest wait first."""


class ServerLines:
    """The lines before the servers, from the claims of all Migrations.

    Of those that would move one server, one waits for a slot and the others for that one: else each of them would learn
    anew at every turn of the queue that it is not its turn.
    """

    def __init__(self) -> None:
        self._awaited: dict[str, _Line] = {}
        self._wanted: dict[tuple[Key, str], _Line] = {}
        self._providers: dict[Key, Key] = {}
        self._freed: set[str] = set()

    def add(self, key: Key, claims: Claims) -> None:
        """Let a Migration join where its claims say."""
        if claims.awaits_server is not None:
            self._providers[key] = claims.provider
            bisect.insort(self._awaited.setdefault(claims.awaits_server, []), (claims.queued, key))
        if claims.wants_server is not None:
            bisect.insort(self._wanted.setdefault((claims.provider, claims.wants_server), []), (claims.queued, key))

    def remove(self, key: Key, claims: Claims) -> None:
        """Let a Migration leave; whoever it kept from a server may be called next."""
        self._providers.pop(key, None)
        if claims.awaits_server is not None:
            _leave(self._awaited, claims.awaits_server, (claims.queued, key))
        if claims.wants_server is not None:
            _leave(self._wanted, (claims.provider, claims.wants_server), (claims.queued, key))
        for server_id in (claims.server_id, claims.awaits_server, claims.wants_server):
            if server_id is not None and server_id in self._awaited:
                self._freed.add(server_id)

    def find_ahead(self, provider: Key, server_id: str, *, key: Key, queued: str = NEVER_QUEUED) -> Key | None:
        """Return the other Migration through this Provider that moves the server first, once it has a slot."""
        line = self._wanted.get((provider, server_id))
        return line[0][1] if line is not None and line[0] < (queued, key) else None

    def next_waiters(self, find_conflicting: Callable[[Key, str], Key | None]) -> tuple[Key, ...]:
        """Return who waited longest, in each namespace, for each server that was let go of since the last time.

        Whoever is called and does not take the server after all leaves the line, and the next one is called; but not
        while somebody who goes first waits for a slot.
        """
        called: dict[Key, None] = {}
        for server_id in sorted(self._freed):
            namespaces: set[str] = set()
            for queued, key in self._awaited.get(server_id, ()):
                is_free = key.namespace not in namespaces and find_conflicting(key, server_id) is None
                if is_free and not self._is_behind(server_id, queued, key):
                    called[key] = None
                namespaces.add(key.namespace)
        self._freed.clear()
        return tuple(called)

    def _is_behind(self, server_id: str, queued: str, key: Key) -> bool:
        return self.find_ahead(self._providers[key], server_id, key=key, queued=queued) is not None


def _leave(lines: dict[H, _Line], name: H, place: tuple[str, Key]) -> None:
    line = lines[name]
    del line[bisect.bisect_left(line, place)]
    if not line:
        del lines[name]
