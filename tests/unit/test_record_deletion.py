"""``deletionPolicy: DeleteRecord``: a finished record goes with its Migration, once, and nothing else ever does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller_lab import Lab
from hosting_support import HOSTING, WAVE, MailLab, mail_lab, wave_body
from lab.hosting import Fault
from osmig.api.names import FINALIZER, Kind
from osmig.domain.errors import Absent, BackendError, NotInThisState, NotPermitted, OutcomeUnknown, Unauthorized
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from tenant_fakes import SHOP, WALDUR, replication_body, waldur_body, waldur_secret

if TYPE_CHECKING:
    from osmig.controllers.keys import Key

POLICY: dict[str, Any] = {"deletionPolicy": "DeleteRecord"}
DELETED = "2030-01-01T00:01:00Z"


async def finished(**spec: Any) -> MailLab:  # noqa: ANN401 - fields of a spec
    """A job that was ordered and has ended."""
    lab = await mail_lab()
    lab.offer(Kind.MIGRATION, wave_body(**(POLICY | spec)))
    await lab.play(seconds=5)
    lab.world.finish(lab.told["upstream"]["id"])
    await lab.play(seconds=60)
    assert lab.told["phase"] == "Succeeded"
    return lab


def delete(lab: Lab, key: Key = WAVE) -> None:
    now = f"{lab.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    lab.api.change(key, deletionTimestamp=now)
    lab.show(key)


async def leave(lab: Lab, key: Key = WAVE, *, seconds: int = 700) -> int:
    """Step a deleted object until it is gone; return after how many seconds."""
    for passed in range(0, seconds, 5):
        if key not in lab.api.objects:
            return passed
        await lab.step(key)
        lab.clock.advance(5)
    raise AssertionError("it stays")


def told(lab: Lab, reason: str) -> list[str]:
    return [note for known, note in lab.events.notes if known == reason]


async def test_the_record_of_a_finished_job_goes_with_its_migration() -> None:
    lab = await finished()
    assert lab.api.objects[WAVE]["metadata"]["finalizers"] == [FINALIZER], "put on before the order"
    delete(lab)
    await leave(lab)
    assert (lab.world.jobs, lab.world.count("DELETE")) == ({}, 1)
    assert told(lab, "RecordLeft") == []


async def test_a_migration_whose_time_is_over_takes_its_record_along() -> None:
    lab = await finished(ttlSecondsAfterFinished=3600)
    lab.clock.advance(3600)
    await lab.step(WAVE)
    assert lab.api.changes[-1] == "delete wave-1"


async def test_a_job_that_goes_on_is_left_alone() -> None:
    lab = await mail_lab()
    lab.offer(Kind.MIGRATION, wave_body(**POLICY))
    await lab.play(seconds=5)
    delete(lab)
    await leave(lab)
    assert (len(lab.world.jobs), lab.world.count("DELETE")) == (1, 0)


@pytest.mark.parametrize("change", [{"status": "running"}, {"status": "odd"}, {"can_delete": False}])
async def test_a_record_that_is_not_over_upstream_is_never_deleted(change: dict[str, Any]) -> None:
    lab = await finished()
    lab.world.jobs[lab.told["upstream"]["id"]] |= change
    delete(lab)
    await leave(lab)
    assert (len(lab.world.jobs), lab.world.count("DELETE")) == (1, 0)
    [note] = told(lab, "RecordLeft")
    assert "may not be deleted as a record" in note


@pytest.mark.parametrize("policy", ["Detach", "Abort"])
async def test_another_policy_leaves_the_record_of_what_has_ended(policy: str) -> None:
    lab = await finished(deletionPolicy=policy)
    delete(lab)
    if lab.api.objects[WAVE]["metadata"].get("finalizers"):
        await leave(lab)
    else:
        await lab.step(WAVE)
    assert (len(lab.world.jobs), lab.world.count("DELETE")) == (1, 0)


async def test_the_policy_may_come_and_go_after_the_end() -> None:
    lab = await finished(deletionPolicy="Detach")
    for policy, finalizers in (("DeleteRecord", [FINALIZER]), ("Detach", [])):
        lab.api.objects[WAVE]["spec"]["deletionPolicy"] = policy
        lab.api.change(WAVE, generation=lab.api.objects[WAVE]["metadata"].get("generation", 1) + 1)
        lab.show(WAVE)
        for _ in range(3):
            await lab.step(WAVE)
        assert lab.api.objects[WAVE]["metadata"].get("finalizers", []) == finalizers


@pytest.mark.parametrize(
    ("fault", "deletions"),
    [
        (Fault.LOST_AFTER, 1),
        (Fault.ERROR_AFTER, 1),
        (Fault.LOST_BEFORE, 2),
        (Fault.ERROR_BEFORE, 2),
        (Fault.TOO_MANY, 2),
    ],
)
async def test_an_answer_that_proves_nothing_is_looked_behind(fault: Fault, deletions: int) -> None:
    lab = await finished()
    lab.world.faults["DELETE"] = [fault]
    delete(lab)
    passed = await leave(lab)
    assert (lab.world.jobs, lab.world.count("DELETE")) == ({}, deletions)
    assert told(lab, "RecordLeft") == []
    assert passed >= 30 or fault is not Fault.TOO_MANY, "as long as the service asks for"


async def test_what_fails_for_ever_is_left_after_ten_minutes_and_a_bounded_number_of_tries() -> None:
    lab = await finished()
    lab.world.faults["DELETE"] = [Fault.ERROR_BEFORE] * 1000
    delete(lab)
    passed = await leave(lab)
    assert 590 <= passed <= 620
    assert lab.world.count("DELETE") <= 62
    [note] = told(lab, "RecordLeft")
    assert "within 600 s" in note


@pytest.mark.parametrize("is_done", [False, True], ids=["before the call", "after the call"])
async def test_a_process_that_dies_around_the_call_leaves_it_to_the_next_one(*, is_done: bool) -> None:
    lab = await finished()
    delete(lab)

    def die(request: object) -> None:
        if getattr(request, "method", "") == "DELETE":
            raise KeyboardInterrupt

    setattr(lab.way, "after" if is_done else "before", die)
    with pytest.raises(KeyboardInterrupt):
        await leave(lab)
    again = await mail_lab(lab.world, api=lab.api, holder="another")
    again.clock.elapsed = lab.clock.elapsed
    again.show(WAVE)
    await leave(again)
    assert (lab.world.jobs, lab.world.count("DELETE")) == ({}, 1)
    await lab.bury()


async def test_without_a_provider_the_object_is_let_go() -> None:
    lab = await finished()
    del lab.api.objects[HOSTING]
    lab.controllers.intake.drop(HOSTING)
    await lab.step(HOSTING)
    delete(lab)
    await leave(lab)
    [note] = told(lab, "RecordLeft")
    assert "its Provider or Secret is gone" in note


async def test_another_service_behind_the_provider_is_sent_nothing() -> None:
    lab = await finished()
    lab.api.objects[HOSTING]["spec"]["hosting"]["endpoint"] = "https://other.example.org"
    lab.api.change(HOSTING, generation=2)
    session = lab.controllers.sessions.get(HOSTING)
    assert session is not None
    assert session.probe is not None
    session.view = session.view.__class__(
        **{name: getattr(session.view, name) for name in session.view.__slots__}
        | {"endpoint": "https://other.example.org"}
    )
    delete(lab)
    await leave(lab)
    assert (len(lab.world.jobs), lab.world.count("DELETE")) == (1, 0)


# --- Waldur


async def replicated() -> Lab:
    """A replication that has ended well."""
    lab = Lab()
    lab.api.secrets["team-a", "waldur"] = waldur_secret()
    lab.offer(Kind.PROVIDER, waldur_body())
    await lab.step(WALDUR)
    lab.offer(Kind.MIGRATION, replication_body(**POLICY))
    await lab.run(seconds=5)
    lab.waldur.stage, lab.waldur.replica_stage = RunStage.OK, ReplicaStage.OK
    await lab.run(seconds=60)
    assert lab.api.status(SHOP)["phase"] == "Succeeded"
    return lab


@pytest.mark.parametrize(
    ("error", "tries", "left"),
    [
        (None, 1, ""),
        (Absent("RecordGone", "gone", operation="o"), 1, ""),
        (NotInThisState("Conflict", "it is CREATING", operation="o"), 1, "it is CREATING"),
        (NotPermitted("NotPermitted", "it may not", operation="o"), 1, "it may not"),
        (OutcomeUnknown("NoAnswer", "no answer", operation="o"), 2, ""),
        (Unauthorized("Unauthorized", "the token", operation="o"), 2, ""),
    ],
)
async def test_the_row_of_a_finished_replication_goes_with_its_migration(
    error: BackendError | None, tries: int, left: str
) -> None:
    lab = await replicated()
    run = lab.api.status(SHOP)["upstream"]["id"]
    if error is not None:
        lab.tenants[0].fail[f"delete_run {run}"] = [error]
    delete(lab, SHOP)
    await leave(lab, SHOP)
    assert lab.tenants[0].calls.count(f"delete_run {run}") == tries
    assert all(lab.tenants[0].permits)
    assert [left in note for note in told(lab, "RecordLeft")] == [True] * bool(left)
