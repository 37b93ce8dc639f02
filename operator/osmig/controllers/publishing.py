"""Write what was decided: status and finalizers by compare-and-swap, Events beside them.

Own writes go back into the Inbox at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from osmig.api.meta import to_wire
from osmig.api.names import FINALIZER, EventReason
from osmig.controllers.announcing import post, refer
from osmig.controllers.keys import RESOURCES
from osmig.domain.errors import ObjectGone, WriteConflict
from osmig.domain.observation import ObjectChange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping, Sequence

    from pydantic import BaseModel

    from osmig.controllers.deletion_events import DeletionEvents
    from osmig.controllers.inbox import Entry, Inbox
    from osmig.controllers.intake import Intake
    from osmig.controllers.keys import Key
    from osmig.domain.observation import Note
    from osmig.kube.events import EventRecorder
    from osmig.kube.refs import ObjectRef
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
        deletion_events: DeletionEvents,
    ) -> None:
        self._inbox = inbox
        self._intake = intake
        self._statuses = statuses
        self._resources = resources
        self._events = events
        self._deletion_events = deletion_events

    async def put(self, key: Key, status: BaseModel) -> None:
        """Replace the status of the object as the Inbox knows it.

        Raises:
            WriteConflict: it has changed; the newest body is in the Inbox now.
            ObjectGone: it does not exist any more.
            KubeFailure: no answer; the write may have happened.
        """
        entry = self._find(key)
        await self._write(key, entry, self._statuses.put(refer(key, entry.body), to_wire(status)))

    async def create(self, key: Key, body: Mapping[str, Any]) -> None:
        """Create an object, or take in the one that has its name: an earlier self may have made it.

        Raises:
            ObjectGone: the namespace does not exist, or the object went meanwhile.
            InvalidWrite: the API server refuses it.
            KubeFailure: no permission, no room, or no answer; without an answer it may have happened.
        """
        try:
            stored = await self._resources.create(RESOURCES[key.kind], body)
        except WriteConflict:
            stored = await self._resources.get(RESOURCES[key.kind], key.namespace, key.name)
        self._intake.offer(key.kind, stored)

    async def change(self, key: Key, change: ObjectChange, notes: Sequence[Note]) -> None:
        """Change the object itself, if it still is as the Inbox knows it, and post ``notes``.

        Of a move that is left to itself is told when its object is gone.

        Raises:
            WriteConflict: it has changed; the newest body is in the Inbox now.
            ObjectGone: it does not exist any more.
            KubeFailure: no answer; the change may have happened.
        """
        entry = self._find(key)
        ref, finalizers = refer(key, entry.body), tuple(entry.body["metadata"].get("finalizers") or ())
        others = tuple(name for name in finalizers if name != FINALIZER)
        left = next((note for note in notes if note.reason is EventReason.FINALIZER_LEFT), None)
        self._deletion_events.expect(entry.uid, left)
        match change:
            case ObjectChange.ADD_FINALIZER:
                await self._write(key, entry, self._resources.set_finalizers(ref, (*others, FINALIZER)))
            case ObjectChange.REMOVE_FINALIZER:
                await self._write(key, entry, self._resources.set_finalizers(ref, others))
            case ObjectChange.DELETE:
                await self._write(key, entry, self._resources.delete(ref))
        for note in notes:
            if note is not left:
                post(self._events, ref, note)

    async def annotate(self, key: Key, annotations: Mapping[str, str]) -> None:
        """Set annotations of an object as a user does, and let it be stepped.

        Raises:
            WriteConflict: it is another object of the same name.
            ObjectGone: it does not exist any more.
            KubeFailure: no answer; it may have happened.
        """
        ref = refer(key, self._find(key).body)
        self._intake.offer(key.kind, await self._resources.annotate(ref, annotations))

    def _find(self, key: Key) -> Entry:
        entry = self._inbox.get(key)
        if entry is None:
            raise ObjectGone(reason="NotFound", message=f"{key.text} was deleted")
        return entry

    async def _write(self, key: Key, entry: Entry, request: Awaitable[Mapping[str, Any] | None]) -> None:
        with self._intake.own_write(key) as write:
            try:
                body = await request
            except WriteConflict:
                await self.reread(key)
                raise
            except ObjectGone:
                self._intake.remove(key.kind, entry.body)
                raise
            if body is None:
                return
            write.recognise(body)
            if self._inbox.get(key) is not None:
                # else it was deleted while the answer was under way, and must not come back
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
        self._intake.take_back(key.kind, body)

    def announce(self, key: Key, notes: Iterable[Note]) -> None:
        """Post Events about the object; never waits, never fails."""
        entry = self._inbox.get(key)
        if entry is None:
            return
        for note in notes:
            post(self._events, refer(key, entry.body), note)
