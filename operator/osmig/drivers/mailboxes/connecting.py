"""How a Provider of this type is connected to; its libraries are loaded by the first one that needs them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import ProviderSpec
    from osmig.drivers.mailboxes.ports import MailboxBackend
    from osmig.drivers.ports import Net


async def connect(net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> MailboxBackend:
    """Parse the credentials and build a connection; sends nothing yet.

    Raises:
        InvalidConfiguration: with the field or the Secret's key at fault in the message.
    """
    return await asyncio.to_thread(_build, net, key, spec, secret)


def _build(net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> MailboxBackend:
    """Import, parse and build in a thread: a tenant's certificates must not hold up the Lease."""
    from osmig.drivers.mailboxes.hosting.factory import build  # noqa: PLC0415

    return build(net, key, spec, secret)
