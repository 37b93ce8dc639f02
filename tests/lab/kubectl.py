"""kubectl as a process, and what it says of itself when it fails."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import durationpy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST_KUBECTL_S = 200.0
"""Of a command that says nothing of how long it may take."""
LONGER_S = 60.0
"""Than it says itself: then kubectl ends first, and tells what was not so."""
LONGEST_TELLING = 8000
TIMEOUT = "--timeout="
OF_WAIT_ALONE = ("--for=", TIMEOUT)


class KubectlError(AssertionError):
    """kubectl ended with an error; the message holds what it said, after a wait also what was waited for."""


def run_kubectl(
    kubectl: str | Path, *args: str, kubeconfig: Path, home: Path, stdin: str | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run kubectl.

    Args:
        kubectl: the binary.
        args: behind it.
        kubeconfig: who asks which API server.
        home: where it may keep what it has discovered.
        stdin: what it reads.
        check: whether an error is one of the caller's.

    Raises:
        KubectlError: It failed, and ``check`` is on.
    """
    environ = {
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(home / "kubectl-cache"),
        "HOME": str(home),
        "PATH": os.environ["PATH"],
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the caller is a test
            [kubectl, *words],
            input=stdin,
            capture_output=True,
            text=True,
            env=environ,
            timeout=guard_s(words),
            check=False,
        )

    done = run(*args)
    if check and done.returncode:
        told = run(*_ask_for_awaited(args)).stdout[-LONGEST_TELLING:] if "wait" in args else ""
        raise KubectlError(f"kubectl {' '.join(args)} -> {done.returncode}\n{done.stderr}{done.stdout}{told}")
    return done


def guard_s(words: Sequence[str]) -> float:
    """Return how long a command may take before it counts as one that hangs."""
    own = [durationpy.from_str(word.removeprefix(TIMEOUT)) for word in words if word.startswith(TIMEOUT)]
    return max([LONGEST_KUBECTL_S, *(one.total_seconds() + LONGER_S for one in own)])


def _ask_for_awaited(args: tuple[str, ...]) -> list[str]:
    asked = ["get" if word == "wait" else word for word in args if not word.startswith(OF_WAIT_ALONE)]
    return [*asked, "-o", "yaml"]
