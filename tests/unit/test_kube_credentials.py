"""Where credentials come from, and what is read anew."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
import yaml

from osmig.domain.errors import NoCredentials
from osmig.kube.credentials import ServiceAccount, find_source
from osmig.kube.kubeconfig import Kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

IN_CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    directory = tmp_path / "serviceaccount"
    directory.mkdir()
    (directory / "token").write_text("first\n")
    (directory / "ca.crt").write_text("a certificate\n")
    (directory / "namespace").write_text("osmig-system\n")
    return directory


def write_kubeconfig(path: Path, *, user: dict[str, object], namespace: str | None = None) -> str:
    def context(server: str) -> dict[str, object]:
        return {"cluster": server, "user": "u", **({"namespace": namespace} if namespace else {})}

    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [
                    {"name": name, "cluster": {"server": f"http://{name}/", "proxy-url": "http://proxy"}}
                    for name in ("one", "two")
                ],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": name, "context": context(name)} for name in ("one", "two")],
                "current-context": "one",
            }
        )
    )
    return str(path)


async def test_a_pod_reads_its_service_account(account: Path) -> None:
    credentials = await ServiceAccount(account, IN_CLUSTER).read(fresh=True)

    assert credentials.server == "https://10.0.0.1:443"
    assert credentials.ca_path == str(account / "ca.crt")
    assert credentials.authorization == "Bearer first"
    assert credentials.default_namespace == "osmig-system"


async def test_a_rotated_token_is_seen_at_the_next_reading(account: Path) -> None:
    source = ServiceAccount(account, IN_CLUSTER)
    await source.read(fresh=True)

    (account / "token").write_text("second")

    assert (await source.read(fresh=False)).authorization == "Bearer second"


async def test_a_pod_without_its_namespace_file_is_in_default(account: Path) -> None:
    (account / "namespace").unlink()

    assert (await ServiceAccount(account, IN_CLUSTER).read(fresh=True)).default_namespace == "default"


async def test_an_address_of_ipv6_stands_in_brackets(account: Path) -> None:
    environ = IN_CLUSTER | {"KUBERNETES_SERVICE_HOST": "fd00::1"}

    assert (await ServiceAccount(account, environ).read(fresh=True)).server == "https://[fd00::1]:443"


@pytest.mark.parametrize("broken", ["empty token", "binary token", "no certificate", "no environment", "empty host"])
async def test_an_unreadable_service_account_says_so_without_a_path(account: Path, broken: str) -> None:
    if broken == "empty token":
        (account / "token").write_text("")
    if broken == "binary token":
        (account / "token").write_bytes(b"\xff")
    if broken == "no certificate":
        (account / "ca.crt").unlink()

    environ = {"no environment": {}, "empty host": IN_CLUSTER | {"KUBERNETES_SERVICE_HOST": ""}}.get(broken, IN_CLUSTER)

    with pytest.raises(NoCredentials) as caught:
        await ServiceAccount(account, environ).read(fresh=True)

    assert caught.value.reason == "NoCredentials"
    assert str(account) not in str(caught.value)


def test_a_named_file_wins_then_the_pod_then_the_environment(account: Path, tmp_path: Path) -> None:
    environ = {"KUBECONFIG": "/x"}

    assert isinstance(find_source(kubeconfig="f", context=None, environ={}, service_account=account), Kubeconfig)
    assert isinstance(
        find_source(kubeconfig=None, context=None, environ=environ, service_account=account), ServiceAccount
    )
    assert isinstance(find_source(kubeconfig=None, context=None, environ=environ, service_account=tmp_path), Kubeconfig)


async def test_the_environment_names_the_kubeconfig(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", user={"token": "t"})

    source = find_source(kubeconfig=None, context=None, environ={"KUBECONFIG": path}, service_account=tmp_path)

    assert (await source.read(fresh=True)).server == "http://one"


async def test_a_kubeconfig_gives_server_token_proxy_and_namespace(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", user={"token": "t"}, namespace="shop")

    credentials = await Kubeconfig(path, "two").read(fresh=True)

    assert credentials.server == "http://two"
    assert credentials.authorization == "Bearer t"
    assert credentials.proxy_url == "http://proxy"
    assert credentials.default_namespace == "shop"


async def test_user_and_password_become_a_basic_header(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", user={"username": "u", "password": "p"})

    credentials = await Kubeconfig(path, None).read(fresh=True)

    assert credentials.authorization == f"Basic {base64.b64encode(b'u:p').decode()}"


async def test_a_user_without_secrets_sends_no_authorization(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", user={})

    assert (await Kubeconfig(path, None).read(fresh=True)).authorization is None


async def test_a_token_file_named_in_a_kubeconfig_is_read_every_time(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    source = Kubeconfig(write_kubeconfig(tmp_path / "config", user={"tokenFile": str(token)}), None)

    assert (await source.read(fresh=False)).authorization == "Bearer first"
    token.write_text("second\n")

    assert (await source.read(fresh=False)).authorization == "Bearer second"


async def test_a_rewritten_kubeconfig_is_seen_by_a_fresh_reading(tmp_path: Path) -> None:
    source = Kubeconfig(write_kubeconfig(tmp_path / "config", user={"token": "first"}), None)
    await source.read(fresh=False)

    write_kubeconfig(tmp_path / "config", user={"token": "second"})

    assert (await source.read(fresh=True)).authorization == "Bearer second"


@pytest.mark.parametrize("content", [None, "", "{", "[]", "contexts: 3", "current-context: nowhere"])
async def test_a_useless_kubeconfig_says_so_without_its_path(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)

    with pytest.raises(NoCredentials) as caught:
        await Kubeconfig(str(path), None).read(fresh=True)

    assert caught.value.reason == "NoCredentials"
    assert str(path) not in str(caught.value)


async def test_the_token_is_not_in_the_repr(account: Path) -> None:
    assert "first" not in repr(await ServiceAccount(account, IN_CLUSTER).read(fresh=True))
