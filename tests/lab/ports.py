"""Free loopback ports."""

from __future__ import annotations

import random
import socket

FIRST, LAST = 20000, 32000
"""Below the kernel's range for outgoing connections (32768 and up): who is down for a moment finds its port free."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on right now."""
    while True:
        port = random.randrange(FIRST, LAST)  # noqa: S311 - no secret
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
