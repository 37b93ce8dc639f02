"""Events in the domain's words, about an object as a body shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.controllers.keys import RESOURCES, Key
from osmig.kube.events import EventType
from osmig.kube.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.domain.observation import Note
    from osmig.kube.events import EventRecorder


def refer(key: Key, body: Mapping[str, Any]) -> ObjectRef:
    """Return what names this very object in this very version."""
    return ObjectRef.of(RESOURCES[key.kind], body)


def post(events: EventRecorder, regarding: ObjectRef, note: Note) -> None:
    """Post one Event; never waits, never fails."""
    kind = EventType.WARNING if note.is_warning else EventType.NORMAL
    events.record(regarding, reason=note.reason, action=note.reason, type=kind, note=note.text)
