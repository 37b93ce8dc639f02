"""What users and tools see in the end: conditions, columns, Events, kstatus verdicts; and how often it is written."""

from __future__ import annotations

import datetime as dt
import itertools
from functools import partial
from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, is_moving, occupy
from e2e_operator import OPERATOR
from e2e_status import Json, control, kstatus, verdicts
from e2e_tenant import Tenant, tenancy
from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from e2e_move import HostPair
    from lab.cluster import Cluster
    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun


WRITES_PER_ATTEMPT, WRITES_PER_VERB = 9, 2


@pytest.fixture(scope="module")
def long_move(crds: Cluster, operator: OsmigRun, second_nova: NovaLab) -> Iterator[HostPair]:
    """A move that takes its time in another cloud while the other tests of this module run."""
    assert operator.returncode is None
    with tenancy(crds, second_nova) as tenant:
        move = tenant.move(second_nova.boot("long", plan="hang,duration=120,memory=4096,disk=1024", host="solid"))
        move.until_upstream("running")
        yield move


@pytest.fixture(scope="module")
def long_status(long_move: HostPair, second_nova: NovaLab) -> Json:
    """Its status at the end, which came after two writes of progress."""
    eventually(lambda: len(_shown_percents(long_move)) >= 2, what="two writes of progress", every_s=1)
    second_nova.control.steer(long_move.server, "finish")
    return long_move.until_finished()


@pytest.fixture(scope="module")
def started(crds: Cluster, operator: OsmigRun, shared_nova: NovaLab) -> Iterator[dict[str, HostPair]]:
    """Three Migrations that end differently, by name: good, bad and stopped."""
    assert operator.returncode is None
    plans = {"good": "finish,duration=1", "bad": "precheck=dest", "stopped": "hang"}
    servers = {name: shared_nova.boot(f"outcome-{name}", plan=plan) for name, plan in plans.items()}
    with tenancy(crds, shared_nova) as tenant:
        moves = {name: tenant.move(server, name=name) for name, server in servers.items()}
        moves["stopped"].until_upstream("running")
        moves["stopped"].order("abort")
        yield moves


@pytest.fixture
def outcomes(started: dict[str, HostPair]) -> dict[str, HostPair]:
    """The same three, once they have ended."""
    tenant = started["good"].tenant
    tenant.kubectl("wait", "--for=condition=Finished", f"--timeout={DEADLINE_S:g}s", "migrations", "--all")
    return started


@pytest.mark.usefixtures("long_move")
def test_kubectl_wait_for_finished_ends_for_every_outcome(started: dict[str, HostPair]) -> None:
    tenant = started["good"].tenant
    tenant.kubectl("wait", "--for=condition=Finished", f"--timeout={DEADLINE_S:g}s", "migrations", "--all")
    ended = {name: move.get() for name, move in started.items()}
    assert {name: body["status"]["phase"] for name, body in ended.items()} == {
        "good": "Succeeded",
        "bad": "Failed",
        "stopped": "Aborted",
    }
    no_success = {"Succeeded": "False", "Finished": "True", "Ready": "False", "Stalled": "True"}
    assert {name: verdicts(body["status"]) for name, body in ended.items()} == {
        "good": {"Succeeded": "True", "Finished": "True", "Ready": "True"},
        "bad": no_success,
        "stopped": no_success,
    }
    assert {name: kstatus(body) for name, body in ended.items()} == {
        "good": "Current",
        "bad": "Failed",
        "stopped": "Failed",
    }


def test_each_event_is_posted_once(outcomes: dict[str, HostPair]) -> None:
    tenant = outcomes["good"].tenant
    expected = {
        "good": {"MigrationStarted": "Normal", "MigrationSucceeded": "Normal"},
        "bad": {"MigrationStarted": "Normal", "MigrationFailed": "Warning"},
        "stopped": {
            "MigrationStarted": "Normal",
            "VerbAccepted": "Normal",
            "VerbDone": "Normal",
            "MigrationAborted": "Normal",
        },
        "cloud": {"ProviderReady": "Normal"},
    }
    # every Event that is still on its way comes before these
    tenant.kubectl("annotate", "migrations", "--all", "osmig.dev/reconcile=now")
    for name in ("good", "bad", "stopped"):
        eventually(partial(_find_reconciled_of, tenant, name), what=f"the last Event of {name}")
    for name, reasons in expected.items():
        events = tenant.events(name)
        about_reconcile = _find_reconciled(events)
        rest = [event for event in events if event not in about_reconcile]
        assert sorted((event["reason"], event["type"]) for event in rest) == sorted(reasons.items())
        assert all("series" not in event for event in events)


def _find_reconciled_of(tenant: Tenant, name: str) -> list[Json]:
    return _find_reconciled(tenant.events(name))


def _find_reconciled(events: list[Json]) -> list[Json]:
    return [event for event in events if event["reason"] == "VerbDone" and event["note"].startswith("reconcile")]


def test_a_provider_counts_what_others_move(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    before = tenant.until_provider(lambda status: "upstream" in status, what="counted")["upstream"]
    assert before["scope"] == "Cloud"
    running, queued, cold = (boot(plan="hang", host="cmp1") for _ in range(3))
    occupy(nova, running)
    nova.nova.live_migrate(queued)
    nova.nova.post(f"/servers/{cold}/action", {"migrate": None})
    wanted = {
        "scope": "Cloud",
        "running": before["running"] + 1,
        "queued": before["queued"] + 1,
        "awaitingConfirmation": before["awaitingConfirmation"] + 1,
    }
    tenant.until_provider(lambda status: wanted.items() <= status["upstream"].items(), what=f"upstream {wanted}")
    row = tenant.kubectl("get", "provider", "cloud", "--no-headers").split()
    assert row[:5] == ["cloud", "OpenStack", "True", "2.104", str(wanted["running"])]
    nova.nova.post(f"/servers/{cold}/action", {"confirmResize": None})
    nova.control.steer(running, "cancel")
    eventually(lambda: is_moving(nova, queued), what="the next one runs")
    nova.control.steer(queued, "cancel")
    again = {name: before[name] for name in wanted}
    tenant.until_provider(lambda status: again.items() <= status["upstream"].items(), what="as before")


def test_an_attempt_costs_no_more_writes_than_the_budget(outcomes: dict[str, HostPair]) -> None:
    for name, verbs in {"good": 0, "bad": 0, "stopped": 1}.items():
        writes = outcomes[name].writes()
        ended = next(index for index, status in enumerate(writes) if verdicts(status).get("Finished") == "True")
        assert ended + 1 <= WRITES_PER_ATTEMPT + verbs * WRITES_PER_VERB
        assert all(after != before for before, after in itertools.pairwise(writes))
        assert writes[-1] == outcomes[name].status, "the log of writes is complete"


def test_a_provider_is_written_only_when_a_count_version_or_condition_changes(
    cluster: Cluster, nova: NovaLab, outcomes: dict[str, HostPair]
) -> None:
    good = outcomes["good"]
    sweeps = nova.control.request_mark()
    eventually(lambda: _sweeps(nova, sweeps) >= 3, what="three more sweeps")
    writes = [event for event in cluster.audit(since=good.since) if _is_provider_write(event, good.tenant.namespace)]
    told = [_told(event["requestObject"]["status"]) for event in writes]
    assert len(told) >= 1
    assert all(after != before for before, after in itertools.pairwise(told))


def _sweeps(nova: NovaLab, since: int) -> int:
    return sum("changes-since" in request["path"] for request in nova.control.requests(since=since))


def _is_provider_write(event: Json, namespace: str) -> bool:
    about = event.get("objectRef", {})
    return (
        (about.get("resource"), about.get("subresource"), about.get("namespace")) == ("providers", "status", namespace)
        and event["user"]["username"] == OPERATOR
        and event["verb"] == "update"
    )


def _told(status: Json) -> Mapping[str, object]:
    return {name: status.get(name) for name in ("upstream", "apiVersion", "endpoint", "capabilities", "conditions")}


def test_kubectl_get_shows_where_a_running_move_stands(long_move: HostPair) -> None:
    tenant = long_move.tenant
    header, row = (line.split() for line in tenant.kubectl("get", "osmig").splitlines())
    assert header == ["NAME", "SERVER", "TYPE", "PHASE", "PROGRESS", "SOURCE", "DEST", "REASON", "AGE"]
    shown = dict(zip(header, row, strict=True))
    placement = long_move.status["placement"]
    assert (shown["SERVER"], shown["TYPE"], shown["PHASE"]) == (long_move.server, "LiveMigration", "Running")
    assert (shown["SOURCE"], shown["DEST"]) == ("solid", placement["destinationHost"])
    assert 0 <= int(shown["PROGRESS"]) < 100
    assert shown["REASON"] == "Running"
    wide = tenant.kubectl("get", "openstack-migrations", "-o", "wide").split("\n\n")
    assert [text.split()[0] for text in wide] == ["NAME", "NAME"]
    assert {"ATTEMPT", "UPSTREAM", "READY"} < set(wide[0].split())


def _shown_percents(move: HostPair) -> set[int]:
    return {one["progress"]["percent"] for one in move.writes() if one.get("progress", {}).get("memory")}


def test_a_long_move_shows_rising_percent_and_ends_at_100(long_move: HostPair, long_status: Json) -> None:
    samples = [one["progress"] for one in long_move.writes() if one.get("progress", {}).get("memory")]
    percents = [sample["percent"] for sample in samples]
    assert percents == sorted(percents)
    assert len(set(percents)) >= 3
    assert {sample["memory"]["totalBytes"] for sample in samples} == {4096 * 2**20}
    assert {sample["disk"]["totalBytes"] for sample in samples} == {1024 * 2**20}
    remaining = [sample["memory"]["remainingBytes"] for sample in samples]
    assert remaining == sorted(remaining, reverse=True)
    assert long_status["progress"]["percent"] == 100
    assert (long_status["phase"], long_status["placement"]["sourceHost"]) == ("Succeeded", "solid")
    assert long_status["placement"]["destinationHost"] != "solid"
    assert verdicts(long_status) == {"Succeeded": "True", "Finished": "True", "Ready": "True"}


@pytest.mark.usefixtures("long_status")
def test_progress_is_written_at_most_every_15_s_and_within_the_budget(long_move: HostPair) -> None:
    writes = long_move.writes()
    progress = [
        (before, after)
        for before, after in itertools.pairwise(writes)
        if _without_progress(before) == _without_progress(after)
    ]
    assert len(progress) >= 1
    for before, after in progress:
        times = [_time(one["progress"]["sampleTime"]) for one in (before, after)]
        assert times[1] - times[0] >= dt.timedelta(seconds=14)
        assert after["progress"]["percent"] - before["progress"]["percent"] >= 5
    assert len(writes) - len(progress) <= WRITES_PER_ATTEMPT


def _without_progress(status: Json) -> Json:
    shown = {name: value for name, value in status.items() if name != "progress"}
    upstream = {name: value for name, value in status.get("upstream", {}).items() if name != "updatedTime"}
    return {**shown, "upstream": upstream, "controls": control(status, "abort")}


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
