"""Builds a `WaldurBackend` from a Provider's spec and its Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import InvalidConfiguration
from osmig.drivers.tenants.waldur.backend import WaldurBackend
from osmig.drivers.tenants.waldur.session import WaldurSession, make_access
from osmig.net.configuring import read_cacert, read_endpoint, read_token, require
from osmig.net.limiting import Limiter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec, WaldurSpec
    from osmig.drivers.ports import Net
    from osmig.net.transport import Access


def build(net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes], /) -> WaldurBackend:
    """Read endpoint and token (`osmig.drivers.driver.Build`).

    Raises:
        InvalidConfiguration: with the field or the Secret's key at fault in the message.
    """
    try:
        access = _read_access(net, key, require(spec.waldur, "spec.waldur"), secret)
    except ValueError as error:
        raise InvalidConfiguration(Reason.INVALID_CONFIGURATION, str(error), operation="configure") from None
    session = WaldurSession(
        access,
        limiter=Limiter(spec.effective_limits.requests_per_second, net.clock),
        observe=net.observer_of(key),
        name="/".join(key),
    )
    return WaldurBackend(session, clock=net.clock)


def _read_access(net: Net, key: tuple[str, str], waldur: WaldurSpec, secret: Mapping[str, bytes]) -> Access:
    return make_access(
        read_endpoint(waldur.endpoint, "spec.waldur.endpoint"),
        read_token(secret, waldur.token_ref.key),
        guard=net.guard,
        timeouts=net.timeouts,
        context=read_cacert(secret),
        memory=net.memory.of_namespace(key[0]),
    )
