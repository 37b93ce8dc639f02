"""What `/metrics` says after the engine counted, and what it stops saying."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import osmig
from api_samples import full_migration_spec, full_migration_status, migration_body
from fake_clock import FakeClock
from osmig.api.migration import parse_migration
from osmig.api.migration_status import Transfer
from osmig.telemetry.catalogue import FAMILIES, MIGRATIONS
from osmig.telemetry.metrics import Metrics
from osmig.telemetry.migrations import MigrationCollector, MigrationSample, sample_migration

MOVE = MigrationSample(namespace="shop", name="db-07", provider="one", type="LiveMigration", phase="Running")
LABELS = {"namespace": "shop", "name": "db-07"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def metrics(clock: FakeClock) -> Metrics:
    return Metrics(clock)


def scrape(metrics: Metrics, series: str, /, **labels: str) -> list[float]:
    """Return the values of all series of that name with at least these labels, as a scraper reads them."""
    text = generate_latest(metrics).decode()
    return [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == series and labels.items() <= sample.labels.items()
    ]


def test_migrations_are_counted_by_phase_and_an_old_phase_is_not_counted(metrics: Metrics) -> None:
    metrics.observe_migration(replace(MOVE, phase="Queued"))
    metrics.observe_migration(MOVE)
    metrics.observe_migration(replace(MOVE, name="db-08"))

    assert scrape(metrics, "osmig_migrations", provider="one", type="LiveMigration", phase="Running") == [2]
    assert scrape(metrics, "osmig_migrations", phase="Queued") == []


def test_an_earlier_phase_reads_zero_so_that_range_functions_let_go_of_it(metrics: Metrics) -> None:
    metrics.observe_migration(replace(MOVE, phase="Queued"))
    metrics.observe_migration(MOVE)
    assert scrape(metrics, "osmig_migration_phase", phase="Queued") == [0]
    assert scrape(metrics, "osmig_migration_phase", phase="Running", type="LiveMigration", **LABELS) == [1]

    metrics.observe_migration(replace(MOVE, phase="Queued"))
    assert scrape(metrics, "osmig_migration_phase", phase="Queued") == [1]
    assert scrape(metrics, "osmig_migration_phase", phase="Running") == [0]


def test_instants_and_bytes_appear_only_when_known(metrics: Metrics, clock: FakeClock) -> None:
    metrics.observe_migration(MOVE)
    assert scrape(metrics, "osmig_migration_start_timestamp_seconds") == []
    assert scrape(metrics, "osmig_migration_data_remaining_bytes") == []

    metrics.observe_migration(
        replace(
            MOVE,
            started_at=clock.now(),
            progressed_at=clock.now() + timedelta(seconds=5),
            volumes={"memory": Transfer(total_bytes=100, remaining_bytes=0), "disk": Transfer(processed_bytes=7)},
        )
    )

    began = clock.now().timestamp()
    assert scrape(metrics, "osmig_migration_start_timestamp_seconds", **LABELS) == [began]
    assert scrape(metrics, "osmig_migration_last_progress_timestamp_seconds", **LABELS) == [began + 5]
    assert scrape(metrics, "osmig_migration_data_total_bytes", medium="memory", **LABELS) == [100]
    assert scrape(metrics, "osmig_migration_data_total_bytes", medium="disk") == []
    assert scrape(metrics, "osmig_migration_data_processed_bytes", medium="disk", **LABELS) == [7]
    assert scrape(metrics, "osmig_migration_data_remaining_bytes", medium="memory", **LABELS) == [0]


PER_MOVE = {
    "osmig_migration_deadline_timestamp_seconds": ("deadline_at", datetime(2026, 11, 21, tzinfo=UTC), 1_795_219_200),
    "osmig_migration_confirm_deadline_timestamp_seconds": (
        "confirm_deadline_at",
        datetime(2026, 11, 22, tzinfo=UTC),
        1_795_305_600,
    ),
    "osmig_migration_throughput_bytes_per_second": ("throughput_bytes_per_s", 125_000_000, 125_000_000),
    "osmig_migration_eta_seconds": ("eta_s", 0, 0),
    "osmig_migration_converging": ("is_converging", False, 0),
}


@pytest.mark.parametrize("series", PER_MOVE)
def test_a_fact_of_one_move_is_served_when_it_is_known_and_ends_with_the_others(
    metrics: Metrics, clock: FakeClock, series: str
) -> None:
    field, value, served = PER_MOVE[series]
    metrics.observe_migration(MOVE)
    assert scrape(metrics, series) == []

    metrics.observe_migration(replace(MOVE, **{field: value}))
    assert scrape(metrics, series, **LABELS) == [served]

    metrics.observe_migration(replace(MOVE, phase="Failed", finished_at=clock.now(), **{field: value}))
    clock.advance(600)
    assert scrape(metrics, series) == []


def test_series_of_one_migration_end_ten_minutes_after_it_and_its_count_stays(
    metrics: Metrics, clock: FakeClock
) -> None:
    metrics.observe_migration(replace(MOVE, phase="Succeeded", started_at=clock.now(), finished_at=clock.now()))

    clock.advance(599)
    assert scrape(metrics, "osmig_migration_phase") == [1]
    clock.advance(1)
    assert scrape(metrics, "osmig_migration_phase") == []
    assert scrape(metrics, "osmig_migration_start_timestamp_seconds") == []
    assert scrape(metrics, "osmig_migrations", phase="Succeeded") == [1]


def test_a_deleted_migration_is_gone_at_once_and_an_unknown_one_is_no_error(metrics: Metrics) -> None:
    metrics.observe_migration(MOVE)

    metrics.forget_migration("shop", "db-07")
    metrics.forget_migration("shop", "db-07")

    assert scrape(metrics, "osmig_migrations") == []
    assert scrape(metrics, "osmig_migration_phase") == []


def test_a_sample_is_taken_from_the_object() -> None:
    body = migration_body(spec=full_migration_spec(), status=full_migration_status())
    migration = parse_migration(body)

    sample = sample_migration(migration)

    assert (sample.namespace, sample.name) == (migration.metadata.namespace, migration.metadata.name)
    assert sample.provider == migration.spec.provider_ref.name
    assert sample.type == "LiveMigration"
    assert sample.phase == migration.status.phase
    assert sample.started_at == migration.status.start_time
    assert sample.finished_at == migration.status.completion_time
    assert migration.status.progress is not None
    assert sample.progressed_at == migration.status.progress.last_progress_time
    assert sample.volumes["memory"] == migration.status.progress.memory


def test_deadlines_speed_and_the_gate_are_taken_from_the_object() -> None:
    status = full_migration_status()
    progress = status["progress"] | {"throughputBytesPerSecond": 125_000_000, "etaSeconds": 12}
    gate = {"deadlineTime": "2026-11-22T06:00:00Z"}
    more = {"deadlineTime": "2026-11-21T14:00:00Z", "confirm": gate, "progress": progress}

    sample = sample_migration(parse_migration(migration_body(status=status | more)))

    assert sample.deadline_at == datetime(2026, 11, 21, 14, tzinfo=UTC)
    assert sample.confirm_deadline_at == datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert (sample.throughput_bytes_per_s, sample.eta_s) == (125_000_000, 12)


@pytest.mark.parametrize(("said", "expected"), [("True", True), ("False", False), ("Unknown", None), (None, None)])
def test_a_move_converges_as_its_condition_says_and_nobody_knows_without_one(
    *, said: str | None, expected: bool | None
) -> None:
    condition = {"type": "Converging", "reason": "Flat", "message": "", "lastTransitionTime": "2026-11-21T10:00:00Z"}
    conditions = [*full_migration_status()["conditions"], *([condition | {"status": said}] if said else [])]

    sample = sample_migration(parse_migration(migration_body(status={"conditions": conditions})))

    assert sample.is_converging is expected


def test_a_migration_without_status_is_pending() -> None:
    sample = sample_migration(parse_migration(migration_body()))

    assert sample.phase == "Pending"
    assert sample.started_at is None
    assert sample.volumes == {}
    assert (sample.deadline_at, sample.confirm_deadline_at, sample.is_converging) == (None, None, None)


def test_outcomes_count_attempts_and_the_duration_only_of_those_that_were_sent(metrics: Metrics) -> None:
    provider = metrics.provider("shop", "one")
    provider.count_outcome(migration_type="LiveMigration", outcome="Failed", reason="NoValidHost", duration_s=7)
    provider.count_outcome(migration_type="LiveMigration", outcome="Failed", reason="ServerNotFound", duration_s=None)

    labels = {"namespace": "shop", "provider": "one", "type": "LiveMigration", "outcome": "Failed"}
    assert scrape(metrics, "osmig_migration_outcomes_total", reason="NoValidHost", **labels) == [1]
    assert scrape(metrics, "osmig_migration_outcomes_total", reason="ServerNotFound", **labels) == [1]
    assert scrape(metrics, "osmig_migration_duration_seconds_count", **labels) == [1]
    assert scrape(metrics, "osmig_migration_duration_seconds_sum", **labels) == [7]


def test_requests_are_counted_by_code_and_timed_without_it(metrics: Metrics) -> None:
    provider = metrics.provider("shop", "one")
    provider.count_request("compute", "live-migrate", 202, 0.2)
    provider.count_request("compute", "live-migrate", "timeout", 60)

    labels = {"namespace": "shop", "provider": "one", "service": "compute", "operation": "live-migrate"}
    assert scrape(metrics, "osmig_api_requests_total", code="202", **labels) == [1]
    assert scrape(metrics, "osmig_api_requests_total", code="timeout", **labels) == [1]
    assert scrape(metrics, "osmig_api_request_duration_seconds_count", **labels) == [2]


def test_a_foreign_status_that_is_gone_reads_zero(metrics: Metrics) -> None:
    provider = metrics.provider("shop", "one")
    provider.set_foreign({"running": 3, "queued": 1})
    provider.set_foreign({"running": 2})

    assert scrape(metrics, "osmig_foreign_migrations", status="running") == [2]
    assert scrape(metrics, "osmig_foreign_migrations", status="queued") == [0]


def test_foreign_migrations_that_hang_are_counted_anew_each_time(metrics: Metrics) -> None:
    provider = metrics.provider("shop", "one")
    provider.set_stale_foreign(2)
    provider.set_stale_foreign(1)

    assert scrape(metrics, "osmig_stale_foreign_migrations", namespace="shop", provider="one") == [1]


def test_a_provider_is_up_or_not(metrics: Metrics) -> None:
    provider = metrics.provider("shop", "one")
    provider.set_up(up=True)
    assert scrape(metrics, "osmig_provider_up", namespace="shop", provider="one") == [1]
    provider.set_up(up=False)
    assert scrape(metrics, "osmig_provider_up", namespace="shop", provider="one") == [0]


def test_a_forgotten_provider_takes_all_its_series_along_and_no_others(metrics: Metrics) -> None:
    for name in ("one", "two"):
        provider = metrics.provider("shop", name)
        provider.set_up(up=True)
        provider.set_foreign({"running": 1})
        provider.set_stale_foreign(1)
        provider.count_request("compute", "list", 200, 0.1)
        provider.count_outcome(migration_type="LiveMigration", outcome="Failed", reason="StartLost", duration_s=1)

    metrics.forget_provider("shop", "one")
    metrics.forget_provider("shop", "never-seen")

    text = generate_latest(metrics).decode()
    assert 'provider="one"' not in text
    assert text.count('provider="two"') > 4
    metrics.provider("shop", "one").set_foreign({"queued": 1})
    assert scrape(metrics, "osmig_foreign_migrations", provider="one") == [1]


def test_counters_of_the_process_are_one_call_each(metrics: Metrics) -> None:
    metrics.count_control("abort", "Done")
    metrics.count_duplicate_start()
    metrics.count_finalizer_leftover("shop")
    metrics.count_kube_request("update migrations/status", "409", 0.1)
    metrics.count_reconcile("success", duration_s=0.2)
    metrics.set_event_loop_lag(0.5)

    assert scrape(metrics, "osmig_control_requests_total", verb="abort", result="Done") == [1]
    assert scrape(metrics, "osmig_duplicate_starts_total") == [1]
    assert scrape(metrics, "osmig_finalizer_leftovers_total", namespace="shop") == [1]
    assert scrape(metrics, "osmig_kube_requests_total", operation="update migrations/status", code="409") == [1]
    assert scrape(metrics, "osmig_kube_request_duration_seconds_sum") == [0.1]
    assert scrape(metrics, "osmig_reconcile_total", result="success") == [1]
    assert scrape(metrics, "osmig_reconcile_duration_seconds_sum") == [0.2]
    assert scrape(metrics, "osmig_event_loop_lag_seconds") == [0.5]


def test_the_queue_is_asked_at_each_scrape(metrics: Metrics) -> None:
    waiting = [3.0]
    metrics.follow_queue(depth=lambda: len(waiting), oldest_due_s=lambda: max(waiting, default=0))
    assert scrape(metrics, "osmig_queue_depth") == [1]
    assert scrape(metrics, "osmig_oldest_due_seconds") == [3]

    waiting.clear()
    assert scrape(metrics, "osmig_queue_depth") == [0]
    assert scrape(metrics, "osmig_oldest_due_seconds") == [0]


def test_a_process_is_no_leader_until_it_says_so(metrics: Metrics) -> None:
    assert scrape(metrics, "osmig_leader") == [0]
    metrics.set_leader(leading=True)
    assert scrape(metrics, "osmig_leader") == [1]


def test_a_scrape_tells_the_version_and_the_usual_facts_of_a_process(metrics: Metrics) -> None:
    assert scrape(metrics, "osmig_build_info", version=osmig.__version__) == [1]
    assert scrape(metrics, "process_resident_memory_bytes")
    assert scrape(metrics, "python_info") == [1]
    assert scrape(metrics, "python_gc_collections_total")


def test_two_instances_share_nothing(clock: FakeClock) -> None:
    first, second = Metrics(clock), Metrics(clock)
    first.count_duplicate_start()

    assert scrape(second, "osmig_duplicate_starts_total") == [0]


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_no_created_series_doubles_the_counters(metrics: Metrics, accept: str) -> None:
    metrics.count_control("abort", "Done")
    encode, _ = choose_encoder(accept)

    text = encode(metrics).decode()

    assert 'osmig_control_requests_total{result="Done",verb="abort"} 1.0' in text
    assert "_created" not in text


def test_what_is_served_is_what_the_catalogue_declares(metrics: Metrics) -> None:
    served = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.collect()
        if family.name.startswith("osmig_")
    }

    assert served == {family.name for family in FAMILIES}


def test_every_family_follows_the_naming_rules_of_prometheus() -> None:
    for family in FAMILIES:
        assert family.name.startswith("osmig_")
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert bool(family.buckets) == (family.kind == "histogram")
        assert family.text.endswith(".")
        if "provider" in family.labels:
            assert family.labels[:2] == ("namespace", "provider")


def test_a_family_is_refused_where_it_is_served_already() -> None:
    registry = CollectorRegistry()
    registry.register(MigrationCollector(FakeClock()))

    with pytest.raises(ValueError, match="osmig_migrations"):
        MIGRATIONS.gauge(registry)
