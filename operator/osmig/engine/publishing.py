"""Write what was decided: status by compare-and-swap, Events beside it. Own writes go back into the Inbox at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from osmig.api.meta import to_wire
from osmig.domain.errors import ObjectGone, StaleView
from osmig.engine.keys import RESOURCES
from osmig.kube.events import EventType
from osmig.kube.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from osmig.domain.observation import Note
    from osmig.engine.inbox import Inbox
    from osmig.engine.intake import Intake
    from osmig.engine.keys import Key
    from osmig.kube.events import EventRecorder
    from osmig.kube.resources import ResourceClient


class Statuses(Protocol):
    """Replaces whole statuses by compare-and-swap, as ``osmig.kube.status.StatusWriter`` does."""

    async def put(self, ref: ObjectRef, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace the status if the object is still as ``ref`` says, and return the object as stored."""
        ...


class Publisher:
    """Everything the steps write to the API server."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        intake: Intake,
        statuses: Statuses,
        resources: ResourceClient,
        events: EventRecorder,
    ) -> None:
        """Write nothing yet."""
        self._inbox = inbox
        self._intake = intake
        self._statuses = statuses
        self._resources = resources
        self._events = events

    async def put(self, key: Key, status: BaseModel) -> None:
        """Replace the status of the object as the Inbox knows it.

        Raises:
            StaleView: it has changed; the newest body is in the Inbox now.
            ObjectGone: it does not exist any more.
            KubeUnavailable: no answer; the write may have happened.
        """
        entry = self._inbox.get(key)
        if entry is None:
            raise ObjectGone(reason="NotFound", message=f"{key.text} was deleted")
        ref = ObjectRef.of(RESOURCES[key.kind], entry.body)
        try:
            body = await self._statuses.put(ref, to_wire(status))
        except StaleView:
            await self.reread(key)
            raise
        except ObjectGone:
            self._intake.remove(key.kind, entry.body)
            raise
        if self._inbox.get(key) is not None:
            # else it was deleted while the answer was under way, and must not come back as a ghost
            self._intake.take(key.kind, body)

    async def reread(self, key: Key) -> None:
        """Read the object anew into the Inbox.

        Raises:
            ObjectGone: it does not exist any more; it is dropped.
        """
        try:
            body = await self._resources.get(RESOURCES[key.kind], key.namespace, key.name)
        except ObjectGone:
            self._intake.drop(key)
            raise
        self._intake.take(key.kind, body)

    def announce(self, key: Key, notes: Iterable[Note]) -> None:
        """Post Events about the object; never waits, never fails."""
        entry = self._inbox.get(key)
        if entry is None:
            return
        ref = ObjectRef.of(RESOURCES[key.kind], entry.body)
        for note in notes:
            kind = EventType.WARNING if note.is_warning else EventType.NORMAL
            self._events.record(ref, reason=note.reason, action=note.reason, type=kind, note=note.text)
