"""What a kind of object brings to be controlled, and the one way in which every object is stepped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from osmig.api.meta import InvalidManifest
from osmig.telemetry.log_context import bind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.names import Kind
    from osmig.controllers.inbox import Entry, Inbox
    from osmig.controllers.keys import Key

_logger = logging.getLogger(__name__)
T = TypeVar("T")


class Controller(Protocol[T]):
    """One kind's part; ``T`` is the parsed object. ``Dispatcher`` reads, parses, logs and forgets for all kinds."""

    def parse(self, body: Mapping[str, Any]) -> T:
        """Return the object.

        Raises:
            InvalidManifest: it is not one that this version can follow.
        """
        ...

    async def step(self, key: Key, entry: Entry, parsed: T) -> float | None:
        """Bring one object forward; return the seconds until the next step, ``None`` until it changes."""
        ...

    async def reject(self, key: Key, entry: Entry, why: str) -> None:
        """Do what is due for an object that cannot be parsed; it is stepped again when it changes."""
        ...

    async def forget(self, key: Key) -> float | None:
        """Clean up after an object that is gone; return the seconds until there is more to do. May be called again."""
        ...


class Dispatcher:
    """Steps an object of any kind."""

    def __init__(self, inbox: Inbox, controllers: Mapping[Kind, Controller[Any]]) -> None:
        """Step what is in ``inbox``, each kind by its controller."""
        self._inbox = inbox
        self._controllers = controllers

    async def step(self, key: Key) -> float | None:
        """Step one object as it is in the Inbox now; return the seconds until the next step."""
        controller, entry = self._controllers[key.kind], self._inbox.get(key)
        if entry is None:
            return await controller.forget(key)
        with bind(uid=entry.uid):
            try:
                parsed = entry.parse(controller.parse)
            except InvalidManifest as error:
                _logger.error("object.invalid", extra={"why": str(error)})  # noqa: TRY400 - the message says it all
                await controller.reject(key, entry, str(error))
                return None
            try:
                return await controller.step(key, entry, parsed)
            finally:
                self._inbox.drop_parsed(key)
