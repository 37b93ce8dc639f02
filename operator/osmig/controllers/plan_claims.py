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

    def note(self, key: Key, body: Mapping[str, Any] | None) -> None:
        """Take a plan's newest body, ``None`` once it is gone."""
        claim = read_claim(key, body) if body is not None else None
        if claim is None:
            self._claims.pop(key, None)
        else:
            self._claims[key] = claim

    def find(self, key: Key, provider: Key) -> Mapping[str, str]:
        """Return the hosts that other plans of the same cloud have, each with the plan's name."""
        own = self._claims.get(key)
        scopes, found = self._scopes(provider), {}
        for other, claim in (*self._claims.items(), *self._reserved.items()):
            if other == key or scopes.isdisjoint(self._scopes(claim.provider)):
                continue
            if own is not None and (own.since, key) < (claim.since or "~", other):
                continue
            name = other.name if other.namespace == key.namespace else f"{other.namespace}/{other.name}"
            found.update(dict.fromkeys(claim.hosts, name))
        return found

    @contextmanager
    def reserve(self, key: Key, provider: Key, hosts: Collection[str]) -> Iterator[None]:
        """Hold hosts while the write is under way that claims them.

        Raises:
            ObjectChanged: another plan took one of them since it was decided on.
        """
        if taken := sorted(set(hosts) & self.find(key, provider).keys()):
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
