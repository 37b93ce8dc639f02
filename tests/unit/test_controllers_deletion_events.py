"""What is told when an object is gone: one Event for each move that goes on unfollowed, and none otherwise."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, PROVIDER
from controller_lab import SPEC, Lab, lab_with
from osmig.api.migration import parse_migration
from osmig.api.names import EventReason, Kind, Phase
from osmig.domain import finalizer
from osmig.domain.phases import FINISHED
from osmig.kube.refs import ObjectRef  # noqa: TC001 - of a fake's signature
from replication_samples import OFFERING, PLAN, RUN_ID, SOURCE

if TYPE_CHECKING:
    from osmig.controllers.keys import Key

TENANT = {"tenant": {"sourceResource": SOURCE, "destinationOffering": OFFERING, "destinationPlan": PLAN}}
TYPES: dict[str, dict[str, Any]] = {
    "LiveMigration": SPEC,
    "ColdMigration": {**SPEC, "cold": {}},
    "TenantReplication": TENANT,
}
CALL = {
    "operation": "live-migrate",
    "attempt": 1,
    "holder": "me",
    "time": "2026-01-01T00:00:00Z",
    "sends": 1,
    "mark": {"name": "x"},
}
UPSTREAM = {
    "LiveMigration": {"id": "7"},
    "ColdMigration": {"id": "7"},
    "TenantReplication": {"id": RUN_ID},
}
WAITING = (None, Phase.PENDING, Phase.QUEUED, Phase.SUSPENDED)
ACTING = tuple(phase for phase in Phase if phase not in FINISHED and phase not in WAITING)


def body_of(kind: str, phase: Phase | None, **status: Any) -> dict[str, Any]:  # noqa: ANN401 - of the manifest
    """A Migration of one type as it was last."""
    return migration_body(spec={"type": kind, **TYPES[kind]}, status={"phase": phase, **status} if phase else {})


def left_by(body: dict[str, Any]) -> str | None:
    """The reason of what is told of it."""
    note = finalizer.describe_left(parse_migration(body))
    return note.reason if note is not None else None


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("phase", ACTING)
def test_a_move_under_way_is_told_in_each_phase_of_each_type(kind: str, phase: Phase) -> None:
    note = finalizer.describe_left(parse_migration(body_of(kind, phase, upstream=UPSTREAM[kind])))
    assert note is not None
    assert (note.reason, note.is_warning) == (EventReason.MIGRATION_LEFT, False)
    assert f" {UPSTREAM[kind]['id']}" in note.text


@pytest.mark.parametrize("kind", TYPES)
def test_a_call_whose_effect_is_not_known_is_told(kind: str) -> None:
    assert left_by(body_of(kind, Phase.STARTING, pendingCall=CALL)) == EventReason.MIGRATION_LEFT


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("phase", [*WAITING, *sorted(FINISHED)])
def test_what_was_never_sent_or_is_over_leaves_nothing_behind(kind: str, phase: Phase | None) -> None:
    upstream = {"upstream": UPSTREAM[kind]} if phase in FINISHED else {}
    assert left_by(body_of(kind, phase, **upstream)) is None


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        ("LiveMigration", {"upstream": {"requestID": "req-1"}}, "whose record was still awaited, goes on in the cloud"),
        ("TenantReplication", {"upstream": {"id": RUN_ID}}, f"Waldur's run {RUN_ID} goes on"),
        (
            "TenantReplication",
            {"upstream": {"id": RUN_ID}, "tenant": {"destinationName": "prod-1"}},
            f"Waldur's run {RUN_ID} and its replica prod-1 go on to their end",
        ),
        (
            "TenantReplication",
            {"upstream": {"id": RUN_ID}, "tenant": {"cleanupOrder": "order-1"}},
            f"Waldur terminates the replica of its run {RUN_ID}",
        ),
    ],
)
def test_what_goes_on_is_said(kind: str, status: dict[str, Any], told: str) -> None:
    note = finalizer.describe_left(parse_migration(body_of(kind, Phase.RUNNING, **status)))
    assert note is not None
    assert told in note.text


def test_a_cold_move_at_its_gate_waits_for_somebody() -> None:
    body = body_of("ColdMigration", Phase.AWAITING_CONFIRMATION, upstream={"id": "7"})
    note = finalizer.describe_left(parse_migration(body))
    assert note is not None
    assert note.text.endswith("the cloud's migration 7 waits in the cloud for somebody to confirm or revert it")


async def lab_of(kind: str) -> tuple[Lab, Key]:
    """An engine that knows one running Migration and its Provider."""
    lab = Lab()
    lab.offer(Kind.PROVIDER, provider_body())
    lab.offer(Kind.MIGRATION, body_of(kind, Phase.RUNNING, upstream=UPSTREAM[kind]))
    return lab, MIGRATION


@pytest.mark.parametrize("kind", TYPES)
async def test_a_deletion_is_told_once_at_the_migration_and_at_its_provider(kind: str) -> None:
    lab, key = await lab_of(kind)
    gone = lab.api.objects[key]
    lab.controllers.intake.remove(Kind.MIGRATION, gone)
    lab.controllers.intake.remove(Kind.MIGRATION, gone)
    lab.controllers.intake.drop(key)
    assert lab.events.reasons == [EventReason.MIGRATION_LEFT] * 2
    texts = [text for _, text in lab.events.notes]
    assert texts[1] == f"Migration db-07: {texts[0]}"


async def test_a_ghost_is_told_as_it_was_last() -> None:
    lab, key = await lab_of("LiveMigration")
    lab.controllers.intake.drop(key)
    assert lab.events.reasons == [EventReason.MIGRATION_LEFT] * 2


async def test_an_object_whose_place_another_took_is_told_and_the_new_one_is_not() -> None:
    lab, key = await lab_of("LiveMigration")
    anew = migration_body(spec=SPEC)
    anew["metadata"]["uid"] = "uid-anew"
    lab.offer(Kind.MIGRATION, anew)
    assert lab.events.reasons == [EventReason.MIGRATION_LEFT] * 2
    lab.controllers.intake.remove(Kind.MIGRATION, lab.api.objects[key])
    assert len(lab.events.notes) == 2


async def test_the_newest_body_says_whether_it_was_over() -> None:
    lab, key = await lab_of("LiveMigration")
    over = copy.deepcopy(lab.api.objects[key])
    over["status"]["phase"] = "Succeeded"
    lab.controllers.intake.remove(Kind.MIGRATION, over)
    assert lab.events.notes == []


async def test_a_deletion_that_shows_first_in_an_answer_to_our_write_is_told_once() -> None:
    lab = await lab_with()
    await lab.step(MIGRATION)
    lab.cloud.run("running")
    lab.events.notes.clear()
    gone = lab.api.objects.pop(MIGRATION)
    await lab.step(PROVIDER)
    await lab.run(seconds=1)
    lab.controllers.intake.remove(Kind.MIGRATION, gone)
    assert lab.events.reasons.count(EventReason.MIGRATION_LEFT) == 2


async def test_a_migration_that_cannot_be_read_any_more_is_told_nothing_of() -> None:
    lab, key = await lab_of("LiveMigration")
    body = copy.deepcopy(lab.api.objects[key])
    body["spec"] = {"type": "Odd", "providerRef": {"name": "region-one"}}
    lab.controllers.intake.remove(Kind.MIGRATION, body)
    assert lab.events.notes == []


@pytest.mark.parametrize("is_listed", [True, False])
async def test_a_provider_that_goes_tells_of_moves_that_nobody_follows(*, is_listed: bool) -> None:
    lab, _ = await lab_of("LiveMigration")
    regarding: list[ObjectRef] = []
    record = lab.events.record

    def keep(about: ObjectRef, **told: Any) -> None:  # noqa: ANN401 - as the recorder takes them
        regarding.append(about)
        record(about, **told)

    lab.events.record = keep  # type: ignore[method-assign,assignment]
    if is_listed:
        lab.controllers.intake.remove(Kind.PROVIDER, lab.api.objects[PROVIDER])
    else:
        lab.controllers.intake.drop(PROVIDER)
    assert lab.events.reasons == [EventReason.PROVIDER_GONE]
    assert [about.kind for about in regarding] == ["Provider"]


async def test_a_provider_whose_migrations_wait_or_are_over_or_cannot_be_read_goes_silently() -> None:
    lab = await lab_with("a")
    over = body_of("LiveMigration", Phase.FAILED, upstream={"id": "7"})
    lab.offer(Kind.MIGRATION, over)
    odd = migration_body(spec={"type": "Odd"})
    odd["metadata"] |= {"name": "odd", "uid": "uid-odd"}
    lab.offer(Kind.MIGRATION, odd)
    lab.controllers.intake.remove(Kind.PROVIDER, lab.api.objects[PROVIDER])
    assert lab.events.notes == []


async def test_a_mapping_leaves_nothing_behind() -> None:
    lab, _ = await lab_of("TenantReplication")
    body = {"metadata": {"name": "dc", "namespace": "team-a", "uid": "u-map"}, "spec": {}}
    lab.offer(Kind.MAPPING, body)
    lab.controllers.intake.remove(Kind.MAPPING, body)
    assert lab.events.notes == []
