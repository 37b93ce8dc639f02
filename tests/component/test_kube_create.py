"""Objects created against the real API server: once, never over somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kube_support import WIDGETS, open_client
from osmig.domain.errors import InvalidWrite, KubeForbidden, ObjectGone, QuotaReached, WriteConflict
from osmig.kube.client import FIELD_MANAGER
from osmig.kube.resources import ResourceClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cluster import Cluster
    from osmig.kube.client import KubeClient

pytestmark = pytest.mark.usefixtures("widgets")


def widget(namespace: str, colour: object = "red") -> Mapping[str, Any]:
    """What shall be created."""
    return {"metadata": {"namespace": namespace, "name": "made"}, "spec": {"colour": colour}}


async def test_an_object_is_created_under_our_name_as_manager(client: KubeClient, namespace: str) -> None:
    made = await ResourceClient(client).create(WIDGETS, widget(namespace))

    assert (made["kind"], made["spec"]) == (WIDGETS.kind, {"colour": "red"})
    assert {one["manager"] for one in made["metadata"]["managedFields"]} == {FIELD_MANAGER}


async def test_a_second_one_of_the_name_is_a_conflict_and_changes_nothing(client: KubeClient, namespace: str) -> None:
    resources = ResourceClient(client)
    first = await resources.create(WIDGETS, widget(namespace))

    with pytest.raises(WriteConflict) as caught:
        await resources.create(WIDGETS, widget(namespace, "blue"))

    assert caught.value.reason == "AlreadyExists"
    assert await resources.get(WIDGETS, namespace, "made") == first


async def test_what_the_schema_refuses_names_the_field(client: KubeClient, namespace: str) -> None:
    with pytest.raises(InvalidWrite) as caught:
        await ResourceClient(client).create(WIDGETS, widget(namespace, 7))

    assert caught.value.fields == ("spec.colour",)


async def test_a_namespace_that_does_not_exist_is_said_so(client: KubeClient) -> None:
    with pytest.raises(ObjectGone):
        await ResourceClient(client).create(WIDGETS, widget("no-such-namespace"))


async def test_without_the_right_nothing_is_made(client: KubeClient, namespace: str, widgets: Cluster) -> None:
    async with open_client(widgets.user_kubeconfig("alice")) as alice:
        with pytest.raises(KubeForbidden):
            await ResourceClient(alice).create(WIDGETS, widget(namespace))

    with pytest.raises(ObjectGone):
        await ResourceClient(client).get(WIDGETS, namespace, "made")


async def test_a_quota_that_is_used_up_is_told_from_a_missing_right(
    client: KubeClient, namespace: str, widgets: Cluster
) -> None:
    hard = f"count/{WIDGETS.plural}.{WIDGETS.group}"
    widgets.kubectl("create", "quota", "none", f"--hard={hard}=0", "-n", namespace)
    # the lab runs no controller of quotas, which writes this
    counted = f'{{"status": {{"hard": {{"{hard}": "0"}}, "used": {{"{hard}": "0"}}}}}}'
    patch = ("--subresource=status", "--type=merge", f"--patch={counted}")
    widgets.kubectl("patch", "quota", "none", "-n", namespace, *patch)

    with pytest.raises(QuotaReached):
        await ResourceClient(client).create(WIDGETS, widget(namespace))
