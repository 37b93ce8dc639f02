"""The shipped dashboards in a real Prometheus that scrapes the operator: every panel has something to show."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from e2e_status import outcome
from lab.prometheus import PrometheusServer
from lab.waiting import eventually
from manifests.dashboard_plans import PLAN_PANELS
from manifests.dashboards import render_dashboards

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e_cloud import Boot
    from e2e_tenant import Tenant
    from lab.osmig_run import OsmigRun

MOVE = "shown"
ABSENT = {
    "Alerts",  # none fires
    "Until the confirmation's deadline",  # a cold move's
    "One by one",  # of replications and mailboxes
    "Copied one by one",
    "What nobody here declared",  # nobody else moves anything
    "Oldest order",  # none is awaited
    "Failed requests to the cloud's API",  # none failed
    "Failed requests to the API server",
    "Slots in use and their limit, by Provider",  # its second query: nobody else moves anything
    *(panel.title for panel in PLAN_PANELS),  # there is no plan
}


def test_every_panel_shows_a_move_that_runs_and_one_that_has_ended(
    tenant: Tenant, operator: OsmigRun, boot: Boot, tmp_path: Path
) -> None:
    scrape = {
        "job_name": "osmig",
        "honor_labels": True,
        "static_configs": [{"targets": [f"127.0.0.1:{operator.port}"], "labels": {"namespace": "osmig-system"}}],
    }
    configuration = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [scrape]}

    with PrometheusServer(configuration, tmp_path) as prometheus:
        eventually(lambda: prometheus.query("osmig_leader"), what="a scrape")
        # one after the other: the lab's Nova moves one server at a time
        ended = tenant.move(boot(plan="hang"), name="ended", deadlineSeconds=3600)
        ended.until_upstream("running")
        ended.order("abort")
        assert outcome(ended.until_finished()) == ("Aborted", "Aborted")
        tenant.move(boot(), name="waiting", suspend=True)
        tenant.move(boot(plan="duration=300,memory=4096"), name=MOVE).until_phase("Running")

        for title, queries in _list_queries():
            for query in (_fill_in(text, tenant.namespace) for text in queries):
                if title in ABSENT:
                    prometheus.query(query)
                else:
                    eventually(partial(prometheus.query, query), what=f"{title}: {query}")
        (outcomes,) = (queries for title, queries in _list_queries() if title == "Outcomes by reason")
        (aborted,) = prometheus.query(_fill_in(outcomes[0], tenant.namespace))

    assert (aborted["metric"]["outcome"], float(aborted["value"][1])) == ("Aborted", 1)


def _fill_in(query: str, namespace: str) -> str:
    words = {
        "$__rate_interval": "20s",
        "$__range": "5m",
        "$namespace": namespace,
        "$provider": ".*",
        "$migration": MOVE,
    }
    for word, value in words.items():
        query = query.replace(word, value)
    return query


def _list_queries() -> Iterator[tuple[str, list[str]]]:
    """Yield each panel's title and queries, of all dashboards."""
    for text in render_dashboards().values():
        for panel in json.loads(text)["panels"]:
            yield panel["title"], [target["expr"] for target in panel["targets"]]
