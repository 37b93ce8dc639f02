"""Who has what: which Migration follows which upstream record, made which request, has which server, which slot.

Built from the statuses in the Inbox, plus the reservations of starts whose intent is just being written.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.controllers.claims import NEVER_QUEUED, Claims, read_claims
from osmig.controllers.owners import Owners, Scope, list_scopes
from osmig.controllers.provider_slots import ProviderSlots
from osmig.controllers.server_lines import ServerLines
from osmig.domain.queueing import HostLoad

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from osmig.controllers.keys import Key
    from osmig.domain.operations import RecordView
    from osmig.domain.queueing import HostPair


@dataclass(frozen=True, slots=True)
class _Reservation:
    server_id: str
    provider: Key
    hosts: HostPair
    scopes: tuple[Scope, ...]


class Ledger:
    """The claims of all Migrations.

    Args:
        find_service: the Compute service that a Provider was seen to speak to, ``None`` while that is not proven.
    """

    def __init__(self, find_service: Callable[[Key], str | None] = lambda _: None) -> None:
        self._find_service = find_service
        self._claims: dict[Key, Claims] = {}
        self._scopes: dict[Key, tuple[Scope, ...]] = {}
        self._by_provider: dict[Key, set[Key]] = {}
        self._by_mapping: dict[Key, set[Key]] = {}
        self._by_record = Owners()
        self._by_server = Owners()
        self._by_request = Owners()
        self._by_reserved = Owners()
        self._by_adopted = Owners()
        self._by_past = Owners()
        self._reserved: dict[Key, _Reservation] = {}
        self._slots: dict[Key, ProviderSlots] = {}
        self._lines = ServerLines()

    def get(self, key: Key) -> Claims | None:
        """Return what a Migration has; ``None`` for one that does not exist."""
        return self._claims.get(key)

    def note(self, key: Key, body: Mapping[str, Any]) -> frozenset[Key]:
        """Replace the claims of one Migration by what its body says; return the Providers whose slots this changes."""
        claims, before = read_claims(key, body), self._claims.get(key)
        if claims == before:
            return frozenset()
        scopes = self._choose_scopes(key, claims, before)
        if before is not None:
            # Who goes on holding a slot keeps it over the exchange: else every status write would look like a slot let
            # go, and the whole queue would be walked for it.
            self._remove(key, before, keeps=claims.holds if claims.provider == before.provider else None)
            lost = {before.server_id, before.record_id} - {claims.server_id, claims.record_id, None}
            if lost and not claims.is_over:
                self._slots_of(before.provider).note_loss()
        self._add(key, claims, scopes)
        if before is None:
            return frozenset({claims.provider})
        if claims.provider != before.provider:
            self._tidy(before.provider)
        return frozenset({claims.provider, before.provider} if claims.slot != before.slot else ())

    def _choose_scopes(self, key: Key, claims: Claims, before: Claims | None) -> tuple[Scope, ...]:
        """Return where the claims count, which is settled when something is first sent.

        Whoever changes the cloud behind a Provider later can claim nothing in the name of the new one.
        """
        if before is not None and claims.provider == before.provider and claims.server_id in {before.server_id, None}:
            return self._scopes[key]
        return list_scopes(claims.provider, self._find_service(claims.provider))

    def _add(self, key: Key, claims: Claims, scopes: tuple[Scope, ...]) -> None:
        self._claims[key], self._scopes[key] = claims, scopes
        self._by_provider.setdefault(claims.provider, set()).add(key)
        if claims.mapping is not None:
            self._by_mapping.setdefault(claims.mapping, set()).add(key)
        self._by_record.add(claims.record_id, scopes[:1], key)
        self._by_server.add(claims.server_id, scopes, key)
        self._by_request.add(claims.request_id, scopes, key)
        self._by_adopted.add(claims.adopts, scopes[:1], key)
        self._by_past.add(claims.past.server_id if claims.past else None, scopes, key)
        if claims.holds is not None:
            self._slots_of(claims.provider).set_holder(key, claims.holds)
        if claims.is_slotless:
            self._slots_of(claims.provider).slotless.add(key)
        if claims.waits is not None:
            bisect.insort(self._slots_of(claims.provider).waiting, (claims.queued, key))
        self._lines.add(key, claims)

    def drop(self, key: Key) -> frozenset[Key]:
        """Forget one Migration; return the Providers whose slots this changes."""
        claims = self._claims.pop(key, None)
        if claims is None:
            return frozenset()
        if claims.record_id is not None or claims.server_id is not None:
            self._slots_of(claims.provider).note_loss()
        self._remove(key, claims, keeps=None)
        self._tidy(claims.provider)
        return frozenset({claims.provider})

    def _remove(self, key: Key, claims: Claims, *, keeps: HostPair | None) -> None:
        scopes = self._scopes.pop(key)
        self._by_provider[claims.provider].discard(key)
        self._remove_user(key, claims.mapping)
        self._by_record.remove(claims.record_id, scopes[:1], key)
        self._by_server.remove(claims.server_id, scopes, key)
        self._by_request.remove(claims.request_id, scopes, key)
        self._by_adopted.remove(claims.adopts, scopes[:1], key)
        self._by_past.remove(claims.past.server_id if claims.past else None, scopes, key)
        slots = self._slots_of(claims.provider)
        slots.slotless.discard(key)
        # A reservation outlives the claims before it: the write that it stands for is still under way.
        slots.set_holder(key, keeps or self._find_reserved(key, claims.provider))
        if claims.waits is not None:
            slots.note_release()
            del slots.waiting[bisect.bisect_left(slots.waiting, (claims.queued, key))]
        self._lines.remove(key, claims)

    def _tidy(self, provider: Key) -> None:
        """Drop the entry of a Provider that nobody names any more; there may never have been one."""
        slots = self._slots.get(provider)
        if not self._by_provider.get(provider):
            self._by_provider.pop(provider, None)
            if slots is not None and not slots.holders:
                del self._slots[provider]

    def _remove_user(self, key: Key, mapping: Key | None) -> None:
        if mapping is None:
            return
        users = self._by_mapping[mapping]
        users.discard(key)
        if not users:
            del self._by_mapping[mapping]

    def next_waiters(self) -> tuple[Key, ...]:
        """Return who waited longest, in each namespace, for each server that was let go of since the last time."""
        return self._lines.next_waiters(self.find_conflicting)

    def reserve(self, key: Key, server_id: str, *, provider: Key, hosts: HostPair) -> bool:
        """Take a server and a slot for a write that is about to be made; false when another has the server.

        Who moves no server reserves under a name that is nobody else's.
        """
        scopes = list_scopes(provider, self._find_service(provider))
        if self._find_conflicting(key, server_id, scopes) is not None:
            return False
        self._reserved[key] = _Reservation(server_id, provider, hosts, scopes)
        self._by_reserved.add(server_id, scopes, key)
        if key not in self.slot_holders(provider):
            self._slots_of(provider).set_holder(key, hosts)
        return True

    def unreserve(self, key: Key, server_id: str) -> None:
        """Give a reservation back: what was reserved is on record now, or was not written."""
        reserved = self._reserved.get(key)
        if reserved is None or reserved.server_id != server_id:
            return
        # First, so that the server counts as ours below only if the write has put it on record.
        del self._reserved[key]
        self._by_reserved.remove(server_id, reserved.scopes, key)
        slots = self._slots_of(reserved.provider)
        if not self.has_server_of(reserved.provider, server_id):
            slots.note_loss()
        claims = self._claims.get(key)
        is_same_provider = claims is not None and claims.provider == reserved.provider
        slots.set_holder(key, claims.holds if claims is not None and is_same_provider else None)
        self._tidy(reserved.provider)

    def _find_reserved(self, key: Key, provider: Key) -> HostPair | None:
        reserved = self._reserved.get(key)
        return reserved.hosts if reserved is not None and reserved.provider == provider else None

    def _slots_of(self, provider: Key) -> ProviderSlots:
        slots = self._slots.get(provider)
        if slots is None:
            slots = self._slots[provider] = ProviderSlots()
        return slots

    def find_conflicting(self, key: Key, server_id: str) -> Key | None:
        """Return the other Migration that has the server: of the namespace, or by the same Compute service."""
        return self._find_conflicting(key, server_id, self._scopes_around(key))

    def _scopes_around(self, key: Key) -> tuple[Scope, ...]:
        """Return whose claims concern a Migration as its Provider is now."""
        claims = self._claims.get(key)
        if claims is None:
            return (Scope("namespace", key.namespace),)
        return list_scopes(claims.provider, self._find_service(claims.provider))[1:]

    def _find_conflicting(self, key: Key, server_id: str, scopes: tuple[Scope, ...]) -> Key | None:
        reserved = self._by_reserved.find(server_id, scopes, besides=key)
        return reserved or self._by_server.find(server_id, scopes, besides=key)

    def find_ahead(self, key: Key, provider: Key, server_id: str) -> Key | None:
        """Return the other Migration through this Provider that moves the server first, once it has a slot."""
        claims = self._claims.get(key)
        queued = claims.queued if claims is not None else NEVER_QUEUED
        return self._lines.find_ahead(provider, server_id, key=key, queued=queued)

    def has_server_of(self, provider: Key, server_id: str) -> bool:
        """Whether a Migration through this Provider has the server; another Provider's moves are foreign to it."""
        scopes = list_scopes(provider, None)[:1]
        owners = (self._by_server, self._by_reserved)
        return any(owner.find(server_id, scopes) is not None for owner in owners)

    def is_declared(self, provider: Key, row: RecordView) -> bool:
        """Whether a Migration through this Provider, other than a mirror, has the operation or its server."""
        scopes = list_scopes(provider, None)[:1]
        claimed = ((self._by_record, row.id), (self._by_server, row.server_id), (self._by_reserved, row.server_id))
        return any(not self._is_mirror(key) for owners, name in claimed for key in owners.list_owners(name, scopes))

    def _is_mirror(self, key: Key) -> bool:
        claims = self._claims.get(key)
        return claims is not None and claims.mirror_of is not None

    def find(self, provider: Key, record_id: str, *, besides: Key | None = None) -> Key | None:
        """Return the Migration (``besides`` one) that follows an upstream record."""
        return self._by_record.find(record_id, list_scopes(provider, None)[:1], besides=besides)

    def knows(self, provider: Key, row: RecordView) -> bool:
        """Whether somebody declared an operation here, however far that has come.

        A Migration follows it, has its server, names it to adopt it, or has ended and may have begun it.
        """
        scopes = list_scopes(provider, self._find_service(provider))
        names = [name for name in (row.id, row.uuid) if name is not None]
        pasts = (self._claims[key].past for key in self._by_past.list_owners(row.server_id, scopes))
        return (
            any(owners.find(row.server_id, scopes) for owners in (self._by_server, self._by_reserved))
            or any(owners.find(name, scopes[:1]) for owners in (self._by_record, self._by_adopted) for name in names)
            or any(past.may_be(row) for past in pasts if past is not None)
        )

    def claimed(self, key: Key) -> frozenset[str]:
        """Return the request ids of other Migrations, of the namespace and of those by the same Compute service."""
        return self._by_request.list_names(self._scopes_around(key), besides=key)

    def followers(self, provider: Key) -> frozenset[Key]:
        """Return the Migrations that name a Provider."""
        return frozenset(self._by_provider.get(provider, ()))

    def users(self, mapping: Key) -> frozenset[Key]:
        """Return the unfinished Migrations that refer to a MigrationMapping."""
        return frozenset(self._by_mapping.get(mapping, ()))

    def slot_holders(self, provider: Key) -> Collection[Key]:
        """Return who holds a slot of a Provider, reservations included."""
        slots = self._slots.get(provider)
        return slots.holders.keys() if slots is not None else ()

    def load(self, provider: Key) -> HostLoad:
        """Return how much those hold; it changes with them."""
        slots = self._slots.get(provider)
        return slots.load if slots is not None else HostLoad()

    def count_moving(self, provider: Key) -> int:
        """Count the moves of a Provider's Migrations whose data moves, with a slot or without."""
        slots = self._slots.get(provider)
        return slots.load.count + len(slots.slotless) if slots is not None else 0

    def released(self, provider: Key) -> int:
        """Tell when somebody last may have let go of a slot, or of a place in the queue; only grows."""
        slots = self._slots.get(provider)
        return slots.released if slots is not None else 0

    def lost(self, provider: Key) -> int:
        """Tell when a move under way last may have lost its Migration, other than by its end; only grows."""
        slots = self._slots.get(provider)
        return slots.lost if slots is not None else 0

    def waits(self, key: Key) -> HostPair | None:
        """Return the slot that a Migration waits for."""
        claims = self._claims.get(key)
        return claims.waits if claims is not None else None

    def waiting(self, provider: Key) -> Iterator[tuple[Key, HostPair]]:
        """Return who waits for a slot of a Provider and holds none: who was queued first, then by name."""
        slots = self._slots.get(provider)
        for _, key in slots.waiting if slots is not None else ():
            hosts = self._claims[key].waits
            if slots is not None and hosts is not None and key not in slots.holders:
                yield key, hosts
