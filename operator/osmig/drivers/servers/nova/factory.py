"""Builds a `NovaBackend` from a Provider's spec and its Secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import InvalidConfiguration
from osmig.drivers.servers.nova.backend import NovaBackend
from osmig.drivers.servers.nova.credentials import read_credentials
from osmig.drivers.servers.nova.session import ComputeSession
from osmig.drivers.servers.nova.transport import Transport
from osmig.net.limiting import Limiter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec
    from osmig.drivers.ports import Net
    from osmig.drivers.servers.ports import ServerBackend


class NovaFactory:
    """The `osmig.drivers.ports.BackendFactory` of type OpenStack."""

    def __init__(self, net: Net) -> None:
        """Keep what all Providers share."""
        self._net = net

    def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> ServerBackend:
        """Parse the credentials and build a connection; sends nothing and resolves nothing yet.

        Raises:
            InvalidConfiguration: with the field at fault in the message.
        """
        try:
            credentials = read_credentials(secret, _cloud_name(spec))
            transport = Transport(
                self._net.guard,
                cacert=credentials.cacert,
                timeouts=self._net.timeouts,
                threads=self._net.threads,
                observe=self._net.observer_of(key),
                memory=self._net.memory,
            )
        except ValueError as error:
            raise InvalidConfiguration(Reason.INVALID_CONFIGURATION, str(error), operation="configure") from None
        # a bundle of certificates is three times the rest of a Provider
        session = ComputeSession(replace(credentials, cacert=None), transport)
        limiter = Limiter(spec.effective_limits.requests_per_second, self._net.clock)
        return NovaBackend(session, limiter=limiter, threads=self._net.threads, name="/".join(key))


def _cloud_name(spec: ProviderSpec) -> str:
    if spec.openstack is None:
        message = "spec.openstack is missing"
        raise ValueError(message)
    return spec.openstack.cloud_credentials_ref.cloud_name
