"""The connection to an upstream of boxes: four requests over HTTP, each failure in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp

from osmig.domain.calls import Receipt
from osmig.domain.capabilities import Capability, Probe, Scope
from osmig.domain.errors import Absent, OutcomeUnknown, Refused, Transient
from osmig.domain.operations import Sweep
from toy_driver.views import CopyView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from osmig.api.provider import ProviderSpec
    from osmig.drivers.ports import Net
    from osmig.net.permits import Permit
    from toy_driver.ports import BoxBackend

_TIMEOUT = aiohttp.ClientTimeout(total=60)
_GONE = 404


class HttpBoxes:
    """One connection (`toy_driver.ports.BoxBackend`)."""

    service = None

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        """The connections, opened on the event loop: what is built is built in a thread."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self._opened

    async def probe(self) -> Probe:
        """Show that upstream answers."""
        await self.copies()
        rights = frozenset({Capability.TENANT_REPLICATION})
        return Probe(
            endpoint=self._endpoint, api_version="1", capabilities=rights, possible=rights, scope=Scope.PROJECT
        )

    async def sweep(self, since: datetime | None) -> Sweep:
        """Show that upstream still answers."""
        await self.copies()
        return Sweep(records=(), cursor=since, is_full=True)

    async def close(self) -> None:
        """Free the connections."""
        if self._opened is not None:
            await self._opened.close()

    async def copies(self) -> tuple[CopyView, ...]:
        """Read every copy."""
        return tuple(CopyView(**row) for row in await self._read("/copies"))

    async def copy(self, copy_id: str) -> CopyView:
        """Read one copy."""
        return CopyView(**await self._read(f"/copies/{copy_id}"))

    async def begin_copy(self, name: str, permit: Permit) -> Receipt[CopyView]:
        """Begin one copy."""
        return await self._send("/copies", permit, name=name)

    async def empty_source(self, copy_id: str, permit: Permit) -> Receipt[CopyView]:
        """Empty the box that was copied."""
        return await self._send(f"/copies/{copy_id}/empty-source", permit)

    async def _read(self, path: str) -> Any:  # noqa: ANN401 - JSON
        try:
            async with self._session.get(f"{self._endpoint}{path}") as answer:
                if answer.status == _GONE:
                    raise Absent("RecordGone", "there is no such copy", operation="read")
                return await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient("Unreachable", "the upstream of boxes did not answer", operation="read") from error

    async def _send(self, path: str, permit: Permit, **body: str) -> Receipt[CopyView]:
        if not permit.is_valid():
            raise Transient("PermitExpired", "the call came too late and was not sent", operation="send")
        try:
            async with self._session.post(f"{self._endpoint}{path}", json=body) as answer:
                if not answer.ok:
                    raise Refused("StartRefused", "upstream will not do it", operation="send")
                return Receipt(request_id=None, made=CopyView(**await answer.json()))
        except aiohttp.ClientConnectorError as error:
            raise Transient("Unreachable", "the upstream of boxes cannot be reached", operation="send") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown("NoAnswer", "the answer to the call is lost", operation="send") from error


def build(net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes], /) -> BoxBackend:
    """Build a connection; sends nothing yet."""
    del net, key, secret
    assert spec.waldur is not None
    return HttpBoxes(spec.waldur.endpoint)
