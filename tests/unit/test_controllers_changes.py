"""Changes of the object itself: the finalizer before a start, its removal, deletion; and pauses that writes respect."""

from __future__ import annotations

import copy
import logging
from typing import Any

import pytest

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, OTHER, PROVIDER
from controller_lab import SPEC, Lab, lab_with
from osmig.api.names import FINALIZER, Kind
from osmig.domain.errors import KubeUnavailable, StaleView, Transient

ABORT = {"deletionPolicy": "Abort"}
ADDED = f"finalizers of db-07: {FINALIZER}"
REMOVED = "finalizers of db-07: "


async def lab_with_spec(**spec: Any) -> Lab:  # noqa: ANN401 - fields of a spec
    """An engine whose Provider is ready, and one Migration."""
    lab = Lab()
    lab.offer(Kind.PROVIDER, provider_body())
    await lab.step(PROVIDER)
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC | spec))
    lab.cloud.calls.clear()
    lab.events.notes.clear()
    return lab


async def running(**spec: Any) -> Lab:  # noqa: ANN401 - fields of a spec
    """An engine whose one Migration is running."""
    lab = await lab_with_spec(**spec)
    await lab.step(MIGRATION)
    lab.cloud.run("running")
    await lab.step(MIGRATION)
    lab.cloud.calls.clear()
    lab.api.changes.clear()
    return lab


def delete(lab: Lab) -> None:
    """Delete the Migration as a user does; its finalizer keeps it."""
    lab.api.change(MIGRATION, deletionTimestamp=lab.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    lab.show(MIGRATION)


# --- the finalizer


async def test_the_finalizer_is_on_before_the_start_and_costs_no_read() -> None:
    lab = await lab_with_spec(**ABORT)
    on_record: list[object] = []
    lab.cloud.on_start = lambda: on_record.append(lab.api.objects[MIGRATION]["metadata"]["finalizers"])
    await lab.step(MIGRATION)
    assert on_record == [[FINALIZER]]
    assert lab.cloud.calls == ["pre_start", "start"]
    assert lab.api.changes == [ADDED]


async def test_finalizers_of_others_stay() -> None:
    lab = await lab_with_spec(**ABORT)
    lab.api.change(MIGRATION, finalizers=["else.example.org/keep"])
    lab.show(MIGRATION)
    await lab.step(MIGRATION)
    assert lab.api.objects[MIGRATION]["metadata"]["finalizers"] == ["else.example.org/keep", FINALIZER]


async def test_a_default_migration_gets_no_finalizer() -> None:
    lab = await lab_with_spec()
    await lab.step(MIGRATION)
    assert lab.api.changes == []


async def test_an_object_that_changed_meanwhile_gets_no_finalizer_and_no_start_until_it_is_read_again() -> None:
    lab = await lab_with_spec(**ABORT)
    lab.api.change(MIGRATION, labels={"by": "somebody"})
    with pytest.raises(StaleView):
        await lab.step(MIGRATION)
    assert (lab.api.changes, lab.cloud.calls) == ([], ["pre_start"])
    await lab.step(MIGRATION)
    assert lab.api.changes == [ADDED]
    assert lab.cloud.calls.count("start") == 1


async def test_a_server_that_was_taken_while_the_finalizer_was_written_is_not_started() -> None:
    lab = await lab_with_spec(**ABORT)
    body = migration_body(spec=SPEC, status={"phase": "Running", "server": {"id": SPEC["server"]["id"]}})
    body["metadata"] |= {"name": OTHER.name, "uid": "uid-other"}
    body["status"]["upstream"] = {"id": "5"}
    lab.api.on_finalizers = lambda _: lab.controllers.intake.offer(Kind.MIGRATION, body)
    await lab.step(MIGRATION)
    assert "start" not in lab.cloud.calls
    assert lab.api.status(MIGRATION)["phase"] == "Queued"


async def test_a_migration_that_ended_is_let_go_at_once() -> None:
    lab = await running(**ABORT)
    delete(lab)
    lab.cloud.run("cancelled")
    await lab.step(PROVIDER)
    for _ in range(4):
        await lab.step(MIGRATION)
        await lab.clock.pass_by(5)
    assert lab.api.changes == [REMOVED]
    assert MIGRATION not in lab.api.objects
    assert lab.count("osmig_finalizer_leftovers_total") == 0


async def test_a_move_that_cannot_be_ended_is_left_and_told_in_metric_log_and_events(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lab = await running(**ABORT)
    delete(lab)
    lab.cloud.fail["abort 7"] = [Transient("NoAnswer", "x", operation="o")] * 99
    with caplog.at_level(logging.WARNING, logger="osmig.controllers"):
        for _ in range(4):
            await lab.step(MIGRATION)
            await lab.clock.pass_by(200)
    assert lab.api.changes == [REMOVED]
    assert lab.events.reasons.count("FinalizerLeft") == 0, "others' finalizers may still hold it"
    gone = lab.controllers.inbox.get(MIGRATION)
    assert gone is not None
    lab.controllers.intake.remove(Kind.MIGRATION, gone.body)
    assert "MigrationLeft" not in lab.events.reasons
    assert lab.count("osmig_finalizer_leftovers_total", namespace="team-a") == 1
    left = [record for record in caplog.records if record.getMessage() == "migration.left"]
    assert len(left) == 1
    told = [note for reason, note in lab.events.notes if reason == "FinalizerLeft"]
    assert len(told) == 2
    assert told[1] == f"Migration db-07: {told[0]}", "the Provider outlives the Migration"


async def test_a_finalizer_that_is_gone_with_its_object_brings_no_ghost_back() -> None:
    lab = await running(**ABORT)
    delete(lab)
    lab.cloud.run("cancelled")
    await lab.step(PROVIDER)
    lab.api.on_finalizers = lambda deleted: lab.controllers.intake.remove(Kind.MIGRATION, deleted)
    for _ in range(4):
        await lab.step(MIGRATION)
        await lab.clock.pass_by(5)
    assert lab.controllers.inbox.get(MIGRATION) is None
    assert lab.count("osmig_migrations") == 0


# --- deletion


async def test_a_finished_migration_is_deleted_when_its_time_is_over_and_not_before() -> None:
    lab = await running(ttlSecondsAfterFinished=60)
    lab.cloud.run("completed")
    await lab.step(PROVIDER)
    due_s = None
    while due_s is None:
        due_s = await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["phase"] == "Succeeded"
    due_s = await lab.step(MIGRATION)
    assert due_s == 60.0
    await lab.clock.pass_by(59)
    await lab.step(MIGRATION)
    assert lab.api.changes == []
    await lab.clock.pass_by(1)
    assert await lab.step(MIGRATION) is None
    assert lab.api.changes == ["delete db-07"]


async def test_a_migration_that_changed_is_not_deleted_on_ground_of_what_it_was() -> None:
    lab = await running(ttlSecondsAfterFinished=0)
    lab.cloud.run("completed")
    await lab.step(PROVIDER)
    lab.api.after_put.append(lambda _: lab.api.change(MIGRATION, labels={"keep": "me"}))
    lab.controllers.scheduler.wake(MIGRATION)
    await lab.run()
    assert lab.count("osmig_reconcile_total", result="stale") == 1
    assert lab.api.changes == []
    assert await lab.step(MIGRATION) is None
    assert lab.api.changes == ["delete db-07"]


# --- pauses


def echo(lab: Lab, times: int) -> None:
    """Let the watch show each own write before its answer comes."""
    lab.api.after_put.extend([lambda _: lab.show(MIGRATION)] * times)


@pytest.mark.parametrize("is_early", [True, False], ids=["before its answer", "after its answer"])
async def test_the_watch_event_of_an_own_write_does_not_cut_the_pause_short_that_was_decided(*, is_early: bool) -> None:
    lab = await lab_with()
    lab.cloud.fail["pre_start"] = [Transient("Overloaded", "later", operation="o", retry_after_s=8.0)]
    if is_early:
        echo(lab, 5)
    await lab.run(seconds=1)
    if not is_early:
        lab.show(MIGRATION)
    assert lab.api.status(MIGRATION)["phase"] == "Pending"
    steps = lab.count("osmig_reconcile_total")
    await lab.run(seconds=6)
    assert lab.count("osmig_reconcile_total") == steps, "nothing else is due before the next sweep"
    assert lab.cloud.calls.count("pre_start") == 1
    await lab.run(seconds=2)
    assert lab.cloud.calls.count("pre_start") == 2


async def test_a_change_by_somebody_else_during_an_own_write_is_seen_at_once() -> None:
    lab = await lab_with()
    lab.cloud.fail["pre_start"] = [Transient("Overloaded", "later", operation="o", retry_after_s=44.0)]

    def suspend(_: object) -> None:
        lab.show(MIGRATION)
        body = copy.deepcopy(lab.api.objects[MIGRATION])
        body["spec"]["suspend"] = True
        body["metadata"]["generation"] = 2
        lab.offer(Kind.MIGRATION, body)

    lab.api.after_put.append(suspend)
    await lab.run(seconds=1)
    assert lab.api.status(MIGRATION)["phase"] == "Suspended"


async def test_a_write_whose_answer_is_lost_is_looked_at_as_soon_as_the_watch_shows_it() -> None:
    lab = await lab_with()

    def lose_answer(_: object) -> None:
        lab.show(MIGRATION)
        raise KubeUnavailable("Unreachable", "no answer")

    lab.api.after_put.append(lose_answer)
    await lab.run()
    assert lab.cloud.calls[-1] == "find"


# --- what changed while a start was being decided


@pytest.mark.parametrize("change", ["suspend", "delete"])
async def test_nothing_is_started_on_ground_of_an_object_that_changed_during_the_survey(change: str) -> None:
    lab = await lab_with_spec()

    def delete() -> None:
        lab.api.change(MIGRATION, deletionTimestamp="2030-01-01T00:00:00Z", finalizers=["somebody/else"])
        lab.show(MIGRATION)

    lab.cloud.on_survey = delete if change == "delete" else lambda: lab.suspend(MIGRATION)
    with pytest.raises(StaleView):
        await lab.step(MIGRATION)
    lab.cloud.on_survey = lambda: None
    await lab.step(MIGRATION)
    assert "start" not in lab.cloud.calls


# --- the deletion of a whole namespace


def lose_provider(lab: Lab) -> None:
    """Delete the Provider and its Secret, as the deletion of their namespace does."""
    lab.controllers.intake.remove(Kind.PROVIDER, lab.api.objects.pop(PROVIDER))
    lab.api.secrets.clear()


@pytest.mark.parametrize("is_provider_first", [True, False])
async def test_a_move_is_called_off_though_its_namespace_and_so_its_provider_is_deleted(
    *, is_provider_first: bool
) -> None:
    lab = await running(**ABORT)
    for deletion in (lose_provider, delete) if is_provider_first else (delete, lose_provider):
        deletion(lab)
        await lab.run(seconds=2)
    assert "abort 7" in lab.cloud.calls
    assert not lab.cloud.is_closed
    lab.cloud.run("cancelled")
    left = copy.deepcopy(lab.api.objects[MIGRATION])
    await lab.run(seconds=60)
    assert lab.api.changes[-1] == REMOVED
    assert "FinalizerLeft" not in lab.events.reasons
    lab.controllers.intake.remove(Kind.MIGRATION, left)
    await lab.run(seconds=10)
    assert lab.cloud.is_closed


async def test_who_is_not_deleted_has_no_provider_meanwhile_and_keeps_no_connection_for_long() -> None:
    lab = await running(**ABORT)
    lose_provider(lab)
    await lab.run(seconds=2)
    ready = [c for c in lab.api.status(MIGRATION)["conditions"] if c["type"] == "ProviderReady"]
    assert (ready[0]["status"], ready[0]["reason"], lab.cloud.is_closed) == ("False", "ProviderNotFound", False)
    await lab.run(seconds=40)
    assert lab.cloud.is_closed
