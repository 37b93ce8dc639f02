"""One step of a Provider: refresh its connection, publish what is known of it, wake the Migrations it concerns."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from osmig.api.meta import InvalidManifest
from osmig.api.names import ConditionType, EventReason, Reason
from osmig.api.provider import Provider, ProviderStatus, UpstreamCounts, parse_provider
from osmig.domain.conditions import describe_provider, find_condition
from osmig.domain.observation import Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.ledger import Ledger
    from osmig.controllers.provider_connection import ProviderConnection
    from osmig.controllers.publishing import Publisher
    from osmig.controllers.sessions import Session, Sessions
    from osmig.controllers.slots import SlotQueue
    from osmig.domain.clock import Clock
    from osmig.domain.observation import ProviderView
    from osmig.drivers.driver import Drivers
    from osmig.telemetry.metrics import Metrics

_logger = logging.getLogger(__name__)


class ProviderStep:
    """Steps Providers.

    Args:
        inbox: the newest bodies.
        ledger: who has which Provider.
        sessions: the connections, shared with the steps of Migrations.
        queue: who waits for a slot.
        connection: connects, probes and sweeps.
        publisher: writes status and Events.
        metrics: counts.
        drivers: what each type of Provider is for.
        clock: stamps.
        wake: makes a Migration due.
    """

    def __init__(  # noqa: PLR0913 - what one step reads, writes and wakes
        self,
        *,
        inbox: Inbox,
        ledger: Ledger,
        sessions: Sessions,
        queue: SlotQueue,
        connection: ProviderConnection,
        publisher: Publisher,
        metrics: Metrics,
        drivers: Drivers,
        clock: Clock,
        wake: Callable[[Key], None],
    ) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._sessions = sessions
        self._queue = queue
        self._connection = connection
        self._publisher = publisher
        self._metrics = metrics
        self._drivers = drivers
        self._clock = clock
        self._wake = wake

    async def step(self, key: Key) -> float | None:
        """Bring one Provider up to date; return the seconds until the next step."""
        entry = self._inbox.get(key)
        if entry is None:
            await self._forget(key)
            return None
        try:
            provider = parse_provider(entry.body)
        except InvalidManifest as error:
            _logger.error("provider.invalid", extra={"why": str(error)})  # noqa: TRY400 - the message says it all
            self._reject(key, str(error))
            return None
        session = await self._sessions.open(key, provider.spec.type)
        session.limits = provider.spec.effective_limits
        before, known = session.view, session.backend
        due_s = await self._connection.refresh(key, provider, session)
        session.is_attempted = True
        self._metrics.provider(key.namespace, key.name).set_up(up=session.view.is_ready)
        if (before.is_ready, before.reason) != (session.view.is_ready, session.view.reason):
            _logger.info(
                "provider.state",
                extra={"ready": session.view.is_ready, "reason": str(session.view.reason)},
            )
            self._wake_followers(key)
        elif self._drivers.of_provider(provider.spec.type).shows_own_only and session.backend is not known:
            # whoever was stepped before the probe waits
            self._wake_followers(key)
        self._queue.refresh(key)
        await self._publish(key, provider, session)
        return due_s

    def _reject(self, key: Key, why: str) -> None:
        """Let the Migrations of a Provider that cannot be followed wait; it counts as contacted."""
        session = self._sessions.ensure(key)
        session.is_attempted = True
        self._connection.mark_not_ready(session, Reason.INVALID_MANIFEST, why)
        self._metrics.provider(key.namespace, key.name).set_up(up=False)
        self._wake_followers(key)

    async def _forget(self, key: Key) -> None:
        await self._sessions.close(key)
        self._queue.refresh(key)
        self._metrics.forget_provider(key.namespace, key.name)
        self._wake_followers(key)

    def _wake_followers(self, key: Key) -> None:
        for follower in self._ledger.followers(key):
            self._wake(follower)

    async def _publish(self, key: Key, provider: Provider, session: Session) -> None:
        """Write the status when a count, a version or a condition changed, and an Event when readiness did."""
        before, view = provider.status, session.view
        after = ProviderStatus(
            observed_generation=provider.metadata.generation,
            conditions=describe_provider(
                view,
                before=before.conditions,
                generation=provider.metadata.generation,
                now=self._clock.now(),
                expires=session.probe.expires if session.probe else None,
            ),
            endpoint=session.probe.endpoint if session.probe else before.endpoint,
            api_version=session.probe.api_version if session.probe else before.api_version,
            capabilities=tuple(sorted(session.probe.capabilities)) if session.probe else before.capabilities,
            upstream=_count(
                session, before, lists_operations=self._drivers.of_provider(provider.spec.type).lists_operations
            ),
        )
        if after == before:
            return
        await self._publisher.put(key, after)
        if _readiness(before) != _readiness(after):
            self._publisher.announce(key, (_note(view),))
        expiring = find_condition(after.conditions, ConditionType.CREDENTIALS_EXPIRING)
        if expiring is not None and find_condition(before.conditions, ConditionType.CREDENTIALS_EXPIRING) is None:
            note = Note(reason=EventReason.CREDENTIALS_EXPIRING, text=expiring.message, is_warning=True)
            self._publisher.announce(key, (note,))


def _count(session: Session, before: ProviderStatus, *, lists_operations: bool) -> UpstreamCounts | None:
    if not session.view.is_ready or session.probe is None:
        return before.upstream
    counts = session.rows.count() if lists_operations else {}
    return UpstreamCounts.model_validate({"scope": session.probe.scope, **counts})


def _readiness(status: ProviderStatus) -> tuple[str, str] | None:
    ready = next((condition for condition in status.conditions if condition.type == "Ready"), None)
    return (ready.status, ready.reason) if ready else None


def _note(view: ProviderView) -> Note:
    if view.is_ready:
        return Note(reason=EventReason.PROVIDER_READY, text="it answers, and what it has under way is known")
    return Note(reason=EventReason.PROVIDER_NOT_READY, text=f"{view.reason}: {view.message}", is_warning=True)
