"""Who claims which name, and within which scope that counts: a stranger's claim of the same name is none of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.controllers.keys import Key


class Scope(NamedTuple):
    """Those among whom a name means one thing.

    Attributes:
        kind: ``provider``, ``namespace`` or ``service``.
        name: the Provider's ``namespace/name``, the namespace, or the service's URL.
    """

    kind: str
    name: str


def list_scopes(provider: Key, service: str | None) -> tuple[Scope, ...]:
    """Return where a claim through a Provider counts, the narrowest first.

    Across namespaces it counts among those that were seen to speak to the same Compute service (docs/security.md).
    """
    scopes = (Scope("provider", f"{provider.namespace}/{provider.name}"), Scope("namespace", provider.namespace))
    return scopes if service is None else (*scopes, Scope("service", service))


class Owners:
    """Who claims a name in a scope, first come first; two may, until one of them has found out."""

    def __init__(self) -> None:
        """Let nobody claim anything."""
        self._owners: dict[Scope, dict[str, dict[Key, None]]] = {}

    def add(self, name: str | None, scopes: Iterable[Scope], key: Key) -> None:
        """Let ``key`` claim a name in each scope."""
        for scope in scopes if name is not None else ():
            self._owners.setdefault(scope, {}).setdefault(name or "", {})[key] = None

    def remove(self, name: str | None, scopes: Iterable[Scope], key: Key) -> None:
        """End the claim in each scope."""
        for scope in scopes if name is not None else ():
            names = self._owners[scope]
            owners = names[name or ""]
            del owners[key]
            if not owners:
                del names[name or ""]
            if not names:
                del self._owners[scope]

    def find(self, name: str, scopes: Iterable[Scope], *, besides: Key | None = None) -> Key | None:
        """Return the first, ``besides`` one, who claims a name in one of the scopes."""
        for scope in scopes:
            owners = self._owners.get(scope, {}).get(name)
            # asked for every row of a sweep: mostly nobody is found
            found = next((key for key in owners if key != besides), None) if owners is not None else None
            if found is not None:
                return found
        return None

    def list_owners(self, name: str, scopes: Iterable[Scope]) -> frozenset[Key]:
        """Return all who claim a name in one of the scopes."""
        return frozenset(key for scope in scopes for key in self._owners.get(scope, {}).get(name, ()))

    def list_names(self, scopes: Iterable[Scope], *, besides: Key) -> frozenset[str]:
        """Return every name that somebody ``besides`` one claims in one of the scopes."""
        return frozenset(
            name
            for scope in scopes
            for name, owners in self._owners.get(scope, {}).items()
            if len(owners) > 1 or besides not in owners
        )
