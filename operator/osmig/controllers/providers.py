"""One step of a Provider: refresh its connection, publish what is known of it, wake the Migrations it concerns."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from osmig.api.names import ConditionType, EventReason, Kind, Reason
from osmig.api.provider import Provider, ProviderStatus, RefusedLogin, parse_provider
from osmig.controllers.counting import count_upstream, may_write
from osmig.controllers.last_calls import LOOK_S, LastCalls
from osmig.controllers.mirrors import Mirrors
from osmig.controllers.provider_connection import ProviderConnection
from osmig.domain.conditions import describe_provider, find_condition
from osmig.domain.observation import Note

if TYPE_CHECKING:
    from osmig.controllers.inbox import Entry
    from osmig.controllers.keys import Key
    from osmig.controllers.parts import Parts
    from osmig.controllers.sessions import Session
    from osmig.domain.observation import ProviderView

_logger = logging.getLogger(__name__)


class ProviderController:
    """Steps Providers."""

    parse = staticmethod(parse_provider)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._connection = ProviderConnection(parts)
        self._last_calls = LastCalls(parts)
        self._mirrors = Mirrors(parts)

    async def step(self, key: Key, _: Entry, parsed: Provider) -> float:
        """Bring one Provider up to date; return the seconds until the next step."""
        provider, given = parsed, self._parts.given
        self._last_calls.forget(key)
        session = await self._parts.sessions.open(key, provider.spec.type)
        session.limits = provider.spec.effective_limits
        before, known = session.view, session.backend
        due_s = await self._connection.refresh(key, provider, session)
        session.is_attempted = True
        given.metrics.provider(key.namespace, key.name).set_up(up=session.view.is_ready)
        if (before.is_ready, before.reason) != (session.view.is_ready, session.view.reason):
            _logger.info(
                "provider.state",
                extra={"ready": session.view.is_ready, "reason": str(session.view.reason)},
            )
            self._wake_followers(key)
        elif session.backend is not known:
            # whoever was stepped before the probe waits
            self._wake_followers(key)
        self._parts.queue.refresh(key)
        await self._mirrors.keep(key, provider, session)
        await self._publish(key, provider, session)
        return due_s

    async def reject(self, key: Key, _: Entry, why: str) -> None:
        """Let the Migrations of a Provider that cannot be followed wait; it counts as contacted."""
        session = self._parts.sessions.ensure(key)
        session.is_attempted = True
        self._connection.mark_not_ready(session, Reason.INVALID_MANIFEST, why)
        self._parts.given.metrics.provider(key.namespace, key.name).set_up(up=False)
        self._wake_followers(key)

    async def forget(self, key: Key) -> float | None:
        """Close the connection of a Provider that is gone, after the last calls through it; let its Migrations wait."""
        session = self._parts.sessions.get(key)
        if session is not None and self._last_calls.are_due(key):
            # no sweep renews them any more, so each Migration reads its own
            session.rows.clear()
            self._wake_followers(key)
            return LOOK_S
        await self._parts.sessions.close(key)
        self._parts.queue.refresh(key)
        self._parts.given.metrics.forget_provider(key.namespace, key.name)
        self._wake_followers(key)
        return None

    def _wake_followers(self, key: Key) -> None:
        plans = (plan for plan in self._parts.inbox.keys(Kind.PLAN) if plan.namespace == key.namespace)
        for follower in (*self._parts.ledger.followers(key), *plans):
            self._parts.wake(follower)

    async def _publish(self, key: Key, provider: Provider, session: Session) -> None:
        """Write the status when a count, a version or a condition changed, and an Event when readiness did."""
        before, view = provider.status, session.view
        driver = self._parts.given.drivers.of_provider(provider.spec.type)
        after = ProviderStatus(
            observed_generation=provider.metadata.generation,
            conditions=describe_provider(
                view,
                before=before.conditions,
                generation=provider.metadata.generation,
                now=self._parts.given.clock.now(),
                expires=session.probe.expires if session.probe else None,
                mirrored=session.mirroring.verdict,
            ),
            endpoint=session.probe.endpoint if session.probe else before.endpoint,
            api_version=session.probe.api_version if session.probe else before.api_version,
            capabilities=tuple(sorted(session.probe.capabilities)) if session.probe else before.capabilities,
            refused_login=_tell_refusal(session, before),
            upstream=count_upstream(session, provider, driver, self._parts.given.clock.now()),
        )
        if after == before:
            return
        is_count_alone = after == before.model_copy(update={"upstream": after.upstream})
        if is_count_alone and not may_write(session, self._parts.given.clock.boottime()):
            return
        await self._parts.publisher.put(key, after)
        if _readiness(before) != _readiness(after):
            self._parts.publisher.announce(key, (_note(view),))
        expiring = find_condition(after.conditions, ConditionType.CREDENTIALS_EXPIRING)
        if expiring is not None and find_condition(before.conditions, ConditionType.CREDENTIALS_EXPIRING) is None:
            note = Note(reason=EventReason.CREDENTIALS_EXPIRING, text=expiring.message, is_warning=True)
            self._parts.publisher.announce(key, (note,))


def _tell_refusal(session: Session, before: ProviderStatus) -> RefusedLogin | None:
    """Keep what is on record until this process has read the Secret that it is about."""
    if not session.has_read_secret:
        return before.refused_login
    return session.refusal.login if session.refusal is not None else None


def _readiness(status: ProviderStatus) -> tuple[str, str] | None:
    ready = next((condition for condition in status.conditions if condition.type == "Ready"), None)
    return (ready.status, ready.reason) if ready else None


def _note(view: ProviderView) -> Note:
    if view.is_ready:
        return Note(reason=EventReason.PROVIDER_READY, text="it answers, and what it has under way is known")
    return Note(reason=EventReason.PROVIDER_NOT_READY, text=f"{view.reason}: {view.message}", is_warning=True)


build = ProviderController
