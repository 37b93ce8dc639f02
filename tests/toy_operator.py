"""``osmig run`` with the tests' own driver in place of Waldur's: an entry point that registers it and no more.

It lies beside `toy_driver`, because Python looks for modules where the script is.
"""

from __future__ import annotations

from osmig.__main__ import build_cli
from osmig.app import run
from osmig.drivers import servers
from osmig.drivers.entries import Drivers, enter
from osmig.wiring import Ports
from toy_driver import DRIVER

PORTS = Ports(drivers=Drivers((enter(servers.DRIVER), enter(DRIVER))))

if __name__ == "__main__":
    build_cli(run=lambda settings: run(settings, PORTS), render_crds=dict)()
