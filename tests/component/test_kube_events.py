"""Events on the real API server, read back with kubectl."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest

from fake_clock import FakeClock
from kube_support import WIDGETS, create_widget, open_client
from lab.waiting import eventually_async
from osmig.kube.events import EVENTS, EventRecorder, EventType
from osmig.kube.refs import Call, KubeVerb, ObjectRef
from osmig.kube.repeats import WINDOW_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.cluster import Cluster
    from osmig.kube.client import KubeClient


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def recorder(client: KubeClient, clock: FakeClock) -> AsyncIterator[EventRecorder]:
    recorder = new_recorder(client, clock)
    task = asyncio.create_task(recorder.run())
    yield recorder
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def new_recorder(client: KubeClient, clock: FakeClock, *, capacity: int = 100) -> EventRecorder:
    numbers = itertools.count()
    return EventRecorder(
        client,
        clock,
        lambda: f"x{next(numbers)}",
        reporting_instance="host_abc",
        share=capacity,
        capacity=capacity,
    )


def record(
    recorder: EventRecorder, ref: ObjectRef, *, reason: str = "Started", note: str = "the move has begun"
) -> None:
    recorder.record(ref, reason=reason, action="Start", type=EventType.NORMAL, note=note)


def events_of(cluster: Cluster, ref: ObjectRef) -> list[dict[str, Any]]:
    items = cluster.get("events.events.k8s.io", "--namespace", ref.namespace or "default")["items"]
    return [event for event in items if event["regarding"].get("uid") == ref.uid]


async def test_an_event_stands_under_its_object(widgets: Cluster, recorder: EventRecorder, ref: ObjectRef) -> None:
    recorder.record(ref, reason="Stalled", action="Watch", type=EventType.WARNING, note="no progress")
    await recorder.drain(5)

    [event] = events_of(widgets, ref)
    assert (event["reason"], event["action"], event["type"], event["note"]) == (
        "Stalled",
        "Watch",
        "Warning",
        "no progress",
    )
    assert event["reportingController"] == "osmig.dev/osmig"
    assert event["reportingInstance"] == "host_abc"
    assert event["regarding"] == {
        "apiVersion": WIDGETS.api_version,
        "kind": "Widget",
        "namespace": ref.namespace,
        "name": "w",
        "uid": ref.uid,
    }
    described = widgets.kubectl("describe", "widgets.test.osmig.dev", "w", "--namespace", str(ref.namespace)).stdout
    assert "no progress" in described


async def test_the_same_event_again_raises_the_count_of_the_first(
    widgets: Cluster, recorder: EventRecorder, ref: ObjectRef, clock: FakeClock
) -> None:
    for _ in range(3):
        record(recorder, ref)
        clock.advance(60)
    await recorder.drain(5)

    [event] = events_of(widgets, ref)
    assert event["series"] == {"count": 3, "lastObservedTime": "2030-01-01T00:02:00.000000Z"}
    described = widgets.kubectl("describe", "widgets.test.osmig.dev", "w", "--namespace", str(ref.namespace)).stdout
    assert "x3 over" in described


async def test_another_reason_or_note_is_another_event(
    widgets: Cluster, recorder: EventRecorder, ref: ObjectRef
) -> None:
    record(recorder, ref)
    record(recorder, ref, reason="Finished")
    record(recorder, ref, note="another")
    await recorder.drain(5)

    assert len(events_of(widgets, ref)) == 3


async def test_after_ten_minutes_the_same_event_is_a_new_one(
    widgets: Cluster, recorder: EventRecorder, ref: ObjectRef, clock: FakeClock
) -> None:
    record(recorder, ref)
    await recorder.drain(5)
    clock.advance(WINDOW_S)
    record(recorder, ref)
    await recorder.drain(5)

    assert ["series" in event for event in events_of(widgets, ref)] == [False, False]


async def test_an_event_deleted_by_somebody_is_created_anew(
    widgets: Cluster, recorder: EventRecorder, ref: ObjectRef, client: KubeClient
) -> None:
    record(recorder, ref)
    await recorder.drain(5)
    [event] = events_of(widgets, ref)
    await client.request(Call(KubeVerb.DELETE, EVENTS, ref.namespace, event["metadata"]["name"]))

    record(recorder, ref)
    await recorder.drain(5)

    [again] = events_of(widgets, ref)
    assert again["metadata"]["name"] != event["metadata"]["name"]


async def test_a_long_note_and_a_long_name_are_cut_to_what_the_server_takes(
    widgets: Cluster, recorder: EventRecorder, client: KubeClient, namespace: str
) -> None:
    ref = ObjectRef.of(WIDGETS, await create_widget(client, namespace, "a" * 240 + "." + "b" * 12))

    record(recorder, ref, note="a" + "ü" * 600)
    await recorder.drain(5)

    [event] = events_of(widgets, ref)
    assert event["note"] == "a" + "ü" * 511


async def test_an_event_about_an_object_outside_namespaces_goes_into_default(
    widgets: Cluster, recorder: EventRecorder, namespace: str
) -> None:
    uid = widgets.get("namespace", namespace)["metadata"]["uid"]
    ref = ObjectRef("v1", "Namespace", "namespaces", None, namespace, uid, "1")

    record(recorder, ref)
    await recorder.drain(5)

    assert len(events_of(widgets, ref)) == 1


async def test_a_terminating_namespace_swallows_events_quietly(
    widgets: Cluster, recorder: EventRecorder, ref: ObjectRef, client: KubeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="osmig")
    held = {"metadata": {"finalizers": ["osmig.dev/test"]}}
    await client.request(Call(KubeVerb.PATCH, WIDGETS, ref.namespace, ref.name), body=held)
    await asyncio.to_thread(widgets.kubectl, "delete", "namespace", str(ref.namespace), "--wait=false")

    record(recorder, ref)
    await recorder.drain(5)
    await client.request(
        Call(KubeVerb.PATCH, WIDGETS, ref.namespace, ref.name), body={"metadata": {"finalizers": None}}
    )

    [lost] = [entry for entry in caplog.records if entry.getMessage() == "event.lost"]
    assert (lost.levelno, lost.__dict__["reason"]) == (logging.DEBUG, "NamespaceTerminating")


async def test_missing_rights_lose_events_with_one_warning_and_no_failure(
    widgets: Cluster, ref: ObjectRef, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_client(widgets.user_kubeconfig("alice")) as client:
        recorder = new_recorder(client, clock)
        task = asyncio.create_task(recorder.run())
        record(recorder, ref)
        record(recorder, ref, reason="Finished")
        await recorder.drain(5)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    lost = [entry for entry in caplog.records if entry.getMessage() == "event.lost"]
    assert [entry.levelno for entry in lost] == [logging.WARNING]
    assert lost[0].__dict__["reason"] == "Forbidden"


async def test_recording_never_waits_and_drops_what_does_not_fit(
    widgets: Cluster, client: KubeClient, ref: ObjectRef, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = new_recorder(client, clock, capacity=2)
    for number in range(5):
        record(recorder, ref, reason=f"Reason{number}")
    await recorder.drain(0.05)

    assert [entry.getMessage() for entry in caplog.records] == ["event.lost", "events.left"]
    assert events_of(widgets, ref) == []
    task = asyncio.create_task(recorder.run())
    await eventually_async(lambda: len(events_of(widgets, ref)) == 2, what="the two that fitted were sent")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_namespace_that_floods_neither_delays_nor_drops_the_event_of_another(
    widgets: Cluster, client: KubeClient, ref: ObjectRef, namespace: str, clock: FakeClock
) -> None:
    uid = widgets.get("namespace", namespace)["metadata"]["uid"]
    quiet = ObjectRef("v1", "Namespace", "namespaces", None, namespace, uid, "1")  # its Events go into `default`
    recorder = new_recorder(client, clock, capacity=40)
    for number in range(100):
        record(recorder, ref, reason=f"Reason{number}")
    record(recorder, quiet)

    task = asyncio.create_task(recorder.run())
    await recorder.drain(60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    written = sorted(
        (int(event["metadata"]["resourceVersion"]), event["regarding"]["uid"])
        for event in (*events_of(widgets, ref), *events_of(widgets, quiet))
    )
    assert [uid for _, uid in written].index(quiet.uid) <= 1
    assert len(written) == 40
