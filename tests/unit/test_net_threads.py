"""Providers share threads, and each has a bound: what hangs keeps no more of them than its own share."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fake_clock import give_way_until
from hosting_support import spec_for as hosting_spec
from http_upstream import Upstream, answer, serving
from lab.waiting import DEADLINE_S
from nova_support import clouds_yaml, make_backend, spec_for
from osmig import app
from osmig.api.provider import ProviderType
from osmig.clock import SystemClock
from osmig.domain.errors import BackendError
from osmig.drivers import DRIVERS
from osmig.drivers.ports import Net
from osmig.net.bounds import Timeouts
from osmig.net.endpoints import EndpointGuard, EndpointPolicy
from osmig.net.limiting import Priority
from osmig.net.threads import SWITCH_S, ThreadShare, shared_threads
from osmig.settings import Settings
from waldur_support import spec_for as waldur_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any


class Held:
    """A job that lasts until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = 0
        self.at_once = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """Count, wait, and tell by which name the thread goes."""
        with self._lock:
            self.began += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        assert self.go.wait(DEADLINE_S)
        with self._lock:
            self.at_once -= 1
        return threading.current_thread().name


async def test_one_that_hangs_has_no_more_than_its_share_and_another_goes_on() -> None:
    hanging, job = ThreadShare(2, "team-a/hanging"), Held()
    waiting = [asyncio.create_task(hanging.run(job, Priority.READ)) for _ in range(10)]
    await give_way_until(lambda: job.began == 2)
    assert await ThreadShare(2, "team-b/healthy").run(lambda: 1, Priority.READ) == 1
    assert job.began == 2
    job.go.set()
    assert set(await asyncio.gather(*waiting)) == {"team-a/hanging"}
    assert (job.began, job.most) == (10, 2)


async def test_a_caller_that_gives_up_frees_no_thread_that_still_works() -> None:
    share, job = ThreadShare(1, "x"), Held()
    first = asyncio.create_task(share.run(job, Priority.READ))
    await give_way_until(lambda: job.began == 1)
    first.cancel()
    second = asyncio.create_task(share.run(job, Priority.READ))
    await asyncio.wait({first})
    assert first.cancelled()
    assert job.began == 1
    job.go.set()
    assert await second == "x"
    assert job.most == 1


async def test_a_caller_that_gives_up_while_it_waits_takes_nothing() -> None:
    share, job = ThreadShare(1, "x"), Held()
    first = asyncio.create_task(share.run(job, Priority.READ))
    await give_way_until(lambda: job.began == 1)
    second = asyncio.create_task(share.run(job, Priority.READ))
    await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait
    second.cancel()
    job.go.set()
    await asyncio.wait({first, second})
    assert await share.run(lambda: 1, Priority.READ) == 1
    assert job.began == 1


async def test_a_job_that_fails_frees_its_thread_and_its_name() -> None:
    share = ThreadShare(1, "x")

    def fail() -> None:
        raise KeyError

    for _ in range(3):
        with pytest.raises(KeyError):
            await share.run(fail, Priority.READ)
    assert "x" not in {thread.name for thread in threading.enumerate()}


def test_a_process_that_ends_while_a_job_hangs_is_not_told_of_it() -> None:
    job = Held()

    async def leave() -> None:
        hanging = asyncio.create_task(ThreadShare(1, "x").run(job, Priority.READ))
        await give_way_until(lambda: job.began == 1)
        hanging.cancel()
        await asyncio.wait({hanging})

    asyncio.run(leave())
    job.go.set()
    assert isinstance(shared_threads(), ThreadPoolExecutor)
    assert shared_threads().submit(lambda: 1).result(60) == 1


async def test_many_providers_that_ask_one_after_another_need_hardly_a_thread_each() -> None:
    upstream = Upstream()
    upstream.respond = answer(500)
    with serving(upstream):
        backends = [
            make_backend(clouds_yaml(auth_type="admin_token", endpoint=f"{upstream.url}/v2.1", token=f"t{number}"))
            for number in range(60)
        ]
        before = {thread for thread in threading.enumerate() if thread.name.startswith("shared")}
        for backend in backends:
            with pytest.raises(BackendError):
                await backend.server("s")
        after = {thread for thread in threading.enumerate() if thread.name.startswith("shared")}
        for backend in backends:
            await backend.close()
    assert len(after - before) <= 2


SECRETS = {
    ProviderType.OPENSTACK: {
        "clouds.yaml": clouds_yaml(auth_type="admin_token", endpoint="http://n.example", token="t")  # noqa: S106
    },
    ProviderType.WALDUR: {"token": b"t"},
    ProviderType.HOSTING: {"token": b"t"},
}
SPECS = {
    ProviderType.OPENSTACK: spec_for("x"),
    ProviderType.WALDUR: waldur_spec("https://w.example"),
    ProviderType.HOSTING: hosting_spec("https://h.example"),
}


@pytest.mark.parametrize("provider_type", ProviderType)
async def test_what_a_tenant_wrote_is_parsed_off_the_event_loop(provider_type: ProviderType) -> None:
    built_in: list[int] = []

    def observe(_key: tuple[str, str]) -> Callable[..., None]:
        built_in.append(threading.get_ident())
        return lambda *_told: None

    net = Net(
        guard=EndpointGuard(EndpointPolicy()),
        clock=SystemClock(),
        timeouts=Timeouts(),
        threads=1,
        observer_of=observe,
    )
    driver = DRIVERS.of_provider(provider_type)
    connected = await driver.connect(net, ("n", "p"), SPECS[provider_type], SECRETS[provider_type])
    await connected.close()
    assert len(built_in) == 1
    assert threading.get_ident() not in built_in


@pytest.mark.usefixtures("logging_as_before")
def test_the_operator_lets_its_threads_take_short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def begin(operator: Coroutine[Any, Any, int]) -> int:
        operator.close()
        seen.append(sys.getswitchinterval())
        return 0

    before = sys.getswitchinterval()
    monkeypatch.setattr(asyncio, "run", begin)
    try:
        app.run(Settings())
    finally:
        sys.setswitchinterval(before)
    assert seen == [pytest.approx(SWITCH_S)]
    assert before >= 10 * SWITCH_S * 0.99
