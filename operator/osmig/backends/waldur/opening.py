"""Everything that must be known to open a connection, and the opening, which imports the client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from concurrent.futures import Executor

    from osmig.backends.bounds import Timeouts
    from osmig.backends.endpoints import EndpointGuard
    from osmig.backends.waldur.client import WaldurClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One Waldur and the right to it.

    Attributes:
        endpoint: its URL, without ``/api``.
        token: of the service account; never shown.
        context: trusts the Secret's certificates; ``None`` trusts the usual ones.
    """

    endpoint: str
    token: str = field(repr=False)
    guard: EndpointGuard
    timeouts: Timeouts
    context: ssl.SSLContext | None = None


def open_client(access: Access, threads: Executor) -> WaldurClient:
    """Import what it takes and build a client; opens no connection. For a worker thread: it blocks for seconds.

    Raises:
        UnusableEndpointError: the endpoint's URL cannot be used.
    """
    # An operator without any Waldur shall not pay the 3.4 s and 122 MB that the client's models take.
    import httpx  # noqa: PLC0415

    from osmig.backends.waldur.client import WaldurClient  # noqa: PLC0415
    from osmig.backends.waldur.network import GuardedNetwork  # noqa: PLC0415
    from osmig.backends.waldur.transport import GuardedTransport  # noqa: PLC0415

    context = access.context
    if context is None and access.endpoint.startswith("https:"):
        context = httpx.create_ssl_context(trust_env=False)
    transport = GuardedTransport(GuardedNetwork(access.guard, threads), context=context, timeouts=access.timeouts)
    return WaldurClient(access.endpoint, access.token, transport)
