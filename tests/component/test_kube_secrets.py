"""Secrets of the real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kube_support import open_client
from osmig.domain.errors import KubeForbidden, ObjectGone
from osmig.kube.secrets import SecretReader

if TYPE_CHECKING:
    from lab.cluster import Cluster


async def test_a_secret_is_read_and_decoded_and_does_not_show_itself(
    cluster: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    cluster.kubectl("create", "secret", "generic", "s", "--from-literal=clouds.yaml=hunter2", "--namespace", namespace)
    async with open_client(cluster.kubeconfig) as client:
        secret = await SecretReader(client).read(namespace, "s")

    assert dict(secret) == {"clouds.yaml": b"hunter2"}
    assert "hunter2" not in repr(secret)
    assert "hunter2" not in caplog.text


async def test_a_secret_without_values_is_empty(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "secret", "generic", "s", "--namespace", namespace)
    async with open_client(cluster.kubeconfig) as client:
        assert dict(await SecretReader(client).read(namespace, "s")) == {}


async def test_a_secret_has_a_type_and_a_version(cluster: Cluster, namespace: str) -> None:
    values = ("--from-literal=username=u", "--from-literal=password=p", "--type=kubernetes.io/basic-auth")
    cluster.kubectl("create", "secret", "generic", "s", *values, "--namespace", namespace)
    cluster.kubectl("create", "secret", "generic", "bare", "--namespace", namespace)
    async with open_client(cluster.kubeconfig) as client:
        typed = await SecretReader(client).read(namespace, "s")
        bare = await SecretReader(client).read(namespace, "bare")
        cluster.kubectl("label", "secret", "bare", "a=b", "--namespace", namespace)
        changed = await SecretReader(client).read(namespace, "bare")

    assert (typed.type, bare.type) == ("kubernetes.io/basic-auth", "Opaque")
    assert len({typed.version, bare.version, changed.version, ""}) == 4


@pytest.mark.parametrize("name", ["none", "", "..", "none/../s"])
async def test_a_secret_that_does_not_exist_is_gone(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.kubectl("create", "secret", "generic", "s", "--from-literal=a=b", "--namespace", namespace)
    async with open_client(cluster.kubeconfig) as client:
        with pytest.raises(ObjectGone):
            await SecretReader(client).read(namespace, name)


async def test_a_secret_that_may_not_be_read_says_so(cluster: Cluster, namespace: str) -> None:
    async with open_client(cluster.user_kubeconfig("alice")) as client:
        with pytest.raises(KubeForbidden) as caught:
            await SecretReader(client).read(namespace, "s")

    assert caught.value.reason == "Forbidden"
