"""Settings → the pieces that the parts below are given, and the ports to the outer world."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.clock import SystemClock
from osmig.controllers.parts import Periods
from osmig.controllers.provider_connection import ProviderPeriods
from osmig.domain.observation import Timings
from osmig.drivers import DRIVERS
from osmig.drivers.entries import Drivers
from osmig.drivers.ports import Net
from osmig.kube.resources import ResourceClient
from osmig.kube.status import StatusWriter
from osmig.net.bounds import Timeouts
from osmig.net.endpoints import EndpointGuard, EndpointPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.controllers.publishing import Statuses
    from osmig.drivers.ports import BackendFactory
    from osmig.kube.client import KubeClient
    from osmig.settings import Settings
    from osmig.telemetry.metrics import Metrics

_logger = logging.getLogger(__name__)


def make_net(settings: Settings, metrics: Metrics) -> Net:
    """Return what the connections to all Providers have in common."""
    return Net(
        guard=_make_guard(settings),
        clock=SystemClock(),
        timeouts=_read_timeouts(settings),
        threads=settings.upstream.threads,
        observer_of=lambda key: metrics.provider(*key).count_request,
    )


def warn_of_open_endpoints(settings: Settings) -> None:
    """Say in the log that whoever may create a Provider chooses where this process connects to."""
    if not settings.endpoints.allow:
        why = "without --allow-endpoint a Provider may name any address that this process can reach"
        _logger.warning("endpoints.open", extra={"why": why})


def _make_guard(settings: Settings) -> EndpointGuard:
    return EndpointGuard(
        EndpointPolicy(allowed=settings.endpoints.allow, refused_networks=settings.endpoints.service_ranges)
    )


def _read_timeouts(settings: Settings) -> Timeouts:
    return Timeouts(connect_s=settings.upstream.connect_timeout_s, read_s=settings.upstream.read_timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """How the outer world is reached; tests that break it wrap these and change nothing else.

    Attributes:
        drivers: what can be moved.
        factories: what connects to a Provider, by ``spec.type``.
        statuses: what writes statuses.
        resources: what reads, creates and changes objects.
    """

    drivers: Drivers = DRIVERS
    factories: Callable[[Drivers, Net], Mapping[str, BackendFactory]] = Drivers.factories
    statuses: Callable[[KubeClient], Statuses] = StatusWriter
    resources: Callable[[KubeClient], ResourceClient] = ResourceClient


def read_periods(settings: Settings) -> Periods:
    """Return the periods, limits and timeouts that the controllers need."""
    protocol, timeouts, polling = settings.protocol, settings.timeouts, settings.polling
    return Periods(
        timings=Timings(
            adopt_after_s=protocol.adopt_after_s,
            start_grace_s=protocol.start_grace_s,
            record_poll_s=protocol.record_poll_s,
            verb_repeat_s=protocol.verb_repeat_s,
            progress_period_s=polling.progress_period_s,
            sweep_period_s=polling.sweep_period_s,
            retry_s=timeouts.retry_s,
            start_lost_s=timeouts.start_lost_s,
            stale_record_s=timeouts.stale_record_s,
            confirm_window_s=timeouts.confirm_margin_s,
            finalizer_s=timeouts.finalizer_s,
            run_poll_s=polling.run_poll_s,
            run_poll_max_s=polling.run_poll_max_s,
            not_started_s=timeouts.not_started_s,
            cleanup_s=timeouts.cleanup_s,
        ),
        provider=ProviderPeriods(
            sweep_s=polling.sweep_period_s,
            full_sweep_s=polling.full_sweep_period_s,
            secret_s=polling.secret_period_s,
        ),
        call_before_s=protocol.call_before_s,
        relist_period_s=polling.relist_period_s,
        workers=settings.controllers.workers,
    )
