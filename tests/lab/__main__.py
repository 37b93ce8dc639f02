"""The lab by hand: ``PYTHONPATH=tests python -m lab up|prepare``."""

from __future__ import annotations

import signal
import threading
from functools import partial
from pathlib import Path

import click

from lab.binaries import TOOLS, find_binaries, find_tools
from lab.checkers import find_checkers, write_bill_of_materials
from lab.cluster import Cluster
from lab.nova import NovaLab, prepare_nova
from lab.prometheus import find_prometheus
from lab.steps import side_by_side
from lab.waldur import WaldurLab
from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE

ON = """\
The lab is on. In another shell:

  export KUBECONFIG={kubeconfig}
  alias kubectl={kubectl}
  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=operator

  Compute API   {compute}   (clouds: operator, manager, member, reader, other)
  Control API   {control}   (plans, faults, request log: tests/lab/nova_sources/README.md)
  Servers       {servers}
  Logs          {state}/*.log, {nova_log}

A double of Waldur, for tenants (tests/lab/README.md; it takes a step every {pace:.0f} s):

  Endpoint      {waldur}   (for a Provider of type Waldur)
  Token         {token}   (user owner; others: their name in hexadecimal, filled up with zeros)
  Tenant        sourceResource {source}
                destinationOffering {offering}
                destinationPlan {plan}
  Control API   {waldur_control}   (ways, faults, request log)

Ctrl-C ends it and removes its data.
"""


PACE_S = 5.0


@click.group()
def main() -> None:
    """Start a real Kubernetes API server, a real Nova and a double of Waldur, by hand."""


@main.command()
def prepare() -> None:
    """Build and install what is missing, so that the next start takes seconds."""
    side_by_side(partial(find_tools, TOOLS), prepare_nova, find_prometheus, find_checkers)
    click.echo("lab: everything is in place", err=True)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
def sbom(file: Path) -> None:
    """Write the bill of materials of the image."""
    write_bill_of_materials(file)


@main.command()
@click.option("--servers", default=6, show_default=True, help="How many servers to boot.")
@click.option(
    "--compute", "computes", multiple=True, metavar="HOST[=PLAN]", help="Repeat: a compute host and its behaviour."
)
@click.option("--keystone", is_flag=True, help="A real Keystone instead of tokens that are names.")
def up(servers: int, computes: tuple[str, ...], *, keystone: bool) -> None:
    """Start a Kubernetes API server, a Nova and a double of Waldur, say how to use them, and wait for Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    hosts = computes or ("cmp1", "cmp2", "cmp3")
    side_by_side(find_binaries, prepare_nova)
    with (
        Cluster() as cluster,
        NovaLab(auth="keystone" if keystone else "token", servers=servers, computes=hosts) as nova,
        WaldurLab() as waldur,
    ):
        waldur.control.pace(PACE_S)
        text = ON.format(
            kubeconfig=cluster.kubeconfig,
            kubectl=cluster.binaries.kubectl,
            clouds=nova.clouds,
            compute=nova.compute,
            control=nova.control.url,
            servers=", ".join(f"{name} {server}" for name, server in nova.servers.items()),
            state=cluster.state,
            nova_log=nova.service_log,
            waldur=waldur.url,
            waldur_control=waldur.control.url,
            token=waldur.token(),
            pace=PACE_S,
            source=SOURCE,
            offering=OFFERING,
            plan=PLAN,
        )
        click.echo(text)
        stop.wait()
    click.echo("The lab is off.")


if __name__ == "__main__":
    main()
