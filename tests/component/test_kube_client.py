"""The one connection pool against the real API server: who we are, whom we trust, and what may be refused."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from fake_clock import FakeClock
from kube_support import READ_DEFAULT, Fixed, open_client, open_plain
from osmig.clock import SystemClock
from osmig.domain.errors import CertificateRefused, KubeForbidden, KubeUnauthorized, NoCredentials
from osmig.kube.client import CREDENTIALS_AGE_S, REFUSED_AGE_S, KubeClient, connect
from osmig.kube.credentials import Credentials, ServiceAccount
from osmig.kube.refs import Call, KubeVerb
from osmig.kube.secrets import SECRETS

if TYPE_CHECKING:
    from pathlib import Path

    from lab.cluster import Cluster


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
    with pytest.raises(NoCredentials) as caught:
        async with connect(kubeconfig=str(tmp_path / "none"), clock=SystemClock()):
            pass

    assert caught.value.reason == "NoCredentials"


async def test_a_rotated_token_is_used_within_a_minute(cluster: Cluster, tmp_path: Path) -> None:
    clock = FakeClock()
    client = await open_as_pod(cluster, tmp_path / "account", token_of(cluster.kubeconfig), clock)
    await client.request(READ_DEFAULT)
    (tmp_path / "account" / "token").write_text(token_of(cluster.user_kubeconfig("alice")), encoding="utf-8")

    clock.advance(CREDENTIALS_AGE_S - 1)
    await client.request(READ_DEFAULT)
    clock.advance(1)

    with pytest.raises(KubeForbidden) as caught:
        await client.request(READ_DEFAULT)
    assert caught.value.reason == "Forbidden"  # alice is known, and may do nothing
    await client.close()


async def test_a_refused_token_is_read_anew_soon_and_the_refusal_names_the_call(
    cluster: Cluster, tmp_path: Path
) -> None:
    clock = FakeClock()
    client = await open_as_pod(cluster, tmp_path / "account", "expired", clock)
    with pytest.raises(KubeUnauthorized) as caught:
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
        with pytest.raises(KubeForbidden) as caught:
            await client.request(Call(KubeVerb.GET, SECRETS, "default", "s"))

    assert caught.value.reason == "Forbidden"
    assert "get secrets (the core API group) is not allowed in namespace default" in caught.value.message
    assert "alice" not in str(caught.value)


async def test_an_unknown_certificate_is_not_trusted(cluster: Cluster) -> None:
    async with open_plain(cluster.url) as client:
        with pytest.raises(CertificateRefused) as caught:
            await client.request(READ_DEFAULT)

    assert caught.value.reason == "CertificateRefused"


async def test_a_certificate_file_that_is_none_is_said_at_once_and_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("rubbish", encoding="utf-8")
    credentials = Credentials(server="https://localhost", ca_path=str(tmp_path / "ca.crt"))

    with pytest.raises(NoCredentials) as caught:
        KubeClient(Fixed(credentials.server), credentials, SystemClock())

    assert caught.value.reason == "NoCredentials"
    assert str(tmp_path) not in str(caught.value)
