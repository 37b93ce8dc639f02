"""Who has what: which Migration follows which upstream record, made which request, has which server.

Built from the statuses in the Inbox, plus the reservations of starts whose intent is just being written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.domain.phases import FINISHED
from osmig.engine.keys import Key, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class _Claims:
    """What one Migration has, as its status says."""

    provider: Key
    server_id: str | None = None
    record_id: str | None = None
    request_id: str | None = None


class Ledger:
    """The claims of all Migrations."""

    def __init__(self) -> None:
        """Start empty."""
        self._claims: dict[Key, _Claims] = {}
        self._by_provider: dict[Key, set[Key]] = {}
        self._by_record: dict[tuple[Key, str], Key] = {}
        self._by_server: dict[str, Key] = {}
        self._reserved: dict[str, Key] = {}
        self._by_request: dict[str, Key] = {}

    def note(self, key: Key, body: Mapping[str, Any]) -> None:
        """Replace the claims of one Migration by what its body says."""
        self.drop(key)
        claims = _read_claims(key, body)
        self._claims[key] = claims
        self._by_provider.setdefault(claims.provider, set()).add(key)
        if claims.record_id is not None:
            self._by_record[claims.provider, claims.record_id] = key
        if claims.server_id is not None:
            self._by_server.setdefault(claims.server_id, key)
        if claims.request_id is not None:
            self._by_request[claims.request_id] = key

    def drop(self, key: Key) -> None:
        """Forget one Migration."""
        claims = self._claims.pop(key, None)
        if claims is None:
            return
        self._by_provider.get(claims.provider, set()).discard(key)
        self._by_record.pop((claims.provider, claims.record_id or ""), None)
        if claims.request_id is not None:
            self._by_request.pop(claims.request_id, None)
        if claims.server_id is not None and self._by_server.get(claims.server_id) == key:
            del self._by_server[claims.server_id]

    def reserve(self, key: Key, server_id: str) -> bool:
        """Take a server for a start whose intent is about to be written; false when another Migration has it."""
        if self.find_rival(key, server_id) is not None:
            return False
        self._reserved[server_id] = key
        return True

    def unreserve(self, key: Key, server_id: str) -> None:
        """Give a reservation back: the intent is on record now, or was not written."""
        if self._reserved.get(server_id) == key:
            del self._reserved[server_id]

    def find_rival(self, key: Key, server_id: str) -> Key | None:
        """Return the other Migration that has the server, or ``None``."""
        for owner in (self._reserved.get(server_id), self._by_server.get(server_id)):
            if owner is not None and owner != key:
                return owner
        return None

    def find(self, provider: Key, record_id: str) -> Key | None:
        """Return the Migration that follows an upstream record."""
        return self._by_record.get((provider, record_id))

    def claimed(self, key: Key) -> frozenset[str]:
        """Return the request ids that belong to other Migrations."""
        return frozenset(request_id for request_id, owner in self._by_request.items() if owner != key)

    def followers(self, provider: Key) -> frozenset[Key]:
        """Return the Migrations that name a Provider."""
        return frozenset(self._by_provider.get(provider, ()))


def _read_claims(key: Key, body: Mapping[str, Any]) -> _Claims:
    """Read the claims leniently: a status of another version must not stop the bookkeeping."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    provider = Key(Kind.PROVIDER, key.namespace, str((spec.get("providerRef") or {}).get("name", "")))
    upstream, server = status.get("upstream") or {}, status.get("server") or {}
    is_over = status.get("phase") in FINISHED
    is_acting = not is_over and (status.get("pendingCall") or upstream)
    return _Claims(
        provider=provider,
        server_id=server.get("id") if is_acting else None,
        record_id=upstream.get("id") if not is_over else None,
        request_id=upstream.get("requestID"),
    )
