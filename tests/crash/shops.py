"""A Provider of type Hosting in a namespace of its own, and the one job that is ordered there."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crash.scene import PROVIDER, SECRET, Place
from crash.tenants import QUICK
from hosting_support import ADDRESS, LIST, PASSWORD
from lab.hosting import TOKEN, HostingWorld
from lab.hosting_server import serve
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.cluster import Cluster

NAME = "wave"
LISTED = "wave-list"


@contextmanager
def open_shop(cluster: Cluster, folder: Path) -> Iterator[Shop]:
    """Make a service and its Provider, and take everything down again that was started."""
    world = HostingWorld()
    with ExitStack() as stack:
        url = stack.enter_context(serve(world))
        place = Place(cluster, folder=folder, stack=stack)
        place.adjust(QUICK)
        hosting = {"endpoint": url, "tokenRef": {"secretName": SECRET}, "requestsPerSecond": 10}
        place.make_provider({"token": TOKEN, "endpoint": url}, {"type": "Hosting", "hosting": hosting})
        head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": LISTED, "namespace": place.namespace}}
        cluster.apply(head | {"stringData": {"mailboxes.csv": LIST, "endpoint": url}})
        yield Shop(place, world, folder)


@dataclass(frozen=True)
class Shop:
    """A namespace with a Provider of type Hosting, and the double behind it."""

    place: Place
    world: HostingWorld
    folder: Path

    def order(self, **options: Any) -> None:  # noqa: ANN401 - of spec.mailboxes
        """Apply the Migration."""
        wanted = {"csvSecretRef": {"secretName": LISTED}, "preset": "Gmail", "executeNow": True} | options
        spec = {"providerRef": {"name": PROVIDER}, "type": "MailboxMigration", "mailboxes": wanted}
        self.place.cluster.apply(self.place.describe(NAME, spec))

    def status(self) -> dict[str, Any]:
        """Return what the Migration says of itself."""
        status: dict[str, Any] = self.place.migrations()[NAME]["status"]
        return status

    def job(self) -> dict[str, Any]:
        """Wait for the job; there is no other."""
        eventually(lambda: self.world.jobs, what="a job", every_s=0.2)
        (job,) = self.world.jobs.values()
        return job

    def end(self) -> None:
        """Let the job complete, and assert that nothing else was made and nothing of the list shown."""
        code = self.job()["code"]
        self.world.finish(code)
        self.place.wait_for("condition=Finished", NAME)
        status = self.status()
        assert (status["phase"], status["upstream"]["id"], len(self.world.lists)) == ("Succeeded", code, 1)
        assert "pendingCall" not in status
        self.hide()

    def hide(self) -> None:
        """Look for the list in all that was written down."""
        told = [str(self.place.migrations()), self.place.kubectl("get", "events", "-o", "yaml")]
        told += [log.read_text() for log in self.folder.rglob("log")]
        assert len(told) > 2, "no log was found"
        assert [canary for canary in (PASSWORD, ADDRESS) if canary in "".join(told)] == []
