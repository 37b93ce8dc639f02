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
PROBE_TIMEOUT_S = 3.0
"""Less than deploy/ gives a probe."""
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/osmig"


@dataclass(slots=True)
class Witness:
    """Watches one operator in a thread of its own; a context manager.

    Attributes:
        memory_mib: the most that was resident.
        failed_probes: what ``/livez`` and ``/readyz`` answered other than 200, or that they did not answer.
        lease_age_s: the greatest age that the Lease's renewal had when it was read.
        transitions: how often the Lease changed hands.
    """

    cluster: Cluster
    osmig: OsmigRun
    memory_mib: float = 0.0
    failed_probes: list[str] = field(default_factory=list)
    lease_age_s: float = 0.0
    transitions: set[int] = field(default_factory=set)
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
        except OSError as error:
            self.failed_probes.append(f"{path}: {type(error).__name__}")
        else:
            if status != 200:
                self.failed_probes.append(f"{path}: {status}")

    def _read_lease(self) -> None:
        spec: dict[str, Any] = self.cluster.admin.get(LEASE)["spec"]
        renewed = dt.datetime.fromisoformat(spec["renewTime"])
        age_s = time.time() - renewed.timestamp()  # noqa: TID251 - compared with the API server's stamp
        self.lease_age_s = max(self.lease_age_s, age_s)
        self.transitions.add(spec.get("leaseTransitions", 0))
