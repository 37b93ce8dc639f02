"""The one object through which the controllers count: typed methods over a registry of its own."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric

from osmig import __version__
from osmig.api.names import ControlResult
from osmig.telemetry import catalogue
from osmig.telemetry.labels import find_word
from osmig.telemetry.migrations import MigrationCollector
from osmig.telemetry.plans import PlanCollector
from osmig.telemetry.providers import ProviderCollectors, ProviderMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from osmig.api.migration_status import Control
    from osmig.api.names import Kind
    from osmig.api.plan_status import PlanControl
    from osmig.domain.clock import Clock
    from osmig.telemetry.migrations import MigrationSample
    from osmig.telemetry.plans import PlanSample

    AnyControl = Control | PlanControl


class Metrics:
    """Everything that osmig counts; also the collector that ``/metrics`` renders.

    Nothing here waits. Methods that count, and ``collect``, may be called from any thread; all others belong to the
    event loop's thread.
    """

    def __init__(self, clock: Clock) -> None:
        registry = CollectorRegistry(auto_describe=True)
        self._registry = registry
        self._migrations = MigrationCollector(clock)
        self._plans = PlanCollector(clock)
        self._providers = ProviderCollectors(registry)
        self._controls = catalogue.CONTROL_REQUESTS.counter(registry)
        self._duplicates = catalogue.DUPLICATE_STARTS.counter(registry)
        self._leftovers = catalogue.FINALIZER_LEFTOVERS.counter(registry)
        self._kube_requests = catalogue.KUBE_REQUESTS.counter(registry)
        self._kube_durations = catalogue.KUBE_REQUEST_DURATION.histogram(registry)
        self._reconciles = catalogue.RECONCILES.counter(registry)
        self._reconcile_durations = catalogue.RECONCILE_DURATION.histogram(registry)
        self._queue_depth = catalogue.QUEUE_DEPTH.gauge(registry)
        self._oldest_due = catalogue.OLDEST_DUE.gauge(registry)
        self._loop_lag = catalogue.EVENT_LOOP_LAG.gauge(registry)
        self._leader = catalogue.LEADER.gauge(registry)
        catalogue.BUILD.gauge(registry).labels(__version__, platform.python_version()).set(1)
        registry.register(self._migrations)
        registry.register(self._plans)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every family, without the ``_created`` series that double each counter and that no rule here reads."""
        for family in self._registry.collect():
            kept = Metric(family.name, family.documentation, family.type, family.unit)
            kept.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield kept

    def provider(self, namespace: str, name: str) -> ProviderMetrics:
        """Return the view for one Provider that exists."""
        self._providers.admit((namespace, name))
        return ProviderMetrics(self._providers, namespace, name)

    def forget_provider(self, namespace: str, name: str) -> None:
        """Drop every series of a deleted Provider."""
        self._providers.forget((namespace, name))

    def count_outcome(
        self, namespace: str, provider: str, *, migration_type: str, outcome: str, reason: str, duration_s: float | None
    ) -> None:
        """Count one ended attempt; without its Provider's name if there is no such Provider.

        Args:
            namespace: of the Migration and its Provider.
            provider: as the Migration names it.
            migration_type: its type.
            outcome: the phase in which it ended.
            reason: why.
            duration_s: since its intent, ``None`` when nothing was ever sent.
        """
        labels = (*self._providers.name_existing((namespace, provider)), migration_type, outcome)
        self._providers.outcomes.labels(*labels, find_word("reason", reason)).inc()
        if duration_s is not None:
            self._providers.durations.labels(*labels).observe(duration_s)

    def observe_migration(self, sample: MigrationSample) -> None:
        """Replace what is known of one Migration; call it for every object listed and after every step."""
        self._migrations.observe(sample)

    def forget_migration(self, namespace: str, name: str) -> None:
        """Drop the series of a deleted Migration at once."""
        self._migrations.forget(namespace, name)

    def observe_plan(self, sample: PlanSample) -> None:
        """Replace what is known of one MigrationPlan; call it after every step."""
        self._plans.observe(sample)

    def forget_plan(self, namespace: str, name: str) -> None:
        """Drop the series of a deleted MigrationPlan at once."""
        self._plans.forget(namespace, name)

    def count_controls(self, kind: Kind, before: Iterable[AnyControl], after: Iterable[AnyControl]) -> None:
        """Count the verbs that have their final result after a step of an object, and had another or none before."""
        known = {control.verb: (control.token, control.result) for control in before}
        for control in after:
            is_new = known.get(control.verb) != (control.token, control.result)
            if is_new and control.result is not ControlResult.ACCEPTED:
                self._controls.labels(kind, control.verb, control.result).inc()

    def count_duplicate_start(self) -> None:
        """Count an attempt for which a second upstream migration was found."""
        self._duplicates.inc()

    def count_finalizer_leftover(self, namespace: str) -> None:
        """Count a deleted Migration that was let go although its move could not be ended in time."""
        self._leftovers.labels(namespace).inc()

    def count_kube_request(self, operation: str, code: int | str, duration_s: float) -> None:
        """Count one request to the API server; ``code`` says what happened when no status came."""
        self._kube_requests.labels(operation, find_word("code", code)).inc()
        self._kube_durations.labels(operation).observe(duration_s)

    def count_reconcile(self, result: str, *, duration_s: float) -> None:
        """Count one step and how long it took."""
        self._reconciles.labels(result).inc()
        self._reconcile_durations.observe(duration_s)

    def follow_queue(self, *, depth: Callable[[], float], oldest_due_s: Callable[[], float]) -> None:
        """Ask the scheduler at each scrape, in the thread that calls ``collect``: both must bear that."""
        self._queue_depth.set_function(depth)
        self._oldest_due.set_function(oldest_due_s)

    def set_event_loop_lag(self, lag_s: float) -> None:
        """Record how late the event loop woke the measuring task."""
        self._loop_lag.set(lag_s)

    def set_leader(self, *, leading: bool) -> None:
        """Record whether this process holds the Lease."""
        self._leader.set(leading)
