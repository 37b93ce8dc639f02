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
from osmig.net.configuring import require
from osmig.net.limiting import Limiter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec
    from osmig.drivers.ports import Net


def build(net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes], /) -> NovaBackend:
    """Parse the credentials and build a connection (`osmig.drivers.driver.Build`).

    Raises:
        InvalidConfiguration: with the field at fault in the message.
    """
    try:
        openstack = require(spec.openstack, "spec.openstack")
        credentials = read_credentials(secret, openstack.cloud_credentials_ref.cloud_name)
        transport = Transport(
            net.guard,
            cacert=credentials.cacert,
            timeouts=net.timeouts,
            threads=net.threads,
            observe=net.observer_of(key),
            memory=net.memory.of_namespace(key[0]),
        )
    except ValueError as error:
        raise InvalidConfiguration(Reason.INVALID_CONFIGURATION, str(error), operation="configure") from None
    # a bundle of certificates is three times the rest of a Provider
    session = ComputeSession(replace(credentials, cacert=None), transport)
    limiter = Limiter(spec.effective_limits.requests_per_second, net.clock)
    return NovaBackend(session, limiter=limiter, threads=net.threads, name="/".join(key), clock=net.clock)
