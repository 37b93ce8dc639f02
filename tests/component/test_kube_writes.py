"""Reads and compare-and-swap writes against the real API server."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kube_support import WIDGETS, create_widget, open_client
from osmig.domain.errors import InvalidWrite, NotInstalled, ObjectGone, WriteConflict
from osmig.kube.refs import Call, KubeVerb, ObjectRef, Resource
from osmig.kube.resources import ResourceClient
from osmig.kube.status import StatusWriter

if TYPE_CHECKING:
    from lab.cluster import Cluster
    from osmig.kube.client import KubeClient

FINALIZER = "osmig.dev/test"


async def test_a_status_is_stored_and_the_stored_object_comes_back(client: KubeClient, ref: ObjectRef) -> None:
    body = await StatusWriter(client).put(ref, {"phase": "Running", "note": "n"})

    assert body["status"] == {"phase": "Running", "note": "n"}
    assert body["metadata"]["resourceVersion"] != ref.resource_version
    assert await ResourceClient(client).get(WIDGETS, ref.namespace, ref.name) == body


async def test_a_status_write_leaves_spec_and_labels_alone_and_drops_what_it_leaves_out(
    client: KubeClient, ref: ObjectRef
) -> None:
    writer = StatusWriter(client)
    first = await writer.put(ref, {"phase": "Running", "note": "n"})

    body = await writer.put(ObjectRef.of(WIDGETS, first), {"phase": "Done"})

    assert body["status"] == {"phase": "Done"}
    assert body["spec"] == {"colour": "red"}
    assert body["metadata"]["labels"] == {"kept": "yes"}


async def test_every_write_is_made_under_our_name(client: KubeClient, ref: ObjectRef, widgets: Cluster) -> None:
    mark = widgets.audit_mark()
    body = await StatusWriter(client).put(ref, {"phase": "Running"})
    await ResourceClient(client).set_finalizers(ObjectRef.of(WIDGETS, body), ())

    assert {entry["manager"] for entry in body["metadata"]["managedFields"]} == {"osmig"}
    uris = [event["requestURI"] for event in widgets.audit(since=mark) if str(ref.namespace) in event["requestURI"]]
    assert len(uris) == 2
    assert all("fieldManager=osmig" in uri for uri in uris)


async def test_a_stale_view_changes_nothing(client: KubeClient, ref: ObjectRef) -> None:
    writer = StatusWriter(client)
    await writer.put(ref, {"phase": "Running"})

    with pytest.raises(WriteConflict):
        await writer.put(ref, {"phase": "Stale"})

    body = await ResourceClient(client).get(WIDGETS, ref.namespace, ref.name)
    assert body["status"] == {"phase": "Running"}


async def test_another_object_of_the_same_name_is_a_stale_view(client: KubeClient, ref: ObjectRef) -> None:
    other = replace(ref, uid="00000000-0000-4000-8000-000000000000")

    with pytest.raises(WriteConflict):
        await StatusWriter(client).put(other, {"phase": "Running"})


async def test_a_deleted_object_is_gone(client: KubeClient, ref: ObjectRef) -> None:
    await client.request(Call(KubeVerb.DELETE, WIDGETS, ref.namespace, ref.name))

    with pytest.raises(ObjectGone):
        await StatusWriter(client).put(ref, {"phase": "Running"})
    with pytest.raises(ObjectGone):
        await ResourceClient(client).get(WIDGETS, ref.namespace, ref.name)


async def test_a_write_without_a_version_is_refused_by_the_server(client: KubeClient, ref: ObjectRef) -> None:
    with pytest.raises(InvalidWrite):
        await StatusWriter(client).put(replace(ref, resource_version=""), {"phase": "Running"})


async def test_a_status_that_the_schema_refuses_names_the_field_and_not_the_value(
    client: KubeClient, ref: ObjectRef
) -> None:
    with pytest.raises(InvalidWrite) as caught:
        await StatusWriter(client).put(ref, {"phase": "far too long a phase", "note": "private"})

    assert caught.value.fields == ("status.phase",)
    assert "far too long" not in str(caught.value)
    assert "private" not in str(caught.value)


async def test_an_unknown_field_is_reported_once(
    client: KubeClient, ref: ObjectRef, caplog: pytest.LogCaptureFixture
) -> None:
    writer = StatusWriter(client)
    body = await writer.put(ref, {"phase": "A", "newer": 1})
    await writer.put(ObjectRef.of(WIDGETS, body), {"phase": "B", "newer": 2})

    pruned = [record for record in caplog.records if record.getMessage() == "status.pruned"]
    assert [record.levelno for record in pruned] == [logging.ERROR]
    assert "status.newer" in pruned[0].__dict__["warning"]
    assert body["status"] == {"phase": "A"}


async def test_finalizers_are_replaced_only_while_the_view_is_fresh(client: KubeClient, ref: ObjectRef) -> None:
    resources = ResourceClient(client)
    body = await resources.set_finalizers(ref, (FINALIZER,))

    with pytest.raises(WriteConflict):
        await resources.set_finalizers(ref, ())

    assert body["metadata"]["finalizers"] == [FINALIZER]
    await resources.set_finalizers(ObjectRef.of(WIDGETS, body), ())


async def test_the_last_finalizer_taken_off_ends_a_deletion_and_none_can_be_put_on_meanwhile(
    client: KubeClient, ref: ObjectRef
) -> None:
    resources = ResourceClient(client)
    await resources.set_finalizers(ref, (FINALIZER,))
    await client.request(Call(KubeVerb.DELETE, WIDGETS, ref.namespace, ref.name))
    dying = ObjectRef.of(WIDGETS, await resources.get(WIDGETS, ref.namespace, ref.name))

    with pytest.raises(InvalidWrite):
        await resources.set_finalizers(dying, (FINALIZER, "osmig.dev/another"))
    await resources.set_finalizers(dying, ())

    with pytest.raises(ObjectGone):
        await resources.get(WIDGETS, ref.namespace, ref.name)


async def test_an_object_is_deleted_only_while_the_view_is_fresh(client: KubeClient, ref: ObjectRef) -> None:
    resources = ResourceClient(client)
    body = await StatusWriter(client).put(ref, {"phase": "Done"})
    fresh = ObjectRef.of(WIDGETS, body)

    for stale in (ref, replace(fresh, uid="00000000-0000-4000-8000-000000000000")):
        with pytest.raises(WriteConflict):
            await resources.delete(stale)
    await resources.delete(fresh)

    with pytest.raises(ObjectGone):
        await resources.get(WIDGETS, ref.namespace, ref.name)
    with pytest.raises(ObjectGone):
        await resources.delete(fresh)


async def test_a_list_goes_through_all_pages(widgets: Cluster, namespace: str) -> None:
    calls: list[str] = []
    names = [f"w-{number}" for number in range(5)]
    async with open_client(widgets.kubeconfig, on_request=lambda *call: calls.append(f"{call[0]} {call[1]}")) as client:
        for name in names:
            await create_widget(client, namespace, name)

        bodies = [body async for body in ResourceClient(client).list_all(WIDGETS, namespace, chunk_size=2)]

    assert [body["metadata"]["name"] for body in bodies] == names
    assert bodies[-1]["spec"] == {"colour": "red"}
    assert calls.count("list widgets 200") == 3


async def test_a_list_of_all_namespaces_holds_the_objects_of_each(client: KubeClient, ref: ObjectRef) -> None:
    found = [body["metadata"]["uid"] async for body in ResourceClient(client).list_all(WIDGETS)]

    assert ref.uid in found


async def test_an_empty_list_ends(client: KubeClient, namespace: str) -> None:
    assert [body async for body in ResourceClient(client).list_all(WIDGETS, namespace)] == []


async def test_a_kind_that_is_not_installed_is_not_taken_for_a_deleted_object(
    client: KubeClient, namespace: str
) -> None:
    missing = Resource("test.osmig.dev", "v1", "gadgets", "Gadget")

    with pytest.raises(NotInstalled) as caught:
        await ResourceClient(client).get(missing, namespace, "g")

    assert caught.value.reason == "NotInstalled"
