"""What the tests of ``osmig.kube`` share: a trivial kind, a client, and a line to the API server that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from osmig.clock import SystemClock
from osmig.kube.client import KubeClient
from osmig.kube.credentials import Credentials
from osmig.kube.kubeconfig import Kubeconfig
from osmig.kube.refs import Call, KubeVerb, Resource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from pathlib import Path

    from lab.cluster import Cluster

NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
READ_DEFAULT = Call(KubeVerb.GET, NAMESPACES, name="default")
"""What everybody may be asked to read."""
WIDGETS = Resource("test.osmig.dev", "v1", "widgets", "Widget")

_TEXT = {"type": "string"}
WIDGET_CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.test.osmig.dev"},
    "spec": {
        "group": WIDGETS.group,
        "scope": "Namespaced",
        "names": {"plural": WIDGETS.plural, "singular": "widget", "kind": WIDGETS.kind},
        "versions": [
            {
                "name": WIDGETS.version,
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"colour": _TEXT}},
                            "status": {
                                "type": "object",
                                "properties": {"phase": {**_TEXT, "maxLength": 10}, "note": _TEXT},
                            },
                        },
                    }
                },
            }
        ],
    },
}


def install_widgets(cluster: Cluster) -> None:
    """Make the API server serve widgets."""
    cluster.apply(WIDGET_CRD)
    cluster.await_established("crd/widgets.test.osmig.dev")


async def create_widget(client: KubeClient, namespace: str, name: str) -> Mapping[str, Any]:
    """Create a widget and return it."""
    body = {
        "apiVersion": WIDGETS.api_version,
        "kind": WIDGETS.kind,
        "metadata": {"name": name, "labels": {"kept": "yes"}},
        "spec": {"colour": "red"},
    }
    answer = await client.request(Call(KubeVerb.CREATE, WIDGETS, namespace), body=body)
    return answer.body


@asynccontextmanager
async def open_client(
    kubeconfig: Path | str, *, on_request: Callable[[str, str, float], object] = lambda *_: None
) -> AsyncGenerator[KubeClient]:
    """Open a client as a user of the lab, on the real clock."""
    source = Kubeconfig(str(kubeconfig), None)
    client = KubeClient(source, await source.read(fresh=True), SystemClock(), on_request=on_request)
    try:
        yield client
    finally:
        await client.close()


@dataclass(frozen=True)
class Fixed:
    """A source of credentials that never change: a server, and nobody who says who he is."""

    server: str

    @property
    def credentials(self) -> Credentials:
        """What every reading gives."""
        return Credentials(server=self.server)

    async def read(self, *, fresh: bool) -> Credentials:  # noqa: ARG002 - the Protocol's word
        """Return them."""
        return self.credentials


@asynccontextmanager
async def open_plain(server: str) -> AsyncGenerator[KubeClient]:
    """Open a client that has no credentials and trusts no certificate, on the real clock."""
    source = Fixed(server)
    client = KubeClient(source, source.credentials, SystemClock())
    try:
        yield client
    finally:
        await client.close()


class Line:
    """A loopback TCP relay in front of the API server; an async context manager.

    Attributes:
        kubeconfig: like the given one, but through the relay.
    """

    def __init__(self, cluster: Cluster, kubeconfig: Path, target: Path) -> None:
        """Prepare a relay to the cluster of ``kubeconfig``; ``target`` is where its own kubeconfig goes."""
        self._cluster = cluster
        self._original = kubeconfig
        self.kubeconfig = target
        self._streams: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = True
        self._answers = asyncio.Event()
        self._answers.set()
        self._cut_at_answer = False

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        text = self._original.read_text(encoding="utf-8")
        self.kubeconfig.write_text(text.replace(self._cluster.url, f"https://127.0.0.1:{port}"), encoding="utf-8")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close everything."""
        self._server.close()
        self.cut()
        self._answers.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break all connections and refuse new ones."""
        self._is_open = False
        for stream in self._streams:
            stream.transport.abort()

    def mend(self) -> None:
        """Let everything through again."""
        self._is_open = True
        self._cut_at_answer = False
        self._answers.set()

    def swallow_answers(self) -> None:
        """Deliver requests, keep back what the server answers."""
        self._answers.clear()

    def cut_at_answer(self) -> None:
        """Deliver the next request, and break all connections instead of delivering its answer; once."""
        self._cut_at_answer = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        parts = urlsplit(self._cluster.url)
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            writer.transport.abort()
            return
        self._streams |= {writer, upstream_writer}
        pumps = (
            asyncio.create_task(self._pump(reader, upstream_writer, answers=False)),
            asyncio.create_task(self._pump(upstream_reader, writer, answers=True)),
        )
        self._tasks.update(pumps)
        await asyncio.gather(*pumps)
        self._streams -= {writer, upstream_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                if answers:
                    await self._answers.wait()
                    if self._cut_at_answer:
                        self.cut()
                        self.mend()
                        return
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()
