"""Orders through the whole engine: latched at once, never lost, sent under a permit, repeated until the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api_samples import migration_body
from controller_fakes import MIGRATION, PROVIDER
from controller_lab import SPEC, Lab, lab_with
from domain_samples import server
from osmig.api.names import Kind, Verb
from osmig.domain.errors import StaleView, Transient, Unsupported
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.views import BytesView, ProgressView


async def running() -> Lab:
    """An engine whose one Migration is running."""
    lab = await lab_with()
    await lab.step(MIGRATION)
    lab.cloud.run("running")
    lab.cloud.sample = ProgressView(memory=BytesView(total=100, remaining=50))
    await lab.step(PROVIDER)
    await lab.clock.pass_by(10)
    await lab.step(MIGRATION)
    lab.cloud.calls.clear()
    lab.events.notes.clear()
    lab.api.puts.clear()
    return lab


def control(lab: Lab, verb: Verb) -> dict[str, Any]:
    return next(found for found in lab.api.status(MIGRATION)["controls"] if found["verb"] == verb)


async def test_an_order_is_latched_in_a_write_of_its_own_and_then_sent() -> None:
    lab = await running()
    lab.annotate(MIGRATION, abort="true")
    await lab.step(MIGRATION)
    (_, latch), *_ = lab.api.puts
    assert latch["controls"][0]["result"] == "Accepted"
    assert latch["phase"] == "Running"
    assert "abort 7" in lab.cloud.calls
    assert control(lab, Verb.ABORT)["sentTime"]
    assert lab.api.status(MIGRATION)["phase"] == "Aborting"


async def test_what_an_order_needs_to_know_is_read_as_urgently_as_it_is_sent() -> None:
    lab = await running()
    await lab.clock.pass_by(60)
    await lab.step(MIGRATION)
    read_for_no_order = list(lab.cloud.calls)
    assert read_for_no_order
    assert lab.cloud.hurried == []
    lab.annotate(MIGRATION, abort="true")
    lab.cloud.fail["abort 7"] = [Transient("Retrying", "later", operation="abort")]
    await lab.clock.pass_by(60)
    lab.cloud.calls.clear()
    await lab.step(MIGRATION)
    await lab.clock.pass_by(60)
    await lab.step(MIGRATION)
    reads = [call for call in lab.cloud.calls if call != "abort 7"]
    assert reads
    assert [call for call in lab.cloud.hurried if call != "abort 7"][: len(reads)] == reads
    assert lab.cloud.calls.count("abort 7") == 2


async def test_an_abort_does_not_wait_for_the_turn_of_the_force_complete_it_replaces() -> None:
    lab = await running()
    lab.annotate(MIGRATION, force_complete="true")
    await lab.step(MIGRATION)
    lab.annotate(MIGRATION, abort="true")
    await lab.step(MIGRATION)
    assert [call for call in lab.cloud.calls if call in {"force-complete 7", "abort 7"}] == [
        "force-complete 7",
        "abort 7",
    ]


async def test_an_order_is_repeated_every_five_seconds_until_the_record_is_terminal() -> None:
    lab = await running()
    lab.annotate(MIGRATION, abort="true")
    for _ in range(30):
        await lab.step(MIGRATION)
        await lab.clock.pass_by(1)
    assert lab.cloud.calls.count("abort 7") == 6
    lab.cloud.run("cancelled")
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["phase"] == "Aborted"
    assert control(lab, Verb.ABORT)["result"] == "Done"
    assert lab.count("osmig_control_requests_total", kind="Migration", verb="abort", result="Done") == 1


async def test_an_order_set_and_removed_while_the_step_is_busy_is_not_lost() -> None:
    lab = await lab_with()
    lab.cloud.gate = asyncio.Event()
    busy = asyncio.create_task(lab.step(MIGRATION))
    await lab.clock.pass_by()
    lab.annotate(MIGRATION, abort="true")
    lab.annotate(MIGRATION, abort=None)
    lab.cloud.gate.set()
    await busy
    await lab.step(MIGRATION)
    assert control(lab, Verb.ABORT)["result"] == "Accepted"
    assert lab.api.status(MIGRATION)["upstream"]["requestID"]


async def test_an_order_seen_while_another_one_is_latched_counts_in_the_same_step() -> None:
    lab = await running()
    lab.annotate(MIGRATION, force_complete="a")
    lab.api.after_put.append(lambda _: lab.annotate(MIGRATION, abort="b"))
    await lab.step(MIGRATION)
    assert control(lab, Verb.ABORT)["result"] == "Accepted"
    assert control(lab, Verb.FORCE_COMPLETE)["result"] == "Superseded"


async def test_the_same_annotation_seen_by_a_new_process_is_no_new_order() -> None:
    lab = await running()
    lab.annotate(MIGRATION, force_complete="true")
    await lab.step(MIGRATION)
    again = Lab(api=lab.api, cloud=lab.cloud, holder="the next one")
    again.show(PROVIDER)
    again.show(MIGRATION)
    await again.step(PROVIDER)
    before = control(lab, Verb.FORCE_COMPLETE)
    await again.step(MIGRATION)
    assert control(lab, Verb.FORCE_COMPLETE) == before
    assert again.events.notes == [note for note in again.events.notes if note[0].startswith("Provider")]


async def test_what_the_cloud_cannot_do_is_told_once() -> None:
    lab = await running()
    lab.cloud.fail["force-complete 7"] = [Unsupported("Unsupported", "too old", operation="o")]
    lab.annotate(MIGRATION, force_complete="true")
    for _ in range(4):
        await lab.step(MIGRATION)
        await lab.clock.pass_by(5)
    assert control(lab, Verb.FORCE_COMPLETE)["result"] == "Unsupported"
    assert lab.cloud.calls.count("force-complete 7") == 1
    assert lab.events.reasons == ["VerbAccepted", "VerbUnsupported"]


async def test_reconcile_reads_the_record_and_probes_the_provider_anew() -> None:
    lab = await running()
    lab.annotate(MIGRATION, reconcile="1732190000")
    await lab.step(MIGRATION)
    assert "records" in lab.cloud.calls
    session = lab.controllers.sessions.get(PROVIDER)
    assert session is not None
    assert session.wants_refresh
    assert control(lab, Verb.RECONCILE)["result"] == "Done"


async def test_reconcile_works_before_there_is_a_record_or_a_provider() -> None:
    lab = Lab()
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC))
    lab.annotate(MIGRATION, reconcile="now")
    await lab.step(MIGRATION)
    assert control(lab, Verb.RECONCILE)["result"] == "Done"
    assert lab.api.status(MIGRATION)["conditions"][0]["reason"] == "ProviderNotReady"


async def test_a_migration_that_vanishes_with_its_latch_ends_the_step() -> None:
    lab = await running()
    lab.annotate(MIGRATION, abort="true")
    lab.api.after_put.append(lambda _: lab.controllers.intake.drop(MIGRATION))
    assert await lab.step(MIGRATION) == 0.0
    assert lab.cloud.calls == []
    assert await lab.step(MIGRATION) is None


async def test_an_order_on_a_migration_without_provider_connection_is_kept() -> None:
    lab = await running()
    session = lab.controllers.sessions.get(PROVIDER)
    assert session is not None
    session.backend = None
    lab.annotate(MIGRATION, abort="true")
    with pytest.raises(StaleView):
        await lab.step(MIGRATION)
    assert control(lab, Verb.ABORT)["result"] == "Accepted"


async def test_a_manifest_that_this_version_cannot_follow_is_left_alone() -> None:
    lab = Lab()
    lab.offer(Kind.MIGRATION, migration_body(spec={"type": "Teleport"}))
    assert await lab.step(MIGRATION) is None
    assert lab.api.puts == []


async def test_a_status_that_this_version_cannot_read_is_left_alone() -> None:
    lab = await lab_with()
    lab.api.add(Kind.MIGRATION, lab.api.objects[MIGRATION] | {"status": {"phase": "Teleporting"}})
    lab.show(MIGRATION)
    assert await lab.step(MIGRATION) is None
    assert (lab.api.puts, lab.cloud.calls) == ([], [])


async def test_progress_is_written_by_budget() -> None:
    lab = await running()
    for remaining in range(50, 0, -1):
        lab.cloud.sample = ProgressView(memory=BytesView(total=100, remaining=remaining))
        await lab.step(MIGRATION)
        await lab.clock.pass_by(5)
    assert 9 <= len(lab.api.puts) <= 11
    assert lab.count("osmig_migration_data_remaining_bytes") < 5


async def test_a_step_that_never_settles_ends_and_comes_back() -> None:
    """A view that answers differently each time must not hold its worker for ever."""
    lab = await running()
    orders = iter(range(100))
    lab.api.after_put.extend([lambda _: lab.annotate(MIGRATION, force_complete=f"t{next(orders)}")] * 40)
    lab.annotate(MIGRATION, force_complete="first")
    due_s = None
    for _ in range(60):
        try:
            due_s = await lab.step(MIGRATION)
        except StaleView:
            continue
        if due_s is not None:
            break
    assert due_s is not None


async def test_a_call_that_is_cut_from_inside_is_made_up_for() -> None:
    """A Provider's threads may be shut down under a call; the key must come back and look."""
    lab = await lab_with()
    lab.cloud.fail["start"] = [asyncio.CancelledError()]
    lab.controllers.scheduler.wake(MIGRATION)
    await lab.run(seconds=30)
    assert lab.cloud.calls.count("start") == 1
    assert "find" in lab.cloud.calls
    assert "pendingCall" in lab.api.status(MIGRATION)


async def test_the_scheduler_brings_a_move_from_nothing_to_its_end() -> None:
    lab = await lab_with()
    lab.controllers.scheduler.wake(PROVIDER)
    task = asyncio.create_task(lab.controllers.scheduler.run())
    for word in ("accepted", "preparing", "running", "completed"):
        await lab.clock.pass_by(31)
        lab.cloud.run(word)
    await lab.clock.pass_by(61)
    task.cancel()
    await asyncio.wait({task})
    assert lab.api.status(MIGRATION)["phase"] == "Succeeded"
    assert lab.cloud.calls.count("start") == 1
    assert lab.cloud.view == server("cmp2")


def test_calls_are_told_apart_by_value() -> None:
    assert StartCall() == StartCall()
    assert VerbCall(verb=Verb.ABORT, record_id="7") != VerbCall(verb=Verb.ABORT, record_id="8")


async def test_an_order_that_a_refused_write_shows_first_waits_for_no_pause() -> None:
    lab = await running()

    def order(_: object) -> None:
        """Give the order right before the write; the watch is slow to tell."""
        annotations = lab.api.objects[MIGRATION]["metadata"]["annotations"]
        lab.api.change(MIGRATION, annotations={**annotations, "osmig.dev/abort": "now"})

    lab.api.before_put.append(order)
    lab.annotate(MIGRATION, reconcile="now")
    await lab.run(seconds=0.2)
    assert "abort 7" in lab.cloud.calls
