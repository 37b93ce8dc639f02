"""What a plan tells while it runs, and what it proves when it is over, on the real Nova."""

from __future__ import annotations

import re
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e_plan import plan_of, servers_on
from lab.nova import NovaLab
from lab.waiting import eventually
from nova_support import change_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_status import Json
    from e2e_tenant import Tenant
    from lab.osmig_run import OsmigRun

pytestmark = pytest.mark.timeout(600)

PAGE = Path(__file__).parents[2] / "docs" / "plans.md"
HEADING = "\n## 6. Prove it\n"
PLAN = "drain-rack1"
"""Its name on the page."""


@pytest.fixture(scope="module")
def cloud(operator: OsmigRun) -> Iterator[NovaLab]:
    """A cloud that, as Nova does by default, runs one live move of a host at a time."""
    assert operator.returncode is None
    with NovaLab("--max-concurrent", "1", computes=("held", "rack1", "rack2", "spare")) as running:
        yield running


def test_moves_that_nova_holds_back_are_counted_apart(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    for host in ("rack1", "rack2"):
        change_service(cloud, host, status="disabled", disabled_reason="another test")
    servers = [cloud.boot(f"held-{number}", host="held", plan="hang") for number in range(2)]

    plan = plan_of(empty_tenant, "drain", "held", limits={"maxInFlightPerSourceHost": 2})
    status = plan.until(lambda now: now["counts"]["queuedUpstream"], what="one is held back")

    assert (status["counts"]["running"], status["counts"]["queuedUpstream"]) == (2, 1)
    assert status["counts"]["queued"] == 0
    records = [record["status"] for server in servers for record in cloud.nova.migrations(server)]
    assert sorted(records) == ["queued", "running"], "Nova itself says the same"
    (moving,) = {run["server"] for run in cloud.control.runs()} & set(servers)
    for server in servers:
        cloud.control.plan(server, "finish")
    cloud.control.steer(moving, "finish")
    plan.until(lambda now: not now["counts"]["queuedUpstream"], what="none is held back any more")
    assert plan.until_outcome("Succeeded", "MovedAllSelected")["counts"]["succeeded"] == len(servers)
    assert servers_on(cloud, "held") == set()


def list_commands() -> list[list[str]]:
    """Return the words of the commands that the page prints for the proof."""
    section = PAGE.read_text(encoding="utf-8").partition(HEADING)[2].partition("\n## ")[0]
    return [shlex.split(line)[1:] for line in re.findall(r"^\$ (kubectl .*)$", section, flags=re.MULTILINE)]


def run_all(tenant: Tenant) -> list[list[list[str]]]:
    """Run these commands; return the lines of each in their columns, without heads."""
    answers = []
    for words in list_commands():
        lines = tenant.kubectl(*words).splitlines()
        is_table = any(word.startswith("custom-columns") for word in words)
        answers.append([line.split() for line in lines[1:]] if is_table else [line.split("\t") for line in lines])
    return answers


def has_status(cloud: NovaLab, server: str, status: str) -> bool:
    """Whether Nova gives a server this status."""
    return bool(cloud.nova.server(server)["status"] == status)


def fill(cloud: NovaLab) -> dict[str, str]:
    """Boot what moves live and cold, on one host, and what fails, is broken or is excluded, on another."""
    for host in ("rack1", "rack2"):
        change_service(cloud, host, status="enabled")
    change_service(cloud, "held", status="disabled", disabled_reason="another test")
    servers = {name: cloud.boot(name, host="rack1") for name in ("web-0", "off-0")}
    servers |= {name: cloud.boot(name, host="rack2") for name in ("broken-0", "database")}
    servers["fails-0"] = cloud.boot("fails-0", host="rack2", plan="fail")
    cloud.nova.post(f"/servers/{servers['off-0']}/action", {"os-stop": None})
    cloud.nova.post(f"/servers/{servers['broken-0']}/action", {"os-resetState": {"state": "error"}})
    for name, status in (("off-0", "SHUTOFF"), ("broken-0", "ERROR")):
        eventually(partial(has_status, cloud, servers[name], status), what=status)
    return servers


def check_moves(rows: list[list[str]], servers: dict[str, str], cloud: NovaLab, status: Json) -> None:
    """Assert that the table of moves says what Nova's own records say, within the times of the plan."""
    assert {row[1] for row in rows} == {"web-0", "off-0", "fails-0"}
    for server, name, kind, source, destination, started, ended, outcome, reason, record_id, request in rows:
        (record,) = cloud.nova.migrations(servers[name])
        assert server == servers[name]
        assert kind == ("ColdMigration" if name == "off-0" else "LiveMigration")
        assert (source, record_id) == (record["source_compute"], str(record["id"]))
        assert destination == (record["dest_compute"] or "<none>")
        assert (outcome == "Failed") == (name == "fails-0") == (reason != "Succeeded")
        assert status["startTime"] <= started <= ended <= status["completionTime"]
        assert request.startswith("req-")


def test_the_commands_of_the_page_prove_a_plan_to_a_change_board(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    servers = fill(cloud)
    exclude = [{"serverID": servers["database"], "reason": "its owner asked"}]
    options = {"maintenance": {"computeService": "Disable"}, "template": {"cold": {"confirm": "Automatic"}}}

    plan = plan_of(empty_tenant, PLAN, "rack1", "rack2", approval="Manual", exclude=exclude, **options)
    digest = plan.until_outcome("AwaitingApproval", "AwaitingApproval")["preview"]["hash"]
    empty_tenant.kubectl("annotate", "osplan", PLAN, f"osmig.dev/approve={digest}", "--field-manager=alice")
    status = plan.until_outcome("Failed", "ServersLeft")
    end, orders, moves, left, failures, hosts = run_all(empty_tenant)

    assert end == [["Failed", "ServersLeft", status["startTime"], status["completionTime"], "3/5", digest, digest]]
    ((approved, *order),) = orders
    assert order == ["approve", digest, "Done", "alice"]
    assert approved <= status["startTime"]
    check_moves(moves, servers, cloud, status)
    assert [row[:5] for row in left] == [
        [servers["broken-0"], "broken-0", "rack2", "Blocked", "ServerInError"],
        [servers["database"], "database", "rack2", "Skip", "Excluded"],
    ]
    assert "its owner asked" in left[1][5]
    assert [row[:2] for row in failures] == [[servers["fails-0"], "fails-0"]]
    emptied, other = hosts
    assert emptied[:3] == ["rack1", "Enabled", "Plan"]
    assert emptied[4:9] == ["0", "0", "0", "0", "2"]
    assert max(row[6] for row in moves if row[3] == "rack1") <= emptied[9] <= status["completionTime"]
    assert (other[0], other[4], other[9]) == ("rack2", "3", "")
