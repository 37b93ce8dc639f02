"""Which plan empties which host: one at a time, whoever began first, through whatever Provider of the same cloud."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.controllers.owners import Scope, list_scopes
from osmig.domain.errors import ObjectChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class HostClaim:
    """The hosts of one plan that has started and not ended.

    Attributes:
        since: its ``startTime``, as it is written; empty while it is being written.
    """

    provider: Key
    hosts: frozenset[str]
    since: str = ""


class HostClaims:
    """The claims of all plans.

    Args:
        find_service: the Compute service that a Provider was seen to speak to, ``None`` while that is not proven.
    """

    def __init__(self, find_service: Callable[[Key], str | None]) -> None:
        self._find_service = find_service
        self._claims: dict[Key, HostClaim] = {}
        self._reserved: dict[Key, HostClaim] = {}
        self._by_provider: dict[Key, dict[str, dict[Key, None]]] = {}

    def note(self, key: Key, body: Mapping[str, Any] | None) -> None:
        """Take a plan's newest body, ``None`` once it is gone."""
        claim = read_claim(key, body) if body is not None else None
        before = self._claims.pop(key, None)
        if before is not None:
            self._drop(key, before)
        if claim is not None:
            self._claims[key] = claim
            claimants = self._by_provider.setdefault(claim.provider, {})
            for host in claim.hosts:
                claimants.setdefault(host, {})[key] = None

    def _drop(self, key: Key, claim: HostClaim) -> None:
        claimants = self._by_provider[claim.provider]
        for host in claim.hosts:
            del claimants[host][key]
            if not claimants[host]:
                del claimants[host]
        if not claimants:
            del self._by_provider[claim.provider]

    def find(self, key: Key, provider: Key, hosts: Collection[str]) -> Mapping[str, str]:
        """Return those of the hosts that other plans of the same cloud have, each with the plan's name.

        A plan of another namespace has no name: that is not this tenant's to see.
        """
        own = self._claims.get(key)
        found = {}
        for host, other, claim in self._list_claims(self._scopes(provider), hosts):
            if other == key or (own is not None and (own.since, key) < (claim.since or "~", other)):
                continue
            found[host] = other.name if other.namespace == key.namespace else "a plan of another namespace"
        return found

    def _list_claims(self, scopes: frozenset[Scope], hosts: Collection[str]) -> Iterator[tuple[str, Key, HostClaim]]:
        for provider, claimants in self._by_provider.items():
            if scopes.isdisjoint(self._scopes(provider)):
                continue
            yield from ((host, key, self._claims[key]) for host in hosts for key in claimants.get(host, ()))
        for key, claim in self._reserved.items():
            if not scopes.isdisjoint(self._scopes(claim.provider)):
                yield from ((host, key, claim) for host in claim.hosts.intersection(hosts))

    @contextmanager
    def reserve(self, key: Key, provider: Key, hosts: Collection[str]) -> Iterator[None]:
        """Hold hosts while the write is under way that claims them.

        Raises:
            ObjectChanged: another plan took one of them since it was decided on.
        """
        if taken := sorted(self.find(key, provider, hosts)):
            raise ObjectChanged(reason="HostClaimed", message=f"another plan took host {taken[0]} just now")
        self._reserved[key] = HostClaim(provider=provider, hosts=frozenset(hosts))
        try:
            yield
        finally:
            self._reserved.pop(key, None)

    def _scopes(self, provider: Key) -> frozenset[Scope]:
        """Return where a claim counts: hosts of the same name in two clouds are two hosts."""
        narrow, _, *services = list_scopes(provider, self._find_service(provider))
        return frozenset((narrow, *services))


def read_claim(key: Key, body: Mapping[str, Any]) -> HostClaim | None:
    """Return what the status of a plan claims; ``None`` before it has started and after it has ended."""
    status = body.get("status") or {}
    hosts = frozenset(str(host.get("name")) for host in status.get("hosts") or ())
    if "startTime" not in status or "completionTime" in status or not hosts:
        return None
    provider = Key(Kind.PROVIDER, key.namespace, str(body["spec"]["providerRef"]["name"]))
    return HostClaim(provider=provider, hosts=hosts, since=str(status["startTime"]))
