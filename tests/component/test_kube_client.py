"""The one connection pool against the real API server: who we are, what is refused, what is never sent twice."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from fake_clock import FakeClock
from kube_support import WIDGETS, Line, create_widget, install_widgets, open_client
from lab.ports import free_port
from osmig import __version__
from osmig.clock import SystemClock
from osmig.domain.errors import KubeUnavailable, ObjectGone
from osmig.kube.client import CREDENTIALS_AGE_S, REFUSED_AGE_S, KubeClient, connect
from osmig.kube.credentials import Credentials, ServiceAccount
from osmig.kube.refs import Call, KubeVerb, ObjectRef, Resource
from osmig.kube.secrets import SECRETS
from osmig.kube.status import StatusWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from lab.cluster import Cluster

NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
READ_DEFAULT = Call(KubeVerb.GET, NAMESPACES, name="default")


@pytest.fixture(scope="module")
def widgets(cluster: Cluster) -> Cluster:
    install_widgets(cluster)
    return cluster


@pytest.fixture
async def line(widgets: Cluster, tmp_path: Path) -> AsyncIterator[Line]:
    async with Line(widgets, widgets.kubeconfig, tmp_path / "kubeconfig") as line:
        yield line


@dataclass(frozen=True)
class Fixed:
    """A source of credentials that never change."""

    server: str

    @property
    def credentials(self) -> Credentials:
        """What every reading gives."""
        return Credentials(server=self.server)

    async def read(self, *, fresh: bool) -> Credentials:  # noqa: ARG002 - the Protocol's word
        """Return them."""
        return self.credentials


def token_of(kubeconfig: Path) -> str:
    found = re.search(r"token\W+([\w.-]+)", kubeconfig.read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def write_account(cluster: Cluster, directory: Path, token: str) -> None:
    directory.mkdir()
    (directory / "token").write_text(f"{token}\n", encoding="utf-8")
    shutil.copy(cluster.state / "certificates" / "apiserver.crt", directory / "ca.crt")


async def open_as_pod(cluster: Cluster, directory: Path, token: str, clock: FakeClock) -> KubeClient:
    """Open a client that reads a service account's files, as a pod does."""
    write_account(cluster, directory, token)
    host, port = cluster.url.removeprefix("https://").split(":")
    source = ServiceAccount(directory, {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port})
    return KubeClient(source, await source.read(fresh=True), clock)


async def test_a_named_kubeconfig_opens_a_client(cluster: Cluster) -> None:
    async with connect(kubeconfig=str(cluster.kubeconfig), clock=SystemClock()) as client:
        answer = await client.request(READ_DEFAULT)
        credentials = await client.credentials()

    assert answer.body["kind"] == "Namespace"
    assert credentials.server == cluster.url
    assert credentials.token == token_of(cluster.kubeconfig)


async def test_without_credentials_nothing_is_opened(tmp_path: Path) -> None:
    with pytest.raises(KubeUnavailable) as caught:
        async with connect(kubeconfig=str(tmp_path / "none"), clock=SystemClock()):
            pass

    assert caught.value.reason == "NoCredentials"


async def test_every_call_is_observed_and_carries_our_name(cluster: Cluster) -> None:
    calls: list[tuple[str, str, float]] = []
    mark = cluster.audit_mark()

    async with open_client(cluster.kubeconfig, on_request=lambda *call: calls.append(call)) as client:
        await client.request(READ_DEFAULT)
        with pytest.raises(ObjectGone):
            await client.request(Call(KubeVerb.GET, SECRETS, "default", "none"))

    assert [call[:2] for call in calls] == [("get namespaces", "200"), ("get secrets", "404")]
    assert all(0 < seconds < 10 for _, _, seconds in calls)
    agents = [event["userAgent"] for event in cluster.audit(since=mark) if "secrets/none" in event["requestURI"]]
    assert set(agents) == {f"osmig/{__version__}"}


async def test_a_rotated_token_is_used_within_a_minute(cluster: Cluster, tmp_path: Path) -> None:
    clock = FakeClock()
    client = await open_as_pod(cluster, tmp_path / "account", token_of(cluster.kubeconfig), clock)
    await client.request(READ_DEFAULT)
    (tmp_path / "account" / "token").write_text(token_of(cluster.user_kubeconfig("alice")), encoding="utf-8")

    clock.advance(CREDENTIALS_AGE_S - 1)
    await client.request(READ_DEFAULT)
    clock.advance(1)

    with pytest.raises(KubeUnavailable) as caught:
        await client.request(READ_DEFAULT)
    assert caught.value.reason == "Forbidden"  # alice is known, and may do nothing
    await client.close()


async def test_a_refused_token_is_read_anew_soon_and_the_refusal_names_the_call(
    cluster: Cluster, tmp_path: Path
) -> None:
    clock = FakeClock()
    client = await open_as_pod(cluster, tmp_path / "account", "expired", clock)
    with pytest.raises(KubeUnavailable) as caught:
        await client.request(READ_DEFAULT)
    assert caught.value.reason == "Unauthorized"
    assert "get namespaces" in caught.value.message

    (tmp_path / "account" / "token").write_text(token_of(cluster.kubeconfig), encoding="utf-8")
    clock.advance(REFUSED_AGE_S)

    assert (await client.request(READ_DEFAULT)).body["kind"] == "Namespace"
    await client.close()


async def test_a_token_file_that_cannot_be_read_for_a_while_does_not_stop_us(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    client = await open_as_pod(cluster, tmp_path / "account", token_of(cluster.kubeconfig), clock)
    (tmp_path / "account" / "token").unlink()
    clock.advance(CREDENTIALS_AGE_S)

    assert (await client.request(READ_DEFAULT)).body["kind"] == "Namespace"

    assert [record.getMessage() for record in caplog.records] == ["credentials.unreadable"]
    await client.close()


async def test_the_watch_gets_the_token_of_this_moment(cluster: Cluster, tmp_path: Path) -> None:
    client = await open_as_pod(cluster, tmp_path / "account", "first", FakeClock())
    (tmp_path / "account" / "token").write_text("second", encoding="utf-8")

    assert (await client.credentials()).authorization == "Bearer second"
    await client.close()


async def test_a_forbidden_call_says_what_to_grant(cluster: Cluster) -> None:
    async with open_client(cluster.user_kubeconfig("alice")) as client:
        with pytest.raises(KubeUnavailable) as caught:
            await client.request(Call(KubeVerb.GET, SECRETS, "default", "s"))

    assert caught.value.reason == "Forbidden"
    assert "get secrets (the core API group) is not allowed in namespace default" in caught.value.message
    assert "alice" not in str(caught.value)


async def test_an_unknown_certificate_is_not_trusted(cluster: Cluster) -> None:
    source = Fixed(cluster.url)
    client = KubeClient(source, source.credentials, SystemClock())

    with pytest.raises(KubeUnavailable) as caught:
        await client.request(READ_DEFAULT)

    assert caught.value.reason == "CertificateRefused"
    await client.close()


async def test_a_certificate_file_that_is_none_is_said_at_once_and_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("rubbish", encoding="utf-8")
    credentials = Credentials(server="https://localhost", ca_path=str(tmp_path / "ca.crt"))

    with pytest.raises(KubeUnavailable) as caught:
        KubeClient(Fixed(credentials.server), credentials, SystemClock())

    assert caught.value.reason == "NoCredentials"
    assert str(tmp_path) not in str(caught.value)


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

    assert caught.value.reason == "Timeout"
    assert 0.3 <= time.monotonic() - began < 5


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
async def stand_in() -> AsyncIterator[Callable[[Callable[[web.Request], Awaitable[web.Response]]], Awaitable[str]]]:
    """Serve one answer in place of an API server: what no real one gives, but a proxy in front of it may."""
    runners: list[web.AppRunner] = []

    async def start(answer: Callable[[web.Request], Awaitable[web.Response]]) -> str:
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


async def test_a_redirect_is_not_followed(stand_in: Callable[..., Awaitable[str]]) -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        raise web.HTTPTemporaryRedirect(location="/elsewhere")

    source = Fixed(await stand_in(answer))
    client = KubeClient(source, source.credentials, SystemClock())

    with pytest.raises(KubeUnavailable):
        await client.request(Call(KubeVerb.CREATE, WIDGETS, "a"), body={})

    assert paths == ["/apis/test.osmig.dev/v1/namespaces/a/widgets"]
    await client.close()


@pytest.mark.parametrize("text", ["<html>sign in</html>", '{"error": "sign in"}'])
async def test_an_answer_that_is_no_object_is_unavailable(stand_in: Callable[..., Awaitable[str]], text: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text)

    source = Fixed(await stand_in(answer))
    client = KubeClient(source, source.credentials, SystemClock())

    with pytest.raises(KubeUnavailable) as caught:
        await client.request(READ_DEFAULT)

    assert caught.value.reason == "NotKubernetes"
    assert "sign in" not in str(caught.value)
    await client.close()


async def test_a_429_in_plain_text_carries_its_wait(stand_in: Callable[..., Awaitable[str]]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            status=429, text="Too many requests, please try again later.\n", headers={"Retry-After": "1"}
        )

    source = Fixed(await stand_in(answer))
    client = KubeClient(source, source.credentials, SystemClock())

    with pytest.raises(KubeUnavailable) as caught:
        await client.request(READ_DEFAULT)

    assert caught.value.reason == "TooManyRequests"
    assert caught.value.retry_after_s == 1.0
    await client.close()
