"""Builds a `WaldurBackend` from a Provider's spec and its Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import InvalidConfiguration
from osmig.drivers.tenants.waldur.backend import WaldurBackend
from osmig.drivers.tenants.waldur.session import WaldurSession, make_access
from osmig.net.endpoints import InvalidEndpointError, check_url
from osmig.net.limiting import Limiter
from osmig.net.tls import trust_given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec, WaldurSpec
    from osmig.drivers.ports import Net
    from osmig.drivers.tenants.ports import TenantBackend
    from osmig.net.transport import Access

_CACERT = "cacert"
_MAX_TOKEN_BYTES = 4096


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
            _read_endpoint(waldur),
            _read_token(secret, waldur.token_ref.key),
            guard=self._net.guard,
            timeouts=self._net.timeouts,
            context=trust_given(secret.get(_CACERT), f"the Secret's key {_CACERT}"),
            memory=self._net.memory,
        )


def _waldur_of(spec: ProviderSpec) -> WaldurSpec:
    if spec.waldur is None:
        message = "spec.waldur is missing"
        raise ValueError(message)
    return spec.waldur


def _read_endpoint(spec: WaldurSpec) -> str:
    try:
        host, _ = check_url(spec.endpoint)
        host.encode("idna")
    except UnicodeError:
        message = "spec.waldur.endpoint names a host that no address can be looked up for"
        raise ValueError(message) from None
    except InvalidEndpointError as error:
        message = f"spec.waldur.endpoint {error}"
        raise ValueError(message) from None
    return spec.endpoint.rstrip("/")


def _read_token(secret: Mapping[str, bytes], key: str) -> str:
    """Take the token, without the newline that editors leave; the messages never repeat it."""
    if key not in secret:
        message = f"the Secret has no key {key}"
        raise ValueError(message)
    token = secret[key].removesuffix(b"\n").removesuffix(b"\r")
    if not token:
        message = f"the Secret's key {key} is empty"
        raise ValueError(message)
    if len(token) > _MAX_TOKEN_BYTES or not all(0x21 <= sign <= 0x7E for sign in token):  # noqa: PLR2004 - printable ASCII
        message = f"the Secret's key {key} holds no token: only printable characters without spaces can be one"
        raise ValueError(message)
    return token.decode("ascii")
