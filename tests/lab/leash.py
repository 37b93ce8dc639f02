"""Kills a process group as soon as the one who started it is gone; a script of its own, run by ``child.py``.

Why not ``PR_SET_PDEATHSIG``: it fires when the *thread* that forked ends, and a server that was started from a worker
thread must outlive it. Here the starter holds the other end of our standard input, which the kernel closes however the
starter ends.
"""

from __future__ import annotations

import os
import select
import signal
import sys


def main(pid: int, pidfd: int) -> None:
    """Wait for the end of the child or of its starter, whichever comes first."""
    readable, _, _ = select.select([sys.stdin, pidfd], [], [])
    if pidfd not in readable:
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
