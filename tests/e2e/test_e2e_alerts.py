"""The shipped alerts in a real Prometheus that scrapes a leader and its standby, while moves go on, hang and end.

The rules are those of ``deploy/monitoring``, with every time in them divided by the same number: see ``hasten``.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from e2e_cloud import Boot, wide_cloud
from e2e_operator import install, run_operator
from e2e_tenant import Tenant
from lab.cluster import Cluster
from lab.prometheus import PrometheusServer, find_prometheus
from lab.waiting import eventually
from manifests.monitoring_files import MONITORING, load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

MINUTE_S = 2
"""How long a minute of the rules lasts here."""
FASTER = 60 / MINUTE_S
STANDS_STILL_S = 8 * MINUTE_S
"""After what time without progress, shortened, a move counts as standing still."""
PATIENCE_S = 60 * MINUTE_S
NO_PROGRESS, DOWN = "OsmigMigrationNoProgress", "OsmigOperatorDown"


@pytest.fixture(scope="module")
def shared_nova() -> Iterator[NovaLab]:
    """A cloud that moves many servers at once."""
    with wide_cloud() as running:
        yield running


@pytest.fixture
def operators() -> Iterator[tuple[Cluster, OsmigRun, OsmigRun]]:
    """An API server with a leader and a standby of its own."""
    with Cluster() as cluster:
        install(cluster)
        with run_operator(cluster) as leader:
            leader.wait_ready()
            with run_operator(cluster) as standby:
                standby.wait_ready()
                yield cluster, leader, standby


MINUTES = {"m": 1, "h": 60, "d": 1440}
WINDOW = r"(?<=[\[:])\d+[mhd]\b|(?<=offset )\d+[mhd]\b"
"""A time in an expression: a range, the step of a subquery, an offset."""


def hasten(rules: dict[str, Any]) -> dict[str, Any]:
    """Divide every time in the rules by ``FASTER``: ``for``, windows, and the seconds that a value is compared with."""

    def shorten(time: str) -> str:
        ((number, unit),) = re.findall(r"^(\d+)([mhd])$", time)
        return f"{int(number) * MINUTES[unit] * MINUTE_S}s"

    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.update({key: shorten(rule[key]) for key in ("for", "keep_firing_for") if key in rule})
            windows = re.sub(WINDOW, lambda found: shorten(found[0]), rule["expr"])
            rule["expr"] = re.sub(r"(?<=[<>] )\d\d+", lambda found: f"{int(found[0]) / FASTER:g}", windows)
    return rules


def write_hastened_rules(folder: Path) -> Path:
    """Write the shipped rules with shortened times, once promtool found no fault in them."""
    file = folder / "hastened.yaml"
    file.write_text(yaml.safe_dump(hasten(load_rules())), encoding="utf-8")
    checked = subprocess.run(  # noqa: S603 - the lab's own
        [find_prometheus().promtool, "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    return file


def watch(folder: Path, *operators: OsmigRun) -> PrometheusServer:
    """Prepare a Prometheus that scrapes as the shipped ServiceMonitor says, each operator as a pod of its own."""
    (endpoint,) = yaml.safe_load((MONITORING / "servicemonitor.yaml").read_text(encoding="utf-8"))["spec"]["endpoints"]
    targets = [
        {"targets": [f"127.0.0.1:{operator.port}"], "labels": {"namespace": "osmig-system", "pod": f"osmig-{number}"}}
        for number, operator in enumerate(operators)
    ]
    scrape = {
        "job_name": "osmig",
        "metrics_path": endpoint["path"],
        "honor_labels": endpoint["honorLabels"],
        "static_configs": targets,
    }
    times = {"scrape_interval": f"{MINUTE_S / 2:g}s", "scrape_timeout": f"{MINUTE_S / 2:g}s"}
    rules = str(write_hastened_rules(folder))
    configuration = {
        "global": times | {"evaluation_interval": f"{MINUTE_S / 2:g}s"},
        "rule_files": [rules],
        "scrape_configs": [scrape],
    }
    return PrometheusServer(configuration, folder)


def firing(prometheus: PrometheusServer) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the alerts that fire, by alert and name of the Migration (empty for others)."""
    alerts = [alert for alert in prometheus.alerts() if alert["state"] == "firing"]
    by_name = {(alert["labels"]["alertname"], alert["labels"].get("name", "")): alert for alert in alerts}
    assert len(by_name) == len(alerts), f"one alert twice: {alerts}"
    return by_name


def seconds(prometheus: PrometheusServer, expression: str) -> dict[str, float]:
    """Return what an expression gives, by name of the Migration."""
    return {found["metric"]["name"]: float(found["value"][1]) for found in prometheus.query(expression)}


@pytest.mark.timeout(300)
def test_a_move_that_hangs_is_reported_and_one_that_takes_as_long_and_goes_forward_is_not(
    operators: tuple[Cluster, OsmigRun, OsmigRun], nova: NovaLab, boot: Boot, tmp_path: Path
) -> None:
    cluster, leader, standby = operators
    cluster.kubectl("create", "namespace", "shop")
    tenant = Tenant(cluster, "shop")
    tenant.connect(nova)
    hung, good = boot(host="cmp1", plan="hang,memory=4096"), boot(host="cmp2", plan="duration=300,memory=4096")

    with watch(tmp_path, leader, standby) as prometheus:
        stalled, healthy = tenant.move(hung, name="stalled"), tenant.move(good, name="healthy")
        stalled.until_phase("Running")
        healthy.until_phase("Running")
        alerts = eventually(lambda: firing(prometheus), what="an alert", timeout_s=PATIENCE_S, every_s=0.5)

        said = alerts[NO_PROGRESS, "stalled"]
        assert said["labels"] == {
            "alertname": NO_PROGRESS,
            "namespace": "shop",
            "name": "stalled",
            "severity": "critical",
        }
        assert said["annotations"]["summary"] == "Migration shop/stalled makes no progress."
        assert alerts.keys() == {(NO_PROGRESS, "stalled")}, "nor is the standby an alert"
        assert [found["value"][1] for found in prometheus.query("sort(osmig_leader)")] == ["0", "1"]

        ages = seconds(prometheus, "time() - osmig_migration_start_timestamp_seconds")
        still = seconds(prometheus, "time() - osmig_migration_last_progress_timestamp_seconds")
        assert ages["healthy"] > STANDS_STILL_S > still["healthy"], "as old as the other, and it goes forward"
        assert still["stalled"] > STANDS_STILL_S
        assert seconds(prometheus, "osmig_migration_converging")["healthy"] == 1
        assert seconds(prometheus, "osmig_migration_throughput_bytes_per_second")["healthy"] > 0
        assert 0 < seconds(prometheus, "osmig_migration_eta_seconds")["healthy"] < 600

        stalled.order("abort")
        stalled.until_finished()
        eventually(lambda: not firing(prometheus), what="silence", timeout_s=PATIENCE_S, every_s=0.5)
        assert healthy.status["phase"] == "Running"

        standby.terminate()
        leader.terminate()
        down = eventually(lambda: firing(prometheus), what="an alert", timeout_s=PATIENCE_S, every_s=0.5)
        assert down.keys() == {(DOWN, "")}


def test_the_times_of_the_rules_are_shortened_and_nothing_else() -> None:
    shipped, hastened = json.dumps(load_rules()), json.dumps(hasten(load_rules()))
    minutes, number = r"\b\d+[mhd]\b", r"(?<=[<>] )\d\d+"

    assert re.sub(number, "N", re.sub(minutes, "T", shipped)) == re.sub(number, "N", re.sub(r"\b\d+s\b", "T", hastened))
    assert not re.findall(minutes, hastened)
    assert [int(found) / FASTER for found in re.findall(number, shipped)] == [
        float(found) for found in re.findall(number, hastened)
    ]
