"""Who has what: which Migration follows which upstream record, made which request, has which server, which slot.

Built from the statuses in the Inbox, plus the reservations of starts whose intent is just being written.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osmig.controllers.claims import Claims, read_claims
from osmig.domain.queueing import HostLoad

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping

    from osmig.controllers.keys import Key
    from osmig.domain.queueing import HostPair


@dataclass(frozen=True, slots=True)
class _Reservation:
    key: Key
    provider: Key
    hosts: HostPair


class _Owners:
    """Who claims a thing, first come first; two may, until one of them has found out."""

    def __init__(self) -> None:
        self._owners: dict[Hashable, dict[Key, None]] = {}

    def add(self, thing: Hashable, key: Key) -> None:
        self._owners.setdefault(thing, {})[key] = None

    def remove(self, thing: Hashable, key: Key) -> None:
        owners = self._owners.get(thing, {})
        owners.pop(key, None)
        if not owners:
            self._owners.pop(thing, None)

    def find(self, thing: Hashable, *, besides: Key | None = None) -> Key | None:
        owners = self._owners.get(thing)
        if owners is None:
            # asked for every row of a sweep
            return None
        return next((key for key in owners if key != besides), None) if besides is not None else next(iter(owners))


@dataclass(slots=True)
class _ProviderSlots:
    """One Provider's: who holds one, how much that is together, and who waits, in order.

    Attributes:
        releases: counts how often somebody may have let go of a slot or of a place in the queue.
    """

    holders: dict[Key, HostPair] = field(default_factory=dict)
    load: HostLoad = field(default_factory=HostLoad)
    waiting: list[tuple[str, Key]] = field(default_factory=list)
    releases: int = 0

    def set_holder(self, key: Key, hosts: HostPair | None) -> None:
        before = self.holders.get(key)
        if before == hosts:
            return
        if before is not None:
            self.releases += 1
            self.load.remove(self.holders.pop(key))
        if hosts is not None:
            self.holders[key] = hosts
            self.load.add(hosts)


class Ledger:
    """The claims of all Migrations.

    Attributes:
        ownership_changes: counts how often a move under way may have lost the Migration that it belongs to, other than
            by its end.
    """

    def __init__(self) -> None:
        self.ownership_changes = 0
        self._claims: dict[Key, Claims] = {}
        self._by_provider: dict[Key, set[Key]] = {}
        self._by_mapping: dict[Key, set[Key]] = {}
        self._by_record = _Owners()
        self._by_server = _Owners()
        self._by_request: dict[str, Key] = {}
        self._reserved: dict[str, _Reservation] = {}
        self._slots: dict[Key, _ProviderSlots] = {}
        self._awaited: dict[str, list[tuple[str, Key]]] = {}
        self._freed: set[str] = set()

    def note(self, key: Key, body: Mapping[str, Any]) -> frozenset[Key]:
        """Replace the claims of one Migration by what its body says; return the Providers whose slots this changes."""
        claims, before = read_claims(key, body), self._claims.get(key)
        if claims == before:
            return frozenset()
        if before is not None:
            # Who goes on holding a slot keeps it over the exchange: else every status write would look like a slot let
            # go, and the whole queue would be walked for it.
            self._remove(key, before, keeps=claims.holds if claims.provider == before.provider else None)
            lost = {before.server_id, before.record_id} - {claims.server_id, claims.record_id, None}
            self.ownership_changes += bool(lost) and not claims.is_over
        self._add(key, claims)
        if before is None:
            return frozenset({claims.provider})
        return frozenset({claims.provider, before.provider} if claims.slot != before.slot else ())

    def _add(self, key: Key, claims: Claims) -> None:
        self._claims[key] = claims
        self._by_provider.setdefault(claims.provider, set()).add(key)
        if claims.mapping is not None:
            self._by_mapping.setdefault(claims.mapping, set()).add(key)
        if claims.record_id is not None:
            self._by_record.add((claims.provider, claims.record_id), key)
        if claims.server_id is not None:
            self._by_server.add(claims.server_id, key)
        if claims.request_id is not None:
            self._by_request[claims.request_id] = key
        if claims.holds is not None:
            self._slots_of(claims.provider).set_holder(key, claims.holds)
        if claims.waits is not None:
            bisect.insort(self._slots_of(claims.provider).waiting, (claims.queued, key))
        if claims.awaits_server is not None:
            bisect.insort(self._awaited.setdefault(claims.awaits_server, []), (claims.queued, key))

    def drop(self, key: Key) -> frozenset[Key]:
        """Forget one Migration; return the Providers whose slots this changes."""
        claims = self._claims.pop(key, None)
        if claims is None:
            return frozenset()
        self.ownership_changes += claims.record_id is not None or claims.server_id is not None
        self._remove(key, claims, keeps=None)
        return frozenset({claims.provider})

    def _remove(self, key: Key, claims: Claims, *, keeps: HostPair | None) -> None:
        self._by_provider.get(claims.provider, set()).discard(key)
        self._remove_user(key, claims.mapping)
        self._by_record.remove((claims.provider, claims.record_id), key)
        self._by_server.remove(claims.server_id, key)
        if claims.request_id is not None and self._by_request.get(claims.request_id) == key:
            del self._by_request[claims.request_id]
        slots = self._slots_of(claims.provider)
        # A reservation outlives the claims before it: the write that it stands for is still under way.
        slots.set_holder(key, keeps or self._find_reserved(key, claims.provider))
        if claims.waits is not None:
            slots.releases += 1
            del slots.waiting[bisect.bisect_left(slots.waiting, (claims.queued, key))]
        if claims.awaits_server is not None:
            waiting = self._awaited[claims.awaits_server]
            del waiting[bisect.bisect_left(waiting, (claims.queued, key))]
            if not waiting:
                del self._awaited[claims.awaits_server]
        for server_id in (claims.server_id, claims.awaits_server):
            if server_id is not None and server_id in self._awaited:
                self._freed.add(server_id)

    def _remove_user(self, key: Key, mapping: Key | None) -> None:
        if mapping is None:
            return
        users = self._by_mapping[mapping]
        users.discard(key)
        if not users:
            del self._by_mapping[mapping]

    def next_waiters(self) -> tuple[Key, ...]:
        """Return who waited longest for each server that was let go of since the last time.

        Whoever is called and does not take the server after all leaves the queue, and the next one is called.
        """
        free = {server_id for server_id in self._freed if not self.has_server(server_id)}
        self._freed.clear()
        return tuple(self._awaited[server_id][0][1] for server_id in sorted(free) if server_id in self._awaited)

    def reserve(self, key: Key, server_id: str, *, provider: Key, hosts: HostPair) -> bool:
        """Take a server and a slot for a write that is about to be made; false when another has the server.

        Who moves no server reserves under a name that is nobody else's.
        """
        if self.find_conflicting(key, server_id) is not None:
            return False
        self._reserved[server_id] = _Reservation(key, provider, hosts)
        if key not in self.slot_holders(provider):
            self._slots_of(provider).set_holder(key, hosts)
        return True

    def unreserve(self, key: Key, server_id: str) -> None:
        """Give a reservation back: what was reserved is on record now, or was not written."""
        reserved = self._reserved.get(server_id)
        if reserved is None or reserved.key != key:
            return
        # First, so that the server counts as ours below only if the write has put it on record.
        del self._reserved[server_id]
        self.ownership_changes += not self.has_server(server_id)
        claims = self._claims.get(key)
        is_same_provider = claims is not None and claims.provider == reserved.provider
        self._slots_of(reserved.provider).set_holder(
            key, claims.holds if claims is not None and is_same_provider else None
        )

    def _find_reserved(self, key: Key, provider: Key) -> HostPair | None:
        kept = (kept.hosts for kept in self._reserved.values() if (kept.key, kept.provider) == (key, provider))
        return next(kept, None)

    def _slots_of(self, provider: Key) -> _ProviderSlots:
        slots = self._slots.get(provider)
        if slots is None:
            slots = self._slots[provider] = _ProviderSlots()
        return slots

    def find_conflicting(self, key: Key, server_id: str) -> Key | None:
        """Return the other Migration that has the server, or ``None``."""
        reserved = self._reserved.get(server_id)
        if reserved is not None and reserved.key != key:
            return reserved.key
        return self._by_server.find(server_id, besides=key)

    def has_server(self, server_id: str) -> bool:
        """Whether a Migration of ours has the server."""
        return server_id in self._reserved or self._by_server.find(server_id) is not None

    def has_server_of(self, provider: Key, server_id: str) -> bool:
        """Whether a Migration through this Provider has the server; another Provider's moves are foreign to it."""
        reserved = self._reserved.get(server_id)
        if reserved is not None and reserved.provider == provider:
            return True
        owner = self._by_server.find(server_id)
        return owner is not None and self._claims[owner].provider == provider

    def find(self, provider: Key, record_id: str, *, besides: Key | None = None) -> Key | None:
        """Return the Migration (``besides`` one) that follows an upstream record."""
        return self._by_record.find((provider, record_id), besides=besides)

    def claimed(self, key: Key) -> frozenset[str]:
        """Return the request ids that belong to other Migrations."""
        return frozenset(request_id for request_id, owner in self._by_request.items() if owner != key)

    def followers(self, provider: Key) -> frozenset[Key]:
        """Return the Migrations that name a Provider."""
        return frozenset(self._by_provider.get(provider, ()))

    def users(self, mapping: Key) -> frozenset[Key]:
        """Return the unfinished Migrations that refer to a MigrationMapping."""
        return frozenset(self._by_mapping.get(mapping, ()))

    def slot_holders(self, provider: Key) -> Collection[Key]:
        """Return who holds a slot of a Provider, reservations included."""
        return self._slots_of(provider).holders.keys()

    def load(self, provider: Key) -> HostLoad:
        """Return how much those hold; it changes with them."""
        return self._slots_of(provider).load

    def releases(self, provider: Key) -> int:
        """Count how often somebody may have let go of a slot, or of a place in the queue, of a Provider."""
        return self._slots_of(provider).releases

    def waits(self, key: Key) -> HostPair | None:
        """Return the slot that a Migration waits for."""
        claims = self._claims.get(key)
        return claims.waits if claims is not None else None

    def waiting(self, provider: Key) -> Iterator[tuple[Key, HostPair]]:
        """Return who waits for a slot of a Provider and holds none: who was queued first, then by name."""
        slots = self._slots_of(provider)
        for _, key in slots.waiting:
            hosts = self._claims[key].waits
            if hosts is not None and key not in slots.holders:
                yield key, hosts
