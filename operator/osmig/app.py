"""The composition root: builds everything, owns the order of start and stop (docs/architecture.md)."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import socket
import sys
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from osmig import __version__
from osmig.bare_kopf import Identity, kopf
from osmig.clock import SystemClock
from osmig.controllers.build import Controllers, build_controllers
from osmig.controllers.keys import RESOURCES
from osmig.controllers.parts import Dependencies
from osmig.domain.errors import LeadershipLost, OperatorError
from osmig.handlers import Login, build_registry, build_settings
from osmig.kube.client import KubeClient, connect
from osmig.kube.events import EventRecorder
from osmig.kube.lease import Lease, LeaseTimings, make_identity
from osmig.kube.secrets import SecretReader
from osmig.net.heap import give_memory_back
from osmig.net.threads import take_short_turns
from osmig.patient_kopf import make_patient
from osmig.telemetry.health import HealthServer
from osmig.telemetry.logs import configure_logging
from osmig.telemetry.metrics import Metrics
from osmig.telemetry.probes import LoopLag, Readiness, Role
from osmig.wiring import Ports, make_net, read_periods, warn_of_open_endpoints

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from osmig.settings import Settings

_logger = logging.getLogger("osmig")

STOPPED, FAILED = 0, 1
KOPF_STOP_S = 3.0
EVENTS_DRAIN_S = 2.0
LOGIN_LIFETIME = timedelta(minutes=10)


def run(settings: Settings, ports: Ports | None = None) -> int:
    """Run the operator until SIGTERM, SIGINT or the loss of the Lease; never returns normally.

    The process ends by itself with status 0 after a signal and 1 after a loss or failure, even if a worker thread
    still waits for an answer: what it waits for is on record as an intent.
    """
    take_short_turns()
    give_memory_back()
    logs = configure_logging(
        log_format=settings.log.format, level=settings.log.level, stream=sys.stderr, environ=os.environ
    )
    return asyncio.run(_run_to_end(_Operator(settings, ports or Ports()), logs))


async def _run_to_end(operator: _Operator, logs: logging.Handler) -> NoReturn:
    """End the process from inside the loop, and with it whatever still runs.

    asyncio.run() would cancel all tasks and wait for them; kopf's watcher waits for ever when its own tasks are
    cancelled beside it while it has objects at hand, as seen with kopf 1.45.
    """
    try:
        status = await operator.run()
    except OperatorError as error:
        _logger.error("operator.failed", extra={"reason": error.reason, "why": error.message})  # noqa: TRY400 - the message says it all
        status = FAILED
    logs.flush()
    os._exit(status)


@dataclass(slots=True)
class _Operator:
    settings: Settings
    ports: Ports
    clock: SystemClock = field(default_factory=SystemClock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    lease: Lease | None = None
    is_leader: bool = False
    controllers: Controllers | None = None
    has_listed: bool = False

    async def run(self) -> int:
        """Wait for the Lease, lead, and stop in order."""
        self._catch_signals()
        metrics = Metrics(self.clock)
        lag = LoopLag(self.clock, record=metrics.set_event_loop_lag)
        async with AsyncExitStack() as stack:
            health = HealthServer(
                host=self.settings.http.host,
                port=self.settings.http.port,
                metrics=metrics,
                clock=self.clock,
                live=lag.judge,
                ready=lambda: self._readiness().judge(),
            )
            await health.start()
            stack.push_async_callback(health.stop)
            lag_task = asyncio.create_task(lag.run(), name="loop lag")
            stack.callback(lag_task.cancel)
            client = await stack.enter_async_context(self._connect(metrics))
            # renewals must not wait in line behind other calls
            self.lease = lease = self._make_lease(await stack.enter_async_context(self._connect(metrics)))
            _logger.info("operator.started", extra={"version": __version__, "holder": lease.identity})
            warn_of_open_endpoints(self.settings)
            if not await self._until_stopped(lease.acquire()):
                return STOPPED
            self.is_leader = True
            metrics.set_leader(leading=True)
            return await self._lead(client, lease, metrics)

    def _connect(self, metrics: Metrics) -> Any:  # noqa: ANN401 - an async context manager of a KubeClient
        return connect(
            kubeconfig=self.settings.kubernetes.kubeconfig,
            clock=self.clock,
            on_request=metrics.count_kube_request,
        )

    def _readiness(self) -> Readiness:
        role = Role.STANDBY if self.lease is not None and self.lease.was_read else Role.STARTING
        if self.is_leader:
            role = Role.LEADER
        has_swept = self.controllers is not None and self.controllers.first_sweep.is_over()
        return Readiness(role=role, has_listed=self.has_listed, has_swept=has_swept)

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop.set)

    async def _until_stopped(self, work: Coroutine[Any, Any, object]) -> bool:
        """Do ``work`` unless a signal comes first; say whether it was done."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self.stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not task.done():
            task.cancel()
            return False
        task.result()
        return True

    def _make_lease(self, client: KubeClient) -> Lease:
        lease = self.settings.lease
        return Lease(
            client,
            self.clock,
            random.random,
            namespace=lease.namespace,
            name=lease.name,
            identity=make_identity(socket.gethostname(), uuid.uuid4().hex[:12]),
            timings=LeaseTimings(
                duration_s=lease.duration_s, renew_deadline_s=lease.renew_deadline_s, period_s=lease.period_s
            ),
        )

    async def _lead(self, client: KubeClient, lease: Lease, metrics: Metrics) -> int:
        """Work until a signal comes or something that must not end does."""
        events = EventRecorder(client, self.clock, lambda: uuid.uuid4().hex[:16], reporting_instance=lease.identity)
        self.controllers = controllers = build_controllers(
            Dependencies(
                clock=self.clock,
                random=random.random,
                metrics=metrics,
                resources=self.ports.resources(client),
                statuses=self.ports.statuses(client),
                secrets=SecretReader(client),
                events=events,
                drivers=self.ports.drivers,
                factories=self.ports.factories(self.ports.drivers, make_net(self.settings, metrics)),
                fence=lease.fence,
                holder=uuid.uuid4().hex[:16],
                namespaces=self.settings.kubernetes.namespaces,
            ),
            read_periods(self.settings),
        )
        leasing = asyncio.create_task(lease.hold(), name="hold the Lease")
        posting = asyncio.create_task(events.run(), name="post events")
        working = asyncio.create_task(self._work(controllers), name="work")
        kopf_stop = asyncio.Event()
        watching = asyncio.create_task(self._watch(client, controllers, kopf_stop), name="watch")
        stopped = asyncio.create_task(self.stop.wait(), name="wait for a signal")
        await asyncio.wait({leasing, posting, working, watching, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if leasing.done():
            return _report_lost_lease(leasing)
        status = STOPPED if stopped.done() else _report_failure(working, watching, posting)
        working.cancel()
        await controllers.scheduler.drain(self.settings.controllers.drain_timeout_s)
        controllers.sessions.stop_listing()
        await events.drain(EVENTS_DRAIN_S)
        kopf_stop.set()
        await asyncio.wait({watching}, timeout=KOPF_STOP_S)
        leasing.cancel()
        await asyncio.wait({leasing})
        await lease.release()
        await controllers.sessions.close_all()
        _logger.info("operator.stopped", extra={"status": status})
        return status

    async def _work(self, controllers: Controllers) -> None:
        """List everything once, then step whatever is due and list again from time to time."""
        await controllers.relist.first()
        controllers.first_sweep.begin()
        self.has_listed = True
        relisting = asyncio.create_task(controllers.relist.run(), name="relist")
        try:
            await controllers.scheduler.run()
        finally:
            relisting.cancel()

    async def _watch(self, client: KubeClient, controllers: Controllers, kopf_stop: asyncio.Event) -> None:
        """Let kopf watch until told to stop."""
        kinds = {resource.plural: kind for kind, resource in RESOURCES.items()}
        make_patient(self.clock, kinds, lambda plural, body: controllers.intake.knows(kinds[plural], body))
        ready = asyncio.Event()
        namespaces = self.settings.kubernetes.namespaces
        running = kopf.operator(
            registry=build_registry(controllers.intake, Login(client.credentials, self.clock, LOGIN_LIFETIME)),
            settings=build_settings(),
            standalone=True,
            # Nobody reads it; without one kopf asks for the user's name, and the user of a pod has none.
            identity=Identity("osmig"),
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=kopf_stop,
            ready_flag=ready,
        )
        retaking = asyncio.create_task(self._retake_signals(ready), name="retake signals")
        try:
            await running
        finally:
            retaking.cancel()

    async def _retake_signals(self, ready: asyncio.Event) -> None:
        """Take the signals back from kopf, whose own way to stop takes 5 s."""
        await ready.wait()
        self._catch_signals()


def _report_lost_lease(leasing: asyncio.Task[None]) -> int:
    error = leasing.exception()
    reason = error.reason if isinstance(error, LeadershipLost) else type(error).__name__
    _logger.error("lease.lost", extra={"reason": reason})
    return FAILED


def _report_failure(*tasks: asyncio.Task[None]) -> int:
    for task in tasks:
        if task.done() and not task.cancelled():
            error = task.exception()
            _logger.error("operator.failed", extra={"task": task.get_name(), "reason": type(error).__name__})
    return FAILED
