"""In the middle of a drain the API server restarts, or Nova is away: that costs time, and changes nothing else."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from crash.operator_settings import PATIENT_LEASE, SHORT, USER_AGENT
from crash.plan_stage import DRAIN_S, Stage, open_stage
from e2e_plan import read_service, servers_on
from e2e_status import condition
from lab.nova import NovaLab
from lab.waiting import eventually
from nova_support import change_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crash.operators import Operator
    from crash.spares import SpareServers
    from lab.cluster import Cluster
    from lab.nova_client import Request

pytestmark = pytest.mark.timeout(900)
"""A proof takes two sweeps that are 30 s apart."""

HOST, FOREIGN_HOST = "rack1", "foreign"
FAILED = 1
SERVERS = 4
FOREIGN = "watcher_maintaining"
REFUSED = 20
"""Requests that are answered 503, before all others are cut."""
OUTAGE_S = SHORT["adopt-after"] + SHORT["connect-timeout"]
"""Longer than anything that these operators wait for before they act: a start's grace, an intent's age, a retry."""


@contextmanager
def open_drain(crds: Cluster, folder: Path, spares: SpareServers, name: str) -> Iterator[Drain]:
    """Open a stage with a cloud of its own: servers land on whatever host is enabled, also on one of another drain."""
    folder = folder / name
    folder.mkdir()
    options = ("--max-concurrent", "4", "--service-down-time", "60")
    with (
        NovaLab(*options, computes=(HOST, FOREIGN_HOST, "spare")) as nova,
        open_stage(crds, nova, folder, spares=spares) as stage,
    ):
        yield Drain(stage)


class Drain:
    """A drain of which one server has moved, two are moving, and one has its turn still to come.

    Attributes:
        servers: ids; the last one is on the host that somebody else has disabled.
    """

    def __init__(self, stage: Stage) -> None:
        """Boot the servers; their moves hang until they are let go."""
        self.stage, self.nova = stage, stage.nova
        self.servers = [self.nova.boot(f"web-{number}", host=HOST, plan="hang") for number in range(SERVERS)]
        self.servers.append(self.nova.boot("guest-0", host=FOREIGN_HOST))
        change_service(self.nova, FOREIGN_HOST, status="disabled", disabled_reason=FOREIGN)
        self._mark = self.nova.control.request_mark()

    def begin(self) -> None:
        """Order the drain, and wait until it stands in the middle."""
        # the first failure would count
        budget, maintenance = {"maxFailures": 0}, {"onFinish": "Enable"}
        self.stage.drain(HOST, FOREIGN_HOST, maintenance=maintenance, failureBudget=budget)
        eventually(lambda: len(self.moving()) == SERVERS // 2, what=f"half of {HOST} is moving")

    def moving(self) -> list[str]:
        """Return the servers whose move hangs."""
        runs = {run["server"] for run in self.nova.control.runs()}
        return [server for server in self.servers if server in runs]

    def let_one_go(self) -> None:
        """Let one of the moves that hang come to its end."""
        self.nova.control.steer(self.moving()[0], "finish")

    def let_all_go(self) -> None:
        """Let the moves come to their end, those that hang and those that have yet to begin."""
        for server in self.servers:
            self.nova.control.plan(server, "finish")
        for server in self.moving():
            self.nova.control.steer(server, "finish")

    def starts(self) -> dict[str, list[Request]]:
        """Return the orders to move that Nova accepted, by server."""
        return self.stage.starts(self.servers, since=self._mark)

    def check(self) -> None:
        """Wait for the end, and hold everything against the promise."""
        status = self.stage.until_succeeded()
        self._check_moves()
        self._check_services(status)
        assert (status["phase"], condition(status, "Succeeded")["reason"]) == ("Succeeded", "Succeeded")
        assert condition(status, "Drained")["status"] == "True"
        written = [
            body["status"] for body in self.stage.written("migrationplans", "update") if "phase" in body["status"]
        ]
        assert written
        assert [one for one in written if one.get("failures") or one["phase"] == "Paused"] == []
        assert {condition(one, "WithinBudget").get("status", "True") for one in written} == {"True"}

    def _check_moves(self) -> None:
        created = [body["spec"]["server"]["id"] for body in self.stage.written("migrations", "create")]
        assert sorted(created) == sorted(self.servers), "a server has two Migrations, or none"
        assert {server: len(found) for server, found in self.starts().items()} == dict.fromkeys(self.servers, 1)
        for server in self.servers:
            assert [record["status"] for record in self.nova.nova.migrations(server)] == ["completed"]
        ends = [migration["status"] for migration in self.stage.migrations().values()]
        assert {(end["phase"], end["attempt"]) for end in ends} == {("Succeeded", 1)}

    def _check_services(self, status: dict[str, Any]) -> None:
        assert servers_on(self.nova, HOST) == servers_on(self.nova, FOREIGN_HOST) == set()
        assert {host["name"]: bool(host["drainedTime"]) for host in status["hosts"]} == {
            HOST: True,
            FOREIGN_HOST: True,
        }
        assert read_service(self.nova, FOREIGN_HOST) == ("disabled", FOREIGN)
        eventually(lambda: read_service(self.nova, HOST) == ("enabled", None), what=f"{HOST} is given back")
        assert self._orders(HOST) == ["disabled", "enabled"]
        assert self._orders(FOREIGN_HOST) == []

    def _orders(self, host: str) -> list[str]:
        """Return what operators ordered of the service of a host, oldest first."""
        (service,) = self.nova.nova.get(f"/os-services?binary=nova-compute&host={host}")["services"]
        return [
            json.loads(one["body"])["status"]
            for one in self.nova.control.requests(since=self._mark)
            if one["method"] == "PUT" and service["id"] in one["path"] and is_own(one)
        ]


def test_an_api_server_that_restarts_in_the_middle_of_a_drain_changes_nothing_but_time(
    crds: Cluster, tmp_path: Path, spares: SpareServers
) -> None:
    """One operator outlives it, with a Migration to create; another one's Lease runs out, and the next goes on.

    The API server stays away until the second process has ended for want of it.
    """
    with ExitStack() as stack:
        keeps = stack.enter_context(open_drain(crds, tmp_path, spares, "keeps-lease"))
        loses = stack.enter_context(open_drain(crds, tmp_path, spares, "loses-lease"))
        survivor = begin_at_creation(keeps)
        loser = loses.stage.start().wait_leading()
        loses.begin()
        loses.let_one_go()
        eventually(lambda: sum(map(len, loses.starts().values())) == SERVERS, what="the third move of the other drain")

        keeps.stage.stop_apiserver()
        survivor.let_go()
        keeps.let_all_go()
        loses.let_all_go()
        assert loser.wait_ended() == FAILED
        keeps.stage.start_apiserver()

        loses.stage.start().wait_leading()
        keeps.check()
        loses.check()
        assert survivor.run.returncode is None


def begin_at_creation(drain: Drain) -> Operator:
    """Bring a drain into its middle, where its operator stands right before it makes a Migration."""
    drain.stage.adjust(PATIENT_LEASE)
    operator = drain.stage.start(at="before-create").wait_leading()
    first = SERVERS // 2 + 1
    operator.let_go(first)
    drain.begin()
    drain.let_one_go()
    operator.wait_reached(first + 1)
    return operator


def test_a_nova_that_is_away_in_the_middle_of_a_drain_changes_nothing_but_time(
    crds: Cluster, tmp_path: Path, spares: SpareServers
) -> None:
    """Nova makes a move of which nobody hears, refuses requests, and then cuts every line; the moves end meanwhile.

    What stands for minutes: the Provider is not ready any more, and the outage lasts longer than any period after which
    these operators send again, take over or give up, for theirs are seconds.
    """
    with open_drain(crds, tmp_path, spares, "away") as drain:
        stage, nova = drain.stage, drain.nova
        operator = stage.start().wait_leading()
        drain.begin()

        lost = nova.control.fault(path="/action", method="POST", when="after", action="cut")
        drain.let_one_go()
        eventually(lambda: faulted(nova, lost), what="a start without an answer")
        last = cut_off(nova)
        drain.let_all_go()
        eventually(lambda: is_away_long(nova, last), what=f"away for {OUTAGE_S:g} s", timeout_s=DRAIN_S)
        eventually(lambda: stage.provider_condition()["status"] == "False", what="the Provider is not ready")
        nova.control.clear_faults()

        drain.check()
        assert operator.run.logs("step.crashed") == []
        assert operator.count("osmig_duplicate_starts_total") == 0


def cut_off(nova: NovaLab) -> int:
    """Let Nova answer no request any more; return the number of the fault that lasts."""
    nova.control.fault(path=".*", status=503, count=REFUSED)
    return nova.control.fault(path=".*", action="cut", count=0)


def faulted(nova: NovaLab, *faults: int) -> list[Request]:
    """Return the operators' requests that met some faults and are over."""
    return [
        one for one in nova.control.requests() if one["fault"] in faults and one["status"] is not None and is_own(one)
    ]


def is_away_long(nova: NovaLab, fault: int) -> bool:
    """Whether an operator has asked in vain for long enough, by the times in Nova's own log."""
    times = [one["t"] for one in faulted(nova, fault)]
    return bool(times) and times[-1] - times[0] > OUTAGE_S


def is_own(request: Request) -> bool:
    """Whether an operator sent it."""
    return (request["user_agent"] or "").startswith(USER_AGENT)
