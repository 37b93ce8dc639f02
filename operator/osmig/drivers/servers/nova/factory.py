"""Builds a `NovaBackend` from a Provider's spec and its Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import Refused
from osmig.drivers.servers.nova.backend import NovaBackend
from osmig.drivers.servers.nova.credentials import read_credentials
from osmig.drivers.servers.nova.session import ComputeSession
from osmig.drivers.servers.nova.transport import Transport
from osmig.net.limiting import Limiter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec
    from osmig.domain.clock import Clock
    from osmig.drivers.servers.ports import ServerBackend
    from osmig.net.bounds import ObserverOf, Timeouts
    from osmig.net.endpoints import EndpointGuard


class NovaFactory:
    """Connects to Providers of type OpenStack; `osmig.wiring` imports it when the first one needs it.

    Args:
        guard: judges every endpoint.
        clock: measures how many requests there are per second.
        timeouts: bounds of every request.
        threads: requests that may be under way at once, per Provider.
        observer_of: whom to tell of a Provider's requests.
    """

    def __init__(
        self, guard: EndpointGuard, *, clock: Clock, timeouts: Timeouts, threads: int, observer_of: ObserverOf
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._timeouts = timeouts
        self._threads = threads
        self._observer_of = observer_of

    def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> ServerBackend:
        """Parse the credentials and build a connection; sends nothing and resolves nothing yet.

        Raises:
            Refused: ``InvalidConfiguration``, with the field at fault in the message.
        """
        try:
            credentials = read_credentials(secret, _cloud_name(spec))
            transport = Transport(
                self._guard,
                cacert=credentials.cacert,
                timeouts=self._timeouts,
                threads=self._threads,
                observe=self._observer_of(key),
            )
        except ValueError as error:
            raise Refused(Reason.INVALID_CONFIGURATION, str(error), operation="configure") from None
        session = ComputeSession(credentials, transport)
        limiter = Limiter(spec.effective_limits.requests_per_second, self._clock)
        return NovaBackend(session, limiter=limiter, threads=self._threads, name="/".join(key))


def _cloud_name(spec: ProviderSpec) -> str:
    if spec.openstack is None:
        message = "spec.openstack is missing"
        raise ValueError(message)
    return spec.openstack.cloud_credentials_ref.cloud_name
