"""Validate, adopt, suspend, retry, deletionPolicy, ttl: other ways into and out of a Migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, act, calls, is_moving, occupy, requests_about
from e2e_status import Json, condition, control, outcome
from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.nova import NovaLab


def checks(status: Json) -> dict[str, str]:
    """Return the preflight as check to result."""
    return {check["check"]: check["result"] for check in status.get("preflight", ())}


def test_validate_sends_nothing_and_execute_then_starts_the_move(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(host="cmp1"), source="cmp1", destination="cmp4", mode="Validate")
    assert outcome(move.until_finished()) == ("Succeeded", "Validated")
    assert set(checks(move.status).values()) <= {"Pass", "Skipped"}
    assert {request["method"] for request in requests_about(nova, move.server)} == {"GET"}
    assert "startTime" not in move.status
    move.edit(mode="Execute")
    move.until(lambda status: "upstream" in status, what="started")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert nova.nova.server(move.server)["OS-EXT-SRV-ATTR:host"] == "cmp4"
    assert [call.word for call in calls(nova, move.server)] == ["live-migrate"]


@pytest.mark.parametrize(
    ("source", "destination", "path"),
    [
        (None, "nowhere", "spec.placement.destinationHost"),
        ("cmp2", "cmp3", "spec.placement.sourceHost"),
    ],
)
def test_validate_names_the_field_that_cannot_work(
    tenant: Tenant, nova: NovaLab, boot: Boot, source: str | None, destination: str, path: str
) -> None:
    move = tenant.move(boot(host="cmp1"), mode="Validate", source=source, destination=destination)
    assert outcome(move.until_finished()) == ("Failed", "PreflightFailed")
    failed = [check for check in move.status["preflight"] if check["result"] == "Fail"]
    assert path in {check["path"] for check in failed}
    assert path in condition(move.status, "Succeeded")["message"]
    assert calls(nova, move.server) == []


def test_validate_says_that_the_server_is_busy_and_with_what(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(plan="hang")
    occupy(nova, server)
    move = tenant.move(server, mode="Validate")
    assert outcome(move.until_finished()) == ("Failed", "PreflightFailed")
    (record,) = nova.nova.migrations(server)
    assert str(record["id"]) in condition(move.status, "Succeeded")["message"]


def test_validate_of_an_unknown_server_fails(tenant: Tenant) -> None:
    move = tenant.move("00000000-0000-4000-8000-000000000000", mode="Validate")
    assert outcome(move.until_finished()) == ("Failed", "PreflightFailed")
    assert checks(move.status)["Server"] == "Fail"


@pytest.mark.parametrize("by", ["number", "uuid"])
def test_a_running_live_migration_is_adopted_and_takes_orders(
    tenant: Tenant, nova: NovaLab, boot: Boot, by: str
) -> None:
    server = boot(plan="hang")
    occupy(nova, server)
    (record,) = nova.nova.migrations(server)
    move = tenant.move(server, adopt={"id": str(record["id"] if by == "number" else record["uuid"])})
    status = move.until_upstream("running")
    assert (status["upstream"]["id"], status["phase"]) == (str(record["id"]), "Running")
    move.order("abort")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert [call.word for call in calls(nova, server)][:1] == ["abort"], "nothing was started"
    assert "MigrationAdopted" in {event["reason"] for event in tenant.events()}


def test_an_adopted_cold_migration_is_confirmed(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot()
    act(nova, server, "migrate")
    eventually(lambda: nova.nova.server(server)["status"] == "VERIFY_RESIZE", what="the server has arrived")
    (record,) = nova.nova.migrations(server)
    move = tenant.move_cold(server, adopt={"id": str(record["id"])})
    move.until_phase("AwaitingConfirmation")
    move.order("confirm")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, server)] == ["confirm"]


def test_an_adoption_is_refused_when_the_migration_is_over(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    first = tenant.move(boot(), name="first")
    record_id = first.until_finished()["upstream"]["id"]
    move = tenant.move(first.server, adopt={"id": record_id})
    assert outcome(move.until_finished()) == ("Failed", "AdoptRefused")
    assert "completed" in condition(move.status, "Succeeded")["message"]
    assert len(calls(nova, first.server)) == 1


def test_an_adoption_is_refused_when_the_migration_is_of_another_server(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    busy, idle = boot(plan="hang"), boot()
    occupy(nova, busy)
    (record,) = nova.nova.migrations(busy)
    move = tenant.move(idle, adopt={"id": str(record["id"])})
    assert outcome(move.until_finished()) == ("Failed", "AdoptRefused")
    assert is_moving(nova, busy)
    assert calls(nova, idle) == []


def test_an_adoption_is_refused_when_another_migration_owns_it(tenant: Tenant, boot: Boot) -> None:
    first = tenant.move(boot(plan="hang"), name="first")
    record_id = first.until_upstream("running")["upstream"]["id"]
    move = tenant.move(first.server, adopt={"id": record_id})
    assert outcome(move.until_finished()) == ("Failed", "AdoptRefused")
    assert "Migration first" in condition(move.status, "Succeeded")["message"]
    assert first.status["phase"] == "Running"


def test_a_suspended_migration_starts_when_it_is_released(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(), suspend=True)
    status = move.until_phase("Suspended")
    assert condition(status, "Reconciling")["status"] == "True"
    assert calls(nova, move.server) == []
    move.edit(suspend=False)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")


def test_a_failed_attempt_is_followed_by_another_one(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(plan="fail")
    move = tenant.move(server, retry={"limit": 2, "backoffSeconds": 2})
    status = move.until(lambda status: status.get("attempts"), what="the first attempt ended")
    assert (status["phase"], status["attempt"]) == ("Pending", 2)
    assert (status["failure"]["reason"], "nextRetryTime" in status["failure"]) == ("HypervisorFailed", True)
    nova.control.plan(server, "finish")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    attempts = move.status["attempts"]
    outcomes = [attempt["outcome"] for attempt in attempts]
    assert (outcomes[0], outcomes[-1]) == ("Failed", "Succeeded")
    assert "failure" not in move.status
    assert len(calls(nova, server, "live-migrate")) == len(attempts)


def test_attempts_end_at_their_limit(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan="fail"), retry={"limit": 1, "backoffSeconds": 1})
    assert outcome(move.until_finished()) == ("Failed", "HypervisorFailed")
    assert [attempt["number"] for attempt in move.status["attempts"]] == [1, 2]
    assert len(calls(nova, move.server, "live-migrate")) == 2


def test_an_aborted_move_is_not_tried_again_by_itself_but_by_order(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(plan="hang")
    move = tenant.move(server, retry={"limit": 3, "backoffSeconds": 1})
    move.until_upstream("running")
    move.order("abort", "true")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    nova.control.plan(server, "finish")
    move.order("retry", "1")
    move.until_control("retry", "Done")
    move.until(lambda status: status.get("attempt") == 2, what="the second attempt")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert len(calls(nova, server, "live-migrate")) == 2
    assert "TokenAlreadyUsed" in {event["reason"] for event in tenant.events()}


def test_retry_is_rejected_while_running_after_success_and_with_adopt(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(plan="hang")
    occupy(nova, server)
    (record,) = nova.nova.migrations(server)
    move = tenant.move(server, adopt={"id": str(record["id"])})
    move.until_upstream("running")
    move.order("retry", "early")
    move.until_control("retry", "Rejected")
    move.order("abort")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    move.order("retry", "late")
    move.until(lambda status: "adopted" in control(status, "retry")["message"], what="the second order was seen")
    assert control(move.status, "retry")["result"] == "Rejected"


def test_deleting_calls_the_move_off_first_with_deletion_policy_abort(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move(boot(plan="hang"), deletionPolicy="Abort")
    move.until_upstream("running")
    assert move.get()["metadata"]["finalizers"] == ["osmig.dev/abort"]
    move.delete()
    (record,) = nova.nova.migrations(move.server)
    assert record["status"] == "cancelled"


def test_deleting_reverts_a_move_that_awaits_its_confirmation_with_deletion_policy_abort(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move_cold(boot(), deletionPolicy="Abort")
    move.until_phase("AwaitingConfirmation")
    move.delete()
    (record,) = nova.nova.migrations(move.server)
    assert record["status"] == "reverted"


def test_a_move_that_cannot_be_called_off_lets_its_object_go_in_time(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan="hang,abort=ignore"), deletionPolicy="Abort")
    move.until_upstream("running")
    move.delete()
    assert is_moving(nova, move.server)


def test_a_finished_migration_and_one_that_was_detached_have_no_finalizer(tenant: Tenant, boot: Boot) -> None:
    move = tenant.move(boot(), deletionPolicy="Abort")
    move.until_finished()
    eventually(lambda: "finalizers" not in move.get()["metadata"], what="the finalizer is gone")


def test_a_namespace_goes_after_the_move_of_its_migration_is_called_off(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move(boot(plan="hang"), deletionPolicy="Abort")
    move.until_upstream("running")
    tenant.cluster.kubectl("delete", "namespace", tenant.namespace, f"--timeout={DEADLINE_S:g}s")
    assert [record["status"] for record in nova.nova.migrations(move.server)] == ["cancelled"]


def test_a_finished_migration_is_deleted_after_its_time_to_live(tenant: Tenant, boot: Boot) -> None:
    move = tenant.move(boot(), ttlSecondsAfterFinished=2)
    tenant.kubectl("wait", "--for=delete", f"--timeout={DEADLINE_S:g}s", f"migration/{move.name}")
