"""What `/metrics` says of each MigrationPlan and its hosts, where it is taken from, and when it stops being said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from api_samples import TIME
from fake_clock import FakeClock
from metrics_reading import scrape
from osmig.api.plan import parse_plan
from osmig.api.plan_names import PlanPhase
from osmig.api.plan_servers import MAX_HOSTS
from osmig.telemetry.labels import PLAN_STATES
from osmig.telemetry.plan_families import PLAN_SERVERS
from osmig.telemetry.plans import HostSample, PlanCollector, PlanSample, sample_plan
from plan_samples import full_plan_spec, full_plan_status, plan_body

if TYPE_CHECKING:
    from osmig.telemetry.metrics import Metrics

HOST = HostSample(name="cmp1", is_drained=False, is_disabled=True)
PLAN = PlanSample(
    namespace="moves",
    name="drain",
    phase="Running",
    servers={"running": 2, "failed": 1},
    remaining_bytes=3072,
    budget_left=2,
    hosts=(HOST,),
)
LABELS = {"namespace": "moves", "name": "drain"}
NIGHT = {"name": "night", "kind": "Allow", "cron": "0 22 * * *", "durationSeconds": 3600}


def sample(*, spec: dict[str, Any] | None = None, **status: Any) -> PlanSample:  # noqa: ANN401
    """Take a sample of a plan of this spec and status."""
    plan = parse_plan(plan_body(spec=spec, status=status))
    assert plan.status_readable
    return sample_plan(plan, plan.status)


def host(**fields: str) -> HostSample:
    """Take a sample of a plan's host."""
    (found,) = sample(hosts=[{"name": "cmp1", **fields}]).hosts
    return found


def claim(kind: str, status: str) -> dict[str, Any]:
    """Write a condition."""
    return {"type": kind, "status": status, "reason": "X", "message": "", "lastTransitionTime": TIME}


def test_a_plan_shows_its_servers_budget_window_and_hosts(metrics: Metrics) -> None:
    metrics.observe_plan(PLAN)

    assert scrape(metrics, "osmig_plan_servers", state="running", **LABELS) == [2]
    assert scrape(metrics, "osmig_plan_servers", state="failed", **LABELS) == [1]
    assert scrape(metrics, "osmig_plan_remaining_bytes", **LABELS) == [3072]
    assert scrape(metrics, "osmig_plan_failure_budget_remaining", **LABELS) == [2]
    assert scrape(metrics, "osmig_plan_window_open", **LABELS) == [1]
    assert scrape(metrics, "osmig_plan_phase", phase="Running", **LABELS) == [1]
    assert scrape(metrics, "osmig_host_drained", host="cmp1", **LABELS) == [0]
    assert scrape(metrics, "osmig_host_disabled_by_plan", host="cmp1", **LABELS) == [1]
    assert scrape(metrics, "osmig_plan_completion_timestamp_seconds") == []


def test_whether_a_plan_is_past_its_deadline_is_what_its_condition_says_and_nothing_without_one(
    metrics: Metrics,
) -> None:
    for status, is_past in (("True", False), ("False", True), ("Unknown", False)):
        taken = sample(conditions=[claim("WithinDeadline", status)])
        assert taken.is_past_deadline is is_past
        metrics.observe_plan(taken)
        assert scrape(metrics, "osmig_plan_deadline_exceeded", **LABELS) == [is_past]

    metrics.observe_plan(sample(conditions=[claim("WithinBudget", "False")]))
    assert scrape(metrics, "osmig_plan_deadline_exceeded") == []


def test_an_earlier_phase_reads_zero(metrics: Metrics) -> None:
    metrics.observe_plan(PLAN)
    metrics.observe_plan(replace(PLAN, phase="Paused"))

    assert scrape(metrics, "osmig_plan_phase", phase="Running") == [0]
    assert scrape(metrics, "osmig_plan_phase", phase="Paused") == [1]


def test_no_move_begins_before_the_schedule_nor_after_it(metrics: Metrics, clock: FakeClock) -> None:
    now = clock.now()
    scheduled = replace(PLAN, opens_at=now + timedelta(seconds=10), closes_at=now + timedelta(seconds=20))
    metrics.observe_plan(scheduled)

    seen = []
    for _ in range(3):
        seen += scrape(metrics, "osmig_plan_window_open")
        clock.advance(10)
    assert seen == [0, 1, 0]
    metrics.observe_plan(replace(PLAN, is_window_open=False))
    assert scrape(metrics, "osmig_plan_window_open") == [0]


def test_hosts_are_told_of_until_the_plan_is_deleted_the_rest_for_ten_minutes(
    metrics: Metrics, clock: FakeClock
) -> None:
    ended = clock.now()
    metrics.observe_plan(replace(PLAN, phase="Failed", finished_at=ended, is_past_deadline=True))
    clock.advance(599)
    assert scrape(metrics, "osmig_plan_phase", phase="Failed") == [1]
    clock.advance(1)
    numbers = ("remaining_bytes", "failure_budget_remaining", "window_open", "deadline_exceeded")
    for series in ("phase", "servers", *numbers):
        assert scrape(metrics, f"osmig_plan_{series}") == []
    clock.advance(30 * 86400)
    assert scrape(metrics, "osmig_plan_completion_timestamp_seconds", **LABELS) == [ended.timestamp()]
    assert scrape(metrics, "osmig_host_disabled_by_plan", host="cmp1", **LABELS) == [1]

    metrics.forget_plan("moves", "drain")
    metrics.forget_plan("moves", "drain")
    for series in ("osmig_plan_completion_timestamp_seconds", "osmig_host_disabled_by_plan", "osmig_host_drained"):
        assert scrape(metrics, series) == []


def test_a_sample_is_taken_from_the_object() -> None:
    taken = sample(spec=full_plan_spec(), **full_plan_status())

    assert taken.phase == "Running"
    assert taken.servers == dict.fromkeys(PLAN_STATES, 1)
    assert taken.budget_left == 3, "one failure, which was forgiven"
    assert taken.remaining_bytes == 3072
    assert taken.finished_at == datetime.fromisoformat(TIME)
    assert taken.opens_at == datetime(2026, 12, 5, 21, tzinfo=UTC)
    assert taken.closes_at == datetime(2026, 12, 7, 6, tzinfo=UTC)
    assert not taken.is_window_open, "there are windows, and no condition yet"
    assert taken.hosts == (HostSample(name="cmp1", is_drained=True, is_disabled=False),)


def test_a_plan_that_was_not_looked_at_yet_has_a_phase_and_no_numbers() -> None:
    taken = sample()

    assert taken.phase == "Pending"
    assert taken.servers == {}
    assert taken.hosts == ()
    assert taken.is_window_open


def test_each_server_is_in_one_state_and_what_is_counted_twice_is_none() -> None:
    assert {"total", "joined", "queued_upstream"} & PLAN_STATES == set()
    assert len(PLAN_STATES) == 9


def test_more_failures_than_the_budget_bears_are_below_zero() -> None:
    assert sample(counts={"failed": 4}).budget_left == -1
    assert sample(spec={"failureBudget": {"maxFailures": 0}}, counts={"failed": 1}).budget_left == -1
    assert sample(counts={"failed": 4}, forgivenFailures=4).budget_left == 3


@pytest.mark.parametrize(("status", "is_open"), [("True", True), ("False", False), ("Unknown", False)])
def test_windows_are_open_when_their_condition_says_so(status: str, is_open: bool) -> None:  # noqa: FBT001
    taken = sample(spec={"schedule": {"windows": [NIGHT]}}, conditions=[claim("WindowOpen", status)])

    assert taken.is_window_open is is_open


def test_a_host_is_disabled_by_the_plan_from_the_order_until_it_is_given_back_or_is_not_the_plans() -> None:
    assert not host().is_disabled
    assert host(orderTime=TIME).is_disabled, "the order may have arrived"
    assert host(disabledBy="Plan", disabledTime=TIME).is_disabled, "found by its mark after a crash"
    assert not host(orderTime=TIME, disabledBy="Plan", releasedTime=TIME).is_disabled
    assert not host(disabledBy="Other", disabledTime=TIME).is_disabled
    assert not host(orderTime=TIME, disabledBy="Other").is_disabled


def test_a_plan_has_series_for_so_many_hosts_and_no_more() -> None:
    plan = parse_plan(plan_body())
    (one,) = parse_plan(plan_body(status={"hosts": [{"name": "cmp1"}]})).status.hosts
    hosts = tuple(one.model_copy(update={"name": f"cmp{number}"}) for number in range(MAX_HOSTS + 9))

    assert len(sample_plan(plan, plan.status.model_copy(update={"hosts": hosts})).hosts) == MAX_HOSTS


def test_phases_of_plans_are_words_of_the_list(metrics: Metrics) -> None:
    for phase in PlanPhase:
        metrics.observe_plan(replace(PLAN, phase=phase))

    assert sum(scrape(metrics, "osmig_plan_phase")) == 1
    assert len(scrape(metrics, "osmig_plan_phase")) == len(PlanPhase)


def test_a_family_of_plans_is_refused_where_it_is_served_already() -> None:
    registry = CollectorRegistry()
    registry.register(PlanCollector(FakeClock()))

    with pytest.raises(ValueError, match="osmig_plan_servers"):
        PLAN_SERVERS.gauge(registry)
