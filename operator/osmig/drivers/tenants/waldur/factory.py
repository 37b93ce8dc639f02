"""Builds a `WaldurBackend` from a Provider's spec and its Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import InvalidConfiguration
from osmig.drivers.tenants.waldur.backend import WaldurBackend
from osmig.drivers.tenants.waldur.session import WaldurSession, make_access
from osmig.net.configuring import read_cacert, read_endpoint, read_token
from osmig.net.limiting import Limiter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec, WaldurSpec
    from osmig.drivers.ports import Net
    from osmig.drivers.tenants.ports import TenantBackend
    from osmig.net.transport import Access


class WaldurFactory:
    """The `osmig.drivers.ports.BackendFactory` of type Waldur."""

    def __init__(self, net: Net) -> None:
        """Keep what all Providers share."""
        self._net = net

    def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> TenantBackend:
        """Read endpoint and token; sends nothing and resolves nothing.

        Raises:
            InvalidConfiguration: with the field or the Secret's key at fault in the message.
        """
        try:
            access = self._read_access(_waldur_of(spec), secret)
        except ValueError as error:
            raise InvalidConfiguration(Reason.INVALID_CONFIGURATION, str(error), operation="configure") from None
        session = WaldurSession(
            access,
            limiter=Limiter(spec.effective_limits.requests_per_second, self._net.clock),
            observe=self._net.observer_of(key),
            name="/".join(key),
        )
        return WaldurBackend(session, clock=self._net.clock)

    def _read_access(self, waldur: WaldurSpec, secret: Mapping[str, bytes]) -> Access:
        return make_access(
            read_endpoint(waldur.endpoint, "spec.waldur.endpoint"),
            read_token(secret, waldur.token_ref.key),
            guard=self._net.guard,
            timeouts=self._net.timeouts,
            context=read_cacert(secret),
            memory=self._net.memory,
        )


def _waldur_of(spec: ProviderSpec) -> WaldurSpec:
    if spec.waldur is None:
        message = "spec.waldur is missing"
        raise ValueError(message)
    return spec.waldur
