"""The port between the engine and every backend: promises in our words, no SDK type crosses it.

Every method may raise the ``BackendError`` family of ``osmig.domain.errors`` and nothing else that is expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec
    from osmig.domain.capabilities import Probe
    from osmig.domain.clock import Clock
    from osmig.domain.operations import Sweep
    from osmig.net.bounds import ObserverOf, Timeouts
    from osmig.net.endpoints import EndpointGuard


class Permit(Protocol):
    """The right to send one request that changes something, for a few seconds only.

    The transport asks right before the first byte leaves, after token, discovery, DNS, pool queue and limiter
    (architecture.md §5.3): the Lease must still be held and the intent must be fresh.
    """

    def is_valid(self) -> bool:
        """Whether the request may still leave. Called where it is sent, for some backends in a worker thread."""
        ...


class Backend(Protocol):
    """One authenticated connection to one Provider, whatever its type."""

    async def probe(self) -> Probe:
        """Authenticate, read versions, rights and capabilities. No side effect."""
        ...

    async def sweep(self, since: dt.datetime | None) -> Sweep:
        """List upstream operations in bulk: all that are not over, or what changed since a cursor.

        Where a list is too dear or tells nothing, the sweep shows no more than that upstream still answers.
        """
        ...

    async def close(self) -> None:
        """Free connections and threads; running calls may end by themselves."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """What the connections of all Providers have in common.

    Attributes:
        guard: judges every endpoint.
        clock: measures how many requests there are per second.
        timeouts: bounds of every request.
        threads: requests that may be under way at once, per Provider, where each takes a thread.
        observer_of: whom to tell of a Provider's requests.
    """

    guard: EndpointGuard
    clock: Clock
    timeouts: Timeouts
    threads: int
    observer_of: ObserverOf


class BackendFactory(Protocol):
    """Makes a Backend from a Provider's spec and its Secret; one per engine."""

    async def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> Backend:
        """Parse the credentials and build a connection; sends nothing yet.

        The first call imports the engine's libraries, in a thread, because the Lease must be renewed meanwhile.

        Args:
            key: namespace and name of the Provider, for metrics.
            spec: the Provider's spec.
            secret: the Secret's values by key; never logged.

        Raises:
            Refused: reason ``InvalidConfiguration`` or ``EndpointRefused``, with the field's name in the message.
        """
        ...
