"""The Secret that a Migration names: of its own namespace only, and meant to be sent where it would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller_fakes import ApiServer
from osmig.api.names import Kind
from osmig.controllers.inbox import Inbox
from osmig.controllers.keys import Key
from osmig.controllers.migration_secrets import MigrationSecrets
from osmig.domain.errors import (
    Absent,
    InvalidConfiguration,
    KubeForbidden,
    KubeUnavailable,
    NotPermitted,
    ProviderDisconnected,
)
from tenant_fakes import waldur_body

if TYPE_CHECKING:
    from osmig.drivers.driver import SecretOfMigration

NAME = ("team-a", "mailboxes")
ENDPOINT = "https://waldur.example.org"


def secrets_of(
    namespace: str = "team-a",
    *,
    type_: str | None = None,
    told: str | None = ENDPOINT,
    error: Exception | None = None,
    spec: object = "as it is",
) -> SecretOfMigration:
    values = {"mailboxes.csv": b"hunter2"} | ({"endpoint": told.encode()} if told is not None else {})
    api = ApiServer(secrets={NAME: values}, secret_error=error)
    if type_ is not None:
        api.secret_types[NAME] = type_
    inbox = Inbox()
    body = waldur_body(endpoint=ENDPOINT)
    if spec is not None:
        inbox.offer(Kind.PROVIDER, body if spec == "as it is" else body | {"spec": spec})
    return MigrationSecrets(api.as_secrets, inbox, Key(Kind.PROVIDER, namespace, "waldur"))


async def test_a_secret_of_the_own_namespace_is_read_and_does_not_show_itself() -> None:
    found = await secrets_of()("mailboxes")
    assert found["mailboxes.csv"] == b"hunter2"
    assert "hunter2" not in repr(found)


async def test_a_secret_of_another_namespace_is_as_good_as_none() -> None:
    with pytest.raises(Absent) as caught:
        await secrets_of("team-b")("mailboxes")
    assert (caught.value.reason, caught.value.operation) == ("SecretNotFound", "read-secret")
    assert caught.value.message == "there is no Secret mailboxes in namespace team-b"


@pytest.mark.parametrize(
    "type_",
    [
        "kubernetes.io/service-account-token",
        "kubernetes.io/dockerconfigjson",
        "kubernetes.io/tls",
        "bootstrap.kubernetes.io/token",
        "helm.sh/release.v1",
    ],
)
async def test_a_secret_that_has_a_use_of_its_own_is_refused(type_: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        await secrets_of(type_=type_)("mailboxes")
    assert "Secret mailboxes is of a type that was made for something else" in caught.value.message
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("told", [None, "https://elsewhere.example.org"])
async def test_a_secret_that_is_not_meant_for_the_endpoint_is_refused_with_the_line_that_mends_it(
    told: str | None,
) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        await secrets_of(told=told)("mailboxes")
    assert f"If its content is meant for {ENDPOINT}: kubectl -n team-a patch secret mailboxes" in caught.value.message


async def test_a_secret_that_rbac_hides_is_not_permitted() -> None:
    with pytest.raises(NotPermitted):
        await secrets_of(error=KubeForbidden("Forbidden", "may not"))("mailboxes")


async def test_an_api_server_that_is_down_ends_the_step() -> None:
    with pytest.raises(KubeUnavailable):
        await secrets_of(error=KubeUnavailable("Unreachable", "no answer"))("mailboxes")


@pytest.mark.parametrize("spec", [None, {"type": "Later"}])
async def test_without_a_provider_that_can_be_followed_nothing_is_handed_out(spec: object) -> None:
    with pytest.raises(ProviderDisconnected):
        await secrets_of(spec=spec)("mailboxes")
