"""One plan that empties 20 hosts of a scripted cloud: what it costs beside the moves that it makes.

By hand: ``PYTHONPATH=tests python -m load.plans --servers 1000``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from e2e_operator import API_VERSION, OPERATOR
from lab.waiting import eventually
from load.figures import Figure, Table
from load.measuring import list_written_statuses, read_memory_mib
from load.scripted_cloud import HOSTS
from load.stage import LIMITS, NAMESPACE, name_server, open_stage, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lab.osmig_run import OsmigRun
    from load.stage import Stage

PLAN = "drain"
DRAINED = 20
MOVE_S = 10.0
AT_ONCE = 100
TIMEOUT_S = 3000.0
PATIENT_LEASE = ("--lease-duration", "60", "--lease-renew-deadline", "50")
"""A run of minutes is to outlive other work on the machine; no figure depends on it."""
MAX_REQUESTS = 8.0
"""For each server, beside samples."""
MAX_STATUS_KIB = 256.0
COUNTING_S = 10.0
"""Counts alone are written no more often."""
SHARED = frozenset({"sweep", "progress", "probe"})
"""Requests that are not made for a single move: lists of changes and samples, which depend on time."""


def name_servers(count: int) -> list[str]:
    """Return servers that are at home on the hosts to be emptied."""
    numbers = (number for number in range(count * HOSTS) if number % HOSTS < DRAINED)
    return [name_server(next(numbers)) for _ in range(count)]


def describe_plan(hosts: Iterable[str], limits: Mapping[str, int]) -> dict[str, Any]:
    """Write a plan that empties these hosts, within these limits."""
    spec = {
        "providerRef": {"name": "cloud"},
        "targets": {"hosts": list(hosts)},
        "maintenance": {"computeService": "Disable"},
        "limits": dict(limits),
    }
    metadata = {"name": PLAN, "namespace": NAMESPACE}
    return {"apiVersion": API_VERSION, "kind": "MigrationPlan", "metadata": metadata, "spec": spec}


def run_plan(count: int, folder: Path, report: Callable[[str], None]) -> Table:
    """Empty the hosts.

    Raises:
        NotInTimeError: the plan did not end; the logs are in ``folder``.
    """
    servers = name_servers(count)
    with open_stage(folder, limits=LIMITS) as stage:
        run = stage.operator(*PATIENT_LEASE, name="operator", move_s=MOVE_S, servers=servers)
        with run as osmig:
            osmig.wait_ready()
            pause(2)
            look = PlanLook(stage, osmig, report)
            begin = stage.clock.boottime()
            limits = {"maxInFlight": min(AT_ONCE, count), "maxInFlightPerSourceHost": AT_ONCE}
            stage.cluster.apply(describe_plan((f"cmp{number}" for number in range(DRAINED)), limits))
            eventually(look.is_over, what=f"the drain of {count}", timeout_s=TIMEOUT_S, every_s=1.0)
            if crashed := osmig.logs("step.crashed"):
                raise RuntimeError(f"{len(crashed)} steps crashed, the first: {crashed[0]}")
        return _judge(servers, stage, look, stage.clock.boottime() - begin)


class PlanLook:
    """Looks now and then how far it is, and how much memory that takes."""

    def __init__(self, stage: Stage, osmig: OsmigRun, report: Callable[[str], None]) -> None:
        """Begin with an operator that has nothing to do yet."""
        self._stage, self._osmig, self._report = stage, osmig, report
        self.idle_mib = self.most_mib = read_memory_mib(osmig.pid)
        self.loads = [os.getloadavg()[0]]
        self.status: dict[str, Any] = {}

    def is_over(self) -> bool:
        """Take samples; say whether the plan has ended.

        Raises:
            RuntimeError: the operator has.
        """
        if self._osmig.returncode is not None:
            raise RuntimeError(f"the operator ended with {self._osmig.returncode}:\n{self._osmig.output()[-3000:]}")
        self.most_mib = max(self.most_mib, read_memory_mib(self._osmig.pid))
        self.loads.append(os.getloadavg()[0])
        before = self.status.get("progressText")
        self.status = self._stage.cluster.get("migrationplans", PLAN, "-n", NAMESPACE).get("status", {})
        if self.status.get("progressText") != before:
            self._report(f"plan: {self.status.get('phase')} {self.status.get('progressText')}")
        return "completionTime" in self.status


def _judge(servers: Sequence[str], stage: Stage, look: PlanLook, lasted_s: float) -> Table:
    count = len(servers)
    starts, sent = stage.journal("operator").read().starts(), Counter[str]()
    for entry in stage.journal("operator").read().entries:
        sent[entry.method] += entry.requests
    written = list_written_statuses(stage.cluster.audit(), OPERATOR, "migrationplans")
    own = sum(requests for method, requests in sent.items() if method not in SHARED)
    largest = max(len(json.dumps(status, separators=(",", ":"))) for status in written) / 1024
    wrong = count - look.status["counts"]["succeeded"] + (look.status["phase"] != "Succeeded")
    twice = sum(len(starts.get(server, ())) != 1 for server in servers)
    conditions = (
        f"{count} servers on {DRAINED} of {HOSTS} hosts, {min(AT_ONCE, count)} at once, each moves for {MOVE_S:g} s",
        f"all over and proven after {lasted_s:.0f} s",
        f"{os.cpu_count()} processors for everything, load average {min(look.loads):.1f} to {max(look.loads):.1f}",
    )
    found = (
        Figure("servers that did not succeed", wrong, budget=0),
        Figure("servers not started exactly once", twice, budget=0),
        Figure("requests per server without samples", (own + sent["sweep"]) / count, budget=MAX_REQUESTS),
        *(Figure(f"requests: {method}", requests) for method, requests in sorted(sent.items())),
        Figure("status writes of the plan", len(written), budget=lasted_s / COUNTING_S + DRAINED),
        Figure("largest status", largest, "KiB", MAX_STATUS_KIB),
        Figure("memory of the idle process", look.idle_mib, "MiB"),
        Figure("memory over idle, most", look.most_mib - look.idle_mib, "MiB"),
    )
    return Table(f"plan of {count}", conditions, found)


@click.command()
@click.option("--servers", default=1000, show_default=True, help="Servers that the plan moves.")
def main(*, servers: int) -> None:
    """Measure a plan against its budgets; the exit status is 1 where one is missed."""
    table = run_plan(servers, Path(tempfile.mkdtemp(prefix="osmig-bench-")), lambda line: click.echo(line, err=True))
    click.echo(table.render())
    sys.exit(bool(table.missed))


if __name__ == "__main__":
    main()
