"""Builds a `HostingBackend` from a Provider's spec and its Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import InvalidConfiguration
from osmig.drivers.mailboxes.hosting.backend import HostingBackend
from osmig.drivers.mailboxes.hosting.session import SERVICE, HostingSession, make_access
from osmig.net.configuring import read_cacert, read_endpoint, read_token, require
from osmig.net.connection import Connection
from osmig.net.limiting import Limiter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import HostingSpec, ProviderSpec
    from osmig.drivers.ports import Net
    from osmig.net.transport import Access


def build(net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes], /) -> HostingBackend:
    """Read endpoint and token (`osmig.drivers.driver.Build`).

    Raises:
        InvalidConfiguration: with the field or the Secret's key at fault in the message.
    """
    try:
        hosting = require(spec.hosting, "spec.hosting")
        access = _read_access(net, key, hosting, secret)
    except ValueError as error:
        raise InvalidConfiguration(Reason.INVALID_CONFIGURATION, str(error), operation="configure") from None
    connection = Connection(
        access,
        service=SERVICE,
        limiter=Limiter(spec.effective_limits.requests_per_second, net.clock),
        observe=net.observer_of(key),
        name="/".join(key),
    )
    return HostingBackend(
        HostingSession(connection),
        endpoint=access.endpoint,
        clock=net.clock,
        customer=hosting.customer_code,
        max_jobs=hosting.max_jobs,
    )


def _read_access(net: Net, key: tuple[str, str], hosting: HostingSpec, secret: Mapping[str, bytes]) -> Access:
    return make_access(
        read_endpoint(hosting.endpoint, "spec.hosting.endpoint"),
        read_token(secret, hosting.token_ref.key),
        guard=net.guard,
        timeouts=net.timeouts,
        context=read_cacert(secret),
        memory=net.memory.of_namespace(key[0]),
    )
