"""Which turn each call of the port takes, and that every request it sends is paid for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fake_clock import FakeClock, HeldClock, settle
from http_upstream import Upstream, answer, serving
from lab.waiting import eventually_async
from nova_support import GRANTED, LOOPBACK, PATIENT, clouds_yaml
from old_clouds import SERVER, speak
from osmig.api.migration import PendingCall
from osmig.api.names import Verb
from osmig.api.provider import ProviderSpec
from osmig.domain.errors import Transient
from osmig.domain.operations import MoveKind
from osmig.drivers.ports import Net
from osmig.drivers.servers.nova.factory import build
from osmig.drivers.servers.views import Job
from osmig.net.endpoints import EndpointGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.domain.clock import Clock
    from osmig.drivers.servers.ports import ServerBackend

ROW = {"id": SERVER, "name": "vm", "status": "ACTIVE", "OS-EXT-SRV-ATTR:host": "cmp1"}
JOB = Job(server_id=SERVER)
PENDING = PendingCall.model_validate(
    {"operation": "live-migrate", "attempt": 1, "holder": "h", "time": "2026-11-21T12:00:00.000000Z", "sends": 1}
)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A cloud with one server that never moved; it lists its migrations on two pages."""
    made = Upstream()
    pages = iter([[{"id": 1, "uuid": "a", "status": "done"}], [{"id": 2, "uuid": "b", "status": "done"}]] * 20)

    def migrations(handler: Any) -> None:  # noqa: ANN401 - the base class' handler
        rows = next(pages) if "limit=1000" in handler.path else []
        link = '"migrations_links": [{"rel": "next"}], ' if rows and rows[0]["id"] == 1 else ""
        listed = str(rows).replace("'", '"')
        answer(200, f'{{{link}"migrations": {listed}}}'.encode())(handler)

    speak(
        made,
        "2.90",
        detail={"servers": [ROW]},
        os_instance_actions={"instanceActions": []},
        os_migrations=migrations,
        migrations={"migrations": []},
        os_services={"services": [{"host": "cmp1"}]},
        action=202,
        **{SERVER.replace("-", "_"): {"server": ROW}, "7": 202},
    )
    with serving(made):
        yield made


def make(upstream: Upstream, clock: Clock) -> ServerBackend:
    """Build a backend that may send one request per second."""
    reference = {"secretName": "clouds", "cloudName": "x"}
    spec = {"type": "OpenStack", "openstack": {"cloudCredentialsRef": reference}, "limits": {"requestsPerSecond": 1}}
    secret = clouds_yaml(auth_type="admin_token", endpoint=f"{upstream.url}/v2.1", token="t")  # noqa: S106
    net = Net(
        guard=EndpointGuard(LOOPBACK), clock=clock, timeouts=PATIENT, threads=8, observer_of=lambda _: lambda *_: None
    )
    return build(net, ("default", "x"), ProviderSpec.model_validate(spec), {"clouds.yaml": secret})


def sent(upstream: Upstream) -> list[str]:
    """Return the requests but for the discovery of versions."""
    return [seen for seen in upstream.seen if not seen.endswith("/v2.1/") and not seen.endswith("/v2.1")]


def test_every_request_of_every_call_is_paid_for(upstream: Upstream) -> None:
    async def story() -> None:
        clock = FakeClock()
        backend = make(upstream, clock)
        await backend.probe()
        await backend.pre_start_state(JOB)
        await backend.pre_start_state(Job(server_name="vm"))
        await backend.preflight(JOB)
        await backend.preflight(Job(server_name="vm", kind=MoveKind.COLD))
        await backend.host("cmp1")
        await backend.start(JOB, GRANTED)
        await backend.find_effect(JOB, PENDING, ())
        await backend.records(SERVER)
        await backend.progress(SERVER, "7")
        await backend.explain(SERVER, None)
        await backend.apply(Verb.ABORT, SERVER, "7", GRANTED)
        await backend.sweep(None)
        before = len(sent(upstream))
        await backend.server(SERVER)
        await backend.close()
        assert len(sent(upstream)) == before + 1
        assert before > 20
        assert clock.elapsed == pytest.approx(before)

    asyncio.run(story())


def test_a_call_that_fails_is_paid_for_too_and_one_that_sends_nothing_is_not(upstream: Upstream) -> None:
    async def story() -> None:
        clock = FakeClock()
        backend = make(upstream, clock)
        with pytest.raises(Transient):
            await backend.server("unknown")
        await backend.server(SERVER)
        assert clock.elapsed == pytest.approx(1.0)
        with pytest.raises(ValueError, match="not resolved"):
            await backend.start(Job(server_name="vm"), GRANTED)
        await backend.server(SERVER)
        assert clock.elapsed == pytest.approx(2.0)
        await backend.close()

    asyncio.run(story())


def test_orders_go_before_starts_before_looks_before_sweeps_before_progress(upstream: Upstream) -> None:
    async def story() -> list[str]:
        clock = HeldClock()
        backend = make(upstream, clock)
        await backend.server(SERVER)
        del upstream.seen[:]
        calls = [
            backend.progress(SERVER, "7"),
            backend.sweep(None),
            backend.server(SERVER),
            backend.host("cmp1"),
            backend.start(JOB, GRANTED),
            backend.apply(Verb.ABORT, SERVER, "7", GRANTED),
        ]
        tasks = [asyncio.ensure_future(call) for call in calls]
        await settle()
        assert sent(upstream) == []

        async def one_more_second() -> bool:
            await clock.pass_by(1.0)
            return all(task.done() for task in tasks)

        for number in range(len(calls)):

            async def arrived(wanted: int = number + 1) -> bool:
                return len(sent(upstream)) >= wanted

            await clock.pass_by(1.0)
            await eventually_async(arrived, what="the next request was sent")
        await eventually_async(one_more_second, what="all is answered")
        await backend.close()
        return [seen.partition("?")[0].rpartition("/")[2] for seen in sent(upstream)]

    order = asyncio.run(story())

    assert list(dict.fromkeys(order)) == ["7", "action", SERVER, "os-services", "os-migrations", "migrations"]


def test_a_call_that_waits_while_the_backend_is_closed_sends_nothing(upstream: Upstream) -> None:
    async def story() -> None:
        clock = HeldClock()
        backend = make(upstream, clock)
        await backend.server(SERVER)
        del upstream.seen[:]
        waiting = asyncio.create_task(backend.start(JOB, GRANTED))
        await settle()
        await backend.close()
        await clock.pass_by(1.0)
        with pytest.raises(Transient):
            await waiting

    asyncio.run(story())

    assert upstream.seen == []
