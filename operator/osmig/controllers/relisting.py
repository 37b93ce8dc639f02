"""List all objects at the start and every ten minutes: add what the watch missed, drop what was deleted unseen.

An object deleted while the watch was away is never told as DELETED, as seen with kopf 1.45; only a list shows it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from osmig.api.names import Kind
from osmig.controllers.inbox import key_of
from osmig.controllers.keys import RESOURCES, Key
from osmig.domain.errors import KubeFailure, ObjectGone, OperatorError
from osmig.telemetry.log_context import bind

if TYPE_CHECKING:
    from osmig.controllers.inbox import Inbox
    from osmig.controllers.intake import Intake
    from osmig.domain.clock import Clock
    from osmig.kube.resources import ResourceClient

_logger = logging.getLogger(__name__)
RETRY_S = 2.0


class Relist:
    """Keeps the Inbox complete."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        intake: Intake,
        resources: ResourceClient,
        clock: Clock,
        namespaces: tuple[str, ...],
        period_s: float,
    ) -> None:
        """List nothing yet; no ``namespaces`` means all."""
        self._inbox = inbox
        self._intake = intake
        self._resources = resources
        self._clock = clock
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._period_s = period_s

    async def first(self) -> None:
        """List until it has worked once: nothing may be started before everything is known."""
        while not await self._try_once():
            await self._clock.sleep(RETRY_S)
        _logger.info("list.complete", extra={"objects": len(self._inbox)})

    async def run(self) -> None:
        """List again every period, until cancelled."""
        while True:
            await self._clock.sleep(self._period_s)
            await self._try_once()

    async def _try_once(self) -> bool:
        try:
            for kind in Kind:
                await self._list(kind)
        except OperatorError as error:
            _logger.warning("list.failed", extra={"reason": error.reason, "why": error.message})
            return False
        return True

    async def _list(self, kind: Kind) -> None:
        known, listed = set(self._inbox.keys(kind)), set()
        for namespace in self._namespaces:
            async for body in self._resources.list_all(RESOURCES[kind], namespace):
                listed.add(key_of(kind, body))
                self._intake.offer(kind, body)
        for key in known - listed:
            await self._confirm_deletion(key)

    async def _confirm_deletion(self, key: Key) -> None:
        """Ask for an object that the list left out: it may be younger than the list."""
        try:
            await self._resources.get(RESOURCES[key.kind], key.namespace, key.name)
        except ObjectGone:
            with bind(**key.log_fields):
                _logger.info("list.ghost")
            self._intake.drop(key)
        except KubeFailure:
            return
