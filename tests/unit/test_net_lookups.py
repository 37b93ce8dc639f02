"""The system's resolver hangs: nobody waits for it beyond his deadline, and what hangs keeps few threads."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hosting_support import spec_for as hosting_spec
from http_upstream import LOOPBACK, Upstream, answer, serving
from lab.waiting import DEADLINE_S
from nova_support import Permission, clouds_yaml, make_backend
from osmig.clock import SystemClock
from osmig.domain.errors import BackendError
from osmig.drivers import DRIVERS
from osmig.drivers.ports import Net
from osmig.net.bounds import Timeouts
from osmig.net.endpoints import EndpointGuard, EndpointPolicy
from osmig.net.lookups import MAX_LOOKUPS, Lookups
from transport_ways import METHODS, WAYS, NoAnswer
from waldur_support import spec_for as waldur_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.api.provider import ProviderSpec

HASTY = Timeouts(connect_s=0.3, read_s=0.3)
FOREVER_S = DEADLINE_S / 2
"""Far beyond the timeouts above: what has not ended by then never does."""


class HangingResolver:
    """The system's resolver, which says nothing of names under ``.hanging`` until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked: list[str] = []
        self._ask = socket.getaddrinfo

    def __call__(self, host: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - the library's own signature
        """Answer with loopback, in the end."""
        if not str(host).endswith(".hanging"):
            return self._ask(host, *args, **options)
        self.asked.append(str(host))
        assert self.go.wait(2 * FOREVER_S)
        return self._ask(LOOPBACK, *args, **options)


@contextmanager
def hanging() -> Iterator[HangingResolver]:
    resolver = HangingResolver()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolver)
        try:
            yield resolver
        finally:
            resolver.go.set()
            for thread in find_lookups():
                thread.join(FOREVER_S)


def find_lookups() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "look up a name"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", WAYS)
async def test_a_request_ends_in_its_time_though_the_resolver_hangs(name: str, method: str) -> None:
    policy = EndpointPolicy(allowed=(LOOPBACK, "cloud.hanging"))
    with hanging():
        async with WAYS[name].opened("http://cloud.hanging:1", policy=policy, timeouts=HASTY) as send:
            async with asyncio.timeout(FOREVER_S):
                sent = await send(method, Permission())

    assert sent.is_timeout
    assert not sent.has_left
    assert not WAYS[name].told(sent, NoAnswer.SILENCE)


async def test_a_provider_whose_name_hangs_keeps_one_thread_and_serves_again_as_soon_as_it_is_known() -> None:
    upstream = Upstream()
    upstream.respond = answer(500)
    with serving(upstream), hanging() as resolver:
        url = f"http://nova.hanging:{upstream.port}/v2.1"
        secret = clouds_yaml(auth_type="admin_token", endpoint=url, token="t")  # noqa: S106
        policy = EndpointPolicy(allowed=(LOOPBACK, "nova.hanging"))
        backend = make_backend(secret, policy=policy, timeouts=HASTY)
        for _ in range(3):
            asked = [backend.server(str(number)) for number in range(20)]
            async with asyncio.timeout(FOREVER_S):
                failures = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(failure, BackendError) for failure in failures)
        assert resolver.asked == ["nova.hanging"]
        assert len(find_lookups()) == 1
        assert upstream.seen == []
        resolver.go.set()
        patient = make_backend(secret, policy=policy)
        with pytest.raises(BackendError):
            await patient.server("s")
        await backend.close()
        await patient.close()
    assert upstream.seen


SECRET = {"clouds.yaml": clouds_yaml(auth_type="admin_token", endpoint="http://n.example", token="t"), "token": b"t"}  # noqa: S106
SPECS = [waldur_spec("https://w.example"), hosting_spec("https://h.example")]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.type))
async def test_a_connection_is_built_though_all_threads_of_the_event_loop_hang(spec: ProviderSpec) -> None:
    """In these the names of the API server are looked up, and nothing of a tenant's is done."""
    loop, go = asyncio.get_running_loop(), threading.Event()
    held = [loop.run_in_executor(None, go.wait, 2 * FOREVER_S) for _ in range(64)]
    net = Net(
        guard=EndpointGuard(EndpointPolicy()),
        clock=SystemClock(),
        timeouts=Timeouts(),
        threads=1,
        observer_of=lambda _: lambda *_told: None,
    )
    try:
        async with asyncio.timeout(FOREVER_S):
            connected = await DRIVERS.of_provider(spec.type).connect(net, ("n", "p"), spec, SECRET)
            await connected.close()
    finally:
        go.set()
        await asyncio.gather(*held)


def hold(go: threading.Event, asked: list[str]) -> Lookups:
    def resolve(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        assert go.wait(FOREVER_S)
        return (host,)

    return Lookups(resolve)


def test_all_who_ask_for_a_name_share_one_look_up_and_the_next_is_a_new_one() -> None:
    go, asked = threading.Event(), list[str]()
    lookups = hold(go, asked)
    first, second = lookups.begin("a", 1), lookups.begin("a", 1)
    assert first is second
    assert not first.cancel()
    go.set()
    assert first.result(FOREVER_S) == ("a",)
    assert lookups.begin("a", 1).result(FOREVER_S) == ("a",)
    assert asked == ["a", "a"]


def test_so_many_hang_at_once_and_no_more() -> None:
    go, asked = threading.Event(), list[str]()
    lookups = hold(go, asked)
    begun = [lookups.begin(f"h{number}", 1) for number in range(MAX_LOOKUPS)]
    with pytest.raises(OSError, match="still being looked up"):
        lookups.begin("another", 1)
    go.set()
    assert [future.result(FOREVER_S) for future in begun] == [(f"h{number}",) for number in range(MAX_LOOKUPS)]
    assert lookups.begin("another", 1).result(FOREVER_S) == ("another",)


def test_what_the_resolver_raises_reaches_all_who_wait_and_is_not_kept() -> None:
    lookups = Lookups(lambda *_: (_ for _ in ()).throw(socket.gaierror(socket.EAI_NONAME, "unknown")))
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            lookups.begin("a", 1).result(FOREVER_S)


def test_without_a_thread_a_name_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lookups = Lookups(lambda host, _port: (host,))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="no thread"):
            lookups.begin("a", 1)
    assert lookups.begin("a", 1).result(FOREVER_S) == ("a",)


def test_a_provider_keeps_its_look_ups_when_its_connection_is_replaced_and_shares_them_with_nobody() -> None:
    guard = EndpointGuard(EndpointPolicy(allowed=("127.0.0.0/8",)))
    first = guard.apart("team-a/cloud")
    assert guard.apart("team-a/cloud") is first
    assert guard.apart("team-b/cloud") is not first
    assert first.look_up(LOOPBACK, 80).result(FOREVER_S) == (LOOPBACK,)
    kept = weakref.ref(first)
    del first
    gc.collect()
    assert kept() is None
