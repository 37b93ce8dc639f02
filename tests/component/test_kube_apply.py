"""Server-side apply against the real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kube_support import WIDGETS, open_client
from osmig.domain.errors import ApplyConflict, InvalidWrite, KubeForbidden, NotInstalled, ObjectGone
from osmig.kube.client import FIELD_MANAGER
from osmig.kube.refs import ObjectRef, Resource
from osmig.kube.resources import ResourceClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cluster import Cluster
    from osmig.kube.client import KubeClient

pytestmark = pytest.mark.usefixtures("widgets")


def widget(namespace: str, colour: object = "red", **metadata: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    """What shall be of the widget."""
    return {"metadata": {"namespace": namespace, "name": "made", **metadata}, "spec": {"colour": colour}}


def apply_as_another(cluster: Cluster, namespace: str, colour: str) -> None:
    """Take over the colour under another manager's name."""
    manifest = f"""{{"apiVersion": "{WIDGETS.api_version}", "kind": "{WIDGETS.kind}",
        "metadata": {{"namespace": "{namespace}", "name": "made"}}, "spec": {{"colour": "{colour}"}}}}"""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=painter", "-f", "-", stdin=manifest)


async def test_an_apply_creates_and_the_same_again_changes_nothing(client: KubeClient, namespace: str) -> None:
    resources = ResourceClient(client)

    first = await resources.apply(WIDGETS, widget(namespace))
    again = await resources.apply(WIDGETS, widget(namespace))

    assert first["spec"] == {"colour": "red"}
    assert [(one["manager"], one["operation"]) for one in first["metadata"]["managedFields"]] == [
        (FIELD_MANAGER, "Apply")
    ]
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert again["metadata"]["uid"] == first["metadata"]["uid"]


async def test_a_field_of_another_manager_is_a_conflict_that_names_it_unless_by_force(
    client: KubeClient, namespace: str, widgets: Cluster
) -> None:
    resources = ResourceClient(client)
    await resources.apply(WIDGETS, widget(namespace))
    apply_as_another(widgets, namespace, "blue")

    with pytest.raises(ApplyConflict, match=r"field manager painter owns spec\.colour") as caught:
        await resources.apply(WIDGETS, widget(namespace))
    assert (caught.value.managers, caught.value.fields) == (("painter",), ("spec.colour",))
    assert (await resources.get(WIDGETS, namespace, "made"))["spec"] == {"colour": "blue"}

    assert (await resources.apply(WIDGETS, widget(namespace), force=True))["spec"] == {"colour": "red"}


async def test_an_owner_reference_names_the_very_owner(client: KubeClient, ref: ObjectRef) -> None:
    assert ref.namespace is not None
    owned = widget(ref.namespace, ownerReferences=[ref.make_owner_reference()])

    body = await ResourceClient(client).apply(WIDGETS, owned)

    assert body["metadata"]["ownerReferences"] == [
        {
            "apiVersion": WIDGETS.api_version,
            "kind": WIDGETS.kind,
            "name": ref.name,
            "uid": ref.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


async def test_an_owner_that_need_not_wait_asks_for_no_right_on_its_finalizers(
    client: KubeClient, ref: ObjectRef
) -> None:
    assert ref.namespace is not None
    owner = ref.make_owner_reference(is_controller=False, blocks_owner_deletion=False)

    body = await ResourceClient(client).apply(WIDGETS, widget(ref.namespace, ownerReferences=[owner]))

    (kept,) = body["metadata"]["ownerReferences"]
    assert (kept["uid"], kept["controller"], kept["blockOwnerDeletion"]) == (ref.uid, False, False)


async def test_what_the_schema_refuses_names_the_field(client: KubeClient, namespace: str) -> None:
    two = [{"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True} for n in "ab"]
    with pytest.raises(InvalidWrite) as caught:
        await ResourceClient(client).apply(WIDGETS, widget(namespace, ownerReferences=two))
    assert not isinstance(caught.value, ApplyConflict)
    assert caught.value.fields == ("metadata.ownerReferences",)


async def test_a_kind_that_is_not_installed_is_said_to_be_so(client: KubeClient, namespace: str) -> None:
    gadgets = Resource(WIDGETS.group, WIDGETS.version, "gadgets", "Gadget")
    with pytest.raises(NotInstalled):
        await ResourceClient(client).apply(gadgets, widget(namespace))


async def test_an_apply_without_the_right_says_so_and_makes_nothing(
    client: KubeClient, namespace: str, widgets: Cluster
) -> None:
    async with open_client(widgets.user_kubeconfig("alice")) as alice:
        with pytest.raises(KubeForbidden):
            await ResourceClient(alice).apply(WIDGETS, widget(namespace))

    with pytest.raises(ObjectGone):
        await ResourceClient(client).get(WIDGETS, namespace, "made")
