"""The tenant who does nothing wrong: how long its orders take until the cloud hears of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from e2e_cloud import calls
from e2e_move import describe_move
from e2e_operator import API_VERSION
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e_tenant import Tenant
    from lab.nova import NovaLab

SIDE_BY_SIDE: Final = 4
"""Moves at once: each waits for its cloud most of the time."""
PATIENCE_S = 120.0
LOOK_S = 0.2
"""Between two looks; what is measured bears the stamps of whoever saw it."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds of one move.

    Attributes:
        start_s: from the moment before the Migration was sent to the API server until Nova got the start.
        order_s: from the moment before ``osmig.dev/abort`` was sent until Nova got the abort.
    """

    start_s: float
    order_s: float


@dataclass(frozen=True, slots=True)
class Healthy:
    """One tenant with a cloud of its own, and servers in it that move until they are told to stop.

    Attributes:
        tenant: its namespace, with a Provider that is ready.
        nova: its cloud.
        servers: ids; each moves once at a time.
    """

    tenant: Tenant
    nova: NovaLab
    servers: Sequence[str]

    def measure(self, count: int, *, name: str) -> list[Delays]:
        """Move and call off ``count`` times, some side by side; ``name`` is unique to this measurement."""

        def work(server: str, rounds: range) -> list[Delays]:
            return [self._measure_one(f"{name}-{number}", server) for number in rounds]

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            lanes = self.servers[: min(SIDE_BY_SIDE, count)]
            works = [pool.submit(work, server, range(index, count, len(lanes))) for index, server in enumerate(lanes)]
            return [delays for done in works for delays in done.result()]

    def _measure_one(self, name: str, server: str) -> Delays:
        admin, mark = self.tenant.cluster.admin, self.nova.control.request_mark()
        listed = f"/apis/{API_VERSION}/namespaces/{self.tenant.namespace}/migrations"
        began = time.time()  # noqa: TID251 - compared with Nova's request log
        admin.create(listed, describe_move(self.tenant, {"id": server}, name=name))
        start = self._until_called(server, mark, "live-migrate")
        eventually(
            lambda: admin.get(f"{listed}/{name}")["status"].get("phase") == "Running",
            what=f"{name} runs",
            timeout_s=PATIENCE_S,
            every_s=LOOK_S,
        )
        ordered = time.time()  # noqa: TID251 - the same
        admin.annotate(f"{listed}/{name}", **{"osmig.dev/abort": "now"})
        abort = self._until_called(server, mark, "abort")
        eventually(
            lambda: "completionTime" in admin.get(f"{listed}/{name}")["status"],
            what=f"{name} is over",
            timeout_s=PATIENCE_S,
            every_s=LOOK_S,
        )
        return Delays(start_s=start - began, order_s=abort - ordered)

    def _until_called(self, server: str, mark: int, word: str) -> float:
        """Wait until the cloud got that call; return when."""
        found = eventually(
            lambda: calls(self.nova, server, word, since=mark),
            what=f"the {word} of {server}",
            timeout_s=PATIENCE_S,
            every_s=LOOK_S,
        )
        return found[0].t
