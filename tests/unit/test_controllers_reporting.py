"""What is counted and logged: orders by their final result, attempts by their end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from controller_fakes import MIGRATION
from domain_samples import NOW, control, observe, started, status_in
from fake_clock import FakeClock
from osmig.api.migration import Attempt
from osmig.api.names import ControlResult, Phase, Verb
from osmig.controllers.reporting import Reporter
from osmig.domain.observation import Commit
from osmig.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.controllers.keys import Key

MINUTE = timedelta(minutes=1)


def test_only_an_order_that_got_its_final_result_is_counted() -> None:
    metrics = Metrics(FakeClock())
    woken: list[tuple[Key, float]] = []
    reporter = Reporter(metrics, lambda key, delay_s: woken.append((key, delay_s)))
    before = started(control(Verb.FORCE_COMPLETE))
    done = started(control(Verb.ABORT), control(Verb.FORCE_COMPLETE, ControlResult.SUPERSEDED))
    for _ in range(2):
        reporter.report(MIGRATION, observe(before), Commit(status=done))
        before = done
    counted = [
        (sample.labels["kind"], sample.labels["verb"], sample.labels["result"], sample.value)
        for family in metrics.collect()
        for sample in family.samples
        if sample.name == "osmig_control_requests_total"
    ]
    assert counted == [("Migration", "force-complete", "Superseded", 1.0)]
    reporter.wake(MIGRATION, 3.0)
    reporter.wake(MIGRATION, None)
    assert woken == [(MIGRATION, 3.0)]


def report(before: MigrationStatus, after: MigrationStatus) -> dict[tuple[str, str, str], float]:
    """What one report counts, by metric, outcome and reason."""
    metrics = Metrics(FakeClock())
    Reporter(metrics, lambda *_: None).report(MIGRATION, observe(before), Commit(status=after))
    return {
        (sample.name.removeprefix("osmig_migration_"), sample.labels["outcome"], sample.labels.get("reason", "")): (
            sample.value
        )
        for family in metrics.collect()
        for sample in family.samples
        if sample.name in {"osmig_migration_outcomes_total", "osmig_migration_duration_seconds_sum"}
    }


def test_each_attempt_is_counted_once_with_its_own_duration_though_the_migration_goes_on() -> None:
    first = Attempt(number=1, outcome=Phase.FAILED, reason="NoValidHost", start_time=NOW, end_time=NOW + MINUTE)
    later = NOW + 10 * MINUTE
    second = Attempt(number=2, outcome=Phase.SUCCEEDED, reason="Succeeded", start_time=later, end_time=later + MINUTE)
    retrying = started(phase=Phase.PENDING, attempts=(first,))
    assert report(started(), retrying) == {
        ("outcomes_total", "Failed", "NoValidHost"): 1.0,
        ("duration_seconds_sum", "Failed", ""): 60.0,
    }
    assert report(retrying, started(attempts=(first,))) == {}
    over = started(phase=Phase.SUCCEEDED, attempts=(first, second))
    assert report(started(attempts=(first,)), over) == {
        ("outcomes_total", "Succeeded", "Succeeded"): 1.0,
        ("duration_seconds_sum", "Succeeded", ""): 60.0,
    }
    assert report(over, over) == {}


def test_an_end_without_a_start_is_counted_without_a_duration() -> None:
    end = status_in(Phase.FAILED, "ServerNotFound", completion_time=NOW)
    assert report(status_in(None), end) == {("outcomes_total", "Failed", "ServerNotFound"): 1.0}
    assert report(end, end) == {}


def test_a_status_without_a_phase_is_no_phase_change_to_report() -> None:
    reporter = Reporter(Metrics(FakeClock()), lambda *_: None)
    blank = started().model_copy(update={"phase": None})
    reporter.report(MIGRATION, observe(started()), Commit(status=blank))
