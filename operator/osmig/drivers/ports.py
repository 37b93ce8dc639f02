"""The interface between the controllers and every backend; no type of an SDK crosses it.

Every method may raise the ``BackendError`` family of ``osmig.domain.errors`` and nothing else that is expected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from osmig.net.answer_memory import CommonMemory

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec
    from osmig.domain.capabilities import Probe
    from osmig.domain.clock import Clock
    from osmig.domain.operations import Sweep
    from osmig.net.bounds import ObserverOf, Timeouts
    from osmig.net.endpoints import EndpointGuard


class Backend(Protocol):
    """One authenticated connection to one Provider, whatever its type."""

    @property
    def service(self) -> str | None:
        """The URL of the service that has taken these credentials and has answered every request so far.

        Two Providers with the same one speak to the same servers. ``None`` before the first answer, after answers from
        two places, and where nothing is locked by it.
        """
        ...

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
        memory: for the large answers of all Providers.
    """

    guard: EndpointGuard
    clock: Clock
    timeouts: Timeouts
    threads: int
    observer_of: ObserverOf
    memory: CommonMemory = field(default_factory=CommonMemory)


class BackendFactory(Protocol):
    """Makes a Backend from a Provider's spec and its Secret; one per type of Provider."""

    async def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> Backend:
        """Parse the credentials and build a connection; sends nothing yet.

        The first call imports the driver's libraries, in a thread, because the Lease must be renewed meanwhile.

        Args:
            key: namespace and name of the Provider, for metrics.
            spec: the Provider's spec.
            secret: the Secret's values by key; never logged.

        Raises:
            InvalidConfiguration, EndpointRefused: with the field's name in the message.
        """
        ...
