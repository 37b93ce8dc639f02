"""The demo by hand: ``PYTHONPATH=tests python -m lab.demo [--once]``, or ``make demo``.

A real API server, a real Nova, doubles of Waldur and of a hosting service, and osmig as a process of its own: five
servers are moved, one tenant is replicated and four mailboxes are copied, with five orders on the way; then a host with
six more servers is emptied. Each by nothing but ``kubectl``.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab import demo_mailboxes, demo_tenant
from lab.binaries import find_binaries
from lab.cluster import Cluster
from lab.demo_drain import Drain
from lab.demo_stage import ROOT, Stage
from lab.demo_story import (
    EXPLORE,
    NAMESPACE,
    PARTS,
    PROVIDER,
    SPARE,
    awaits_order,
    describe_migration,
    describe_provider,
    is_over,
    is_start,
    judge,
    to_yaml,
)
from lab.demo_table import Board, is_live, read_row
from lab.hosting import HostingWorld
from lab.hosting_server import serve
from lab.nova import NovaLab, prepare_nova
from lab.osmig_run import OsmigRun
from lab.steps import side_by_side
from lab.waldur import WaldurLab

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from lab.demo_story import Part

STORY_TIMEOUT_S = 600.0
LOOK_EVERY_S = 0.5
PAUSE_S = 4.0
"""For the reader: how long a move is seen hanging before its order is given, and at least between two orders."""
FAILED, INTERRUPTED = 1, 130
OTHERS = (demo_tenant.NAME, demo_mailboxes.NAME)
LOG_LINES = 15


class Demo:
    """One performance; the caller ends what it was given."""

    def __init__(
        self, folder: Path, board: Board, cluster: Cluster, nova: NovaLab, waldur: WaldurLab, hosting: HostingWorld
    ) -> None:
        """Play on what is running already.

        Args:
            folder: takes manifests and the operator's log.
            board: where everything is shown.
            cluster: a fresh API server.
            nova: a cloud without servers.
            waldur: one where nothing was replicated yet.
            hosting: one without jobs.
        """
        self._stage = Stage(folder, board, cluster)
        self._board = board
        self._cluster = cluster
        self._nova = nova
        self._waldur = waldur
        self._copying = demo_mailboxes.Copying(hosting)
        self._seen: dict[str, list[int]] = {}

    def prepare(self) -> OsmigRun:
        """Boot the servers, install osmig as ``deploy/`` does; return the operator, not started yet."""
        parts = (*PARTS, SPARE)
        side_by_side(*(partial(self._nova.boot, part.name, plan=part.plan, host=part.host) for part in parts))
        self._stage.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"), is_quiet=True)
        self._cluster.await_established("-f", str(ROOT / "crds"))
        self._stage.kubectl(
            "apply", "-f", f"{ROOT}/deploy/namespace.yaml", "-f", f"{ROOT}/deploy/rbac.yaml", is_quiet=True
        )
        kubeconfig = self._cluster.service_account_kubeconfig("osmig-system", "osmig")
        # The first line is for a lab, on loopback and outside the cluster; the second makes the demo brisk.
        flags = (
            *("--allow-endpoint", "127.0.0.1", "--http-host", "127.0.0.1", "--lease-namespace", "osmig-system"),
            *("--sweep-period", "5", "--progress-period", "2", "--verb-repeat", "2"),
        )
        self._board.say(f"$ osmig run {' '.join(flags)} &")
        return OsmigRun(*flags, kubeconfig=kubeconfig, log=self._stage.folder / "osmig.log")

    def apply(self, hosting_url: str) -> None:
        """Bring credentials, Providers and Migrations into the cluster."""
        for part in (*PARTS, SPARE):
            self._stage.write(part.name, describe_migration(part))
        self._stage.kubectl("create", "namespace", NAMESPACE)
        self._stage.kubectl("config", "set-context", "--current", f"--namespace={NAMESPACE}", is_quiet=True)
        self._stage.kubectl("create", "secret", "generic", "clouds", f"--from-file=clouds.yaml={self._nova.clouds}")
        self._stage.kubectl("apply", "-f", self._stage.write("provider", describe_provider()))
        self._stage.kubectl("wait", "--for=condition=Ready", "--timeout=30s", f"osprov/{PROVIDER}")
        self._board.say(f"$ cat {self._stage.folder}/web-01.yaml\n{to_yaml(describe_migration(PARTS[0]))}")
        for part in PARTS:
            self._stage.kubectl("apply", "-f", f"{self._stage.folder}/{part.name}.yaml")
        demo_tenant.apply(self._stage, self._waldur)
        demo_mailboxes.apply(self._stage, hosting_url, today=datetime.now(UTC).date())  # noqa: TID251 - by the operator's clock, which is the real one

    def follow(self) -> Mapping[str, Mapping[str, Any]]:
        """Show the table and give the orders until everything is over, or too late; return the Migrations."""
        self._board.say("\nProgress is written every 15 s at most, for 5 points or another count of items.\n")
        deadline = time.monotonic() + STORY_TIMEOUT_S
        waiting = [part for part in (*PARTS, demo_mailboxes.PART) if part.verb]
        asked_at = time.monotonic()
        while True:
            self._copying.go_on()
            bodies, now = self._look(), time.monotonic()
            stuck = [part for part in waiting if self._awaits_order(part, bodies)]
            if not stuck:
                asked_at = max(asked_at, now)
            elif now - asked_at >= PAUSE_S:
                asked_at = now
                waiting.remove(stuck[0])
                self._board.say(f"\n{stuck[0].why}")
                self._stage.kubectl("annotate", "osmig", stuck[0].name, f"osmig.dev/{stuck[0].verb}=1")
            others = (
                demo_tenant.is_over(bodies[demo_tenant.NAME]),
                demo_mailboxes.is_over(bodies[demo_mailboxes.NAME]),
            )
            if (is_over(bodies) and all(others)) or now >= deadline:
                self._board.close()
                return bodies
            time.sleep(LOOK_EVERY_S)

    def empty_host(self) -> list[str]:
        """Empty a host whose servers nothing else of the demo has touched; say what went otherwise than promised."""
        return Drain(self._stage, self._nova).perform()

    def judge(self, bodies: Mapping[str, Mapping[str, Any]], log: str) -> list[str]:
        """Say what went otherwise than promised; the request logs of those that were asked count the starts."""
        posts = [
            request["path"].split("/")[-2]
            for request in self._nova.control.requests()
            if request["method"] == "POST" and is_start(request["body"])
        ]
        starts = {name: posts.count(server) for name, server in self._nova.servers.items()}
        self._board.say(f"Nova's request log: {sum(starts.values())} starts for {len(PARTS)} Migrations.")
        requests, rows = self._waldur.control.requests(), self._waldur.control.rows()
        orders = demo_tenant.count_orders(requests)
        self._board.say(f"Waldur's: {orders} POST, answered 500, for 1 Migration; {len(rows)} tenant was made.")
        world, told = self._copying.world, [str(bodies), log]
        self._board.say(
            f"The hosting service's: {world.count('POST')} POST, cut off, for 1 list; {len(world.jobs)} job.\n"
        )
        return [
            *judge(bodies, self._seen, starts),
            *demo_tenant.judge(bodies[demo_tenant.NAME], requests, rows),
            *demo_mailboxes.judge(bodies[demo_mailboxes.NAME], world, told),
        ]

    def _awaits_order(self, part: Part, bodies: Mapping[str, Mapping[str, Any]]) -> bool:
        return awaits_order(part, bodies[part.name].get("status") or {}, self._seen[part.name])

    def _look(self) -> dict[str, Mapping[str, Any]]:
        bodies = {body["metadata"]["name"]: body for body in self._cluster.get("osmig")["items"]}
        rows = [read_row(bodies[name]) for name in (*(part.name for part in PARTS), *OTHERS)]
        for row in rows:
            figures = self._seen.setdefault(row.name, [])
            if row.percent is not None and figures[-1:] != [row.percent]:
                figures.append(row.percent)
        self._board.show(rows)
        return bodies


def perform(folder: Path, board: Board, *, once: bool) -> int:
    """Start everything, tell the story, stay until a signal unless ``once``; return the exit status."""
    with ExitStack() as stack:
        cluster = Cluster(state=folder / "cluster", with_controllers=False)
        nova = NovaLab("--max-concurrent", "4", servers=0, computes=("cmp1", "cmp2", "cmp3", "cmp4"))
        stack.callback(cluster.stop)
        stack.callback(nova.stop)
        side_by_side(cluster.start, nova.start)
        waldur = stack.enter_context(WaldurLab())
        world = HostingWorld()
        hosting = stack.enter_context(serve(world))
        board.say(f"Running: Kubernetes API server {cluster.url}, Nova {nova.compute},")
        board.say(f"a Waldur {waldur.url}, a hosting service {hosting}\n")
        demo = Demo(folder, board, cluster, nova, waldur, world)
        osmig = stack.enter_context(demo.prepare())
        try:
            osmig.wait_ready()
            demo.apply(hosting)
            complaints = demo.judge(demo.follow(), osmig.output()) or demo.empty_host()
        except (AssertionError, RuntimeError) as error:
            complaints = [str(error)]
        if complaints:
            board.say("\n".join(("The demo failed:", *(f"- {complaint}" for complaint in complaints))))
            board.say("\n".join(("", "osmig's last words:", *osmig.output().splitlines()[-LOG_LINES:])))
            return FAILED
        board.say("Every Migration and the plan ended as they should.\n")
        if once:
            return 0
        board.say(_explain(folder, cluster, nova, waldur, osmig, hosting))
        return _stay(osmig, board)


def _explain(folder: Path, cluster: Cluster, nova: NovaLab, waldur: WaldurLab, osmig: OsmigRun, hosting: str) -> str:
    return EXPLORE.format(
        kubeconfig=cluster.kubeconfig,
        kubectl=cluster.binaries.kubectl.parent,
        folder=folder,
        http=f"http://127.0.0.1:{osmig.port}",
        osmig_log=osmig.log,
        cluster=cluster.state,
        nova_log=nova.service_log,
        control=nova.control.url,
        waldur=waldur.url,
        waldur_control=waldur.control.url,
        hosting=hosting,
    )


def _stay(osmig: OsmigRun, board: Board) -> int:
    """Wait for a signal; return the exit status, which is bad should osmig end by itself."""
    try:
        while osmig.returncode is None:
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        return 0
    board.say(f"osmig ended with {osmig.returncode}.")
    return FAILED


def _interrupt_once(_: int, __: FrameType | None) -> None:
    """End in order; a second Ctrl-C must not cut the ending short."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@click.command()
@click.option("--once", is_flag=True, envvar="ONCE", help="End after the story; the status says whether it went well.")
def main(*, once: bool) -> None:
    """Show osmig at work on a real API server, a real Nova, and doubles of Waldur and of a hosting service."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt_once)
    folder = Path(tempfile.mkdtemp(prefix="osmig-demo-"))
    columns = shutil.get_terminal_size().columns
    board = Board(sys.stdout, live=is_live(sys.stdout, os.environ), columns=columns)
    status = INTERRUPTED
    try:
        side_by_side(partial(find_binaries, with_controllers=False), prepare_nova)
        status = perform(folder, board, once=once)
    except KeyboardInterrupt:
        board.close()
    except (AssertionError, RuntimeError) as error:
        board.say(f"The demo cannot start: {error}")
        status = FAILED
    if status == FAILED:
        board.say(f"\nLogs are kept in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    board.say("\nThe demo is over; nothing is left running.")
    sys.exit(status)


if __name__ == "__main__":
    main()
