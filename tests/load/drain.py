"""A plan that empties hosts of the real Nova: how long it takes beside what its limits allow, and what it asks of Nova.

By hand: ``PYTHONPATH=tests python -m load.drain --servers 100``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lab.nova import NovaLab
from lab.waiting import eventually
from load.drain_figures import Drained, judge_drain
from load.nova import OPTIONS, boot_servers
from load.plans import PATIENT_LEASE, PlanLook, describe_plan
from load.stage import open_stage, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from load.figures import Table
    from load.stage import Stage

    Report = Callable[[str], None]

COMPUTES: Final = tuple(f"cmp{number}" for number in range(1, 26))
DRAINED: Final = COMPUTES[:5]
AT_ONCE = 10
"""Moves of the plan, which no other limit keeps it from: neither one per host nor one of the Provider."""
MOVES_S: Final = (15, 16, 17, 18, 19, 20)
"""How long a move runs, one server after the other; real ones take longer, and what lies between them weighs less."""
RATE = 50
TIMEOUT_S = 1500.0


def run_drain(count: int, folder: Path, report: Report, *, rate: int = RATE) -> Table:
    """Boot servers on hosts of a real Nova, and empty these by a plan.

    Args:
        count: servers.
        folder: takes the logs.
        report: told how far it is.
        rate: the Provider's limit of requests a second.

    Raises:
        NotInTimeError: the plan did not end; the logs are in ``folder``.
    """
    limits = {
        "maxInFlight": AT_ONCE,
        "maxInFlightPerSourceHost": AT_ONCE,
        "maxInFlightPerDestinationHost": AT_ONCE,
        "requestsPerSecond": rate,
    }
    report(f"Nova: booting {count} servers on {len(DRAINED)} of {len(COMPUTES)} hosts")
    with NovaLab(*OPTIONS, computes=COMPUTES) as nova:
        # progress is written as often as by libvirt
        plans = [f"finish,duration={move_s},tick=5" for move_s in MOVES_S]
        servers = boot_servers(nova, DRAINED, plans, count)
        with open_stage(folder, nova.clouds.read_text(), limits=limits) as stage:
            return _drain(servers, nova, stage, rate, report)


def _drain(servers: Sequence[str], nova: NovaLab, stage: Stage, rate: int, report: Report) -> Table:
    at_once = {"maxInFlight": AT_ONCE, "maxInFlightPerSourceHost": AT_ONCE}
    with stage.operator(*PATIENT_LEASE, name="drain") as osmig:
        osmig.wait_ready()
        pause(2)
        look, mark, begin = PlanLook(stage, osmig, report), nova.control.request_mark(), stage.clock.boottime()
        stage.cluster.apply(describe_plan(DRAINED, at_once))
        eventually(look.is_over, what=f"the drain of {len(servers)}", timeout_s=TIMEOUT_S, every_s=1.0)
        lasted_s = stage.clock.boottime() - begin
        if crashed := osmig.logs("step.crashed"):
            raise RuntimeError(f"{len(crashed)} steps crashed, the first: {crashed[0]}")
    conditions = (
        f"{len(servers)} servers on {len(DRAINED)} of {len(COMPUTES)} hosts of the lab's Nova ({' '.join(OPTIONS)})",
        f"{AT_ONCE} moves at once, each runs for {min(MOVES_S)} to {max(MOVES_S)} s; {rate} requests a second at most",
        f"all over and proven after {lasted_s:.0f} s",
        f"{os.cpu_count()} processors for everything, load average {min(look.loads):.1f} to {max(look.loads):.1f}",
    )
    drained = Drained(
        servers=servers,
        hosts=DRAINED,
        slots=min(AT_ONCE, len(servers)),
        mark=mark,
        status=look.status,
        lasted_s=lasted_s,
    )
    return judge_drain(drained, nova, stage, conditions)


@click.command()
@click.option("--servers", default=100, show_default=True, help="Servers that the plan moves.")
@click.option("--rate", default=RATE, show_default=True, help="Limit of the Provider: requests a second.")
def main(*, servers: int, rate: int) -> None:
    """Measure a drain of the real Nova against its budgets; the exit status is 1 where one is missed."""
    folder = Path(tempfile.mkdtemp(prefix="osmig-bench-"))
    table = run_drain(servers, folder, lambda line: click.echo(line, err=True), rate=rate)
    click.echo(table.render())
    sys.exit(bool(table.missed))


if __name__ == "__main__":
    main()
