"""Kubernetes Events: recorded without waiting, sent by one background task, never a reason to fail.

A namespace whose objects cause a flood of them loses its own: each has a share of what may wait, and turns go round.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from osmig.domain.errors import ObjectGone, OperatorError
from osmig.kube.fair_queue import FairQueue
from osmig.kube.microtime import format_microtime
from osmig.kube.refs import Call, KubeVerb, Resource
from osmig.kube.repeats import EventKey, Repeats, Series

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from osmig.domain.clock import Clock
    from osmig.kube.client import KubeClient
    from osmig.kube.refs import ObjectRef

EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
REPORTING_CONTROLLER = "osmig.dev/osmig"
# What the API server accepts; it refuses the whole Event for one byte more.
_NOTE_BYTES = 1024
_INSTANCE_BYTES = 128
_NAME_LENGTH = 253
_TIMEOUT_S = 10.0
_MAX_REFUSED = 1024

_logger = logging.getLogger(__name__)


class EventType(StrEnum):
    """The only two that Kubernetes knows."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class _Occurrence:
    regarding: ObjectRef
    key: EventKey
    type: EventType
    time: datetime


class EventRecorder:
    """Takes Events from the steps and sends them one after another, in ``run()``, which the owner runs as a task.

    The same Event again within ten minutes raises the count of the first one.

    Args:
        client: sends the calls.
        clock: stamps and measures.
        new_id: lower-case letters and digits, unique; ends an Event's name.
        reporting_instance: this process.
        share: how many Events of one namespace may wait; more are dropped.
        capacity: how many may wait in all.
    """

    def __init__(
        self,
        client: KubeClient,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        reporting_instance: str,
        share: int = 200,
        capacity: int = 2000,
    ) -> None:
        self._client = client
        self._clock = clock
        self._new_id = new_id
        self._instance = _cut(reporting_instance, _INSTANCE_BYTES)
        self._waiting: FairQueue[_Occurrence] = FairQueue(share=share, capacity=capacity)
        self._repeats = Repeats()
        self._refused: set[tuple[str, str]] = set()

    def record(self, regarding: ObjectRef, *, reason: str, action: str, type: EventType, note: str) -> None:  # noqa: A002 - the API's word
        """Queue an Event; never waits, never fails.

        Args:
            regarding: the object it is about; the Event goes into its namespace.
            reason: CamelCase, why.
            action: CamelCase, what was done.
            type: Normal or Warning.
            note: one sentence for people, cut to 1024 bytes. Without numbers that change, or every one is a new Event.
        """
        namespace = _namespace_of(regarding)
        key = EventKey(namespace, regarding.uid, reason, action, _cut(note, _NOTE_BYTES))
        dropped = self._waiting.put(namespace, _Occurrence(regarding, key, type, self._clock.now()))
        if dropped is not None:
            self._complain(dropped, "QueueFull")

    async def run(self) -> None:
        """Send what is recorded, until cancelled."""
        while True:
            occurrence = await self._waiting.take()
            namespace = occurrence.key.namespace
            try:
                await self._send(occurrence)
            except OperatorError as error:
                self._complain(namespace, error.reason)
            else:
                self._refused = {refused for refused in self._refused if refused[0] != namespace}
            finally:
                self._waiting.finish()

    async def drain(self, timeout_s: float) -> None:
        """Wait until everything recorded so far was sent or given up, for ``timeout_s`` at most."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._waiting.join()
        except TimeoutError:
            _logger.warning("events.left", extra={"count": len(self._waiting)})

    async def _send(self, occurrence: _Occurrence) -> None:
        known = self._repeats.find(occurrence.key, self._clock.boottime())
        if known is not None:
            try:
                await self._raise_count(occurrence, known.next())
            except ObjectGone:
                self._repeats.forget(occurrence.key)
            else:
                return
        await self._create(occurrence)

    async def _raise_count(self, occurrence: _Occurrence, series: Series) -> None:
        namespace = occurrence.key.namespace
        observed = {"count": series.count, "lastObservedTime": format_microtime(occurrence.time)}
        call = Call(KubeVerb.PATCH, EVENTS, namespace, series.name)
        await self._client.request(call, body={"series": observed}, timeout_s=_TIMEOUT_S)
        self._repeats.remember(occurrence.key, series)

    async def _create(self, occurrence: _Occurrence) -> None:
        namespace = occurrence.key.namespace
        suffix = f".{self._new_id()}"
        name = occurrence.regarding.name[: _NAME_LENGTH - len(suffix)].rstrip(".-") + suffix
        body = {
            "metadata": {"name": name, "namespace": namespace},
            "eventTime": format_microtime(occurrence.time),
            "reportingController": REPORTING_CONTROLLER,
            "reportingInstance": self._instance,
            "reason": occurrence.key.reason,
            "action": occurrence.key.action,
            "type": occurrence.type.value,
            "note": occurrence.key.note,
            "regarding": _describe(occurrence.regarding),
        }
        await self._client.request(Call(KubeVerb.CREATE, EVENTS, namespace), body=body, timeout_s=_TIMEOUT_S)
        self._repeats.remember(occurrence.key, Series(name, begun=self._clock.boottime()))

    def _complain(self, namespace: str, reason: str) -> None:
        """Log a loss once per namespace and reason until an Event of the namespace gets through.

        A namespace on its way out refuses them by design.
        """
        is_told = (namespace, reason) in self._refused or len(self._refused) >= _MAX_REFUSED
        level = logging.DEBUG if reason in {"NamespaceTerminating", "NotFound"} or is_told else logging.WARNING
        if not is_told:
            self._refused.add((namespace, reason))
        _logger.log(level, "event.lost", extra={"namespace": namespace, "reason": reason})


def _namespace_of(regarding: ObjectRef) -> str:
    # The API server wants Events about objects outside namespaces in this one.
    return regarding.namespace or "default"


def _describe(regarding: ObjectRef) -> dict[str, Any]:
    reference = {
        "apiVersion": regarding.api_version,
        "kind": regarding.kind,
        "name": regarding.name,
        "uid": regarding.uid,
    }
    return reference if regarding.namespace is None else {**reference, "namespace": regarding.namespace}


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore")
