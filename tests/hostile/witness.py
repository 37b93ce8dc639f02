"""What is seen of the operator from outside while it has a neighbour: memory, probes, and its Lease."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Self

from e2e_operator import OPERATOR_NAMESPACE
from load.measuring import read_memory_mib

if TYPE_CHECKING:
    from lab.cluster import Cluster
    from lab.osmig_run import OsmigRun

PERIOD_S = 0.5
PROBE_TIMEOUT_S = 5.0
"""As deploy/ gives a probe."""
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/osmig"


@dataclass(slots=True)
class Witness:
    """Watches one operator in a thread of its own; a context manager.

    Attributes:
        memory_mib: the most that was resident.
        failed_probes: what ``/livez`` and ``/readyz`` answered other than 200, or that they did not answer.
        longest_failure: how many probes of one path failed in a row at most.
        lease_age_s: the greatest age that the Lease's renewal had when it was read.
        transitions: how often the Lease changed hands.
    """

    cluster: Cluster
    osmig: OsmigRun
    memory_mib: float = 0.0
    failed_probes: list[str] = field(default_factory=list)
    longest_failure: int = 0
    lease_age_s: float = 0.0
    transitions: set[int] = field(default_factory=set)
    _failing: dict[str, int] = field(default_factory=dict)
    _ended: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ended.set()
        assert self._thread is not None
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(PERIOD_S):
            self.memory_mib = max(self.memory_mib, read_memory_mib(self.osmig.pid))
            for path in ("/livez", "/readyz"):
                self._probe(path)
            self._read_lease()

    def _probe(self, path: str) -> None:
        try:
            status, _ = self.osmig.http(path, timeout_s=PROBE_TIMEOUT_S)
            failure = "" if status == 200 else f"{path}: {status}"
        except OSError as error:
            failure = f"{path}: {type(error).__name__}"
        self._failing[path] = self._failing.get(path, 0) + 1 if failure else 0
        self.longest_failure = max(self.longest_failure, self._failing[path])
        if failure:
            self.failed_probes.append(failure)

    def _read_lease(self) -> None:
        spec: dict[str, Any] = self.cluster.admin.get(LEASE)["spec"]
        renewed = dt.datetime.fromisoformat(spec["renewTime"])
        age_s = time.time() - renewed.timestamp()  # noqa: TID251 - compared with the API server's stamp
        self.lease_age_s = max(self.lease_age_s, age_s)
        self.transitions.add(spec.get("leaseTransitions", 0))
