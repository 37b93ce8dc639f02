"""``osmig run`` with a scripted cloud behind the port: an entry point of the bench, run as a process of its own.

The environment names the journal that every call is noted in, how long a move takes, and the servers that plans find.
With ``LOAD_PROFILE`` the main thread is profiled until SIGUSR1, which writes the profile there.
"""

from __future__ import annotations

import cProfile
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from load.journal import Journal
from load.scripted_backend import ScriptedFactory
from load.scripted_cloud import ScriptedCloud
from load.scripted_hosts import ScriptedHosts
from osmig.__main__ import build_cli
from osmig.api.provider import ProviderType
from osmig.app import run
from osmig.clock import SystemClock
from osmig.wiring import Ports

if TYPE_CHECKING:
    from osmig.settings import Settings


def main() -> None:
    """Read the usual command line, and the cloud from the environment."""
    clock = SystemClock()
    cloud = ScriptedCloud(clock, float(os.environ["LOAD_MOVE_S"]))
    journal = Journal(Path(os.environ["LOAD_JOURNAL"]), clock)
    population = os.environ.get("LOAD_SERVERS", "").split()
    factory = ScriptedFactory(cloud, journal, ScriptedHosts(cloud, journal, population))
    ports = Ports(factories=lambda _drivers, _net: {ProviderType.OPENSTACK: factory})

    def run_profiled(settings: Settings) -> int:
        if path := os.environ.get("LOAD_PROFILE"):
            profile = cProfile.Profile()

            def write_profile(*_: object) -> None:
                profile.dump_stats(path)
                profile.enable()

            signal.signal(signal.SIGUSR1, write_profile)
            profile.enable()
        return run(settings, ports)

    build_cli(run=run_profiled, render_crds=dict)()


if __name__ == "__main__":
    main()
