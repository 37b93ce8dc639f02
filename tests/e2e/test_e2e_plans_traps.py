"""What Nova does that a shell loop falls over, and what people ask of a plan, on the real Nova."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_cloud import calls
from e2e_plan import host_of, list_orders, plan_of, read_service, servers_on
from e2e_status import condition
from lab.nova import NovaLab
from lab.nova_client import HttpError
from lab.waiting import eventually
from nova_support import change_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_plan import Plan
    from e2e_tenant import Tenant
    from lab.osmig_run import OsmigRun

pytestmark = pytest.mark.timeout(900)
"""A proof takes two sweeps that are 30 s apart."""

CONFLICT = 409
DISABLE = {"computeService": "Disable"}
HOSTS = ("states", "fails", "claimed", "closed", "target", "apart-1", "apart-2", "sorted", "down")
ALWAYS = {"cron": "* * * * *", "durationSeconds": 300}
"""A window that opens each minute, for five."""
ONE_BY_ONE = {"maxInFlight": 1}


@pytest.fixture(scope="module")
def cloud(operator: OsmigRun) -> Iterator[NovaLab]:
    """A cloud of which each test empties hosts of its own."""
    assert operator.returncode is None
    options = ("--max-concurrent", "8", "--service-down-time", "60")
    with NovaLab(*options, computes=(*HOSTS, "spare-1", "spare-2")) as running:
        yield running


def keep_open(cloud: NovaLab, *hosts: str) -> None:
    """Disable the hosts of all other tests, so that no server of this one lands there."""
    for host in HOSTS:
        if host in hosts:
            change_service(cloud, host, status="enabled")
        else:
            change_service(cloud, host, status="disabled", disabled_reason="another test")


def act(cloud: NovaLab, server: str, body: dict[str, object], status: str) -> None:
    """Do something to a server by Nova's API, and wait for what becomes of it."""
    cloud.nova.post(f"/servers/{server}/action", body)
    eventually(lambda: cloud.nova.server(server)["status"] == status, what=status)


def refuses_moves(cloud: NovaLab, server: str) -> bool:
    """Whether Nova refuses to move a server live, and to move it cold."""
    for body in ({"os-migrateLive": {"host": None, "block_migration": "auto"}}, {"migrate": None}):
        with pytest.raises(HttpError) as refused:
            cloud.nova.post(f"/servers/{server}/action", body)
        assert refused.value.status == CONFLICT
    return True


def starts(cloud: NovaLab, *servers: str) -> list[str]:
    """Return the servers that the operator ordered to be moved, in the order of the orders."""
    found = [(call.t, server) for server in servers for call in calls(cloud, server, "live-migrate")]
    return [server for _, server in sorted(found)]


def test_what_nova_moves_in_no_way_is_blocked_and_the_rest_goes(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    keep_open(cloud, "states")
    names = ("paused", "locked", "suspended", "rescued", "broken")
    servers = {name: cloud.boot(name, host="states") for name in names}
    act(cloud, servers["paused"], {"pause": None}, "PAUSED")
    act(cloud, servers["suspended"], {"suspend": None}, "SUSPENDED")
    act(cloud, servers["rescued"], {"rescue": None}, "RESCUE")
    act(cloud, servers["broken"], {"os-resetState": {"state": "error"}}, "ERROR")
    cloud.nova.post(f"/servers/{servers['locked']}/action", {"lock": None})

    plan = plan_of(empty_tenant, "drain", "states", failureBudget={"maxFailures": 0})
    status = plan.until_outcome("Failed", "ServersLeft")

    reasons = {row["name"]: row["reason"] for row in status["preview"]["notPlain"]}
    assert reasons == {"suspended": "ServerState", "rescued": "ServerState", "broken": "ServerInError"}
    assert all(refuses_moves(cloud, servers[name]) for name in reasons), "Nova itself says the same"
    assert servers_on(cloud, "states") == set(reasons)
    assert cloud.nova.server(servers["paused"])["status"] == "PAUSED"
    assert set(plan.children()) == {servers["paused"], servers["locked"]}
    assert (status["counts"]["blocked"], status["counts"]["failed"]) == (3, 0)
    assert condition(status, "WithinBudget")["status"] == "True"


def test_after_too_many_failures_nothing_begins_and_what_moves_may_end(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    keep_open(cloud, "fails")
    slow = cloud.boot("a-slow", host="fails", plan="hang")
    broken = [cloud.boot(f"b-broken-{number}", host="fails", plan="fail") for number in range(3)]
    late = cloud.boot("c-late", host="fails")
    limits = {"maxInFlight": 2, "maxInFlightPerSourceHost": 2}
    spec = {"order": "Name", "limits": limits, "failureBudget": {"maxFailures": 2}}

    plan = plan_of(empty_tenant, "drain", "fails", **spec, template={"retry": {"limit": 0}})
    status = plan.until_outcome("Paused", "BudgetExceeded")
    cloud.control.steer(slow, "finish")
    plan.until(lambda now: now["counts"]["succeeded"] == 1, what="the slow one has arrived")

    assert condition(status, "Stalled")["status"] == "True"
    assert {failure["serverID"] for failure in status["failures"]} == set(broken)
    assert plan.status["phase"] == "Paused"
    assert late not in plan.children()
    plan.order("resume")
    plan.until_outcome("Failed", "ServersLeft")
    begun = starts(cloud, slow, *broken, late)
    assert (sorted(begun), begun[-1]) == (sorted([slow, *broken, late]), late)


def test_of_two_plans_for_one_host_the_second_waits(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    keep_open(cloud, "claimed")
    server = cloud.boot("claimed-0", host="claimed", plan="hang")
    mark = cloud.control.request_mark()
    first = plan_of(empty_tenant, "first", "claimed", maintenance=DISABLE)
    first.until(lambda now: now["counts"]["running"] == 1, what="the server moves")

    second = plan_of(empty_tenant, "second", "claimed", maintenance=DISABLE)
    status = second.until_outcome("Waiting", "HostClaimed")
    assert "first" in condition(status, "Succeeded")["message"]
    assert "startTime" not in status
    first.order("abort")
    first.until_outcome("Aborted", "Aborted")
    second.until(lambda now: now.get("startTime"), what="the second has begun")

    assert first.status["counts"]["aborted"] == 1
    (order,) = list_orders(cloud, since=mark)
    assert "/first/" in order["disabled_reason"], "the second leaves the service as it found it"
    second.until(lambda now: host_of(now, "claimed").get("disabledBy") == "Other", what="seen as somebody else's")
    second.until(lambda now: now["counts"]["running"] == 1, what="the server moves again")
    end(second)
    assert len(calls(cloud, server, "live-migrate")) == 2


def end(plan: Plan) -> None:
    """Call a plan off: what would come is another test's."""
    plan.order("abort")
    plan.until(lambda now: now["phase"] in {"Aborted", "Failed", "Succeeded"}, what="over")


def test_outside_of_its_windows_a_plan_tells_what_will_not_move_and_begins_no_move(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    empty_tenant.connect(cloud)
    keep_open(cloud, "closed")
    plain = cloud.boot("plain-0", host="closed")
    broken = cloud.boot("broken-0", host="closed")
    act(cloud, broken, {"os-resetState": {"state": "error"}}, "ERROR")
    freeze = {"name": "month-end", "kind": "Deny", **ALWAYS}

    plan = plan_of(empty_tenant, "tonight", "closed", schedule={"timeZone": "Europe/Rome", "windows": [freeze]})
    status = plan.until_outcome("Waiting", "WindowClosed")
    assert [row["serverID"] for row in status["preview"]["notPlain"]] == [broken]
    assert starts(cloud, plain) == []
    plan.edit(schedule={"windows": [{"name": "night", **ALWAYS}]})
    plan.until_outcome("Failed", "ServersLeft")

    assert starts(cloud, plain) == [plain]
    assert servers_on(cloud, "closed") == {"broken-0"}


def test_a_server_that_was_on_its_way_when_the_host_was_disabled_joins_and_is_moved(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    empty_tenant.connect(cloud)
    keep_open(cloud, "target")
    server = cloud.boot("inbound-0", host="spare-1", plan="hang")
    cloud.nova.live_migrate(server, host="target")
    eventually(lambda: [run for run in cloud.control.runs() if run["server"] == server], what="on its way")

    plan = plan_of(empty_tenant, "drain", "target", maintenance=DISABLE)
    seen = plan.until(lambda now: host_of(now, "target").get("disabledTime"), what="the host is disabled")
    assert host_of(seen, "target")["inbound"] == 1
    assert read_service(cloud, "target")[0] == "disabled"
    assert servers_on(cloud, "target") == set(), "no list of servers shows it"
    cloud.control.plan(server, "finish")
    cloud.control.steer(server, "finish")
    status = plan.until_outcome("Succeeded", "Succeeded")

    assert status["counts"]["joined"] == 1
    assert set(plan.children()) == {server}
    assert servers_on(cloud, "target") == set()
    assert cloud.nova.server(server)["OS-EXT-SRV-ATTR:host"] != "target"


def test_members_that_must_be_apart_go_one_after_the_other_and_only_once(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    keep_open(cloud, "apart-1", "apart-2")
    made = cloud.nova.post("/os-server-groups", {"server_group": {"name": "apart", "policy": "anti-affinity"}})
    group = made["server_group"]["id"]
    servers = [cloud.boot(f"apart-{n}", host=f"apart-{n}", group=group, plan="finish,duration=2") for n in (1, 2)]
    mark = cloud.control.request_mark()

    plan = plan_of(empty_tenant, "drain", "apart-1", "apart-2", maintenance=DISABLE)
    plan.until(lambda now: now["counts"]["succeeded"] == 2, what="both have moved")
    end(plan)

    records = sorted((cloud.nova.migrations(server) for server in servers), key=lambda found: found[0]["id"])
    assert [[one["status"] for one in found] for found in records] == [["completed"], ["completed"]]
    first, second = records[0][0], records[1][0]
    assert first["updated_at"] <= second["created_at"], "the second was ordered before the first had arrived"
    requests = cloud.control.requests(since=mark)
    disabled = [one["n"] for one in requests if one["method"] == "PUT"]
    moved = [one["n"] for one in requests if one["method"] == "POST" and "os-migrateLive" in one["body"]]
    assert (len(disabled), len(moved)) == (2, 2)
    assert max(disabled) < min(moved), "a server could have landed on a host that is emptied later"


def test_small_servers_go_first_what_is_excluded_stays_and_applying_again_moves_nothing_twice(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    empty_tenant.connect(cloud)
    keep_open(cloud, "sorted")
    sizes = {"3": "large", "1": "small", "2": "medium"}
    servers = {name: cloud.boot(name, host="sorted", flavor=flavor) for flavor, name in sizes.items()}
    kept = cloud.boot("database", host="sorted")
    exclude = [{"serverID": kept, "reason": "its owner asked"}]
    spec = {"exclude": exclude, "order": "SmallestMemoryFirst", "limits": ONE_BY_ONE}

    plan = plan_of(empty_tenant, "drain", "sorted", **spec)
    plan.until(lambda now: now.get("startTime"), what="begun")
    plan.apply("sorted", **spec)
    before = plan.until_outcome("Succeeded", "MovedAllSelected")
    plan.apply("sorted", **spec)
    plan.order("reconcile")
    plan.until_control("reconcile", "Done")

    assert starts(cloud, *servers.values(), kept) == [servers[name] for name in ("small", "medium", "large")]
    assert servers_on(cloud, "sorted") == {"database"}
    assert plan.status["completionTime"] == before["completionTime"]
    assert len(plan.children()) == len(servers)


def test_nothing_is_ordered_of_a_host_whose_compute_is_down_until_it_is_up(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    empty_tenant.connect(cloud)
    keep_open(cloud, "down")
    server = cloud.boot("waits-0", host="down")
    change_service(cloud, "down", forced_down=True)

    plan = plan_of(empty_tenant, "drain", "down", failureBudget={"maxFailures": 0})
    status = plan.until(lambda now: "down" in str(now.get("preview", {}).get("notPlain")), what="seen as down")
    assert [(row["serverID"], row["reason"]) for row in status["preview"]["notPlain"]] == [(server, "HostDown")]
    assert starts(cloud, server) == []
    change_service(cloud, "down", forced_down=False)
    plan.until_outcome("Succeeded", "MovedAllSelected")

    assert starts(cloud, server) == [server]
