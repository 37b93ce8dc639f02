"""A Provider of type Waldur in a namespace of its own, and the one replication that is ordered there."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from crash.scene import PROVIDER, SECRET, Place
from lab.waiting import eventually
from lab.waldur import WaldurLab
from lab.waldurlab import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lab.cluster import Cluster

NAME = "copy"
QUICK = {"run-poll": 0.3, "run-poll-max": 1}


@contextmanager
def open_tenancy(cluster: Cluster, folder: Path) -> Iterator[Tenancy]:
    """Make a Waldur and its Provider, and take everything down again that was started."""
    with ExitStack() as stack:
        waldur = stack.enter_context(WaldurLab())
        place = Place(cluster, folder=folder, stack=stack)
        place.adjust(QUICK)
        reference = {"endpoint": waldur.url, "tokenRef": {"secretName": SECRET, "key": "token"}}
        secret = {"token": waldur.token(), "endpoint": waldur.url}
        place.make_provider(secret, {"type": "Waldur", "waldur": reference})
        yield Tenancy(place, waldur)


class Tenancy:
    """One Waldur, and the operators that are to replicate its tenant exactly once.

    Attributes:
        place: the namespace with its operators.
        waldur: whose replications go on by command alone.
    """

    def __init__(self, place: Place, waldur: WaldurLab) -> None:
        """Have both."""
        self.place = place
        self.waldur = waldur

    def order(self, options: Mapping[str, Any] | None = None) -> None:
        """Apply the Migration."""
        tenant = {
            "sourceResource": catalogue.SOURCE,
            "destinationOffering": catalogue.OFFERING,
            "destinationPlan": catalogue.PLAN,
            **(options or {}),
        }
        spec = {"providerRef": {"name": PROVIDER}, "type": "TenantReplication", "tenant": tenant}
        self.place.cluster.apply(self.place.describe(NAME, spec))

    def status(self) -> dict[str, Any]:
        """Return the Migration's status."""
        status: dict[str, Any] = self.place.migrations()[NAME]["status"]
        return status

    def until(self, probe: Any, *, what: str) -> None:  # noqa: ANN401 - any question about the status
        """Wait until something is so of the status."""
        eventually(lambda: probe(self.status()), what=what, every_s=0.3)

    def row(self) -> str:
        """Wait for the replication; return its id."""
        eventually(self.waldur.control.rows, what="a replication", every_s=0.2)
        return str(self.waldur.control.rows()[0]["uuid"])

    def finish(self) -> str:
        """Let the replication succeed; return the reason that the Migration ends with."""
        self.waldur.control.advance(self.row(), 3)
        return self.end()

    def end(self) -> str:
        """Wait for the end; return its reason."""
        self.place.wait_for("condition=Finished", NAME)
        conditions = self.status()["conditions"]
        return str(next(found["reason"] for found in conditions if found["type"] == "Succeeded"))

    def posts(self, path: str) -> int:
        """Count the operators' POSTs to paths that end so, and check that nothing else changed anything."""
        changes = [request for request in self.waldur.control.requests() if request["method"] != "GET"]
        assert {request["method"] for request in changes} <= {"POST"}, "nothing is deleted or edited"
        return sum(request["path"].endswith(path) for request in changes)
