"""The double as a process: ``python -m lab.waldurlab`` in the folder ``tests``, until it is ended."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path

from lab.waldurlab.server import VERSIONS, WaldurServer


def main() -> None:
    """Serve; say where in the ready file, or on standard output."""
    parser = argparse.ArgumentParser(prog="waldurlab", description="A double of Waldur's API for OpenStack tenants.")
    parser.add_argument("--age", choices=tuple(VERSIONS), default="current")
    parser.add_argument("--world", choices=("small", "recorded"), default="small")
    parser.add_argument("--ready-file", type=Path, help="where to write the URLs once it listens")
    options = parser.parse_args()
    server = WaldurServer(options.age, options.world)
    told = json.dumps({"url": server.url, "control": server.control, "tokens": server.tokens})
    if options.ready_file:
        draft = options.ready_file.with_suffix(".new")
        draft.write_text(told, encoding="utf-8")
        draft.rename(options.ready_file)
    else:
        print(told, flush=True)  # noqa: T201 - for whoever has started it by hand
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.close()


if __name__ == "__main__":
    # Before any thread is there: all of them inherit it, so that only sigwait gets the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
