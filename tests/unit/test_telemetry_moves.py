"""What `/metrics` says of each Migration, where it is taken from, and when it stops being said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import full_migration_spec, full_migration_status, migration_body
from metrics_reading import scrape
from osmig.api.migration import parse_migration
from osmig.api.migration_status import Transfer
from osmig.telemetry.migrations import MigrationSample, sample_migration

if TYPE_CHECKING:
    from fake_clock import FakeClock
    from osmig.telemetry.metrics import Metrics

MOVE = MigrationSample(namespace="shop", name="db-07", provider="one", type="LiveMigration", phase="Running")
LABELS = {"namespace": "shop", "name": "db-07"}
MINE = {"namespace": "shop", "type": "LiveMigration"}


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


def test_what_waits_is_counted_by_reason_and_what_does_not_wait_is_not(metrics: Metrics) -> None:
    for number, (phase, reason) in enumerate(
        [
            ("Queued", "SlotsTaken"),
            ("Queued", "SlotsTaken"),
            ("Suspended", "Suspended"),
            ("Pending", ""),
            ("Pending", "x"),
        ]
    ):
        metrics.observe_migration(replace(MOVE, name=f"db-{number}", phase=phase, reason=reason))
    metrics.observe_migration(replace(MOVE, reason="Running"))

    assert scrape(metrics, "osmig_migrations_waiting", reason="SlotsTaken", provider="one", **MINE) == [2]
    assert scrape(metrics, "osmig_migrations_waiting", reason="Suspended") == [1]
    assert scrape(metrics, "osmig_migrations_waiting", reason="") == [1]
    assert scrape(metrics, "osmig_migrations_waiting", reason="other") == [1], "no word of ours"
    assert sum(scrape(metrics, "osmig_migrations_waiting")) == 5


@pytest.mark.parametrize(
    ("said", "served"),
    [
        (("cmp1", "cmp2.example.org"), ("cmp1", "cmp2.example.org")),
        (("cmp1", None), ("cmp1", "")),
        ((None, None), ("", "")),
        (('cmp1"} 1', "c" * 300), ("", "")),
        (("cmp1\n", "-"), ("", "")),
    ],
)
def test_a_move_has_one_series_with_its_provider_and_its_hosts_and_a_text_is_no_host(
    metrics: Metrics, said: tuple[str | None, str | None], served: tuple[str, str]
) -> None:
    metrics.observe_migration(replace(MOVE, hosts=("cmp9", "cmp8")))
    metrics.observe_migration(replace(MOVE, hosts=said))

    source, destination = served
    mine = {"provider": "one", "source_host": source, "destination_host": destination, **LABELS}
    assert scrape(metrics, "osmig_migration_info", **mine) == [1]
    assert scrape(metrics, "osmig_migration_info") == [1]


PER_MOVE = {
    "osmig_migration_deadline_timestamp_seconds": (
        replace(MOVE, deadline_at=datetime(2026, 11, 21, tzinfo=UTC)),
        1_795_219_200,
    ),
    "osmig_migration_confirm_deadline_timestamp_seconds": (
        replace(MOVE, confirm_deadline_at=datetime(2026, 11, 22, tzinfo=UTC)),
        1_795_305_600,
    ),
    "osmig_migration_throughput_bytes_per_second": (replace(MOVE, throughput_bytes_per_s=125_000_000), 125_000_000),
    "osmig_migration_eta_seconds": (replace(MOVE, eta_s=0), 0),
    "osmig_migration_converging": (replace(MOVE, is_converging=False), 0),
    "osmig_migration_late": (replace(MOVE, is_late=False), 0),
    "osmig_migration_items": (replace(MOVE, items={"failed": 3}), 3),
    "osmig_migration_oldest_order_timestamp_seconds": (
        replace(MOVE, oldest_order_at=datetime(2026, 11, 21, tzinfo=UTC)),
        1_795_219_200,
    ),
    "osmig_migration_server_in_error": (replace(MOVE, is_server_in_error=True), 1),
}


@pytest.mark.parametrize("series", PER_MOVE)
def test_a_fact_of_one_move_is_served_when_it_is_known_and_ends_with_the_others(
    metrics: Metrics, clock: FakeClock, series: str
) -> None:
    known, served = PER_MOVE[series]
    metrics.observe_migration(MOVE)
    assert scrape(metrics, series) == []

    metrics.observe_migration(known)
    assert scrape(metrics, series, **LABELS) == [served]

    metrics.observe_migration(replace(known, phase="Failed", finished_at=clock.now()))
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
    assert sample.reason == "Running"
    assert migration.status.placement is not None
    assert sample.hosts == (migration.status.placement.source_host, migration.status.placement.destination_host)
    assert sample.started_at == migration.status.start_time
    assert sample.finished_at == migration.status.completion_time
    assert migration.status.progress is not None
    assert sample.progressed_at == migration.status.progress.last_progress_time
    assert sample.volumes["memory"] == migration.status.progress.memory


def order(verb: str, result: str, hour: int) -> dict[str, Any]:
    return {"verb": verb, "token": "1", "attempt": 1, "result": result, "time": f"2026-11-21T{hour:02}:00:00Z"}


@pytest.mark.parametrize(
    ("orders", "since"),
    [
        ([], None),
        ([order("abort", "Done", 1)], None),
        ([order("abort", "TooLate", 1), order("confirm", "Accepted", 3), order("revert", "Accepted", 2)], 2),
    ],
)
def test_of_the_orders_the_oldest_counts_whose_effect_is_awaited(
    orders: list[dict[str, Any]], since: int | None
) -> None:
    sample = sample_migration(parse_migration(migration_body(status={"controls": orders})))

    assert sample.oldest_order_at == (since and datetime(2026, 11, 21, since, tzinfo=UTC))


@pytest.mark.parametrize(
    ("status", "is_in_error"),
    [
        ({}, None),
        ({"server": {"status": "ERROR"}}, None),
        ({"startTime": "2026-11-21T00:00:00Z"}, None),
        ({"startTime": "2026-11-21T00:00:00Z", "server": {"status": "ACTIVE"}}, False),
        ({"startTime": "2026-11-21T00:00:00Z", "server": {"status": "ERROR"}}, True),
    ],
)
def test_a_server_in_error_counts_once_its_move_was_started(
    *, status: dict[str, Any], is_in_error: bool | None
) -> None:
    assert sample_migration(parse_migration(migration_body(status=status))).is_server_in_error is is_in_error


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
