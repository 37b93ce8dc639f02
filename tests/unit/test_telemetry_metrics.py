"""What `/metrics` says of Providers and of the process after the engine counted, and that it keeps to the catalogue."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest

import osmig
from domain_samples import control
from fake_clock import FakeClock
from metrics_reading import scrape
from osmig.api.names import ControlResult, Kind, Verb
from osmig.telemetry.catalogue import FAMILIES, MIGRATIONS
from osmig.telemetry.metrics import Metrics
from osmig.telemetry.migrations import MigrationCollector

DONE = control(Verb.ABORT, ControlResult.DONE)


def test_outcomes_count_attempts_and_the_duration_only_of_those_that_were_sent(metrics: Metrics) -> None:
    metrics.provider("shop", "one")
    for reason, duration_s in (("NoValidHost", 7), ("ServerNotFound", None)):
        metrics.count_outcome(
            "shop", "one", migration_type="LiveMigration", outcome="Failed", reason=reason, duration_s=duration_s
        )

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


def test_the_age_of_the_oldest_turn_is_replaced_each_time(metrics: Metrics) -> None:
    provider = metrics.provider("shop", "one")
    provider.set_granted_slot_age(70)
    provider.set_granted_slot_age(0)

    assert scrape(metrics, "osmig_oldest_granted_slot_seconds", namespace="shop", provider="one") == [0]


def test_slots_are_the_newest_count(metrics: Metrics) -> None:
    provider = metrics.provider("shop", "one")
    provider.set_slots(10)
    provider.set_slots(4)

    assert scrape(metrics, "osmig_provider_slots", namespace="shop", provider="one") == [4]


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
        provider.set_slots(10)
        provider.count_request("compute", "list", 200, 0.1)
        metrics.count_outcome(
            "shop", name, migration_type="LiveMigration", outcome="Failed", reason="StartLost", duration_s=1
        )

    metrics.forget_provider("shop", "one")
    metrics.forget_provider("shop", "never-seen")

    text = generate_latest(metrics).decode()
    assert 'provider="one"' not in text
    assert text.count('provider="two"') > 4
    metrics.provider("shop", "one").set_foreign({"queued": 1})
    assert scrape(metrics, "osmig_foreign_migrations", provider="one") == [1]


def test_counters_of_the_process_are_one_call_each(metrics: Metrics) -> None:
    metrics.count_controls(Kind.MIGRATION, (), [DONE])
    metrics.count_duplicate_start()
    metrics.count_finalizer_leftover("shop")
    metrics.count_kube_request("update migrations/status", "409", 0.1)
    metrics.count_reconcile("success", duration_s=0.2)
    metrics.set_event_loop_lag(0.5)

    assert scrape(metrics, "osmig_control_requests_total", kind="Migration", verb="abort", result="Done") == [1]
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
    metrics.count_controls(Kind.MIGRATION, (), [DONE])
    encode, _ = choose_encoder(accept)

    text = encode(metrics).decode()

    assert 'osmig_control_requests_total{kind="Migration",result="Done",verb="abort"} 1.0' in text
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
