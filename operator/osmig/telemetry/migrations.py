"""The newest sample of every Migration, turned into gauges at the moment of a scrape so that no count is ever stale."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from osmig.api.migration_status import Progress
from osmig.api.names import ConditionStatus, ConditionType, ControlResult, Phase
from osmig.domain.phases import WAITING
from osmig.telemetry import catalogue
from osmig.telemetry.labels import find_host, find_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from prometheus_client.core import Metric

    from osmig.api.meta import Condition
    from osmig.api.migration import Migration
    from osmig.api.migration_status import Transfer
    from osmig.domain.clock import Clock
    from osmig.telemetry.family import Family

LINGER = timedelta(minutes=10)
SERVER_IN_ERROR = "ERROR"
"""Nova's word, as ``status.server.status`` has it."""


@dataclass(frozen=True, slots=True)
class MigrationSample:
    """What the metrics say about one Migration object.

    Attributes:
        reason: of the condition ``Succeeded``; empty before the first step.
        hosts: source and destination, as ``status.placement`` has them.
        started_at: ``status.startTime``.
        progressed_at: ``status.progress.lastProgressTime``.
        finished_at: ``status.completionTime``; ``None`` while the Migration is not finished.
        deadline_at: ``status.deadlineTime``.
        confirm_deadline_at: ``status.confirm.deadlineTime``.
        throughput_bytes_per_s: ``status.progress.throughputBytesPerSecond``.
        eta_s: ``status.progress.etaSeconds``.
        is_converging: the condition ``Converging``; ``None`` while it is absent or Unknown.
        is_late: upstream says so; ``None`` where it says no such thing, and after the end.
        items: ``status.progress.items``: ``total``, ``done`` and ``failed``.
        oldest_order_at: of ``status.controls``, the earliest ``time`` of those that are ``Accepted``.
        is_server_in_error: whether ``status.server.status`` is ERROR; ``None`` before the start.
        volumes: by medium, ``memory`` or ``disk``.
    """

    namespace: str
    name: str
    provider: str
    type: str
    phase: str
    reason: str = ""
    hosts: tuple[str | None, str | None] = (None, None)
    started_at: datetime | None = None
    progressed_at: datetime | None = None
    finished_at: datetime | None = None
    deadline_at: datetime | None = None
    confirm_deadline_at: datetime | None = None
    throughput_bytes_per_s: int | None = None
    eta_s: int | None = None
    is_converging: bool | None = None
    is_late: bool | None = None
    items: Mapping[str, int] = field(default_factory=dict)
    oldest_order_at: datetime | None = None
    is_server_in_error: bool | None = None
    volumes: Mapping[str, Transfer] = field(default_factory=dict)


def sample_migration(migration: Migration) -> MigrationSample:
    """Take from an object what the metrics say about it."""
    status = migration.status
    progress, placement = status.progress or Progress(), status.placement
    media = {"memory": progress.memory, "disk": progress.disk}
    accepted = (control.time for control in status.controls if control.result is ControlResult.ACCEPTED)
    return MigrationSample(
        namespace=migration.metadata.namespace,
        name=migration.metadata.name,
        provider=migration.spec.provider_ref.name,
        type=migration.spec.type,
        phase=status.phase or Phase.PENDING,
        reason=next((entry.reason for entry in status.conditions if entry.type == ConditionType.SUCCEEDED), ""),
        hosts=(placement.source_host, placement.destination_host) if placement else (None, None),
        started_at=status.start_time,
        progressed_at=progress.last_progress_time,
        finished_at=status.completion_time,
        deadline_at=status.deadline_time,
        confirm_deadline_at=status.confirm.deadline_time if status.confirm else None,
        throughput_bytes_per_s=progress.throughput_bytes_per_second,
        eta_s=progress.eta_seconds,
        is_converging=_read_converging(status.conditions),
        is_late=status.is_late if status.completion_time is None else None,
        items=progress.items.model_dump(include={"total", "done", "failed"}) if progress.items else {},
        oldest_order_at=min(accepted, default=None),
        is_server_in_error=status.server.status == SERVER_IN_ERROR if status.start_time and status.server else None,
        volumes={medium: transfer for medium, transfer in media.items() if transfer},
    )


def _read_converging(conditions: Iterable[Condition]) -> bool | None:
    """Return what the condition says, ``None`` for Unknown."""
    known = {ConditionStatus.TRUE: True, ConditionStatus.FALSE: False}
    found = (known.get(entry.status) for entry in conditions if entry.type == ConditionType.CONVERGING)
    return next(found, None)


@dataclass(frozen=True, slots=True)
class _Entry:
    sample: MigrationSample
    earlier_phases: frozenset[str]


class MigrationCollector:
    """A Prometheus collector over the newest samples.

    Written by the event loop and read by the thread that renders a scrape: every read starts from one atomic copy.
    """

    def __init__(self, clock: Clock) -> None:
        """Take the clock that decides when a finished Migration's own series end."""
        self._clock = clock
        self._entries: dict[tuple[str, str], _Entry] = {}

    def observe(self, sample: MigrationSample) -> None:
        """Replace what is known of the Migration that the sample names."""
        key = (sample.namespace, sample.name)
        known = self._entries.get(key)
        earlier = known.earlier_phases | {known.sample.phase} if known else frozenset()
        self._entries[key] = _Entry(sample, earlier - {sample.phase})

    def forget(self, namespace: str, name: str) -> None:
        """Drop every series of a deleted Migration; unknown ones are ignored."""
        self._entries.pop((namespace, name), None)

    def describe(self) -> Iterable[Metric]:
        """Name the families, so that the registry refuses a second collector for one of them."""
        return _render((), ())

    def collect(self) -> Iterable[Metric]:
        """Build all families from the newest samples."""
        entries = tuple(self._entries.values())
        oldest_shown = self._clock.now() - LINGER
        shown = [e for e in entries if e.sample.finished_at is None or e.sample.finished_at > oldest_shown]
        return _render(entries, shown)


def _render(entries: Sequence[_Entry], shown: Sequence[_Entry]) -> list[Metric]:
    samples = [entry.sample for entry in shown]
    return [
        _counts(entry.sample for entry in entries),
        _waiting(entry.sample for entry in entries),
        _phases(shown),
        _names(samples),
        _instants(catalogue.MIGRATION_START, samples, lambda s: s.started_at),
        _instants(catalogue.MIGRATION_LAST_PROGRESS, samples, lambda s: s.progressed_at),
        _instants(catalogue.MIGRATION_DEADLINE, samples, lambda s: s.deadline_at),
        _instants(catalogue.MIGRATION_CONFIRM_DEADLINE, samples, lambda s: s.confirm_deadline_at),
        _volumes(catalogue.MIGRATION_DATA_TOTAL, samples, lambda volume: volume.total_bytes),
        _volumes(catalogue.MIGRATION_DATA_PROCESSED, samples, lambda volume: volume.processed_bytes),
        _volumes(catalogue.MIGRATION_DATA_REMAINING, samples, lambda volume: volume.remaining_bytes),
        _numbers(catalogue.MIGRATION_THROUGHPUT, samples, lambda s: s.throughput_bytes_per_s),
        _numbers(catalogue.MIGRATION_ETA, samples, lambda s: s.eta_s),
        _numbers(catalogue.MIGRATION_CONVERGING, samples, lambda s: s.is_converging),
        _numbers(catalogue.MIGRATION_LATE, samples, lambda s: s.is_late),
        _items(samples),
        _instants(catalogue.MIGRATION_OLDEST_ORDER, samples, lambda s: s.oldest_order_at),
        _numbers(catalogue.MIGRATION_SERVER_IN_ERROR, samples, lambda s: s.is_server_in_error),
    ]


def _counts(samples: Iterable[MigrationSample]) -> Metric:
    family = catalogue.MIGRATIONS.scraped()
    counts = Counter((s.namespace, s.provider, s.type, s.phase) for s in samples)
    for labels, count in sorted(counts.items()):
        family.add_metric(labels, count)
    return family


def _waiting(samples: Iterable[MigrationSample]) -> Metric:
    family = catalogue.MIGRATIONS_WAITING.scraped()
    waiting = (s for s in samples if s.phase in WAITING)
    counts = Counter((s.namespace, s.provider, s.type, s.reason and find_word("reason", s.reason)) for s in waiting)
    for labels, count in sorted(counts.items()):
        family.add_metric(labels, count)
    return family


def _names(samples: Iterable[MigrationSample]) -> Metric:
    family = catalogue.MIGRATION_INFO.scraped()
    for s in samples:
        family.add_metric((s.namespace, s.provider, s.name, *map(find_host, s.hosts)), 1)
    return family


def _phases(entries: Iterable[_Entry]) -> Metric:
    family = catalogue.MIGRATION_PHASE.scraped()
    for entry in entries:
        sample = entry.sample
        for phase in sorted(entry.earlier_phases):
            family.add_metric((sample.namespace, sample.name, sample.type, phase), 0)
        family.add_metric((sample.namespace, sample.name, sample.type, sample.phase), 1)
    return family


def _instants(
    declared: Family, samples: Iterable[MigrationSample], select: Callable[[MigrationSample], datetime | None]
) -> Metric:
    return _numbers(declared, samples, lambda sample: instant.timestamp() if (instant := select(sample)) else None)


def _numbers(
    declared: Family, samples: Iterable[MigrationSample], select: Callable[[MigrationSample], float | None]
) -> Metric:
    family = declared.scraped()
    for sample in samples:
        value = select(sample)
        if value is not None:
            family.add_metric((sample.namespace, sample.name), value)
    return family


def _items(samples: Iterable[MigrationSample]) -> Metric:
    family = catalogue.MIGRATION_ITEMS.scraped()
    for sample in samples:
        for state, count in sample.items.items():
            family.add_metric((sample.namespace, sample.name, state), count)
    return family


def _volumes(declared: Family, samples: Iterable[MigrationSample], select: Callable[[Transfer], int | None]) -> Metric:
    family = declared.scraped()
    for sample in samples:
        for medium, volume in sorted(sample.volumes.items()):
            value = select(volume)
            if value is not None:
                family.add_metric((sample.namespace, sample.name, medium), value)
    return family
