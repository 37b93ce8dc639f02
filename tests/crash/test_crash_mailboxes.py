"""One job at the hosting service, whatever kills the operator while it orders one or begins an execution."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from crash.operator_settings import PATIENT, SHORT
from crash.scene import PROVIDER, SECRET, Place
from crash.tenants import QUICK
from hosting_support import ADDRESS, LIST, PASSWORD
from lab.hosting import TOKEN, Fault, HostingWorld
from lab.hosting_server import serve
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from crash.operators import Operator
    from lab.cluster import Cluster

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

AT_ONCE = 4
NAME, KILLED = "wave", -9
LISTED = "wave-list"


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


def open_shop(cluster: Cluster, folder: Path, stack: ExitStack) -> Shop:
    world = HostingWorld()
    url = stack.enter_context(serve(world))
    place = Place(cluster, folder=folder, stack=stack)
    place.adjust(QUICK)
    hosting = {"endpoint": url, "tokenRef": {"secretName": SECRET}, "requestsPerSecond": 10}
    place.make_provider({"token": TOKEN, "endpoint": url}, {"type": "Hosting", "hosting": hosting})
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": LISTED, "namespace": place.namespace}}
    cluster.apply(head | {"stringData": {"mailboxes.csv": LIST, "endpoint": url}})
    return Shop(place, world, folder)


def stop_at(shop: Shop, point: str) -> Operator:
    """Return the leader, whose call will stand at the point for as long as it takes."""
    shop.place.adjust(PATIENT)
    leader = shop.place.start(at=point).wait_leading()
    shop.place.adjust(SHORT)
    return leader


def kill_at(shop: Shop, *, point: str, sent: int) -> None:
    leader = stop_at(shop, point)
    shop.place.start()
    shop.order()
    leader.wait_reached()
    assert leader.run.kill() == KILLED
    assert len(shop.world.lists) == sent
    shop.end()
    assert shop.world.count("POST") == 1


def lose(shop: Shop, *, fault: Fault, posts: int) -> None:
    shop.world.faults["POST"] = [fault]
    shop.place.start().wait_leading()
    shop.order()
    shop.end()
    assert shop.world.count("POST") == posts


def kill_run_now(shop: Shop, *, point: str, sent: int) -> None:
    first = shop.place.start().wait_leading()
    shop.order(executeNow=False, firstExecutionTime="2099-01-01T00:00:00Z")
    shop.job()["status"] = "scheduled"
    eventually(lambda: shop.status().get("upstream"), what="the job on record")
    first.run.kill()
    leader = stop_at(shop, point)
    shop.place.kubectl("annotate", "migration", NAME, "osmig.dev/run-now=now")
    leader.wait_reached()
    assert (leader.run.kill(), shop.world.count("PUT")) == (KILLED, sent)
    shop.place.start().wait_leading()
    results = {one["verb"]: one["result"] for one in shop.status()["controls"]}
    assert results["run-now"] == "Accepted"
    eventually(lambda: _result(shop) != "Accepted", what="the order's result")
    assert (_result(shop), shop.world.count("PUT")) == ("Done" if sent else "Rejected", sent)
    shop.end()


def _result(shop: Shop) -> str:
    return str(next(one["result"] for one in shop.status()["controls"] if one["verb"] == "run-now"))


STORIES: Mapping[str, Callable[[Shop], None]] = {
    "killed before the intent is written": partial(kill_at, point="before-intent", sent=0),
    "killed after the intent is written": partial(kill_at, point="after-intent", sent=0),
    "killed before the first byte": partial(kill_at, point="before-send", sent=0),
    "killed after the answer has come": partial(kill_at, point="after-call", sent=1),
    "killed before the record is written": partial(kill_at, point="before-record", sent=1),
    "killed after the record is written": partial(kill_at, point="after-record", sent=1),
    "answered with 500 after the job was made": partial(lose, fault=Fault.ERROR_AFTER, posts=1),
    "cut off before the job was made": partial(lose, fault=Fault.LOST_BEFORE, posts=2),
    "killed before the first byte of run-now": partial(kill_run_now, point="before-send", sent=0),
    "killed after the answer to run-now has come": partial(kill_run_now, point="after-call", sent=1),
}


@pytest.fixture(scope="module")
def outcomes(crds: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[None]]]:
    """What came of each story; several are played at a time, for most of each is waiting."""

    def play(story: Callable[[Shop], None], folder: Path) -> None:
        with ExitStack() as stack:
            story(open_shop(crds, folder, stack))

    pool = ThreadPoolExecutor(AT_ONCE)
    # pytest's factory is not made for several threads: the first two would make it two bases
    folders = {name: tmp_path_factory.mktemp("shop") for name in STORIES}
    yield {name: pool.submit(play, story, folders[name]) for name, story in STORIES.items()}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("story", STORIES)
def test_there_is_one_job_when_the_operator_is(outcomes: Mapping[str, Future[None]], story: str) -> None:
    outcomes[story].result()
