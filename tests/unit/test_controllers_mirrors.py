"""Mirrors of moves that nobody declared: made after sweeps, followed like any Migration, never in anybody's way."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, PROVIDER
from controller_lab import SPEC, Lab
from domain_samples import NOW, SERVER_ID, record, server
from osmig.api.discovery import MIRROR_ONLY_WHAT_CAN_BE_ADOPTED
from osmig.api.migration import parse_migration
from osmig.api.names import Kind, ProviderType
from osmig.controllers.keys import Key
from osmig.domain.capabilities import Capability
from osmig.domain.errors import InvalidWrite, KubeForbidden, KubeUnavailable, ObjectGone, OutcomeUnknown, QuotaReached
from osmig.domain.mirroring import MAX_CREATED
from osmig.domain.operations import MoveKind
from osmig.drivers import DRIVERS
from server_fakes import FakeBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.domain.operations import RecordView, Sweep

UUID = "0d0e0f00-0000-4000-8000-000000000007"
FOREIGN = record("running", uuid=UUID)
MIRROR = Key(Kind.MIGRATION, "team-a", f"discovered-{UUID}")
GONE_AWAY = OutcomeUnknown("NoAnswer", "the cloud does not answer", operation="o")
NO_RIGHT = KubeForbidden("Forbidden", "create migrations is not allowed")


def provider_that_mirrors(**discovery: object) -> dict[str, Any]:
    return provider_body(spec={"discovery": {"mode": "Mirror", **discovery}})


async def lab_with(*rows: RecordView, **discovery: object) -> Lab:
    """An engine on a cloud where others move servers, before its first sweep."""
    lab = Lab(cloud=FakeBackend(view=server(busy=True), rows=rows))
    lab.offer(Kind.PROVIDER, provider_that_mirrors(**discovery))
    return lab


async def sweep(lab: Lab, times: int = 1) -> None:
    for _ in range(times):
        await lab.step(PROVIDER)
        await lab.clock.pass_by(10)


def mirrors(lab: Lab) -> list[str]:
    return [key.name for key in lab.api.objects if key.kind is Kind.MIGRATION and key.name.startswith("discovered-")]


def told(lab: Lab) -> tuple[str, str, str]:
    (condition,) = [c for c in lab.api.status(PROVIDER)["conditions"] if c["type"] == "Mirrored"]
    return condition["status"], condition["reason"], condition.get("message", "")


def counts(lab: Lab) -> tuple[object, object]:
    upstream = lab.api.status(PROVIDER)["upstream"]
    return upstream.get("mirrored"), upstream.get("notMirrored")


async def test_a_move_of_others_gets_a_migration_after_the_second_sweep_that_follows_and_does_nothing() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab)
    assert mirrors(lab) == []

    await sweep(lab)

    body = lab.api.objects[MIRROR]
    assert body["metadata"]["labels"] == {"osmig.dev/discovered": "true"}
    assert body["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "osmig.dev/v1alpha1",
            "kind": "Provider",
            "name": "region-one",
            "uid": "u-2",
            "controller": True,
            "blockOwnerDeletion": False,
        }
    ]
    assert body["spec"] == {
        "providerRef": {"name": "region-one"},
        "type": "LiveMigration",
        "live": {"convergence": {"onStall": "Alert"}},
        "server": {"id": SERVER_ID},
        "adopt": {"id": "7"},
        "onDeadline": "Alert",
        "deletionPolicy": "Detach",
        "ttlSecondsAfterFinished": 3600,
    }
    assert (counts(lab), told(lab)) == ((1, 0), ("True", "Mirrored", ""))

    await lab.step(MIRROR)
    assert lab.api.status(MIRROR)["upstream"]["id"] == "7"
    assert "start" not in lab.cloud.calls


async def test_a_cold_move_is_followed_and_confirmed_by_nobody_but_people() -> None:
    lab = await lab_with(replace(FOREIGN, type="migration", kind=MoveKind.COLD))
    await sweep(lab, 2)
    spec = parse_migration(lab.api.objects[MIRROR]).spec
    assert (spec.type, spec.cold_options.confirm, spec.cold_options.on_confirm_deadline) == (
        "ColdMigration",
        "Manual",
        "Alert",
    )


async def test_a_mirror_ends_with_its_move_and_is_gone_after_an_hour() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab, 2)
    await lab.step(MIRROR)
    lab.cloud.run("completed")
    lab.cloud.rows = (replace(lab.cloud.rows[0], uuid=UUID),)
    await sweep(lab)
    await lab.step(MIRROR)
    assert lab.api.status(MIRROR)["phase"] == "Succeeded"

    due_s = await lab.step(MIRROR)
    assert due_s is not None
    assert due_s > 3500
    await lab.clock.pass_by(3600)
    await lab.step(MIRROR)
    assert mirrors(lab) == []
    await sweep(lab, 3)
    assert mirrors(lab) == []


async def test_a_mirror_whose_record_vanishes_ends_as_record_gone() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab, 2)
    await lab.step(MIRROR)
    lab.cloud.view, lab.cloud.rows = server("cmp2"), ()
    for _ in range(8):
        await sweep(lab)
        await lab.step(MIRROR)
    (condition,) = [c for c in lab.api.status(MIRROR)["conditions"] if c["type"] == "Succeeded"]
    assert condition["reason"] == "RecordGone"


async def test_a_mirror_that_somebody_deletes_comes_back_while_its_move_goes_on() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab, 2)
    await lab.step(MIRROR)
    del lab.api.objects[MIRROR]
    lab.controllers.intake.drop(MIRROR)
    await sweep(lab)
    assert mirrors(lab) == [MIRROR.name]


async def test_verbs_work_on_a_mirror() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab, 2)
    await lab.step(MIRROR)
    lab.annotate(MIRROR, force_complete="now")
    for _ in range(3):
        await lab.step(MIRROR)
    assert "force-complete 7" in lab.cloud.calls


DECLARED: Mapping[str, Mapping[str, Any]] = {
    "adopts it": {"spec": SPEC | {"adopt": {"id": "7"}}},
    "adopts it by uuid": {"spec": SPEC | {"adopt": {"id": UUID}}},
    "has an intent": {"status": {"pendingCall": {"operation": "live-migrate"}, "server": {"id": SERVER_ID}}},
    "awaits its record": {"status": {"upstream": {"requestID": "req-1"}, "server": {"id": SERVER_ID}}},
    "follows it": {"status": {"upstream": {"id": "7"}, "server": {"id": SERVER_ID}}},
    "ended beside it": {
        "status": {
            "phase": "Succeeded",
            "server": {"id": SERVER_ID},
            "completionTime": "2030-01-01T00:00:00Z",
            "attempts": [{"reason": "RecordStale", "upstreamID": "7"}],
        }
    },
    "ended before it was written": {
        "status": {
            "phase": "Failed",
            "server": {"id": SERVER_ID},
            "startTime": "2030-01-01T00:00:00Z",
            "completionTime": "2030-01-01T00:01:00Z",
            "attempts": [{"reason": "StartLost"}],
        }
    },
}


@pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)
async def test_what_somebody_declared_here_is_never_mirrored(declared: dict[str, Any]) -> None:
    lab = await lab_with(FOREIGN)
    lab.offer(Kind.MIGRATION, migration_body(**{"spec": SPEC, **declared}))
    await sweep(lab, 5)
    assert (mirrors(lab), counts(lab)) == ([], (0, 0))


ENDED = {
    "phase": "Failed",
    "server": {"id": SERVER_ID},
    "startTime": "2030-01-01T00:00:00Z",
    "completionTime": "2030-01-01T00:01:00Z",
}


@pytest.mark.parametrize(
    "attempts",
    [
        [{"reason": "Succeeded", "upstreamID": "6"}],
        [{"reason": "RecordStale", "upstreamID": "6"}],
        [{"reason": "Succeeded", "upstreamID": "7"}],
    ],
    ids=["another move", "another move is left over", "closed"],
)
async def test_a_migration_that_has_ended_keeps_no_later_move_of_its_server_from_being_shown(
    attempts: list[dict[str, str]],
) -> None:
    lab = await lab_with(FOREIGN)
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC, status=ENDED | {"attempts": attempts}))
    await sweep(lab, 2)
    assert mirrors(lab) == [MIRROR.name]


@pytest.mark.parametrize(
    ("created", "shown"),
    [("2029-12-31T22:59:00+00:00", 1), ("2030-01-01T00:30:00+00:00", 0), ("2030-01-01T01:02:00+00:00", 1)],
)
async def test_where_an_attempt_has_no_record_the_time_tells_what_it_may_have_begun(created: str, shown: int) -> None:
    lab = await lab_with(replace(FOREIGN, created=datetime.fromisoformat(created), updated=NOW))
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC, status=ENDED | {"attempts": [{"reason": "StartLost"}]}))
    await sweep(lab, 2)
    assert len(mirrors(lab)) == shown


async def test_an_own_start_is_not_mirrored_and_its_intent_counts_from_before_it_is_sent() -> None:
    lab = Lab()
    lab.offer(Kind.PROVIDER, provider_that_mirrors())
    await sweep(lab)
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC))

    def show() -> None:
        lab.cloud.rows, lab.cloud.view = (FOREIGN,), server(busy=True)

    lab.cloud.on_start = show
    for _ in range(5):
        await lab.step(MIGRATION)
        await sweep(lab)
    assert "start" in lab.cloud.calls
    assert mirrors(lab) == []


async def test_the_name_of_a_mirror_is_found_by_a_process_that_was_killed_after_making_it() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab, 2)
    again = Lab(api=lab.api, cloud=lab.cloud)
    again.show(PROVIDER)
    await sweep(again, 3)
    assert mirrors(again) == [MIRROR.name]
    assert lab.api.changes.count(f"create {MIRROR.name}") == 1
    assert (counts(again), told(again)[1]) == ((1, 0), "Mirrored")


async def test_an_object_of_somebody_else_under_that_name_is_left_alone_and_told() -> None:
    lab = await lab_with(FOREIGN)
    body = migration_body(spec=SPEC | {"suspend": True})
    body["metadata"] |= {"name": MIRROR.name, "uid": "theirs"}
    lab.api.add(Kind.MIGRATION, body)
    before = dict(lab.api.objects[MIRROR])
    await sweep(lab, 3)
    assert lab.api.objects[MIRROR] == before
    assert counts(lab) == (0, 1)
    assert told(lab)[:2] == ("False", "PartlyMirrored")
    assert "another object has the name" in told(lab)[2]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NO_RIGHT, "NotPermitted"),
        (QuotaReached("QuotaReached", "a ResourceQuota allows no more"), "NamespaceRefuses"),
        (KubeUnavailable("Timeout", "no answer"), "PartlyMirrored"),
    ],
)
async def test_what_keeps_mirrors_from_being_made_is_told_and_harms_nothing_else(error: Exception, reason: str) -> None:
    lab = await lab_with(FOREIGN)
    lab.api.create_errors = [error] * 2
    await sweep(lab, 3)
    assert (told(lab)[0], told(lab)[1]) == ("False", reason)
    assert counts(lab) == (0, 1)
    (ready,) = [c for c in lab.api.status(PROVIDER)["conditions"] if c["type"] == "Ready"]
    assert ready["status"] == "True"
    await sweep(lab)
    assert (mirrors(lab), told(lab)[0]) == ([MIRROR.name], "True")


async def test_one_that_the_namespace_refuses_does_not_keep_the_others_waiting() -> None:
    rows = [record("running", number=number) for number in range(1, MAX_CREATED + 2)]
    lab = await lab_with(*rows)
    lab.api.create_errors = [InvalidWrite("Invalid", "a rule refuses it")] * MAX_CREATED
    await sweep(lab, 2)
    assert (told(lab)[1], counts(lab)) == ("NamespaceRefuses", (0, MAX_CREATED + 1))
    await sweep(lab)
    assert len(mirrors(lab)) == 1
    assert (told(lab)[1], counts(lab)) == ("PartlyMirrored", (1, MAX_CREATED))


async def test_without_the_right_to_list_migrations_nothing_is_mirrored_and_that_is_told() -> None:
    lab = await lab_with()
    lab.cloud.capabilities -= {Capability.ALL_MIGRATIONS}
    await sweep(lab, 2)
    assert told(lab)[:2] == ("False", "NotPermitted")
    assert counts(lab) == (None, None)


@pytest.mark.parametrize("mode", ["Off", "Count"])
async def test_in_other_modes_nothing_is_made_and_what_was_made_stays(mode: str) -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab, 2)
    lab.api.objects[PROVIDER]["spec"]["discovery"] = {"mode": mode}
    lab.api.change(PROVIDER, generation=2)
    lab.show(PROVIDER)
    lab.cloud.rows = (*lab.cloud.rows, record("running", number=8))
    await sweep(lab, 3)
    assert mirrors(lab) == [MIRROR.name]
    assert [c for c in lab.api.status(PROVIDER)["conditions"] if c["type"] == "Mirrored"] == []
    assert counts(lab) == (None, None)


async def test_a_provider_that_is_being_deleted_gets_no_more_mirrors() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab)
    lab.api.change(PROVIDER, deletionTimestamp="2030-01-01T00:00:00Z", finalizers=["example.org/x"])
    lab.show(PROVIDER)
    await sweep(lab, 2)
    assert mirrors(lab) == []


async def test_a_flood_of_500_moves_is_mirrored_bit_by_bit_up_to_the_limit() -> None:
    rows = [
        record("running", number=number, server_id=f"{number:08x}-0000-4000-8000-000000000000")
        for number in range(1, 501)
    ]
    lab = await lab_with(*rows, maxMirrored=120)
    await sweep(lab, 2)
    assert len(mirrors(lab)) == MAX_CREATED
    assert lab.cloud.calls == ["probe", "sweep", "sweep"]
    await sweep(lab, 40)
    assert len(mirrors(lab)) == 120
    assert (counts(lab), told(lab)[1]) == ((120, 380), "PartlyMirrored")
    assert "maxMirrored" in told(lab)[2]


async def test_of_2500_records_only_what_goes_on_is_looked_at_with_one_list_a_period() -> None:
    history = [record("completed", number=number) for number in range(1, 2461)]
    running = [record("running", number=number) for number in range(2461, 2501)]
    lab = await lab_with(*history, *running)
    await sweep(lab, 10)
    assert len(mirrors(lab)) == 40
    assert lab.cloud.calls == ["probe", *["sweep"] * 10]


@pytest.mark.parametrize("turns", range(60))
async def test_an_own_start_whose_process_is_killed_anywhere_is_not_mirrored_by_the_next_one(turns: int) -> None:
    """Five starts of five servers each, so 300 in all; the kill comes after so many turns of the loop."""
    lab = Lab()
    limits = {"maxInFlightPerSourceHost": 5, "maxInFlightPerDestinationHost": 5}
    lab.offer(Kind.PROVIDER, provider_body(spec={"discovery": {"mode": "Mirror"}, "limits": limits}))
    await sweep(lab, 2)
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(5)]
    lab.cloud.views = {server_id: replace(server(), id=server_id) for server_id in ids}
    keys = [Key(Kind.MIGRATION, "team-a", f"db-{number}") for number in range(5)]
    for key, server_id in zip(keys, ids, strict=True):
        body = migration_body(spec={"server": {"id": server_id}})
        body["metadata"] |= {"name": key.name, "uid": f"uid-{key.name}"}
        lab.offer(Kind.MIGRATION, body)

    def take() -> None:
        server_id = lab.cloud.jobs[-1].server_id or ""
        number = len(lab.cloud.rows) + 1
        lab.cloud.rows = (*lab.cloud.rows, record("running", number=number, server_id=server_id))
        lab.cloud.views[server_id] = replace(server(busy=True), id=server_id)

    lab.cloud.on_start = take
    steps = [asyncio.create_task(lab.step(key)) for key in keys]
    for _ in range(turns):
        await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop
    for step in steps:
        step.cancel()
    await asyncio.gather(*steps, return_exceptions=True)

    again = Lab(api=lab.api, cloud=lab.cloud)
    for key in (PROVIDER, *keys):
        again.show(key)
    for _ in range(4):
        await sweep(again)
        for key in keys:
            with suppress(AssertionError):
                # the cloud of these tests tells of one move only; what is told of the others does not matter here
                await again.step(key)
    assert mirrors(again) == []


async def test_what_was_mirrored_is_told_on_while_the_cloud_cannot_be_reached() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab, 2)
    lab.cloud.fail["sweep"] = [GONE_AWAY] * 3
    await sweep(lab, 3)
    (ready,) = [c for c in lab.api.status(PROVIDER)["conditions"] if c["type"] == "Ready"]
    assert (ready["status"], counts(lab), told(lab)[0]) == ("False", (1, 0), "True")
    assert lab.api.changes.count(f"create {MIRROR.name}") == 1


async def test_a_provider_that_goes_while_it_is_swept_gets_no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab)
    listing = lab.cloud.sweep

    async def lose(since: datetime | None) -> Sweep:
        """List, and let somebody delete the Provider meanwhile."""
        lab.controllers.intake.drop(PROVIDER)
        return await listing(since)

    monkeypatch.setattr(lab.cloud, "sweep", lose)
    with pytest.raises(ObjectGone):
        await lab.step(PROVIDER)
    assert mirrors(lab) == []


@pytest.mark.parametrize(
    "row",
    [
        replace(FOREIGN, id="../7"),
        replace(FOREIGN, id="0"),
        replace(FOREIGN, server_id=SERVER_ID.upper()),
        replace(FOREIGN, server_id=""),
        replace(FOREIGN, kind=MoveKind.UNKNOWN, type=None),
    ],
)
async def test_a_row_that_no_migration_could_adopt_is_counted_and_not_written(row: RecordView) -> None:
    lab = await lab_with(row)
    await sweep(lab, 3)
    assert (mirrors(lab), counts(lab)) == ([], (0, 1))
    assert "an id that can be adopted" in told(lab)[2]


async def test_every_mirror_is_a_manifest_that_the_api_takes() -> None:
    lab = await lab_with(FOREIGN, record("finished", number=8, kind=MoveKind.COLD))
    await sweep(lab, 2)
    specs = [parse_migration(body).spec for key, body in lab.api.objects.items() if key.kind is Kind.MIGRATION]
    assert {(spec.type, spec.adopt is not None) for spec in specs} == {("LiveMigration", True), ("ColdMigration", True)}


async def test_a_mirrored_move_takes_a_slot_as_before_and_gives_it_back_when_it_hangs() -> None:
    lab = Lab(cloud=FakeBackend(view=server(busy=True), rows=(replace(FOREIGN, created=NOW, updated=NOW),)))
    mirror_one = {"discovery": {"mode": "Mirror"}, "limits": {"maxInFlight": 1}}
    lab.offer(Kind.PROVIDER, provider_body(spec=mirror_one))
    await sweep(lab, 2)
    await lab.step(MIRROR)
    other = "00000001-0000-4000-8000-000000000000"
    lab.cloud.views = {other: replace(server(), id=other)}
    lab.offer(Kind.MIGRATION, migration_body(spec={"server": {"id": other}}))
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["phase"] == "Queued"
    assert "start" not in lab.cloud.calls

    await lab.clock.pass_by(3600)
    await sweep(lab)
    await lab.step(MIGRATION)
    assert "start" in lab.cloud.calls
    assert lab.api.status(MIRROR)["phase"] == "Running"
    assert lab.count("osmig_stale_foreign_migrations") == 1


async def test_a_manifest_of_ones_own_takes_the_place_of_a_mirror() -> None:
    lab = await lab_with(FOREIGN)
    await sweep(lab, 2)
    await lab.step(MIRROR)
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC | {"adopt": {"id": "7"}, "suspend": True}))
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["phase"] == "Suspended"
    del lab.api.objects[MIRROR]
    lab.controllers.intake.drop(MIRROR)
    await sweep(lab, 3)
    assert mirrors(lab) == []

    lab.api.objects[MIGRATION]["spec"]["suspend"] = False
    lab.api.change(MIGRATION, generation=2)
    lab.show(MIGRATION)
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["upstream"]["id"] == "7"


def test_mirrors_are_offered_for_those_types_whose_driver_can_adopt() -> None:
    can_adopt = {kind for kind in ProviderType if DRIVERS.of_provider(kind).adopt is not None}
    listed = set(re.findall(r"self\.type == '(\w+)'", MIRROR_ONLY_WHAT_CAN_BE_ADOPTED["rule"]))
    assert listed == {str(kind) for kind in can_adopt}
