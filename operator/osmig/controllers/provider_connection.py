"""Connect to one Provider: read the Secret, make the backend, probe, sweep. A failure makes the Provider not ready."""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from osmig.api.discovery import DiscoveryMode
from osmig.api.names import Reason
from osmig.controllers.counting import can_count
from osmig.controllers.listing import ListReader
from osmig.controllers.refused_logins import Moment, Refusal, find_asked, recall, refuse
from osmig.controllers.secret_purpose import check_purpose
from osmig.domain.errors import (
    AccessDenied,
    BackendError,
    EndpointRefused,
    InvalidConfiguration,
    KubeFailure,
    KubeForbidden,
    ObjectGone,
    OutcomeUnknown,
    TooManyRows,
    Unauthorized,
)
from osmig.domain.observation import ProviderView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import Provider
    from osmig.controllers.keys import Key
    from osmig.controllers.parts import Parts
    from osmig.controllers.sessions import Session

_logger = logging.getLogger(__name__)

MAX_FAILED_SWEEPS = 3
RETRY_S = 10.0
MANUAL_FIX_RETRY_S = 60.0
FULL_SWEEP_REST = 60.0
"""Times as long as the last full sweep took, no other one begins: they get rarer as the history grows."""
EARLIEST_SWEEP = 0.5
"""Share of the period before which a step that was woken for something else does not sweep again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPeriods:
    """How often to do what, in seconds."""

    sweep_s: float = 10.0
    full_sweep_s: float = 600.0
    secret_s: float = 60.0


class ProviderConnection:
    """Keeps sessions as their Providers' specs ask for, and tells whom a sweep concerns."""

    def __init__(self, parts: Parts) -> None:
        self._ledger, self._queue, self._wake = parts.ledger, parts.queue, parts.wake
        self._secrets, self._factories = parts.given.secrets, parts.given.factories
        self._metrics, self._clock = parts.given.metrics, parts.given.clock
        self._periods = parts.periods.provider
        self._drivers, self._lists = parts.given.drivers, ListReader(parts.given.clock, parts.wake)

    async def refresh(self, key: Key, provider: Provider, session: Session) -> float:
        """Connect, probe and sweep as far as due; return the seconds until the next step."""
        self._metrics.provider(key.namespace, key.name)  # it exists: its requests count from now on
        try:
            return await self._bring_up(key, provider, session)
        except ObjectGone:
            return self.mark_not_ready(session, Reason.SECRET_NOT_FOUND, _describe_missing_secret(provider))
        except KubeFailure as error:
            if isinstance(error, KubeForbidden) and not _is_current(session, provider):
                return self.mark_not_ready(session, Reason.NOT_PERMITTED, error.message)
            # the API server fails, not the Provider: the last view of the Provider stays
            return error.retry_after_s or RETRY_S
        except Unauthorized as error:
            return await self._refuse(provider, session, error)
        except AccessDenied as error:
            session.probe = None
            return self.mark_not_ready(session, error.reason, error.message)
        except BackendError as error:
            return self._answer_failure(session, error)

    async def _bring_up(self, key: Key, provider: Provider, session: Session) -> float:
        refusal = await self._connect(key, provider, session)
        if refusal is not None:
            return self._stand_by(session, refusal)
        quiet_s = session.quiet_until - self._clock.boottime()
        if quiet_s > 0:
            return quiet_s
        if session.probe is None or session.wants_refresh or self._is_probe_old(session):
            assert session.backend is not None  # noqa: S101 - _connect made it or raised
            session.probe = await session.backend.probe()
            session.probed_at = self._clock.boottime()
            session.wants_refresh = False
        has_news = await self._sweep(key, provider, session)
        self._discover(key, provider, session, has_news=has_news)
        return self._periods.sweep_s

    def mark_not_ready(self, session: Session, reason: str, message: str) -> float:
        """Make the Provider not ready, so that its Migrations wait; return the seconds until the next step."""
        connection = session.view.connection
        session.view = ProviderView(is_ready=False, reason=reason, message=message, connection=connection)
        # also find out when the Secret was mended
        session.wants_refresh = True
        return min(RETRY_S, self._periods.sweep_s)

    async def _connect(self, key: Key, provider: Provider, session: Session) -> Refusal | None:
        """Make a new backend when the spec or the Secret changed; read the Secret only as often as told.

        Returns what keeps these very credentials from being tried now, if anything does.
        """
        now = self._clock.boottime()
        is_fresh = now - session.secret_read_at < self._periods.secret_s
        spec_json = _dump_spec(provider)
        if session.backend is not None and is_fresh and not session.wants_refresh and _has(session, spec_json):
            return None
        secret = await self._secrets.read(key.namespace, provider.spec.secret_name)
        session.secret_read_at = now
        fingerprint = f"{_digest(spec_json, secret)}:{spec_json}"
        if not session.has_read_secret:
            session.refusal = recall(
                provider, fingerprint=fingerprint, version=secret.version, moment=self._read_clocks()
            )
        session.has_read_secret, session.secret_version = True, secret.version
        if (refusal := self._find_refusal(provider, session, fingerprint)) is not None:
            return refusal
        if session.backend is not None and session.fingerprint == fingerprint:
            return None
        await self._disconnect(session)
        session.fingerprint, session.quiet_until = fingerprint, -math.inf
        try:
            check_purpose(secret, provider)
            factory = self._factories[provider.spec.type]
            session.backend = await factory((key.namespace, key.name), provider.spec, secret)
        except InvalidConfiguration as error:
            # it was sent to nobody, and reading the same again cannot help
            return self._keep(session, Refusal(fingerprint=fingerprint, error=error, asked=find_asked(provider)))
        return None

    def _find_refusal(self, provider: Provider, session: Session, fingerprint: str) -> Refusal | None:
        """Return why this Secret is left alone now; who asks for another try is asked no further."""
        refusal, is_asked, session.wants_login = session.refusal, session.wants_login, False
        if refusal is None or is_asked:
            return None
        return refusal if refusal.stands(fingerprint, find_asked(provider), self._clock.boottime()) else None

    async def _refuse(self, provider: Provider, session: Session, error: Unauthorized) -> float:
        """Leave refused credentials alone; the next try gets a new connection."""
        refusal = refuse(
            provider,
            error,
            fingerprint=session.fingerprint,
            version=session.secret_version,
            before=session.refusal,
            moment=self._read_clocks(),
        )
        await self._disconnect(session)
        return self._stand_by(session, self._keep(session, refusal))

    def _keep(self, session: Session, refusal: Refusal) -> Refusal:
        session.refusal = refusal
        return refusal

    def _stand_by(self, session: Session, refusal: Refusal) -> float:
        """Say why the Provider is not ready; look soon whether the Secret was mended, later more rarely."""
        self.mark_not_ready(session, refusal.error.reason, refusal.error.message)
        period_s = RETRY_S if refusal.attempts == 1 else min(MANUAL_FIX_RETRY_S, self._periods.secret_s)
        return min(period_s, max(0.0, refusal.retry_at - self._clock.boottime()))

    def _read_clocks(self) -> Moment:
        return Moment(self._clock.now(), self._clock.boottime())

    async def _disconnect(self, session: Session) -> None:
        if session.backend is not None:
            await session.backend.close()
        session.backend = None
        session.begin_connection()

    async def _sweep(self, key: Key, provider: Provider, session: Session) -> bool:
        """Sweep if it is due, wake whom it concerns, return whether it was; ready means swept at least once."""
        assert session.backend is not None  # noqa: S101 - _connect made it or raised
        assert session.probe is not None  # noqa: S101 - the caller probed
        now = self._clock.boottime()
        if session.view.is_ready and now - session.swept_at < self._periods.sweep_s * EARLIEST_SWEEP:
            return False
        period_s = max(self._periods.full_sweep_s, FULL_SWEEP_REST * session.full_sweep_took_s)
        is_full = session.cursor is None or now - session.fully_swept_at >= period_s
        session.rows.begin_sweep()
        sweep = await session.backend.sweep(None if is_full else session.cursor)
        session.cursor, session.swept_at, session.failed_sweeps, session.refusal = sweep.cursor, now, 0, None
        if sweep.is_full:
            session.fully_swept_at, session.full_sweep_took_s = now, self._clock.boottime() - now
        changed = session.rows.merge(sweep, is_ours=partial(self._is_ours, key))
        for record_id in changed:
            if (follower := self._ledger.find(key, record_id)) is not None:
                self._wake(follower)
        session.view = ProviderView(
            is_ready=True,
            reason=Reason.PROBE_SUCCEEDED,
            capabilities=session.probe.capabilities,
            possible=session.probe.possible,
            auto_confirm_s=provider.spec.auto_confirm_s,
            user_id=session.probe.user_id,
            endpoint=session.probe.endpoint,
            project_id=session.probe.project_id,
            connection=session.view.connection,
        )
        metrics = self._metrics.provider(key.namespace, key.name)
        metrics.set_stale_foreign(self._queue.count_stale(key))
        metrics.set_slots(session.limits.max_in_flight)
        metrics.set_granted_slot_age(self._queue.age_of_oldest_turn(key).total_seconds())
        return True

    def _discover(self, key: Key, provider: Provider, session: Session, *, has_news: bool) -> None:
        """Go on with the list of what goes on, where sweeps list nothing, and tell of what others started.

        Raises:
            Unauthorized: the credentials are refused.
        """
        driver = self._drivers.of_provider(provider.spec.type)
        is_ours, metrics = partial(self._is_ours, key), self._metrics.provider(key.namespace, key.name)
        if provider.spec.effective_discovery.mode is DiscoveryMode.OFF:
            session.stop_listing()
        else:
            has_news |= self._lists.advance(key, session, driver, is_ours=is_ours)
        if not can_count(session, provider, driver):
            metrics.forget_foreign()
        elif has_news:
            metrics.set_foreign(session.rows.count_foreign(is_ours=is_ours))
            if driver.lists_operations:
                metrics.set_unowned_confirmations(session.rows.count_unowned_confirmations(is_ours=is_ours))

    def _is_probe_old(self, session: Session) -> bool:
        """Whether to probe anew, as often as everything is listed: an upgrade, or another right, shows in no answer."""
        return self._clock.boottime() - session.probed_at >= self._periods.full_sweep_s

    def _is_ours(self, key: Key, record_id: str) -> bool:
        return self._ledger.find(key, record_id) is not None

    def _answer_failure(self, session: Session, error: BackendError) -> float:
        """Tolerate single failed sweeps: three in a row, a failed probe or too many rows make it not ready."""
        session.failed_sweeps += 1
        session.swept_at = self._clock.boottime()
        if isinstance(error, TooManyRows):
            # whatever has changed since may be endless; what goes on is not
            session.cursor = None
        is_probed = session.probe is not None and not session.wants_refresh
        is_tolerable = is_probed and not isinstance(error, TooManyRows)
        if session.view.is_ready and is_tolerable and session.failed_sweeps < MAX_FAILED_SWEEPS:
            _logger.warning("sweep.failed", extra={"reason": error.reason, "why": error.message})
            return error.retry_after_s or self._periods.sweep_s
        is_told = error.reason in {*Reason} and not isinstance(error, OutcomeUnknown)
        self.mark_not_ready(session, error.reason if is_told else Reason.UNREACHABLE, error.message)
        wait_s = min(RETRY_S, self._periods.sweep_s)
        if isinstance(error, InvalidConfiguration | EndpointRefused | TooManyRows):
            wait_s = min(MANUAL_FIX_RETRY_S, self._periods.secret_s)
        if error.retry_after_s is not None:
            session.quiet_until = self._clock.boottime() + error.retry_after_s
        return max(wait_s, error.retry_after_s or 0.0)


def _describe_missing_secret(provider: Provider) -> str:
    return f"there is no Secret {provider.spec.secret_name} in namespace {provider.metadata.namespace}"


def _is_current(session: Session, provider: Provider) -> bool:
    """Whether the connection works and is the one that the spec asks for."""
    return session.view.is_ready and _has(session, _dump_spec(provider))


def _dump_spec(provider: Provider) -> str:
    """Return what a connection is made of; what is discovered through it changes nothing about it."""
    return provider.spec.model_dump_json(exclude={"discovery"})


def _has(session: Session, spec_json: str) -> bool:
    return session.fingerprint.endswith(f":{spec_json}")


def _digest(spec_json: str, secret: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(spec_json.encode())
    for name in sorted(secret):
        digest.update(name.encode() + b"\0" + secret[name] + b"\0")
    return digest.hexdigest()
