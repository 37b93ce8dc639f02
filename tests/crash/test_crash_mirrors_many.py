"""Many own starts of many servers at once, and a process that is killed in their midst: no mirror of our own."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from crash.calls import LIVE
from crash.operator_settings import USER_AGENT
from crash.scene import PROVIDER, open_scene
from lab.nova import NovaLab
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crash.scene import Scene
    from crash.spares import SpareServers
    from lab.cluster import Cluster

SERVERS = 25
KILLS = int(os.environ.get("CRASH_KILLS", "2"))
"""With 12 there are 300 starts; each takes the lab's Nova 0.4 s of a processor."""
TIMEOUT_S = 300.0
LABEL = "osmig.dev/discovered"

pytestmark = pytest.mark.timeout(300 + 120 * KILLS)


@pytest.fixture(scope="module")
def wide() -> Iterator[NovaLab]:
    """A cloud that moves all servers at once, fast."""
    options = ("--max-concurrent", "64", "--service-down-time", "60", "--threads", "32")
    with NovaLab(*options, computes=("cmp1", "cmp2", "cmp3")) as nova:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: nova.boot(f"vm-{number}", plan="finish,duration=1"), range(SERVERS)))
        yield nova


@pytest.fixture
def mirroring(
    crds: Cluster, wide: NovaLab, tmp_path_factory: pytest.TempPathFactory, spares: SpareServers
) -> Iterator[Scene]:
    """A Provider that mirrors everything."""
    with open_scene(crds, wide, tmp_path_factory.mktemp("many"), spares=spares) as scene:
        mode = json.dumps({"spec": {"discovery": {"mode": "Mirror"}}})
        scene.kubectl("patch", "provider", PROVIDER, "--type=merge", f"--patch={mode}")
        yield scene


def count_starts(nova: NovaLab, mark: int) -> int:
    """Count the starts that Nova got from an operator."""
    return sum(
        LIVE.action in (request["body"] or "") and (request["user_agent"] or "").startswith(USER_AGENT)
        for request in nova.control.requests(since=mark)
    )


def mirrors(scene: Scene) -> list[str]:
    """Return whose moves have a mirror; they stay for an hour."""
    found: list[dict[str, Any]] = [*scene.migrations().values()]
    return [one["spec"]["server"]["id"] for one in found if LABEL in one["metadata"].get("labels", {})]


def test_of_many_own_starts_none_is_mirrored_however_often_the_process_is_killed(
    mirroring: Scene, wide: NovaLab
) -> None:
    servers = list(wide.servers.values())
    operator = mirroring.start().wait_leading()
    for kill in range(KILLS):
        names = [f"m-{kill}-{number}" for number in range(SERVERS)]
        specs = [{**LIVE.spec, "server": {"id": server}} for server in servers]
        mark = wide.control.request_mark()
        mirroring.cluster.apply(*(mirroring.describe(name, spec) for name, spec in zip(names, specs, strict=True)))
        # each time later in the midst of them: the first intents, the calls, the first records
        wanted = 1 + kill * (SERVERS - 1) // max(1, KILLS - 1)
        eventually(lambda n=wanted, m=mark: count_starts(wide, m) >= n, what=f"{wanted} starts", every_s=0.05)  # type: ignore[misc]
        operator.run.kill()
        operator = mirroring.start()
        mirroring.wait_for("condition=Finished", *names, timeout_s=TIMEOUT_S)
        assert count_starts(wide, mark) == SERVERS
    foreign = servers[0]
    wide.control.plan(foreign, "hang")
    wide.nova.live_migrate(foreign)
    eventually(lambda: foreign in mirrors(mirroring), what="a foreign move has a mirror", every_s=0.5)
    assert mirrors(mirroring) == [foreign]
    phases = [one["status"]["phase"] for name, one in mirroring.migrations().items() if name.startswith("m-")]
    assert phases == ["Succeeded"] * KILLS * SERVERS
    wide.control.steer(foreign, "finish")
