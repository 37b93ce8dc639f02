"""The one connection pool against a server: what counts as an answer, what is said of none, what is never repeated."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from kube_support import READ_DEFAULT, WIDGETS, Line, create_widget, open_client, open_plain
from lab.ports import free_port
from osmig import __version__
from osmig.domain.errors import KubeThrottled, KubeUnavailable, ObjectGone
from osmig.kube.refs import Call, KubeVerb, ObjectRef
from osmig.kube.secrets import SECRETS
from osmig.kube.status import StatusWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from lab.cluster import Cluster

    Answer = Callable[[web.Request], Awaitable[web.Response]]
    StandIn = Callable[[Answer], Awaitable[str]]


async def test_every_call_is_observed_and_carries_our_name(cluster: Cluster) -> None:
    calls: list[tuple[str, str, float]] = []
    mark, began = cluster.audit_mark(), time.monotonic()

    async with open_client(cluster.kubeconfig, on_request=lambda *call: calls.append(call)) as client:
        await client.request(READ_DEFAULT)
        with pytest.raises(ObjectGone):
            await client.request(Call(KubeVerb.GET, SECRETS, "default", "none"))

    assert [call[:2] for call in calls] == [("get namespaces", "200"), ("get secrets", "404")]
    assert all(seconds > 0 for _, _, seconds in calls)
    assert sum(seconds for _, _, seconds in calls) <= time.monotonic() - began
    agents = [event["userAgent"] for event in cluster.audit(since=mark) if "secrets/none" in event["requestURI"]]
    assert set(agents) == {f"osmig/{__version__}"}


async def test_no_answer_is_unavailable_and_counted(line: Line) -> None:
    calls: list[tuple[str, str]] = []
    async with open_client(line.kubeconfig, on_request=lambda *call: calls.append(call[:2])) as client:
        line.cut()
        with pytest.raises(KubeUnavailable) as caught:
            await client.request(READ_DEFAULT)
        line.mend()
        await client.request(READ_DEFAULT)

    assert caught.value.reason == "Unreachable"
    assert calls == [("get namespaces", "no-answer"), ("get namespaces", "200")]
    assert "127.0.0.1" not in str(caught.value)


async def test_a_silent_server_is_given_up_in_time(line: Line) -> None:
    async with open_client(line.kubeconfig) as client:
        await client.request(READ_DEFAULT)
        line.swallow_answers()
        began = time.monotonic()
        with pytest.raises(KubeUnavailable) as caught:
            await client.request(READ_DEFAULT, timeout_s=0.3)

    assert (caught.value.reason, caught.value.message) == ("Timeout", "get namespaces: no answer within 0.3 s")
    assert time.monotonic() - began >= 0.3


async def test_a_write_whose_answer_was_cut_off_is_not_sent_again(widgets: Cluster, line: Line, namespace: str) -> None:
    async with open_client(line.kubeconfig) as client:
        ref = ObjectRef.of(WIDGETS, await create_widget(client, namespace, "w"))
        mark = widgets.audit_mark()
        line.cut_at_answer()
        with pytest.raises(KubeUnavailable):
            await StatusWriter(client).put(ref, {"phase": "Running"})
        await client.request(Call(KubeVerb.GET, WIDGETS, namespace, "w"))

    puts = [
        event["responseStatus"]["code"]
        for event in widgets.audit(since=mark)
        if event["verb"] == "update" and namespace in event["requestURI"] and event["stage"] == "ResponseComplete"
    ]
    assert puts == [200]


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    """Serve one answer in place of an API server: what no real one gives, but a proxy in front of it may."""
    runners: list[web.AppRunner] = []

    async def start(answer: Answer) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        runners.append(runner)
        return f"http://127.0.0.1:{port}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_a_redirect_is_not_followed(stand_in: StandIn) -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        raise web.HTTPTemporaryRedirect(location="/elsewhere")

    async with open_plain(await stand_in(answer)) as client:
        with pytest.raises(KubeUnavailable):
            await client.request(Call(KubeVerb.CREATE, WIDGETS, "a"), body={})

    assert paths == ["/apis/test.osmig.dev/v1/namespaces/a/widgets"]


@pytest.mark.parametrize("text", ["<html>sign in</html>", '{"error": "sign in"}'])
async def test_an_answer_that_is_no_object_is_unavailable(stand_in: StandIn, text: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text)

    async with open_plain(await stand_in(answer)) as client:
        with pytest.raises(KubeUnavailable) as caught:
            await client.request(READ_DEFAULT)

    assert caught.value.reason == "NotKubernetes"
    assert "sign in" not in str(caught.value)


async def test_a_429_in_plain_text_carries_its_wait(stand_in: StandIn) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            status=429, text="Too many requests, please try again later.\n", headers={"Retry-After": "1"}
        )

    async with open_plain(await stand_in(answer)) as client:
        with pytest.raises(KubeThrottled) as caught:
            await client.request(READ_DEFAULT)

    assert caught.value.reason == "TooManyRequests"
    assert caught.value.retry_after_s == 1.0
