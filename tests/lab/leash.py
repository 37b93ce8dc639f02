"""Leads a process group, and kills it once its starter lets go; a script of its own, run by ``child.py``.

It begins before the others of its group, so no moment is without it. Why not ``PR_SET_PDEATHSIG``: that fires when the
*thread* that forked ends, and a server that was started from a worker thread must outlive it. Here the starter holds
the other end of our standard input, which the kernel closes however the starter ends.
"""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)
