"""A plan from its first step to its end, on an API server, a cloud and a clock in memory."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import provider_body
from controller_fakes import PROVIDER
from controller_lab import Lab
from host_fakes import FakeHosts, server_on, service
from metrics_reading import scrape
from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.domain.errors import KubeUnavailable, Transient, Unauthorized, WriteConflict
from osmig.domain.plans.write_budget import FAILURE_PERIOD_S
from plan_samples import UID, plan_body
from server_fakes import FakeBackend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PLAN = Key(Kind.PLAN, "team-a", "drain")
DISABLE = {"maintenance": {"computeService": "Disable", "reason": "CHG0031337"}}
PERIOD_S = 31.0
TIME = "2030-01-01T00:00:00Z"


class Drain:
    """One plan and everything that it meets."""

    def __init__(self, *servers: int, spec: dict[str, Any] | None = None, **given: Any) -> None:  # noqa: ANN401
        """Let the plan be known; its host has servers of these numbers."""
        self.hosts = FakeHosts(
            services={name: service(name) for name in ("cmp1", "cmp2")},
            servers=[server_on("cmp1", number) for number in servers],
        )
        self.lab = Lab(cloud=FakeBackend(compute_hosts=self.hosts), **given)
        self.hosts.clock_s = self.tick
        self.lab.offer(Kind.PROVIDER, provider_body())
        self.lab.offer(Kind.PLAN, plan_body(spec={**DISABLE, **(spec or {})}, namespace="team-a"))

    def tick(self) -> float:
        """Tell the time of a request; no two are sent at the same moment."""
        self.lab.clock.advance(0.001)
        return self.lab.clock.boottime()

    async def step(self, seconds: float = 0.0) -> dict[str, Any]:
        """Let time pass, make one step, and return the status on record."""
        self.lab.clock.advance(seconds)
        if seconds:
            await self.lab.step(PROVIDER)
        self.lab.show(PLAN)
        await self.lab.step(PLAN)
        return self.status

    @property
    def status(self) -> dict[str, Any]:
        """Its status on record."""
        return dict(self.lab.api.status(PLAN))

    @property
    def outcome(self) -> tuple[str, str]:
        """Phase and reason on record."""
        status = self.status
        (succeeded,) = (one for one in status["conditions"] if one["type"] == "Succeeded")
        return status["phase"], succeeded["reason"]

    def children(self) -> dict[Key, dict[str, Any]]:
        """The plan's Migrations as the API server has them."""
        return {key: body for key, body in self.lab.api.objects.items() if key.kind is Kind.MIGRATION}

    def finish(self, *, phase: str = "Succeeded") -> None:
        """End every Migration as its own controller would, and let the servers be elsewhere."""
        for key, body in self.children().items():
            condition: dict[str, Any] = {"type": "Succeeded", "status": str(phase == "Succeeded"), "reason": phase}
            condition |= {"message": "", "lastTransitionTime": TIME, "observedGeneration": 1}
            body["status"] = {"phase": phase, "conditions": [condition], "startTime": TIME, "completionTime": TIME}
            self.lab.api.change(key)
            self.lab.show(key)
            server_id = body["spec"]["server"]["id"]
            if phase == "Succeeded":
                self.move(server_id)

    def move(self, server_id: str) -> None:
        """Put a server onto another host."""
        self.hosts.servers = [replace(row, host="cmp2") if row.id == server_id else row for row in self.hosts.servers]


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Play a story to its end."""

    async def whole() -> None:
        await story()

    asyncio.run(whole())


async def begun(*servers: int, **given: Any) -> Drain:  # noqa: ANN401
    """A plan that has disabled its host."""
    drain = Drain(*servers, **given)
    await drain.lab.step(PROVIDER)
    await drain.step()
    await drain.step(1)
    return drain


def test_a_host_is_disabled_emptied_and_proven_empty() -> None:
    async def story() -> None:
        drain = await begun(1, 2)
        assert drain.hosts.orders == [("cmp1", f"osmig/team-a/drain/{UID[:8]}: CHG0031337")]
        assert drain.hosts.permits == [True]
        assert len(drain.children()) == 2
        drain.finish()
        await drain.step(PERIOD_S)
        assert drain.outcome[0] in {"Running", "Verifying"}
        await drain.step(PERIOD_S)
        await drain.step(PERIOD_S)
        assert drain.outcome == ("Succeeded", "Succeeded")
        assert drain.status["hosts"][0]["drainedTime"]
        assert not drain.hosts.services["cmp1"].is_enabled

    play(story)


def test_what_the_service_was_is_on_record_before_it_is_changed() -> None:
    async def story() -> None:
        drain = Drain(1)
        seen: list[Any] = []
        drain.hosts.on_change = lambda: seen.append(drain.status["hosts"][0])
        await drain.lab.step(PROVIDER)
        await drain.step()
        ((host),) = seen
        assert host["before"] == {"state": "Enabled"}
        assert host["orderTime"]
        assert drain.status["startTime"]

    play(story)


def test_no_service_is_changed_when_that_cannot_be_written_down() -> None:
    async def story() -> None:
        drain = Drain(1)
        await drain.lab.step(PROVIDER)

        def refuse(status: Any) -> None:  # noqa: ANN401
            if "startTime" in status:
                raise KubeUnavailable("Timeout", "no answer")

        drain.lab.api.before_put = [refuse] * 5
        with pytest.raises(KubeUnavailable):
            await drain.step()
        assert drain.hosts.orders == []

    play(story)


def test_a_plan_that_changed_while_it_was_decided_on_does_nothing() -> None:
    async def story() -> None:
        drain = Drain(1)
        await drain.lab.step(PROVIDER)

        def suspend(status: Any) -> None:  # noqa: ANN401
            if "startTime" in status:
                drain.lab.api.objects[PLAN]["spec"]["suspend"] = True
                drain.lab.api.change(PLAN, generation=2)

        drain.lab.api.before_put = [suspend] * 5
        with pytest.raises(WriteConflict):
            await drain.step()
        assert drain.hosts.orders == []
        await drain.step()
        assert drain.outcome == ("Paused", "Suspended")
        assert drain.hosts.orders == []

    play(story)


def test_another_process_goes_on_where_this_one_died() -> None:
    async def story() -> None:
        drain = await begun(1, 2)
        after = Drain(1, 2, api=drain.lab.api)
        after.hosts.services, after.hosts.servers = drain.hosts.services, drain.hosts.servers
        for key in (*drain.children(), PLAN):
            after.lab.show(key)
        await after.lab.step(PROVIDER)
        await after.step()
        assert len(after.children()) == 2
        assert after.hosts.orders == []
        await after.lab.bury()

    play(story)


def test_two_plans_never_have_one_host_at_once() -> None:
    async def story() -> None:
        drain = await begun(1)
        other = Key(Kind.PLAN, "team-a", "other")
        drain.lab.offer(Kind.PLAN, plan_body(spec=DISABLE, namespace="team-a", name="other", uid="uid-other"))
        await drain.lab.step(other)
        status = drain.lab.api.status(other)
        (succeeded,) = (one for one in status["conditions"] if one["type"] == "Succeeded")
        assert (status["phase"], succeeded["reason"]) == ("Waiting", "HostClaimed")
        assert "drain" in succeeded["message"]
        assert len(drain.hosts.orders) == 1

    play(story)


def test_retry_looks_at_the_host_anew() -> None:
    async def story() -> None:
        drain = Drain()
        drain.hosts.servers = [server_on("cmp1", 1, status="SUSPENDED")]
        await drain.lab.step(PROVIDER)
        for _ in range(2):
            await drain.step(1)
        assert drain.outcome == ("Failed", "ServersLeft")
        drain.hosts.servers = []
        drain.lab.annotate(PLAN, retry="now")
        await drain.lab.step(PLAN)
        assert drain.outcome == ("Verifying", "Verifying")

    play(story)


def test_reconcile_looks_at_the_hosts_anew() -> None:
    async def story() -> None:
        drain = Drain(spec={"approval": "Manual"})
        drain.hosts.servers = [server_on("cmp1", 1, status="SUSPENDED")]
        await drain.lab.step(PROVIDER)
        await drain.step()
        assert drain.status["preview"]["counts"]["blocked"] == 1
        drain.hosts.servers = []
        await drain.step(1)
        assert drain.status["preview"]["counts"]["blocked"] == 1, "the last look is young enough"
        drain.lab.annotate(PLAN, reconcile="now")
        await drain.lab.step(PLAN)
        assert drain.status["preview"]["counts"]["blocked"] == 0

    play(story)


def test_a_migration_that_ends_while_its_host_is_looked_at_is_no_end_of_the_plan_yet() -> None:
    async def story() -> None:
        drain = Drain(1)
        drain.hosts.servers.append(server_on("cmp1", 2, status="SOFT_DELETED"))
        await drain.lab.step(PROVIDER)
        for _ in range(2):
            await drain.step(1)
        assert len(drain.children()) == 1
        drain.hosts.on_sweep = drain.finish
        await drain.step(PERIOD_S)
        assert drain.status["phase"] == "Running"
        drain.hosts.on_sweep = lambda: None

        await drain.step(1)

        assert drain.outcome == ("Failed", "ServersLeft")
        assert (drain.status["hosts"][0]["remaining"], drain.status["hosts"][0]["softDeleted"]) == (0, 1)

    play(story)


def test_release_enables_what_the_plan_disabled_and_nothing_else() -> None:
    async def story() -> None:
        drain = await begun()
        for _ in range(3):
            await drain.step(PERIOD_S)
        assert drain.outcome == ("Succeeded", "AlreadyDrained")
        drain.lab.annotate(PLAN, release="now")
        for _ in range(3):
            await drain.step(1)
        assert drain.hosts.services["cmp1"].is_enabled
        assert drain.hosts.orders[-1] == ("cmp1", "enabled")
        assert [one["result"] for one in drain.status["controls"]] == ["Done"]
        assert drain.hosts.services["cmp2"].is_enabled

    play(story)


def test_counting_is_written_every_ten_seconds_at_most() -> None:
    async def story() -> None:
        drain = await begun(*range(1, 7), spec={"limits": {"maxInFlightPerSourceHost": 6}})
        writes = len(drain.lab.api.puts)
        for key in list(drain.children())[:3]:
            body = drain.children()[key]
            body["status"] = {"phase": "Running"}
            drain.lab.api.change(key)
            drain.lab.show(key)
            await drain.step(1)
        assert len(drain.lab.api.puts) - writes <= 1

    play(story)


def test_what_ends_while_a_plan_is_paused_is_counted_soon() -> None:
    async def story() -> None:
        drain = await begun(1, 2, 3)
        drain.lab.annotate(PLAN, pause="now")
        await drain.step(1)
        assert drain.status["phase"] == "Paused"
        drain.finish()
        await drain.step(1)
        due_s = await drain.lab.step(PLAN)
        assert due_s is not None
        await drain.step(due_s)
        assert drain.status["counts"]["succeeded"] == 2
        assert due_s <= 10.0

    play(story)


@pytest.mark.parametrize("error", [Transient("Unreachable", "no answer", operation="list-hosts")])
def test_what_cannot_be_read_is_told_and_tried_again_by_the_next_step(error: Transient) -> None:
    async def story() -> None:
        drain = Drain(1)
        await drain.lab.step(PROVIDER)
        drain.hosts.fail["list_hosts"] = [error]
        await drain.step()
        assert drain.outcome == ("Waiting", "Retrying")
        assert drain.hosts.orders == []
        await drain.step(1)
        assert len(drain.hosts.orders) == 1

    play(story)


def test_refused_credentials_make_the_provider_read_its_secret_anew() -> None:
    async def story() -> None:
        drain = Drain(1)
        await drain.lab.step(PROVIDER)
        drain.hosts.fail["sweep_host"] = [Unauthorized("Unauthorized", "no", operation="list-hosts")]
        await drain.step()
        session = drain.lab.controllers.sessions.get(PROVIDER)
        assert session is not None
        assert session.wants_refresh

    play(story)


def test_a_plan_waits_for_its_provider() -> None:
    async def story() -> None:
        drain = Drain(1)
        await drain.step()
        assert drain.outcome == ("Waiting", "ProviderNotReady")
        assert drain.hosts.calls == []

    play(story)


def test_a_plan_whose_provider_is_gone_waits_and_what_was_seen_through_it_counts_no_more() -> None:
    async def story() -> None:
        drain = await begun(1)
        looks = drain.hosts.calls.count("sweep_host")
        provider = drain.lab.api.objects.pop(PROVIDER)
        drain.lab.controllers.intake.remove(Kind.PROVIDER, provider)
        await drain.step()
        conditions = {one["type"]: one["reason"] for one in drain.status["conditions"]}
        assert conditions["Succeeded"] == "ProviderNotReady"
        drain.lab.offer(Kind.PROVIDER, provider)
        await drain.lab.step(PROVIDER)
        await drain.step()
        assert drain.hosts.calls.count("sweep_host") == looks + 1

    play(story)


def test_a_plan_goes_on_at_once_when_its_provider_is_ready() -> None:
    async def story() -> None:
        drain = Drain(1)
        drain.lab.cloud.fail["probe"] = [Transient("Unreachable", "no answer", operation="probe")]
        await drain.lab.run(seconds=1.0)
        assert drain.outcome == ("Waiting", "ProviderNotReady")
        await drain.lab.run(seconds=12.0)
        assert len(drain.hosts.orders) == 1
        await drain.lab.bury()

    play(story)


def test_a_plan_that_is_gone_is_forgotten() -> None:
    async def story() -> None:
        drain = await begun(1)
        body = drain.lab.api.objects.pop(PLAN)
        drain.lab.controllers.intake.remove(Kind.PLAN, body)
        assert await drain.lab.step(PLAN) is None
        assert not drain.hosts.services["cmp1"].is_enabled
        assert "ServiceLeftDisabled" in drain.lab.events.reasons

    play(story)


def test_a_plan_whose_time_is_over_is_deleted() -> None:
    async def story() -> None:
        drain = await begun(spec={"ttlSecondsAfterFinished": 60})
        for _ in range(2):
            await drain.step(PERIOD_S)
        assert drain.outcome[0] == "Succeeded"
        drain.lab.clock.advance(61)
        await drain.lab.step(PLAN)
        assert PLAN not in drain.lab.api.objects

    play(story)


def test_a_plan_that_this_version_cannot_read_is_left_alone() -> None:
    async def story() -> None:
        drain = Drain(1)
        drain.lab.api.objects[PLAN]["spec"]["targets"] = {}
        drain.lab.api.change(PLAN)
        await drain.lab.step(PROVIDER)
        drain.lab.show(PLAN)
        await drain.lab.step(PLAN)
        assert drain.hosts.orders == []

    play(story)


def test_metrics_show_where_a_plan_stands_and_go_with_it() -> None:
    async def story() -> None:
        drain = await begun(1, 2)
        labels = {"namespace": "team-a", "name": "drain"}
        host = {**labels, "host": "cmp1"}
        assert len(drain.children()) == 2
        assert scrape(drain.lab.metrics, "osmig_plan_servers", state="pending", **labels) == [2]
        assert scrape(drain.lab.metrics, "osmig_plan_phase", phase="Running", **labels) == [1]
        assert scrape(drain.lab.metrics, "osmig_host_disabled_by_plan", **host) == [1]
        assert scrape(drain.lab.metrics, "osmig_host_drained", **host) == [0]
        drain.finish()
        for _ in range(3):
            await drain.step(PERIOD_S)
        assert scrape(drain.lab.metrics, "osmig_plan_servers", state="succeeded", **labels) == [2]
        assert scrape(drain.lab.metrics, "osmig_host_drained", **host) == [1]
        assert scrape(drain.lab.metrics, "osmig_plan_completion_timestamp_seconds", **labels)
        drain.lab.annotate(PLAN, release="1")
        for _ in range(3):
            await drain.step(PERIOD_S)
        assert scrape(drain.lab.metrics, "osmig_host_disabled_by_plan", **host) == [0]
        drain.lab.controllers.intake.remove(PLAN.kind, drain.lab.api.objects[PLAN])
        await drain.lab.step(PLAN)
        names = {sample.name for family in drain.lab.metrics.collect() for sample in family.samples}
        assert not [name for name in names if name.startswith(("osmig_plan_", "osmig_host_"))]

    play(story)


def test_verbs_of_a_plan_are_counted_once_each_when_they_have_their_result() -> None:
    async def story() -> None:
        drain = await begun(1)
        for verbs in ({"approve": "sha256:another"}, {"pause": "1"}, {"abort": "1"}):
            drain.lab.annotate(PLAN, **verbs)
            for _ in range(2):
                await drain.step(1)
        assert drain.status["phase"] == "Aborting"
        assert drain.lab.count("osmig_control_requests_total", kind="MigrationPlan", verb="abort") == 0
        drain.finish(phase="Aborted")
        for _ in range(2):
            await drain.step(1)
        counted = {("approve", "Rejected"), ("pause", "Done"), ("abort", "Done")}
        for verb, result in counted:
            labels = {"kind": "MigrationPlan", "verb": verb, "result": result}
            assert drain.lab.count("osmig_control_requests_total", **labels) == 1
        assert drain.lab.count("osmig_control_requests_total", kind="MigrationPlan") == len(counted)

    play(story)


def test_metrics_of_a_plan_whose_status_cannot_be_read_stay_as_they_were() -> None:
    async def story() -> None:
        drain = await begun(1)
        drain.lab.api.objects[PLAN]["status"]["phase"] = "Dancing"
        drain.lab.api.change(PLAN)
        await drain.step(PERIOD_S)
        assert scrape(drain.lab.metrics, "osmig_plan_phase", phase="Running", name="drain") == [1]
        assert scrape(drain.lab.metrics, "osmig_host_disabled_by_plan", host="cmp1") == [1]

    play(story)


@pytest.mark.parametrize(
    "targets", [{"projectID": "p"}, {"servers": [{"id": server_on("cmp1", 1).id}]}], ids=["project", "servers"]
)
def test_servers_that_a_plan_names_are_moved_and_no_service_is_changed(targets: dict[str, Any]) -> None:
    async def story() -> None:
        drain = Drain(1, spec={"targets": targets, "maintenance": None})
        await drain.lab.step(PROVIDER)
        await drain.step()
        await drain.step(1)
        (child,) = drain.children().values()
        assert child["spec"]["placement"]["sourceHost"] == "cmp1"
        drain.finish()
        await drain.step(PERIOD_S)
        assert drain.outcome == ("Succeeded", "Succeeded")
        assert drain.hosts.orders == []

    play(story)


@pytest.mark.parametrize(
    ("spec", "phase"),
    [
        ({"approval": "Manual"}, "AwaitingApproval"),
        ({"schedule": {"notBeforeTime": "2031-01-01T00:00:00Z"}}, "Waiting"),
    ],
    ids=["approval", "time"],
)
def test_a_plan_that_waits_beside_a_cloud_that_fails_now_and_then_writes_rarely(
    spec: dict[str, Any], phase: str
) -> None:
    async def story() -> None:
        drain = Drain(1, spec=spec)
        await drain.lab.step(PROVIDER)
        for number in range(240):
            drain.hosts.problem = "a cell of the cloud did not answer" if number % 2 else ""
            await drain.step(30.5)
        assert len(drain.lab.api.puts) < 2 * 240 * 30.5 / FAILURE_PERIOD_S + 5
        drain.hosts.problem = ""
        await drain.step(30.5)
        assert drain.status["phase"] == phase
        drain.hosts.problem = "a cell of the cloud did not answer"
        for _ in range(25):
            await drain.step(30.5)
        assert drain.outcome == ("Waiting", "IncompleteSweep"), "what lasts is told"

    play(story)


def test_a_list_that_is_read_in_several_steps_comes_to_its_end() -> None:
    async def story() -> None:
        servers = tuple(range(1, 6))
        ids = [{"id": server_on("cmp1", number).id} for number in servers]
        drain = Drain(*servers, spec={"targets": {"servers": ids}, "maintenance": None})
        await drain.lab.step(PROVIDER)
        for _ in servers:
            inner, read = drain.hosts.find_server, 0

            async def find_server(server_id: str, inner: Any = inner) -> Any:  # noqa: ANN401
                nonlocal read
                read += 1
                if read > 1:
                    raise asyncio.CancelledError
                return await inner(server_id)

            drain.hosts.find_server = find_server  # type: ignore[method-assign]
            with contextlib.suppress(asyncio.CancelledError):
                await drain.step(1)
            drain.hosts.find_server = inner  # type: ignore[method-assign]
        assert drain.hosts.calls.count("find_server") == len(servers), "each is read once"
        assert drain.children()

    play(story)
