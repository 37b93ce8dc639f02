"""What only a clock of our own can show about the Lease: frozen processes, late answers, patience."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from fake_clock import FakeClock, HeldClock, give_way_until
from osmig.domain.errors import KubeUnavailable, LeadershipLost, ObjectGone, WriteConflict
from osmig.kube.answers import Answer
from osmig.kube.lease import Lease, LeaseTimings, make_identity
from osmig.kube.refs import Call, KubeVerb

TIMINGS = LeaseTimings()


@dataclass
class LeaseServer:
    """One Lease in memory with the API server's compare-and-swap, and delays and losses on order.

    Attributes:
        frozen_s: for how long who asked is frozen after the answer came: no timeout of its own ends that.
        odd_read, odd_answer: what comes instead of the answer to a read, or to a write.
    """

    clock: FakeClock
    spec: dict[str, Any] | None = None
    version: int = 1
    delay_s: float = 0.0
    frozen_s: float = 0.0
    loses_answers: bool = False
    odd_read: Answer | None = None
    odd_answer: Answer | None = None
    writes: list[dict[str, Any]] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)

    async def request(self, call: Call, *, body: dict[str, Any] | None = None, timeout_s: float = 30.0) -> Answer:
        """Do what ``KubeClient.request`` does."""
        self.timeouts.append(timeout_s)
        if self.delay_s > timeout_s:
            self.clock.advance(timeout_s)
            raise KubeUnavailable(reason="Timeout", message="no answer in time")
        if call.verb is KubeVerb.GET:
            self.clock.advance(self.delay_s + self.frozen_s)
            if self.spec is None:
                raise ObjectGone(reason="NotFound", message="no Lease")
            return self.odd_read or self._answer()
        assert body is not None
        expected = body["metadata"].get("resourceVersion")
        if (self.spec is None) != (expected is None) or expected not in {None, str(self.version)}:
            raise WriteConflict(reason="Conflict", message="another version")
        self.spec = {**(self.spec or {}), **body["spec"]}
        self.version += 1
        self.writes.append(body["spec"])
        self.clock.advance(self.delay_s + self.frozen_s)
        if self.loses_answers:
            raise KubeUnavailable(reason="Unreachable", message="the answer was lost")
        return self.odd_answer or self._answer()

    def _answer(self) -> Answer:
        return Answer({"metadata": {"resourceVersion": str(self.version)}, "spec": dict(self.spec or {})})


@pytest.fixture
def server(clock: FakeClock) -> LeaseServer:
    return LeaseServer(clock)


def candidate(server: LeaseServer, *, random: float = 0.5) -> Lease:
    return Lease(
        server,  # type: ignore[arg-type]
        server.clock,
        lambda: random,
        namespace="n",
        name="osmig",
        identity="us",
        timings=TIMINGS,
    )


async def test_the_fence_counts_from_the_start_of_the_write(server: LeaseServer, clock: FakeClock) -> None:
    lease = candidate(server)
    server.delay_s = 2.0

    await lease.acquire()

    assert lease.fence() == TIMINGS.renew_deadline_s - 2.0
    clock.advance(3.0)
    assert lease.fence() == TIMINGS.renew_deadline_s - 5.0


async def test_a_process_frozen_past_its_deadline_writes_nothing_when_it_goes_on(
    server: LeaseServer, clock: FakeClock
) -> None:
    lease = candidate(server)
    await lease.acquire()
    before = len(server.writes)

    clock.advance(25.0)

    assert lease.fence() <= 0
    with pytest.raises(LeadershipLost) as caught:
        await lease.hold()
    assert caught.value.reason == "LeaseExpired"
    assert len(server.writes) == before


async def test_a_process_frozen_during_a_write_that_succeeds_may_not_act(server: LeaseServer) -> None:
    lease = candidate(server)
    server.frozen_s = 25.0

    await lease.acquire()

    assert lease.fence() <= 0


async def test_a_holder_never_waits_longer_for_an_answer_than_it_may_act(server: LeaseServer) -> None:
    lease = candidate(server)
    await lease.acquire()
    server.timeouts.clear()
    server.delay_s = 60.0
    began = server.clock.boottime()

    with pytest.raises(LeadershipLost):
        await lease.hold()

    assert server.clock.boottime() - began == pytest.approx(TIMINGS.renew_deadline_s)
    assert server.timeouts == pytest.approx([5.0, 1.0])


async def test_a_write_without_an_answer_does_not_move_the_fence(server: LeaseServer) -> None:
    lease = candidate(server)
    await lease.acquire()
    server.loses_answers = True

    with pytest.raises(LeadershipLost) as caught:
        await lease.hold()

    assert caught.value.reason == "LeaseExpired"


async def test_an_acquisition_whose_answer_was_lost_is_completed_by_the_next_look(server: LeaseServer) -> None:
    lease = candidate(server)
    server.loses_answers = True
    acquiring = asyncio.create_task(lease.acquire())
    await give_way_until(lambda: server.writes)
    assert lease.fence() <= 0

    server.loses_answers = False
    await acquiring

    assert lease.fence() > 0


@pytest.mark.parametrize(("announced", "patience_s"), [(15, 15.0), (40, 40.0), (1, 15.0), (None, 15.0)])
async def test_a_standby_waits_for_the_longer_of_both_durations(
    server: LeaseServer, announced: int | None, patience_s: float
) -> None:
    server.spec = {"holderIdentity": "them", "leaseDurationSeconds": announced}
    began = server.clock.boottime()

    await candidate(server).acquire()

    waited = server.clock.boottime() - began
    assert patience_s <= waited <= patience_s + TIMINGS.period_s
    assert server.writes[-1]["leaseTransitions"] == 1


async def test_a_renewal_seen_by_a_standby_starts_its_patience_anew(server: LeaseServer) -> None:
    server.spec = {"holderIdentity": "them"}
    began = server.clock.boottime()
    acquiring = asyncio.create_task(candidate(server).acquire())
    await give_way_until(lambda: server.clock.boottime() - began >= 12)
    server.version += 1
    renewed = server.clock.boottime()

    await acquiring

    assert server.clock.boottime() - renewed >= TIMINGS.duration_s


async def test_a_clock_of_another_machine_is_never_believed(server: LeaseServer) -> None:
    server.spec = {"holderIdentity": "them", "renewTime": "1999-01-01T00:00:00.000000Z"}
    began = server.clock.boottime()

    await candidate(server).acquire()

    assert server.clock.boottime() - began >= TIMINGS.duration_s


@pytest.mark.parametrize(("random", "pause_s"), [(0.0, 1.6), (0.5, 2.0), (1.0, 2.4)])
async def test_standbys_do_not_look_in_step(server: LeaseServer, random: float, pause_s: float) -> None:
    server.spec = {"holderIdentity": "them"}
    acquiring = asyncio.create_task(candidate(server, random=random).acquire())
    began = server.clock.boottime()
    await give_way_until(lambda: server.timeouts and server.clock.boottime() > began)

    assert server.clock.boottime() - began == pytest.approx(pause_s)
    acquiring.cancel()


async def test_the_times_written_are_utc_with_microseconds(server: LeaseServer) -> None:
    await candidate(server).acquire()

    assert server.writes[0]["renewTime"] == server.writes[0]["acquireTime"] == "2030-01-01T00:00:00.000000Z"


async def test_nothing_is_released_that_is_not_held(server: LeaseServer) -> None:
    await candidate(server).release()

    assert server.timeouts == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"renew_deadline_s": 15.0},
        {"period_s": 10.0},
        {"period_s": 0.0},
        {"call_timeout_s": 0.0},
    ],
)
def test_timings_under_which_two_could_act_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Lease timings"):
        LeaseTimings(**wrong)


def test_an_identity_names_the_host_and_is_unique() -> None:
    assert make_identity("pod-1", "abc") == "pod-1_abc"


@pytest.mark.parametrize("spec", [{"holderIdentity": 7}, {}, {"holderIdentity": "them"}])
async def test_an_answer_that_is_not_what_was_written_proves_nothing(spec: dict[str, Any]) -> None:
    clock = HeldClock()
    server = LeaseServer(clock)
    lease = candidate(server)
    await lease.acquire()
    holding = asyncio.create_task(lease.hold())
    server.odd_answer = Answer({"metadata": {"resourceVersion": "x"}, "spec": spec})
    await clock.pass_by(TIMINGS.period_s)
    assert lease.fence() == TIMINGS.renew_deadline_s - TIMINGS.period_s, "it counts from the write before"
    server.odd_answer = None
    await clock.pass_by(2 * TIMINGS.period_s)
    assert lease.fence() > TIMINGS.renew_deadline_s - TIMINGS.period_s
    holding.cancel()


@pytest.mark.parametrize(
    "spec",
    [
        "x",
        [],
        {"leaseTransitions": "many", "leaseDurationSeconds": "long"},
        *({"leaseTransitions": odd, "leaseDurationSeconds": odd} for odd in (math.inf, math.nan, -math.inf, 10**400)),
    ],
)
async def test_a_lease_in_odd_words_is_taken_all_the_same(server: LeaseServer, spec: object) -> None:
    server.spec, server.odd_read = {}, Answer({"metadata": {"resourceVersion": "1"}, "spec": spec})

    await candidate(server).acquire()

    assert server.writes[-1]["leaseTransitions"] == 1
