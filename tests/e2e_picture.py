"""The picture of the dashboard in docs/: moves on the lab's Nova, asked of a real Prometheus: ``make picture``."""

from __future__ import annotations

import json
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e_cloud import wide_cloud
from e2e_operator import ROOT, install, run_operator
from e2e_tenant import Tenant
from lab.cluster import Cluster
from lab.prometheus import PrometheusServer
from lab.waiting import eventually
from manifests.dashboard_picture import Line, draw
from manifests.dashboards import render_dashboards
from osmig.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.nova import NovaLab

PICTURE = ROOT / "docs" / "dashboard.svg"
TEAM = "shop"
PLAYED_S = 75
WORDS = {"$__rate_interval": "20s", "$__range": "5m", "$namespace": ".*", "$provider": ".*"}


def main() -> None:
    """Play, ask and draw."""
    board = json.loads(render_dashboards()["fleet"])
    with tempfile.TemporaryDirectory() as folder, Cluster() as cluster, wide_cloud() as nova:
        install(cluster)
        cluster.kubectl("create", "namespace", TEAM)
        with run_operator(cluster) as operator:
            operator.wait_ready()
            configuration = {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                "scrape_configs": [
                    {
                        "job_name": "osmig",
                        "honor_labels": True,
                        "static_configs": [
                            {"targets": [f"127.0.0.1:{operator.port}"], "labels": {"namespace": "osmig-system"}}
                        ],
                    }
                ],
            }
            with PrometheusServer(configuration, Path(folder)) as prometheus:
                began = _now()
                _play(Tenant(cluster, TEAM), nova)
                eventually(lambda: _now() > began + PLAYED_S, what="the end", timeout_s=2 * PLAYED_S)
                answers = {panel["id"]: list(_ask(prometheus, panel, began)) for panel in board["panels"]}
    PICTURE.write_text(draw(board, answers), encoding="utf-8")


def _now() -> float:
    return SystemClock().now().timestamp()


def _play(tenant: Tenant, nova: NovaLab) -> None:
    """Order moves of every kind: three at once may be under way, one is moved by somebody else."""
    tenant.connect(nova, name="region-one", limits={"maxInFlight": 4})
    moved: dict[str, Any] = {"provider": "region-one"}
    tenant.move_cold(nova.boot("mail-05", host="cmp3"), name="mail-05", **moved, cold={"confirm": "Automatic"})
    failed = nova.boot("old-09", host="cmp4", plan="fail,duration=5,memory=2048")
    tenant.move(failed, name="old-09", **moved).until_finished(timeout_s=60)
    tenant.move(nova.boot("web-01", host="cmp1"), name="web-01", **moved).until_finished(timeout_s=60)
    for name, host, plan in (
        ("db-07", "cmp1", "duration=90,memory=16384"),
        ("db-08", "cmp1", "duration=140,memory=16384"),
        ("batch-03", "cmp2", "hang,memory=8192"),
    ):
        tenant.move(nova.boot(name, host=host, plan=plan), name=name, **moved).until_phase("Running")
    aborted = tenant.move(nova.boot("batch-04", host="cmp2", plan="hang,memory=2048"), name="batch-04", **moved)
    aborted.until_upstream("running")
    aborted.order("abort")
    nova.nova.live_migrate(nova.boot("foreign", host="cmp3", plan="duration=200,memory=4096"))
    tenant.move_cold(nova.boot("cache-04", host="cmp4"), name="cache-04", **moved)
    for number in range(3):
        tenant.move(nova.boot(f"app-{number}", host="cmp2"), name=f"app-{number}", **moved)
    tenant.move(nova.boot("late-01", host="cmp2"), name="late-01", **moved, suspend=True)


def _ask(prometheus: PrometheusServer, panel: dict[str, Any], began: float) -> Iterator[Line]:
    """Yield a panel's series: over the time that was played, or the newest values."""
    for target in panel["targets"]:
        query = target["expr"]
        for word, value in WORDS.items():
            query = query.replace(word, value)
        found = prometheus.query(query) if target["instant"] else prometheus.query_range(query, began, _now())
        for series in found:
            name = re.sub(r"\{\{(\w+)\}\}", partial(_read_label, series["metric"]), target["legendFormat"])
            samples = [(float(at), float(value)) for at, value in series.get("values", [series.get("value")])]
            known = [(at, value) for at, value in samples if value == value]  # noqa: PLR0124 - NaN is not itself
            if known:
                yield Line(name, known)


def _read_label(labels: Mapping[str, str], place: re.Match[str]) -> str:
    return labels.get(place[1], "")


if __name__ == "__main__":
    main()
