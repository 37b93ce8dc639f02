"""kopf's watch, made to outlast every answer of the API server but missing rights and missing CRDs.

kopf 1.45 ends the operator for an ERROR event, an answer that is no JSON, an event without an object, a refused list.
It offers no setting for this, so its two functions that read are replaced by ones that begin anew after a pause. What
goes on from here holds no more of an object than is read of it, and no version that is known already: of seven changes
of a Migration six are our own writes, whose answers told all, and to hand them on was a tenth of the process's CPU.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osmig.bare_kopf import errors, scanning, watching
from osmig.controllers.inbox import keep_read

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping

    from osmig.domain.clock import Clock

_logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
REFUSED_S = 60.0
"""Rights or kinds that are missing for so long are not coming back: the process ends and says so."""

_OFTEN_S = 8 * FIRST_PAUSE_S
"""The pause after several failures in a row: two that are far apart do not end the process."""

_LOUD = ("kopf._cogs.clients.watching", "kopf._core.reactor.observation")
_IDENTITY = ("uid", "namespace", "name", "resourceVersion")

_scan = scanning.scan_resources
_watch = watching.continuous_watch


class NotAnObjectError(Exception):
    """An event or item of a list that is no object of Kubernetes."""


class NotServedError(Exception):
    """The API server serves other kinds, and not ours."""


@dataclass(slots=True)
class Patience:
    """How long one watch has failed in a row.

    Attributes:
        clock: paces.
        pause_s: that follows the next failure.
        refused_at: since when there have been no rights, or no such kind.
        tried_at: when it was last begun after a failure.
    """

    clock: Clock
    pause_s: float = FIRST_PAUSE_S
    refused_at: float | None = None
    tried_at: float = math.inf

    def relax(self) -> None:
        """Take note that an answer was good."""
        self.pause_s, self.refused_at = FIRST_PAUSE_S, None

    async def bear(self, error: Exception, what: str) -> None:
        """Pause after a failure, longer each time.

        Raises:
            Exception: the same, when rights or the kind have been missing for too long.
        """
        now = self.clock.boottime()
        if now - self.tried_at >= REFUSED_S:
            # it was well all that time, and only had nothing to tell
            self.relax()
        if not isinstance(error, errors.APIForbiddenError | errors.APINotFoundError):
            self.refused_at = None
        elif self.refused_at is None:
            self.refused_at = now
        elif now - self.refused_at >= REFUSED_S and self.pause_s > _OFTEN_S:
            raise error
        # never the error's text: it may be a whole object, or a page of HTML
        _logger.warning("watch.failed", extra={"what": what, "reason": type(error).__name__})
        await self.clock.sleep(self.pause_s)
        self.pause_s = min(LONGEST_PAUSE_S, 2 * self.pause_s)
        self.tried_at = self.clock.boottime()


def make_patient(clock: Clock, plurals: Collection[str], is_known: Callable[[str, Mapping[str, Any]], bool]) -> None:
    """Replace what reads in kopf, for this process.

    Args:
        clock: paces.
        plurals: the kinds that must be served before kopf watches any: it looks for them only once.
        is_known: whether an object of a kind, by its plural, was taken in this very version already.
    """
    reading = _PatientReading(clock, frozenset(plurals), is_known)
    # by name: nothing in kopf is made to be replaced
    setattr(watching, "continuous_watch", reading.watch)  # noqa: B010
    setattr(scanning, "scan_resources", reading.scan)  # noqa: B010
    for name in _LOUD:
        # what fails is told here, at its level and without what was sent
        logging.getLogger(name).setLevel(logging.CRITICAL)


@dataclass(slots=True)
class _PatientReading:
    """What reads in kopf, with patience."""

    clock: Clock
    plurals: frozenset[str]
    is_known: Callable[[str, Mapping[str, Any]], bool]
    watches: dict[object, Patience] = field(default_factory=dict)

    async def watch(self, **named: Any) -> AsyncGenerator[Any]:  # noqa: ANN401 - kopf's calling convention
        """List and watch one kind until that fails; kopf calls again."""
        plural = named["resource"].plural
        patience = self.watches.setdefault((plural, named["namespace"]), Patience(self.clock))
        try:
            async for event in _watch(**named):
                if isinstance(event, watching.Bookmark):
                    yield event
                    continue
                reduced = _reduce(event)
                if event["type"] is not None:
                    # a list alone proves nothing: the watch after it may be refused
                    patience.relax()
                if event["type"] != "MODIFIED" or not self.is_known(plural, event["object"]):
                    yield reduced
            patience.relax()
        except Exception as error:  # noqa: BLE001 - kopf would end the process for any of them
            await patience.bear(error, f"watch {plural}")

    async def scan(self, **named: Any) -> Any:  # noqa: ANN401 - kopf's calling convention
        """Look for the kinds until all are there."""
        patience = Patience(self.clock)
        while True:
            try:
                found = await _scan(**named)
            except Exception as error:  # noqa: BLE001 - the same
                await patience.bear(error, "discovery")
                continue
            missing = self.plurals - {resource.plural for resource in found}
            if not missing:
                return found
            await patience.bear(NotServedError(), f"discovery: {', '.join(sorted(missing))}")


def _reduce(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an event with what is read of its object.

    Raises:
        NotAnObjectError: it has no object that could be told from others.
    """
    body = event["object"]
    if event["type"] == "BOOKMARK":
        return event
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(metadata.get(name), str) for name in _IDENTITY):
        raise NotAnObjectError
    return {**event, "object": keep_read(body)}
