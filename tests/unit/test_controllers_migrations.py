"""One step of a Migration on an API server with real compare-and-swap and a cloud that records its calls."""

from __future__ import annotations

import asyncio

import pytest

from api_samples import migration_body
from controller_fakes import MIGRATION, OTHER, PROVIDER
from controller_lab import DOWN, GONE, SPEC, Lab, fail_put, lab_with
from domain_samples import REQUEST, SERVER_ID, server
from osmig.api.names import Kind
from osmig.controllers.write_ahead import RECORD_TRIES
from osmig.domain.errors import KubeUnavailable, ObjectGone, OutcomeUnknown, Refused, StaleView, Transient, Unauthorized
from osmig.drivers.servers.views import BytesView, CallLookup, CallLookupKind, ProgressView
from server_fakes import FakeBackend


def phases(lab: Lab) -> list[str]:
    return [str(status["phase"]) for _, status in lab.api.puts]


async def test_a_new_migration_is_surveyed_written_down_started_and_recorded_in_that_order() -> None:
    lab = await lab_with()
    lab.cloud.on_start = lambda: lab.cloud.calls.append(
        f"intent on record: {'pendingCall' in lab.api.status(MIGRATION)}"
    )
    await lab.step(MIGRATION)
    assert lab.cloud.calls == ["pre_start", "intent on record: True", "start"]
    status = lab.api.status(MIGRATION)
    assert "pendingCall" not in status
    assert status["upstream"]["requestID"] == REQUEST
    assert lab.cloud.permits == [True]
    assert lab.cloud.jobs[0].server_id == SERVER_ID
    assert lab.events.reasons == ["MigrationStarted"]


async def test_a_whole_move_costs_few_writes_and_ends_with_its_metrics() -> None:
    lab = await lab_with()
    await lab.step(MIGRATION)
    lab.cloud.sample = ProgressView(memory=BytesView(total=100, remaining=50))
    for word in ("accepted", "queued", "preparing", "running", "running", "completed"):
        lab.cloud.run(word)
        await lab.step(PROVIDER)
        await lab.clock.pass_by(10)
        await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["phase"] == "Succeeded"
    assert len(lab.api.puts) <= 9 + 1
    assert lab.count("osmig_migration_outcomes_total", outcome="Succeeded") == 1
    assert lab.count("osmig_duplicate_starts_total") == 0
    lab.cloud.calls.clear()
    assert await lab.step(MIGRATION) is None
    assert lab.cloud.calls == []


async def test_a_conflict_on_the_intent_never_calls() -> None:
    lab = await lab_with()
    lab.api.change(MIGRATION, labels={"by": "somebody"})
    with pytest.raises(StaleView):
        await lab.step(MIGRATION)
    assert "start" not in lab.cloud.calls
    assert lab.api.puts == []
    await lab.step(MIGRATION)
    assert lab.cloud.calls.count("start") == 1


async def test_no_answer_to_the_intent_write_never_calls_and_later_looks_first() -> None:
    lab = await lab_with()
    fail_put(lab, DOWN, after=True)
    with pytest.raises(KubeUnavailable):
        await lab.step(MIGRATION)
    with pytest.raises(StaleView):
        await lab.step(MIGRATION)
    await lab.step(MIGRATION)
    assert "start" not in lab.cloud.calls
    assert lab.cloud.calls[-1] == "find"


async def test_a_conflict_on_the_record_write_is_merged() -> None:
    lab = await lab_with()
    lab.cloud.on_start = lambda: lab.api.change(MIGRATION, labels={"by": "somebody"})
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["upstream"]["requestID"] == REQUEST
    assert lab.api.objects[MIGRATION]["metadata"]["labels"] == {"by": "somebody"}
    assert lab.count("osmig_duplicate_starts_total") == 0


@pytest.mark.parametrize("after", [False, True], ids=["not written", "written, answer lost"])
async def test_an_api_server_that_is_away_for_the_record_write_is_asked_again(*, after: bool) -> None:
    lab = await lab_with()
    lab.cloud.on_start = lambda: fail_put(lab, DOWN, after=after)
    task = asyncio.create_task(lab.step(MIGRATION))
    await lab.clock.pass_by(5)
    await task
    assert lab.cloud.calls.count("start") == 1
    assert lab.api.status(MIGRATION)["upstream"]["requestID"] == REQUEST
    assert lab.count("osmig_duplicate_starts_total") == 0


async def test_an_api_server_that_stays_away_leaves_the_intent_and_the_next_step_looks() -> None:
    lab = await lab_with()
    lab.cloud.on_start = lambda: fail_put(lab, *[DOWN] * RECORD_TRIES)
    task = asyncio.create_task(lab.step(MIGRATION))
    await lab.clock.pass_by(RECORD_TRIES * 2)
    with pytest.raises(StaleView):
        await task
    lab.cloud.found = CallLookup(kind=CallLookupKind.OURS, server=server(busy=True), request_id=REQUEST)
    await lab.step(MIGRATION)
    assert lab.cloud.calls.count("start") == 1
    assert lab.api.status(MIGRATION)["upstream"]["requestID"] == REQUEST
    assert lab.events.reasons == ["MigrationAdopted"]


async def test_a_lost_answer_is_looked_for_and_adopted() -> None:
    lab = await lab_with()
    lab.cloud.fail["start"] = [OutcomeUnknown("NoAnswer", "cut", operation="o")]
    await lab.step(MIGRATION)
    assert "pendingCall" in lab.api.status(MIGRATION)
    lab.cloud.found = CallLookup(kind=CallLookupKind.OURS, server=server(busy=True), request_id=REQUEST)
    await lab.step(MIGRATION)
    assert lab.cloud.calls == ["pre_start", "start", "find"]


async def test_a_lost_answer_without_a_trace_is_sent_again_only_after_the_grace_and_only_once() -> None:
    lab = await lab_with()
    lab.cloud.fail["start"] = [OutcomeUnknown("NoAnswer", "cut", operation="o")] * 9
    for _ in range(100):
        await lab.step(MIGRATION)
        await lab.clock.pass_by(5)
        if lab.clock.elapsed < 120:
            assert lab.cloud.calls.count("start") == 1
    assert lab.cloud.calls.count("start") == 2
    assert lab.api.status(MIGRATION)["failure"]["reason"] == "StartLost"


async def test_a_wall_clock_that_is_set_right_calls_no_healthy_move_stalled() -> None:
    lab = await lab_with()
    await lab.step(MIGRATION)
    lab.cloud.run("running")
    lab.cloud.sample = ProgressView(memory=BytesView(total=10_000, remaining=9_000))

    async def converging(seconds: float) -> str:
        await lab.clock.pass_by(seconds)
        await lab.step(MIGRATION)
        conditions = {found["type"]: found["status"] for found in lab.api.status(MIGRATION)["conditions"]}
        return str(conditions.get("Converging"))

    assert await converging(10) == "Unknown", "its record is found, and not sampled yet"
    assert await converging(5) == "True"
    lab.clock.ahead_s = 3600.0
    assert await converging(5) == "True"
    assert await converging(290) == "True"
    lab.clock.ahead_s = -3600.0
    assert await converging(5) == "False"


async def test_a_restarted_process_waits_anew_before_it_sends_again() -> None:
    lab = await lab_with()
    lab.cloud.fail["start"] = [OutcomeUnknown("NoAnswer", "cut", operation="o")]
    await lab.step(MIGRATION)
    await lab.clock.pass_by(1000)
    again = Lab(api=lab.api, cloud=lab.cloud, holder="the next one")
    again.show(PROVIDER)
    again.show(MIGRATION)
    await again.step(PROVIDER)
    for seconds in (0, 100, 19):
        await again.clock.pass_by(seconds)
        await again.step(MIGRATION)
        assert lab.cloud.calls.count("start") == 1
    await again.clock.pass_by(1)
    await again.step(MIGRATION)
    assert lab.cloud.calls.count("start") == 2
    assert lab.api.status(MIGRATION)["upstream"]["requestID"] == REQUEST


async def test_a_rival_of_another_namespace_is_not_named() -> None:
    lab = await lab_with("db-07")
    lab.cloud.service = "https://nova"
    lab.controllers.sessions.ensure(PROVIDER._replace(namespace="team-b")).backend = lab.cloud
    foreign = migration_body(spec=SPEC)
    foreign["metadata"] |= {"namespace": "team-b", "name": "private", "uid": "uid-private"}
    foreign["status"] = {"phase": "Running", "server": {"id": SERVER_ID}, "upstream": {"id": "5"}}
    lab.controllers.intake.offer(Kind.MIGRATION, foreign)

    await lab.step(MIGRATION)

    message = lab.api.status(MIGRATION)["conditions"][0]["message"]
    assert message == "a Migration of another namespace moves this server"
    assert lab.cloud.calls.count("start") == 0


async def test_a_stranger_whose_cloud_has_the_same_server_holds_nobody_up() -> None:
    lab = await lab_with("db-07")
    lab.cloud.service = "https://nova"
    lab.controllers.sessions.ensure(PROVIDER._replace(namespace="team-b")).backend = FakeBackend(service="https://fake")
    foreign = migration_body(spec=SPEC)
    foreign["metadata"] |= {"namespace": "team-b", "name": "private", "uid": "uid-private"}
    foreign["status"] = {"phase": "Running", "server": {"id": SERVER_ID}, "upstream": {"id": "5"}}
    lab.controllers.intake.offer(Kind.MIGRATION, foreign)
    await lab.step(MIGRATION)
    assert lab.cloud.calls.count("start") == 1


async def test_of_two_migrations_of_one_server_one_starts() -> None:
    lab = await lab_with("db-07", "db-08")
    await asyncio.gather(lab.step(MIGRATION), lab.step(OTHER))
    assert len(lab.cloud.jobs) == 1, "the server is reserved while the intent is on its way"
    await lab.step(OTHER)
    assert lab.cloud.calls.count("start") == 1
    assert lab.api.status(OTHER)["phase"] == "Queued"
    assert "Migration db-07 moves this server" in lab.api.status(OTHER)["conditions"][0]["message"]


async def test_two_starts_for_one_server_that_race_to_their_intents_are_kept_apart() -> None:
    lab = await lab_with("db-07", "db-08")
    lab.cloud.gate = asyncio.Event()
    first = asyncio.create_task(lab.step(MIGRATION))
    await lab.clock.pass_by()
    await lab.step(OTHER)
    assert len(lab.cloud.jobs) == 1
    lab.cloud.gate.set()
    await first
    assert lab.cloud.calls.count("start") == 1


async def test_a_start_is_not_recorded_on_another_object_of_the_same_name() -> None:
    lab = await lab_with()

    def replace_object() -> None:
        body = migration_body(spec=SPEC)
        body["metadata"]["uid"] = "another"
        lab.offer(Kind.MIGRATION, body)

    lab.cloud.on_start = replace_object
    with pytest.raises(ObjectGone):
        await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION) == {}
    assert lab.count("osmig_duplicate_starts_total") == 0


async def test_a_migration_that_is_deleted_while_its_intent_is_written_is_never_started() -> None:
    lab = await lab_with()
    lab.api.after_put.append(lambda _: lab.controllers.intake.drop(MIGRATION))
    with pytest.raises(ObjectGone):
        await lab.step(MIGRATION)
    assert "start" not in lab.cloud.calls
    assert await lab.step(MIGRATION) is None


async def test_a_migration_that_is_deleted_while_its_start_is_sent_is_no_duplicate() -> None:
    lab = await lab_with()

    def delete() -> None:
        lab.controllers.intake.remove(Kind.MIGRATION, lab.api.objects.pop(MIGRATION))

    lab.cloud.on_start = delete
    with pytest.raises(ObjectGone):
        await lab.step(MIGRATION)
    assert lab.count("osmig_duplicate_starts_total") == 0
    assert await lab.step(MIGRATION) is None
    assert lab.count("osmig_migrations") == 0


async def test_a_start_that_another_process_recorded_differently_is_counted_as_a_duplicate() -> None:
    lab = await lab_with()

    def record_another() -> None:
        body = lab.api.objects[MIGRATION]
        status = {**body["status"], "upstream": {"requestID": "req-theirs"}}
        del status["pendingCall"]
        lab.api.add(Kind.MIGRATION, body | {"status": status})

    lab.cloud.on_start = record_another
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["upstream"]["requestID"] == "req-theirs"
    assert lab.count("osmig_duplicate_starts_total") == 1
    assert "DuplicateStart" in lab.events.reasons


async def test_a_refusal_is_recorded_and_the_attempt_is_over() -> None:
    lab = await lab_with()
    lab.cloud.fail["start"] = [Refused("NoValidHost", "none", operation="o")]
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["failure"]["reason"] == "NoValidHost"
    assert phases(lab) == ["Starting", "Failed"]


async def test_a_permit_that_ran_out_is_told_to_the_backend() -> None:
    lab = await lab_with()
    lab.fence_s = 0.0
    lab.cloud.fail["start"] = [Transient("PermitExpired", "late", operation="o")]
    await lab.step(MIGRATION)
    assert lab.cloud.permits == [False]
    assert phases(lab) == ["Starting", "Pending"]


async def test_a_server_that_does_not_exist_fails_without_a_start_time() -> None:
    lab = await lab_with()
    lab.cloud.fail["pre_start"] = [GONE]
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["failure"]["reason"] == "ServerNotFound"
    assert "startTime" not in lab.api.status(MIGRATION)


async def test_refused_credentials_make_the_provider_probe_again() -> None:
    lab = await lab_with()
    lab.cloud.fail["pre_start"] = [Unauthorized("Unauthorized", "401", operation="o")]
    await lab.step(MIGRATION)
    session = lab.controllers.sessions.get(PROVIDER)
    assert session is not None
    assert session.wants_refresh
    await lab.run()
    assert lab.cloud.calls.count("probe") == 1
